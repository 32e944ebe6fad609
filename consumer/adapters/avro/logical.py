"""
Avro's logical types as Python values.

What a schema says wrongly (a decimal without precision) is read as its plain type, as the specification asks. A
duration has no counterpart in Python and stays bytes. A uuid that is a string stays the text that the CRM wrote: an id
that is empty or of another kind is no reason to refuse an order.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from typing import Any, Final
from uuid import UUID

from consumer.core.errors import UndecodableRecord

Convert = Callable[[Any], Any]

MAX_PRECISION: Final = 1_000
"""Digits of a decimal: turning a number of millions of them into text would take minutes."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LOCAL_EPOCH: Final = _EPOCH.replace(tzinfo=None)
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_MICROSECONDS_A_DAY: Final = 86_400_000_000


def converter(definition: Mapping[str, Any]) -> Convert | None:
    """
    What makes the logical value of the plain one; None where there is nothing to make.

    The function raises UndecodableRecord, ValueError or OverflowError for a value that the type does not allow.
    """
    plain, logical = definition["type"], definition.get("logicalType")
    if logical == "decimal" and plain in {"bytes", "fixed"}:
        return _decimal(definition.get("precision"), definition.get("scale", 0))
    if (plain, logical) == ("fixed", "uuid"):
        return _uuid_of_bytes if definition["size"] == 16 else None
    return _CONVERTERS.get((plain, logical)) if isinstance(logical, str) else None


def _decimal(precision: object, scale: object) -> Convert | None:
    if not isinstance(precision, int) or not isinstance(scale, int) or not 0 <= scale <= precision:
        return None
    if not 0 < precision <= MAX_PRECISION:
        return None
    limit = 10**precision
    context = Context(prec=precision)

    def convert(data: bytes) -> Decimal:
        unscaled = int.from_bytes(data, "big", signed=True)
        if not -limit < unscaled < limit:
            raise UndecodableRecord(f"the record holds a decimal of more than {precision} digits")
        return Decimal(unscaled).scaleb(-scale, context)

    return convert


def _uuid_of_bytes(data: bytes) -> UUID:
    return UUID(bytes=data)


def _date(days: int) -> date:
    return date.fromordinal(days + _EPOCH_DAY)


def _time_millis(milliseconds: int) -> time:
    return _time_micros(milliseconds * 1000)


def _time_micros(microseconds: int) -> time:
    if not 0 <= microseconds < _MICROSECONDS_A_DAY:
        raise ValueError("a time of day outside of the day")
    return (_LOCAL_EPOCH + timedelta(microseconds=microseconds)).time()


def _timestamp(epoch: datetime, microseconds: Callable[[int], int]) -> Convert:
    return lambda number: epoch + timedelta(microseconds=microseconds(number))


def _of_millis(number: int) -> int:
    return number * 1000


def _of_micros(number: int) -> int:
    return number


def _of_nanos(number: int) -> int:
    return number // 1000


_CONVERTERS: Final[Mapping[tuple[str, str], Convert]] = {
    ("int", "date"): _date,
    ("int", "time-millis"): _time_millis,
    ("long", "time-micros"): _time_micros,
    ("long", "timestamp-millis"): _timestamp(_EPOCH, _of_millis),
    ("long", "timestamp-micros"): _timestamp(_EPOCH, _of_micros),
    ("long", "timestamp-nanos"): _timestamp(_EPOCH, _of_nanos),
    ("long", "local-timestamp-millis"): _timestamp(_LOCAL_EPOCH, _of_millis),
    ("long", "local-timestamp-micros"): _timestamp(_LOCAL_EPOCH, _of_micros),
    ("long", "local-timestamp-nanos"): _timestamp(_LOCAL_EPOCH, _of_nanos),
}
