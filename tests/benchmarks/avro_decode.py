"""
What reading one event costs, beside fastavro's reader: ``python -m tests.benchmarks.avro_decode``.

Prints the best of several rounds, in microseconds a record; the framing is included for ours alone.
"""

import io
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import fastavro

from consumer.adapters.avro import AvroDecoder
from consumer.adapters.avro.schema import parse_schema
from consumer.adapters.schemas import Schemas
from tests.events import ORDER_SCHEMA, PARTIAL_SCHEMA, encode_single_object, order_event, partial_event

FRAMING_SIZE = 10
ROUNDS, RECORDS = 9, 3_000


def thirty_fields() -> tuple[Any, dict[str, Any]]:
    """Twenty nullable texts, of which a third is null, numbers, flags and a time."""
    types: dict[str, Any] = {f"text{index}": ["null", "string"] for index in range(20)}
    types |= {f"number{index}": "long" for index in range(5)} | {f"flag{index}": "boolean" for index in range(3)}
    types |= {"at": {"type": "long", "logicalType": "timestamp-millis"}, "name": "string"}
    values: dict[str, Any] = {f"text{index}": f"text value {index}" if index % 3 else None for index in range(20)}
    values |= {f"number{index}": 10**index for index in range(5)} | {f"flag{index}": True for index in range(3)}
    values |= {"at": datetime(2026, 3, 1, tzinfo=UTC), "name": "Zoë"}
    fields = [{"name": name, "type": of} for name, of in types.items()]
    return {"type": "record", "name": "Thirty", "fields": fields}, values


def microseconds(call: Callable[[], object]) -> float:
    def one_round() -> float:
        began = time.perf_counter()
        for _ in range(RECORDS):
            call()
        return time.perf_counter() - began

    return min(one_round() for _ in range(ROUNDS)) / RECORDS * 1e6


def compare(name: str, definition: Any, event: dict[str, Any]) -> None:
    record = encode_single_object(event, definition)
    content = record[FRAMING_SIZE:]
    decoder = AvroDecoder(Schemas([parse_schema(json.dumps(definition))]))
    parsed = fastavro.parse_schema(definition)
    ours = microseconds(lambda: decoder.decode(record))
    theirs = microseconds(lambda: fastavro.schemaless_reader(io.BytesIO(content), parsed, None))
    print(f"{name:12} {len(record):5} bytes  ours {ours:6.1f}  fastavro {theirs:6.1f}")


def main() -> None:
    compare("order", ORDER_SCHEMA, order_event())
    compare("partial", PARTIAL_SCHEMA, partial_event())
    compare("30 fields", *thirty_fields())


if __name__ == "__main__":
    main()
