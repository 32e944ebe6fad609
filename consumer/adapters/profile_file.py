"""What may stand in a profile's file, and how: the model behind `postback schema profile`."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema, model_validator
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema

from consumer.adapters.postback_url import checked_url
from consumer.core.customer_type import NAMES
from consumer.validation import AtLeastOne, FullText, Section, Text, any_case

ALL: Final = "all"


def _type(value: Any) -> Any:
    kind = value.lower() if isinstance(value, str) else value
    if isinstance(kind, str) and kind != "postback":
        raise ValueError("must be `postback`: this program sends no other kind of export")
    return kind


def _customer_type(value: Any) -> Any:
    if isinstance(value, list):
        raise ValueError("must be one customer type: write one row for each")  # noqa: TRY004 - pydantic's contract
    if isinstance(value, str) and not value.strip():
        raise ValueError("must be All or a customer type such as New Sale, not empty")
    return value


def _ids(value: Any) -> frozenset[str] | None:
    """Ids as text; None for All."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be All, an id such as 7, or a list of ids such as [12, 13]")
    ids = frozenset(item.strip() for item in value)
    if {item.casefold() for item in ids} == {ALL}:
        return None
    if not ids:
        raise ValueError("is an empty list, which matches nothing: write All, an id or [12, 13]")
    if any(not item or "," in item for item in ids):
        raise ValueError("holds an id that is empty or has a comma in it: write several as [12, 13]")
    if any(item.casefold() == ALL for item in ids):
        raise ValueError("lists All beside ids: write either All or the ids")
    return ids


_NAME: Final = r"[A-Za-z0-9_-]{1,200}"


def _name(text: str) -> str:
    if re.fullmatch(_NAME, text) is None:
        raise ValueError("must consist of letters, digits, `-` and `_`, at most 200 of them, e.g. call-center")
    return text


_ID: Final = {"type": ["string", "integer"]}
Name = Annotated[str, AfterValidator(_name), WithJsonSchema({"type": ["string", "integer"], "pattern": f"^{_NAME}$"})]
CustomerType = Annotated[
    str,
    BeforeValidator(_customer_type),
    WithJsonSchema({"anyOf": [{"enum": ["All", *NAMES]}, {"type": "string", "minLength": 1}]}),
]
Ids = Annotated[
    frozenset[str] | None,
    PlainValidator(_ids),
    WithJsonSchema({"anyOf": [_ID, {"type": "array", "items": _ID, "minItems": 1}], "default": "All"}),
]
Url = Annotated[str, AfterValidator(checked_url)]


_OF_A_FIELD: Final[JsonDict] = {"required": ["field"], "not": {"required": ["static"]}}
_OF_A_TEXT: Final[JsonDict] = {
    "required": ["static"],
    "properties": {"field": {**any_case("static"), "description": "As on the CRM's screen."}},
}


def _is_the_word(field: Any) -> bool:
    return isinstance(field, str) and field.strip().casefold() == "static"


class MappingRow(Section):
    """One parameter of the request, or one header."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [_OF_A_FIELD, _OF_A_TEXT]})

    export_name: FullText = Field(
        description="The receiver's name; `header:X` makes it a header, `header:httpMethod` the method.",
        examples=["first_name"],
    )
    field: FullText | SkipJsonSchema[None] = Field(
        default=None,
        description="The CRM's field: firstName, product1_name, customerType, or a dotted path.",
        examples=["firstName"],
    )
    static: Text | SkipJsonSchema[None] = Field(
        default=None, description="A text that is always the same; ${env:NAME} and ${file:PATH} are filled in."
    )

    @model_validator(mode="before")
    @classmethod
    def _without_the_word(cls, row: Any) -> Any:
        """The CRM's screen has `Static` as the field of a static value."""
        if isinstance(row, dict) and row.get("static") is not None and _is_the_word(row.get("field")):
            return {key: value for key, value in row.items() if key != "field"}
        return row

    @model_validator(mode="after")
    def _has_one_value(self) -> "MappingRow":
        if "static" in self.model_fields_set and self.static is None:
            raise ValueError('has a `static` without a value: write `static: ""` for an empty text')
        if self.field is not None and self.static is not None:
            raise ValueError("has both `field` and `static`: keep one of them")
        if self.static is None and _is_the_word(self.field):
            raise ValueError("says `field: Static` and has no `static`: add the text")
        if self.field is None and self.static is None:
            raise ValueError("has neither `field` nor `static`: add the CRM's field, or a static text")
        return self


class RoutingRow(Section):
    """Which events go to the profile: all three columns must match."""

    customer_type: CustomerType = Field(
        description="All, or a type in any of its three spellings.", examples=["New Sale"]
    )
    campaign: Ids = Field(default=None, description="All, an id or a list of ids.")
    product: Ids = Field(default=None, description="All, an id or a list of ids; any item of the order may match.")


class Partials(Section):
    latest_only: bool = Field(
        default=True, description="Of several waiting versions of a partial only the newest is sent."
    )
    skip_converted: bool = Field(
        default=True, description="A partial whose order was placed before the run is not sent."
    )


class ProfileFile(Section):
    """An Export Profile."""

    name: Name = Field(description="Unique; letters, digits, - and _.", examples=["call-center"])
    type: Annotated[Literal["postback"], BeforeValidator(_type), WithJsonSchema(any_case("postback"))] = Field(
        default="postback", description="Kind of export."
    )
    postback_url: Url = Field(
        description="Where to send: an http(s) address; ${env:NAME} and ${file:PATH} are filled in.",
        examples=["https://example.com/partials.php"],
    )
    export_delay_minutes: float = Field(
        default=0, ge=0, le=525_600, description="Comes on top of tick_minutes; may be a fraction."
    )
    enabled: bool = Field(default=True, description="false: nothing is routed to it.")
    paused: bool = Field(default=False, description="true: routed and kept, not sent.")
    fields: tuple[MappingRow, ...] = Field(default=(), description="Parameters of the request, in this order.")
    routing: AtLeastOne[RoutingRow] = Field(
        description="An event is taken if any row matches.",
        examples=["[{customer_type: All, campaign: All, product: All}]"],
    )
    partials: Partials = Field(default=Partials(), description="Rules for partials.")
    ca_file: FullText | SkipJsonSchema[None] = Field(
        default=None, description="PEM file to check the receiver's certificate with, for a private authority."
    )
