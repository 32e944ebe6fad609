"""How values of an event are written: as JSON, and in a query or form. Nothing is tidied: receivers care."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from json import JSONEncoder
from json.encoder import encode_basestring
from typing import Any, Final
from uuid import UUID

from consumer.core.errors import RenderError

json_quoted: Final = encode_basestring
"""A text as JSON writes it."""

_JSON: Final = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"), check_circular=False)

# https://url.spec.whatwg.org/#application-x-www-form-urlencoded-percent-encode-set
_AS_IT_IS: Final = frozenset(b"*-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_ENCODED: Final = {byte: chr(byte) if byte in _AS_IT_IS else f"%{byte:02X}" for byte in range(256)} | {0x20: "+"}


def form_encode(text: str) -> str:
    """One name or value in the URL Standard's `application/x-www-form-urlencoded` serializer, UTF-8."""
    if text.isalnum() and text.isascii():
        return text
    return utf8(text).decode("latin-1").translate(_ENCODED)


def utf8(text: str) -> bytes:
    """UTF-8, with U+FFFD for halves of surrogate pairs, as the URL Standard's encoder has it."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def json_text(value: Any) -> str:
    """
    Compact JSON of a value that `json_value` gave.

    Raises:
        RenderError: JSON has no NaN and no infinity.
    """
    try:
        return _JSON.encode(value)
    except (ValueError, RecursionError) as error:
        raise RenderError(f"a value cannot be written as JSON: {error}") from error


def json_member(value: Any, zone: tzinfo) -> str:
    """
    *value* as it stands in a JSON object. The common types are written without a detour: one is made for each
    mapping of each delivery.

    Raises:
        RenderError: It cannot be written as JSON.
    """
    kind = type(value)
    if kind is str:
        return json_quoted(value)
    if kind is int:
        return str(value)
    return json_text(json_value(value, zone))


def json_value(value: Any, zone: tzinfo) -> Any:
    """What stands for *value* in a JSON document."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): json_value(inner, zone) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(inner, zone) for inner in value]
    return _special_text(value, zone)


def form_text(value: Any, zone: tzinfo) -> str:
    """The text of *value* in a query or form, not yet encoded."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _plain_digits(value)
    if isinstance(value, Mapping | list | tuple):
        return json_text(json_value(value, zone))
    return _special_text(value, zone)


def _plain_digits(value: float) -> str:
    digits = Decimal(repr(value))
    if not digits.is_finite():
        raise RenderError(f"{value} is not a number that can be sent")
    return format(digits, "f")


def _local(value: datetime, zone: tzinfo) -> datetime:
    if value.tzinfo is None:
        return value
    try:
        return value.astimezone(zone)
    except OverflowError:
        return value  # "never" and "always", at the ends of the calendar, are the same in every zone


def _special_text(value: Any, zone: tzinfo) -> str:
    match value:
        case datetime():
            local = _local(value, zone)
            return f"{local:%Y-%m-%d %H:%M:%S}" if local.year >= 1000 else f"{local.isoformat(' ', 'seconds')[:19]}"
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("seconds")
        case Decimal():
            return format(value, "f")
        case bytes() | bytearray():
            return b64encode(value).decode()
        case UUID():
            return str(value)
        case _:
            raise RenderError(f"a value of type {type(value).__name__} cannot be sent")
