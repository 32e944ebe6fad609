"""An event of the CRM, and how its fields are found."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from consumer.core.customer_type import CODES, code_of
from consumer.core.errors import NoTestCardField, UndecodableRecord

Fields = Mapping[str, Any]
Getter = Callable[[Fields], Any]

_SLOT: Final = re.compile(r"product([1-9][0-9]{0,3})_(.+)")
_ITEMS: Final = "items"
_LONGEST_ID: Final = 512
"""Characters, also of a customer type: they are written beside the event, as key and header, and what the brokers
refuse as too large would be read again for ever."""

_MOST_TYPES: Final = 100
"""Customer types of one event, each of which may become a record of the event's size for each profile."""

_FALSE_WORDS: Final = frozenset({"", "0", "false", "f", "no", "n", "off", "null", "none"})


class Decoder(Protocol):
    """Turns an event's bytes into its fields."""

    def want(self, names: frozenset[str]) -> None:
        """Those of the event's own fields that are not among these may be left out from now on."""

    def decode(self, value: bytes) -> Fields:
        """
        The fields of the event.

        Raises:
            UndecodableRecord: Never an event.
            SchemaUnavailable: Ask again later.
        """


class _Absent:
    """What a getter gives when the schema has no such field: null is something else."""


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventNames:
    """
    Where an event's own data stand, as the settings' `event` section says: names or dotted paths, `items[].x` for
    each item of an array.

    Attributes:
        id: None: the CRM gives its events no ids, and the record's place in Kafka serves.
        test_card: None: the CRM has no test card.
    """

    id: str | None = "eventId"
    order_id: str = "orderId"
    customer_types: str = "customerTypes"
    test_card: str | None = "isTestCard"
    campaign: str = "campaignId"
    products: str = "items[].crmId"
    occurred_at: str = "occurredAt"

    @property
    def items(self) -> str:
        """The array that the slots `productN_x` count in: the one whose items have the products' ids."""
        array, of_items, _ = self.products.partition("[].")
        return array if of_items else _ITEMS


@dataclass(slots=True, kw_only=True)
class Event:
    """
    Not frozen, since one is made for each event on the hot path, where freezing doubles the cost.

    Attributes:
        fields: The decoded record.
        customer_types: Codes, each once, in the order of the event.
        products: Ids of the ordered products, as text.
        occurred_at_ms: Epoch milliseconds; 0 when the event does not say.
    """

    fields: Fields
    event_id: str
    order_id: str
    customer_types: tuple[str, ...]
    test_card: bool
    campaign: str | None
    products: frozenset[str]
    occurred_at_ms: int


def _dotted(path: str) -> Getter:
    names = path.split(".")

    def get(fields: Fields) -> Any:
        value: Any = fields
        for name in names:
            if not isinstance(value, Mapping) or name not in value:
                return ABSENT
            value = value[name]
        return value

    return get


def _leads_to_null(fields: Fields, path: str) -> bool:
    """Whether a dotted path ends early, in what the schema has and the event does not."""
    value: Any = fields
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
        if value is None:
            return True
    return False


def _each(path: str) -> Callable[[Fields], Sequence[Any]]:
    """A getter of every value at *path*, in which `[]` stands for each item of an array; the last may be left out."""
    here, array, rest = path.partition("[]")
    get = field_getter(here)
    inner = _each(rest.removeprefix(".")) if rest else None

    def get_all(fields: Fields) -> Sequence[Any]:
        value = get(fields)
        if isinstance(value, list | tuple):
            items = value
        elif array or value is ABSENT or value is None:
            return ()
        else:
            return (value,)
        if inner is None:
            return items
        return [found for item in items if isinstance(item, Mapping) for found in inner(item)]

    return get_all


def field_getter(name: str, *, items: str = _ITEMS) -> Getter:
    """
    A function that looks *name* up in the fields of an event and gives ABSENT where there is none.

    Args:
        name: A top-level field; or `productN_x`, x of the Nth item, also a path; or a dotted path.
        items: Name of the array that holds the items; what they do not have is looked for in `items`.
    """
    slot = _SLOT.fullmatch(name)
    if slot:
        deeper = _slot_getter(int(slot[1]) - 1, field_getter(slot[2]), field_getter(items))
        if items != _ITEMS:
            deeper = _first_of(deeper, field_getter(name))
    elif "." in name:
        deeper = _dotted(name)
    else:
        return lambda fields: fields.get(name, ABSENT)

    def get(fields: Fields) -> Any:
        return fields[name] if name in fields else deeper(fields)

    return get


def fields_of(path: str, *, items: str = _ITEMS) -> frozenset[str]:
    """The top-level fields that a getter of *path* looks at."""
    here = path.partition("[]")[0]
    first = {here.partition(".")[0]} if "." in here else set()
    if _SLOT.fullmatch(here):
        first |= {items, items.partition(".")[0], _ITEMS}
    return frozenset({here} | first)


def _first_of(get: Getter, otherwise: Getter) -> Getter:
    def get_first(fields: Fields) -> Any:
        found = get(fields)
        return otherwise(fields) if found is ABSENT else found

    return get_first


def _slot_getter(index: int, get_of_item: Getter, items_of: Getter) -> Getter:
    def get(fields: Fields) -> Any:
        items = items_of(fields)
        if not isinstance(items, list | tuple) or index >= len(items) or not isinstance(items[index], Mapping):
            return ABSENT
        return get_of_item(items[index])

    return get


def id_text(value: Any) -> str | None:
    """An id as text, the same for 7, "7" and 7.0; None where there is none."""
    if type(value) is str:
        return value or None
    if type(value) is int:
        return str(value)
    if value is None or value is ABSENT or isinstance(value, bool):
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) or None


def is_set(value: Any) -> bool:
    """
    Whether a flag is set, however a CRM spells it. Null and what is empty are not; what else is in doubt is, since a
    test-card order must never go out.
    """
    if isinstance(value, str):
        return value.strip().casefold() not in _FALSE_WORDS
    return bool(value)


def epoch_ms(value: Any) -> int:
    """Epoch milliseconds of a time, however a CRM writes it; 0 where it cannot be read."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return 0
    if isinstance(value, datetime):
        return _datetime_ms(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value) if abs(value) < 1e15 else 0
    return 0


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)


def _datetime_ms(value: datetime) -> int:
    aware = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _MILLISECOND


_CODES: Final = {code: (code,) for code in CODES}


class EventReader:
    """
    Turns decoded records into events; everything that depends on the settings alone is done once.

    Attributes:
        fields: Names of the top-level fields that it looks at.
        test_card_fields: Those that `is_test_card` looks at.
    """

    def __init__(self, names: EventNames) -> None:
        self._names = names
        paths = (getattr(names, field.name) for field in dataclass_fields(names))
        self.fields = frozenset().union(*(fields_of(path) for path in paths if path))
        self._id = field_getter(names.id) if names.id else None
        self._order_id = field_getter(names.order_id)
        self._types = _each(names.customer_types)
        self._test_card = field_getter(names.test_card) if names.test_card else None
        self.test_card_fields = fields_of(names.test_card) if names.test_card else frozenset[str]()
        self._campaign = field_getter(names.campaign)
        self._products = _each(names.products)
        self._occurred_at = field_getter(names.occurred_at)

    def read(self, fields: Fields, *, place: str, default_type: str | None = None) -> Event:
        """
        Args:
            place: `topic/partition/offset`: the event's id where the CRM gives none.
            default_type: The source's `customer_type`, for events that name none.

        Raises:
            UndecodableRecord: It has no event id or no order id, or they or its customer types are beyond all measure.
            NoTestCardField: Its schema cannot say whether the test card was used.
        """
        return Event(
            fields=fields,
            event_id=self._required(self._id, fields, self._names.id) if self._id else place,
            order_id=self._required(self._order_id, fields, self._names.order_id),
            customer_types=self._codes(fields, default_type),
            test_card=self.is_test_card(fields),
            campaign=id_text(self._campaign(fields)),
            products=frozenset(filter(None, map(id_text, self._products(fields)))),
            occurred_at_ms=epoch_ms(self._occurred_at(fields)),
        )

    def order_id(self, fields: Fields) -> str | None:
        """That of an event which may be none otherwise, if it has one."""
        text = id_text(self._order_id(fields))
        return text if text is not None and len(text) <= _LONGEST_ID else None

    def is_test_card(self, fields: Fields) -> bool:
        """
        Whether the order was paid with the CRM's test card.

        Raises:
            NoTestCardField: The schema cannot say.
        """
        if self._test_card is None:
            return False
        value = self._test_card(fields)
        if value is ABSENT and _leads_to_null(fields, self._names.test_card or ""):
            return False  # as where the flag itself is null
        if value is ABSENT:
            raise NoTestCardField(f"the event's schema has no field {self._names.test_card}")
        return is_set(value)

    def _codes(self, fields: Fields, default_type: str | None) -> tuple[str, ...]:
        values = self._types(fields)
        if len(values) == 1:  # nearly always one code
            (value,) = values
            if type(value) is str and value in _CODES:
                return _CODES[value]
        codes = dict.fromkeys(code_of(str(text)) for text in values if text is not None and str(text).strip())
        if not codes and default_type:
            return (code_of(default_type),)
        if len(codes) > _MOST_TYPES:
            raise UndecodableRecord(f"the event has {len(codes)} customer types; it can have at most {_MOST_TYPES}")
        for code in codes:
            _check_length(code, self._names.customer_types)
        return tuple(codes)

    @staticmethod
    def _required(get: Getter, fields: Fields, name: str | None) -> str:
        text = id_text(get(fields))
        if text is None:
            raise UndecodableRecord(f"the event has no {name}")
        _check_length(text, name)
        return text


def _check_length(text: str, name: str | None) -> None:
    if len(text) > _LONGEST_ID:
        raise UndecodableRecord(f"the event's {name} has {len(text)} characters; it can have at most {_LONGEST_ID}")
