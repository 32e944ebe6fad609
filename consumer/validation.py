"""Pydantic's findings as sentences: each with its line, what is wrong, and what to do."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, TypeVar, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from consumer.core.located import Node, Path
from consumer.core.problem import Problem, did_you_mean

Text = Annotated[str, WithJsonSchema({"type": ["string", "number", "boolean"]})]
"""Any scalar, as it stands in the file: `0400` is the text 0400."""

FullText = Annotated[Text, StringConstraints(min_length=1)]


T = TypeVar("T")


def any_case(*words: str) -> dict[str, Any]:
    """JSON Schema of some words, small or capital: the first form is what editors complete."""
    pattern = "|".join("".join(f"[{letter.upper()}{letter}]" for letter in word) for word in words)
    return {"anyOf": [{"enum": list(words)}, {"type": "string", "pattern": f"^({pattern})$"}]}


def _not_empty(items: tuple[T, ...]) -> tuple[T, ...]:
    if not items:
        raise ValueError("is an empty list: write at least one item, on a line of its own after `- `")
    return items


# Not pydantic's own bound on the length: it does not count the items that are wrong in themselves.
AtLeastOne = Annotated[tuple[T, ...], AfterValidator(_not_empty), Field(json_schema_extra={"minItems": 1})]


class Section(BaseModel):
    """A mapping of a file whose keys are all known."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _empty_is_default(cls, value: Any) -> Any:
        """A section whose lines are all commented out has its defaults."""
        return {} if value is None else value


M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], node: Node) -> tuple[M | None, list[Problem]]:
    """The value that *node* describes, or every problem that it has."""
    if node.value is not None and not isinstance(node.value, Mapping):
        return None, [node.problem(f"keys are expected here, one per line as `key: value`: {_listed(model)}")]
    try:
        return model.model_validate(node.plain() or {}), []
    except ValidationError as error:
        found = [details for details in error.errors(include_url=False) if details["type"] != "none_required"]
        return None, [_problem(model, node, details) for details in found]


def _problem(model: type[BaseModel], node: Node, error: ErrorDetails) -> Problem:
    path: Path = error["loc"]
    if error["type"] == "extra_forbidden":
        return node.key_problem(_unknown_key(_model_at(model, path[:-1]), str(path[-1])), *path)
    if error["type"] == "missing":
        return node.problem(_missing_key(_field_at(model, path), path), *path)
    while path and node.get(*path) is None:  # pydantic's own name of a union's branch
        path = path[:-1]
    field = _field_at(model, path)
    sentence = _sentence(error, node.get(*path), is_optional=field is None or not field.is_required())
    return node.problem(f"{_dotted(path)}{sentence}", *path)


def _unknown_key(model: type[BaseModel] | None, key: str) -> str:
    known = list(model.model_fields) if model else []
    close = did_you_mean(key, known)
    return f"unknown key `{key}`{close or '; known here: ' + ', '.join(known)}"


def _missing_key(field: FieldInfo | None, path: Path) -> str:
    example = f", e.g. `{path[-1]}: {field.examples[0]}`" if field and field.examples else ""
    return f"{_dotted(path)}is missing: add it{example}"


_KINDS: Final = {
    "int": "must be a whole number",
    "float": "must be a number such as 15 or 0.5",
    "finite": "must be a number such as 15 or 0.5",
    "bool": "must be true or false",
    "string": "must be text",
    "list": "must be a list: each item on a line of its own after `- `, or [a, b]",
    "tuple": "must be a list: each item on a line of its own after `- `, or [a, b]",
    "dict": "must be keys with values",
    "model": "must be keys with values",
}
_BOUNDS: Final = {
    "greater_than": ("must be more than {}", "gt"),
    "greater_than_equal": ("must be at least {}", "ge"),
    "less_than_equal": ("must be at most {}", "le"),
    "string_too_short": ("must not be empty", "min_length"),
}


def _sentence(error: ErrorDetails, found: Node | None, *, is_optional: bool) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if found is not None and found.value is None:
        return f"has no value: give it one{', or remove the line' if is_optional else ''}"
    if kind == "value_error":
        return str(context["error"])
    if kind in {"literal_error", "enum"}:
        return f"must be {context['expected'].replace(chr(39), '`')}{_but_is(found)}"
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        is_empty = found is not None and found.value == ""
        return words.format(f"{context[bound]:g}") + ("" if is_empty else _but_is(found))
    return _KINDS.get(kind.partition("_")[0], error["msg"]) + _but_is(found)


def _but_is(found: Node | None) -> str:
    match found:
        case Node(value=str() as text):
            return f", not `{text[:40]}`" if text else ", not empty"
        case Node(value=Mapping()):
            return ", not keys with values"
        case Node():
            return ", not a list"
        case None:
            return ""


def _dotted(path: Path) -> str:
    """`http.timeout_seconds ` for a path, items counted from 1; nothing for the whole."""
    words = "".join(f"[{step + 1}]" if isinstance(step, int) else f".{step}" for step in path)
    return f"`{words.removeprefix('.')}` " if words else ""


def _listed(model: type[BaseModel]) -> str:
    return ", ".join(model.model_fields)


def _field_at(model: type[BaseModel], path: Path) -> FieldInfo | None:
    inner = _model_at(model, path[:-1])
    return inner.model_fields.get(str(path[-1])) if inner and path else None


def _model_at(model: type[BaseModel] | None, path: Iterable[str | int]) -> type[BaseModel] | None:
    for step in path:
        if model is None:
            return None
        if isinstance(step, str):
            field = model.model_fields.get(step)
            model = _model_in(field.annotation) if field else None
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation such as `tuple[Source, ...]` speaks of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := _model_in(inner))), None)
