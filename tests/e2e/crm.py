"""The emitter: puts events of made-up people on the source topics, as a CRM would."""

import itertools
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import fastavro

from tests.broker.topics import NewRecord, Topics
from tests.events import ORDER_SCHEMA, PARTIAL_SCHEMA, Schema, encode, encode_single_object, order_event, partial_event

Event = dict[str, Any]


class SingleObject:
    """Encodes many events of one schema without parsing it each time."""

    def __init__(self, schema: Schema, sample: Event) -> None:
        self._frame = encode_single_object(sample, schema)[:10]
        self._schema = fastavro.parse_schema(schema)

    def __call__(self, event: Event) -> bytes:
        return self._frame + encode(event, self._schema)


encode_order = SingleObject(ORDER_SCHEMA, order_event())
encode_partial = SingleObject(PARTIAL_SCHEMA, partial_event())


class Crm:
    """
    Writes to `<name>.orders` and `<name>.partials`, which it creates.

    Every send gives the Unix time at which the broker had acknowledged all of it.
    """

    def __init__(self, topics: Topics, name: str, *, partitions: int = 3) -> None:
        self._topics = topics
        self._orders = f"{name}.orders"
        self._partials = f"{name}.partials"
        self._numbers = itertools.count(1)
        for topic in (self._orders, self._partials):
            topics.create(topic, partitions=partitions)

    def order(self, **fields: Any) -> Event:
        """A sale with an order id and an event id of its own, now; not sent yet."""
        return order_event(**{**self._identity(), **fields})

    def partial(self, **fields: Any) -> Event:
        """A version of a partial, now; not sent yet."""
        return partial_event(**{**self._identity(), **fields})

    def send_orders(self, events: Iterable[Event]) -> float:
        return self._topics.produce(self._orders, (_record(event, encode_order) for event in events))

    def send_partials(self, events: Iterable[Event]) -> float:
        return self._topics.produce(self._partials, (_record(event, encode_partial) for event in events))

    def send_bytes(self, values: Sequence[bytes | None], *, key: str = "1") -> float:
        """Put raw values on the orders' topic; None is a tombstone."""
        return self._topics.produce(self._orders, [NewRecord(key=key, value=value) for value in values])

    def _identity(self) -> Event:
        number = next(self._numbers)
        return {"orderId": 1000 + number, "eventId": f"e{number}", "occurredAt": now()}


def now() -> datetime:
    return datetime.fromtimestamp(time.time(), UTC)


def _record(event: Event, encoder: SingleObject) -> NewRecord:
    return NewRecord(key=str(event["orderId"]), value=encoder(event))
