"""A CRM that emits a few made-up events, one at a time."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import fastavro
from confluent_kafka import Producer

from consumer.adapters.avro.schema import Schema, parse_schema
from consumer.adapters.schemas import shipped_schemas

ORDERS: Final = "orders"
PARTIALS: Final = "partials"
_PEOPLE: Final = (
    ("Ada", "Example"),
    ("Zoë", "O'Brien"),
    ("Grace", "Sample"),
    ("Linus", "Muster"),
    ("Noor", "Specimen"),
)


@dataclass(frozen=True, slots=True)
class Emitted:
    """What was put on a topic, in words."""

    topic: str
    order_id: int
    what: str


class Crm:
    """Emits by turns: a partial that becomes an order, a sale, a partial that stays one, a test-card order."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 0, "log_level": 0})
        self._schemas = {ORDERS: _Writer("order-event"), PARTIALS: _Writer("partial-event")}
        self._story = self._events()

    def emit(self) -> Emitted:
        """The next event of the story."""
        topic, what, fields = next(self._story)
        order_id = fields["orderId"]
        self._producer.produce(topic, self._schemas[topic].encode(fields), str(order_id))
        self._producer.flush(5)
        return Emitted(topic, order_id, what)

    def _events(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        for number in count():
            order_id = 1001 + number * 4
            first, last = _PEOPLE[number % len(_PEOPLE)]
            person = {"firstName": first, "lastName": last, "emailAddress": f"{first.lower()}@example.com"}
            name = f"{first} {last}"
            yield PARTIALS, f"{name} types in a checkout form", _event(order_id, "PARTIAL", **person)
            yield PARTIALS, "somebody leaves at the checkout", _event(order_id + 1, "PARTIAL", **person)
            yield ORDERS, f"{name} places the order after all", _event(order_id, "SALE", **person)
            yield ORDERS, "a sale", _event(order_id + 2, "SALE", **person)
            yield ORDERS, "an order with the test card", _event(order_id + 3, "SALE", isTestCard=True, **person)


class _Writer:
    """Single-object encoding of one published schema."""

    def __init__(self, name: str) -> None:
        text = (shipped_schemas() / f"{name}.avsc").read_text("utf-8")
        schema: Schema = parse_schema(text)
        self._fingerprint = schema.fingerprint
        self._schema = fastavro.parse_schema(json.loads(text))

    def encode(self, fields: dict[str, Any]) -> bytes:
        """The bytes of one event."""
        out = io.BytesIO()
        fastavro.schemaless_writer(out, self._schema, fields)
        return b"\xc3\x01" + self._fingerprint + out.getvalue()


def _event(order_id: int, code: str, **more: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "eventId": f"{order_id}-{code}-{now.timestamp():.6f}",
        "occurredAt": now,
        "isTestCard": False,
        "orderId": order_id,
        "customerTypes": [code],
        "clientOrderId": f"{order_id:010X}",
        "campaignId": 7,
        "items": [{"name": "Example tonic", "crmId": "12", "price": "19.90", "qty": "1"}],
        **more,
    }
