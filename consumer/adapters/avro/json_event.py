"""
An event that a person wrote as JSON -> the values that the decoder gives for the same event in Avro.

Avro's own JSON encoding is understood, too: `{"long": 7}` for a branch of a union, bytes as text of one letter each.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import UUID

from consumer.adapters.avro.schema import PRIMITIVES, Definition, Schema
from consumer.core.event import Fields

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WHOLE: Final = frozenset({"int", "long"})
_FRACTION: Final = frozenset({"float", "double"})
_FITS: Final = 1 << 63


class _Misfit(Exception):
    """The value is none of the type; says what the type wants."""


@dataclass(frozen=True, slots=True)
class TypedEvent:
    """
    Attributes:
        fields: As the decoder gives them; what the file does not have is None, what the schema does not know is as in
            the file.
        schema: Full name of the schema's record; None: no schema has these fields.
        unknown: Top-level names that the schema does not have.
        misfits: Of values that are not what the schema says, and stay as they are: where, and what it wants.
        bent: How many numbers were taken for texts.
    """

    fields: Fields
    schema: str | None
    unknown: tuple[str, ...] = ()
    misfits: tuple[tuple[str, str], ...] = ()
    bent: int = 0


def typed_event(document: Mapping[str, Any], schemas: Iterable[Schema]) -> TypedEvent:
    """
    Take *document* for an event of the schema that fits it best.

    Args:
        document: Of a JSON parser that gives fractions as Decimal, so that `199.00` keeps its digits.
    """
    tried = [found for schema in schemas if (found := _Reader(schema).event(document)) is not None]
    best = max(tried, key=lambda event: (-len(event.unknown), -len(event.misfits), -event.bent), default=None)
    if best is None or 2 * len(best.unknown) > len(document):
        return TypedEvent({name: _plain(value) for name, value in document.items()}, None)
    return best


class _Reader:
    """Reads values by one schema; each method raises _Misfit for a value that is none of the type."""

    def __init__(self, schema: Schema) -> None:
        self._top = schema.definition
        self._named = schema.named
        self._misfits: list[tuple[str, str]] = []
        self._bent = 0

    def event(self, document: Mapping[str, Any]) -> TypedEvent | None:
        """None when the schema is not one of a record."""
        top = self._named.get(self._top, self._top) if isinstance(self._top, str) else self._top
        if not isinstance(top, Mapping) or top.get("type") not in {"record", "error"}:
            return None
        fields = self._record(top, document, "")
        unknown = tuple(name for name in document if name not in {field["name"] for field in top["fields"]})
        return TypedEvent(fields, top["name"], unknown, tuple(self._misfits), self._bent)

    def _record(self, node: Definition, value: Mapping[str, Any], path: str) -> dict[str, Any]:
        known = {
            field["name"]: self._lenient(field["type"], value.get(field["name"]), f"{path}{field['name']}")
            for field in node["fields"]
        }
        return known | {name: _plain(inner) for name, inner in value.items() if name not in known}

    def _lenient(self, node: Definition, value: Any, path: str) -> Any:
        if value is None:
            return None
        try:
            found = self._value(node, value, path)
        except _Misfit as misfit:
            self._misfits.append((path, str(misfit)))
            return _plain(value)
        self._bent += isinstance(found, str) and not isinstance(value, str | Mapping)
        return found

    def _value(self, node: Definition, value: Any, path: str) -> Any:
        if isinstance(node, list):
            return self._union(node, value, path)
        if isinstance(node, str):
            return self._named_value(node, value, path)
        match node["type"]:
            case "enum":
                return _symbol(value, node["symbols"])
            case "record" | "error" | "array" | "map":
                return self._holder(node, value, path)
            case _:
                return _scalar(node, value)

    def _named_value(self, name: str, value: Any, path: str) -> Any:
        return _scalar({"type": name}, value) if name in PRIMITIVES else self._value(self._named[name], value, path)

    def _holder(self, node: Definition, value: Any, path: str) -> Any:
        """A value that holds others."""
        if node["type"] == "array":
            items = _of_kind(value, list, "a list")
            return [self._lenient(node["items"], item, f"{path}[{at}]") for at, item in enumerate(items)]
        entries = _of_kind(value, Mapping, "keys with values")
        if node["type"] == "map":
            return {key: self._lenient(node["values"], item, f"{path}.{key}") for key, item in entries.items()}
        return self._record(node, entries, f"{path}.")

    def _union(self, branches: Sequence[Definition], value: Any, path: str) -> Any:
        """The branch whose type the value has in JSON; else the first that can make something of it."""
        wanted = [branch for branch in branches if branch != "null"]
        if isinstance(value, Mapping) and len(value) == 1:
            ((name, inner),) = value.items()
            named = next((branch for branch in wanted if name in _names_of(branch)), None)
            if named is not None:
                return self._value(named, inner, path)
        misfits = []
        for branch in sorted(wanted, key=lambda branch: not self._is_native(branch, value)):
            before = len(self._misfits)
            try:
                return self._value(branch, value, path)
            except _Misfit as misfit:
                del self._misfits[before:]
                misfits.append(str(misfit))
        raise _Misfit(" or ".join(dict.fromkeys(misfits)) or "null")

    def _is_native(self, branch: Definition, value: Any) -> bool:
        node = self._named.get(branch, {"type": branch}) if isinstance(branch, str) else branch
        kind = node["type"] if isinstance(node, Mapping) else None
        if isinstance(value, bool):
            return kind == "boolean"
        if isinstance(value, int):
            return kind in _WHOLE
        if isinstance(value, Decimal):
            return kind in _FRACTION or (isinstance(node, Mapping) and node.get("logicalType") == "decimal")
        return isinstance(value, str) and kind in {"string", "enum"}


def _names_of(branch: Definition) -> tuple[str, ...]:
    """By which Avro's JSON encoding names a branch."""
    if isinstance(branch, str):
        return branch, branch.rpartition(".")[2]
    if not isinstance(branch, Mapping):
        return ()
    name = branch.get("name")
    return (name, name.rpartition(".")[2]) if isinstance(name, str) else (str(branch["type"]),)


def _of_kind(value: Any, kind: type[Any], wanted: str) -> Any:
    if not isinstance(value, kind):
        raise _Misfit(wanted)
    return value


def _symbol(value: Any, symbols: Sequence[str]) -> str:
    if value not in symbols:
        raise _Misfit(f"one of {', '.join(symbols)}")
    return str(value)


def _scalar(node: Mapping[str, Any], value: Any) -> Any:
    kind, logical = node["type"], node.get("logicalType")
    try:
        if logical == "decimal" and kind in {"bytes", "fixed"}:
            return _decimal(value, int(node.get("scale", 0)))
        if logical == "uuid" and kind == "fixed":
            return UUID(value)
        if isinstance(logical, str) and kind in _WHOLE and (read := _TIMES.get(logical)):
            return read(value)
    except (ValueError, TypeError, ArithmeticError, AttributeError) as error:
        raise _Misfit(_WANTED.get(str(logical), str(logical))) from error
    return _primitive(kind, value)


def _primitive(kind: str, value: Any) -> Any:
    try:
        made = _PRIMITIVES[kind](value)
    except (ValueError, ArithmeticError) as error:
        raise _Misfit(_WANTED.get(kind, kind)) from error
    if made is None:
        raise _Misfit(_WANTED.get(kind, kind))
    return made


# Each gives None for what is none of the type.


def _boolean(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    return str(value)


def _whole(value: Any) -> int | None:
    if isinstance(value, str) and len(value) < 20 and str(int(value)) == value:
        return int(value)
    if isinstance(value, Decimal) and abs(value) < _FITS and value == value.to_integral_value():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _fraction(value: Any) -> float | None:
    return float(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else None


def _bytes(value: Any) -> bytes | None:
    return value.encode("latin-1") if isinstance(value, str) else None


_PRIMITIVES: Final[Mapping[str, Callable[[Any], Any]]] = {
    "null": lambda _: None,
    "boolean": _boolean,
    "string": _text,
    **dict.fromkeys(_WHOLE, _whole),
    **dict.fromkeys(_FRACTION, _fraction),
    "bytes": _bytes,
    "fixed": _bytes,
}


def _decimal(value: Any, scale: int) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise TypeError("no number")
    number = Decimal(value)
    scaled = number.quantize(Decimal(1).scaleb(-scale))
    if scaled != number:
        raise InvalidOperation("more digits than the scale has")
    return scaled


def _timestamp(value: Any) -> datetime:
    if isinstance(value, int) and not isinstance(value, bool):
        return _EPOCH + timedelta(milliseconds=value)
    at = datetime.fromisoformat(value)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _local_timestamp(value: Any) -> datetime:
    if isinstance(value, int) and not isinstance(value, bool):
        return (_EPOCH + timedelta(milliseconds=value)).replace(tzinfo=None)
    return datetime.fromisoformat(value).replace(tzinfo=None)


def _date(value: Any) -> date:
    if isinstance(value, int) and not isinstance(value, bool):
        return (_EPOCH + timedelta(milliseconds=value)).date()
    return datetime.fromisoformat(value).date()


def _time(value: Any) -> time:
    if isinstance(value, int) and not isinstance(value, bool):
        return (_EPOCH + timedelta(milliseconds=value)).time()
    return time.fromisoformat(value)


_TIMES: Final = {
    "date": _date,
    "time-millis": _time,
    "time-micros": _time,
    **{f"timestamp-{unit}": _timestamp for unit in ("millis", "micros", "nanos")},
    **{f"local-timestamp-{unit}": _local_timestamp for unit in ("millis", "micros", "nanos")},
}
_A_TIME: Final = "a time such as 2026-03-01T12:00:00Z, or epoch milliseconds"
_WANTED: Final = {
    "boolean": "true or false",
    "string": "text",
    "int": "a whole number",
    "long": "a whole number",
    "float": "a number",
    "double": "a number",
    "bytes": "text that stands for bytes",
    "fixed": "text that stands for bytes",
    "decimal": "a number with as many digits as the schema's scale, or fewer",
    **dict.fromkeys(_TIMES, _A_TIME),
    "date": "a date such as 2026-03-01",
    "time-millis": "a time of day such as 12:00:00",
    "time-micros": "a time of day such as 12:00:00",
    "uuid": "a UUID",
}


def _plain(value: Any) -> Any:
    """What a JSON parser gives by itself."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
