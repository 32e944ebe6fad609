"""JSON Schema (draft 2020-12) of the two YAML formats, from the models that check them."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from consumer.adapters.profile_file import ProfileFile
from consumer.settings import Settings

FORMATS: Final[dict[str, type[BaseModel]]] = {"settings": Settings, "profile": ProfileFile}
_TITLES: Final = {"settings": "Settings of postback (postback.yaml)", "profile": "Export Profile of postback"}
_TEXTS: Final = {
    "integer": ("^[+-]?[0-9]+$", "must be a whole number"),
    "number": (r"^[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?$", "must be a number such as 15 or 0.5"),
    "boolean": (
        "^([Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]|[Oo][Nn]|[Oo][Ff][Ff])$",
        "must be true or false",
    ),
}
"""Numbers and flags may stand in quotes; `patternErrorMessage` is what editors say instead of the pattern."""


class _ForPeople(GenerateJsonSchema):
    """
    Without pydantic's titles, which editors show before the descriptions, and its defaults that nobody can type; and
    as lenient as the reading of the files is.
    """

    def int_schema(self, schema: Any) -> dict[str, Any]:
        return _or_text(super().int_schema(schema))

    def float_schema(self, schema: Any) -> dict[str, Any]:
        return _or_text(super().float_schema(schema))

    def bool_schema(self, schema: Any) -> dict[str, Any]:
        return _or_text(super().bool_schema(schema))

    def model_schema(self, schema: Any) -> dict[str, Any]:
        made = super().model_schema(schema)
        return made if made.get("required") else made | {"type": ["object", "null"]}

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:
        made = super().default_schema(schema)
        if made.get("default", ...) is None and not _takes_null(made):
            del made["default"]
        return made


def _or_text(schema: dict[str, Any]) -> dict[str, Any]:
    kind = schema["type"]
    pattern, message = _TEXTS[kind]
    return schema | {"type": [kind, "string"], "pattern": pattern, "patternErrorMessage": message}


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
