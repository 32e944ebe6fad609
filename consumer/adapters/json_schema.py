"""JSON Schema (draft 2020-12) of the two YAML formats, from the models that check them."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from consumer.adapters.profile_file import ProfileFile
from consumer.settings import Settings

FORMATS: Final[dict[str, type[BaseModel]]] = {"settings": Settings, "profile": ProfileFile}
_TITLES: Final = {"settings": "Settings of postback (postback.yaml)", "profile": "Export Profile of postback"}


class _ForPeople(GenerateJsonSchema):
    """Without pydantic's titles, which editors show before the descriptions, and its defaults that nobody can type."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:
        made = super().default_schema(schema)
        if made.get("default", ...) is None and not _takes_null(made):
            del made["default"]
        return made


def _takes_null(schema: dict[str, Any]) -> bool:
    return {"type": "null"} in schema.get("anyOf", [])


def json_schema(name: str) -> dict[str, Any]:
    """
    The schema of one of `FORMATS`.

    A profile's file may hold one profile or a list of them.
    """
    body = FORMATS[name].model_json_schema(schema_generator=_ForPeople)
    definitions = body.pop("$defs", {})
    head = {"$schema": GenerateJsonSchema.schema_dialect, "title": _TITLES[name]}
    if name == "settings":
        return {**head, **{key: value for key, value in body.items() if key != "title"}, "$defs": definitions}
    one = {"$ref": "#/$defs/Profile"}
    several = {"items": one, "minItems": 1}
    # Not anyOf: editors would say of every mistake that nothing fits.
    choice = {"if": {"type": "array"}, "then": several, "else": one}
    return {**head, **choice, "$defs": {**definitions, "Profile": body}}
