"""The events of the benchmark: twelve texts, ids, 286 bytes, with a schema of their own."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

from tests.broker.topics import NewRecord, Topics

TEXTS = tuple(f"text{number}" for number in range(12))
PARTITIONS = 12
EVENT_BYTES = 286
SCHEMA: Any = {
    "type": "record",
    "name": "BenchmarkEvent",
    "fields": [
        {"name": "eventId", "type": "string"},
        {"name": "orderId", "type": "long"},
        {"name": "isTestCard", "type": "boolean"},
        {"name": "occurredAt", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "customerTypes", "type": {"type": "array", "items": "string"}},
        {"name": "campaignId", "type": ["null", "long"]},
        *({"name": name, "type": ["null", "string"]} for name in TEXTS),
    ],
}
PARSED: Any = fastavro.parse_schema(SCHEMA)
_FRAME = b"\xc3\x01" + bytes.fromhex(fingerprint(to_parsing_canonical_form(SCHEMA), "CRC-64-AVRO"))
_OCCURRED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def event_bytes(number: int, *, campaign: int) -> bytes:
    """One event in single-object encoding."""
    event: dict[str, Any] = {
        "eventId": f"event-{number:09d}",
        "orderId": 10_000_000 + number,
        "isTestCard": False,
        "occurredAt": _OCCURRED_AT,
        "customerTypes": ["SALE"],
        "campaignId": campaign,
        **dict.fromkeys(TEXTS, "text of a field, x"),
    }
    out = io.BytesIO()
    fastavro.schemaless_writer(out, PARSED, event)
    return _FRAME + out.getvalue()


def write_schema(folder: Path) -> None:
    """Make the folder that `schemas.folder` names."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benchmark.avsc").write_text(json.dumps(SCHEMA))


def fill(topics: Topics, topic: str, *, count: int, campaigns: int, first: int = 0) -> None:
    """Write *count* events, the campaigns in turn; the topic is made if it is not there."""
    if topic not in topics.names():
        topics.create(topic, partitions=PARTITIONS)
    for begin in range(first, first + count, 10_000):
        numbers = range(begin, min(begin + 10_000, first + count))
        records = (
            NewRecord(key=str(10_000_000 + number), value=event_bytes(number, campaign=number % campaigns))
            for number in numbers
        )
        topics.produce(topic, records)
