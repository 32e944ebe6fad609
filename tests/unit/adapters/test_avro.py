"""What is decoded from which bytes, and what is refused: always as UndecodableRecord."""

import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from consumer.adapters.avro import AvroDecoder
from consumer.adapters.avro.schema import Schema, parse_schema
from consumer.adapters.schemas import Schemas, load_schemas, shipped_schemas
from consumer.core.errors import SchemaUnavailable, UndecodableRecord
from consumer.core.values import json_member
from tests.events import (
    ORDER_SCHEMA,
    PARTIAL_SCHEMA,
    encode,
    encode_confluent,
    encode_single_object,
    order_event,
    partial_event,
)

# Varints: what the number is, zigzag and 7 bits a byte.
ZERO, ONE, MINUS_ONE, TWO = b"\x00", b"\x02", b"\x01", b"\x04"
TEN_MILLION = b"\x80\xda\xc4\x09"
LOWEST_LONG = b"\xff" * 9 + b"\x01"
HIGHEST_LONG = b"\xfe" + b"\xff" * 8 + b"\x01"


class OneSchema:
    """A source that has one schema, whatever is asked for."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self.asked: list[object] = []

    def by_id(self, schema_id: int) -> Schema:
        self.asked.append(schema_id)
        return self._schema

    def by_fingerprint(self, fingerprint: bytes) -> Schema:
        self.asked.append(fingerprint)
        return self._schema


class NoSchema:
    def by_id(self, schema_id: int) -> Schema:
        raise SchemaUnavailable(f"nobody to ask for {schema_id}")

    def by_fingerprint(self, fingerprint: bytes) -> Schema:
        raise UndecodableRecord(f"no {fingerprint.hex()}")


def record_of(*types: Any) -> dict[str, Any]:
    """A record schema with the fields a, b, c ... of these types."""
    fields = [{"name": name, "type": of} for name, of in zip("abcdefgh", types, strict=False)]
    return {"type": "record", "name": "R", "fields": fields}


def decode(definition: Any, content: bytes) -> dict[str, Any]:
    """The fields of a record with this content, as the decoder gives them."""
    schema = parse_schema(json.dumps(definition))
    return dict(AvroDecoder(OneSchema(schema)).decode(b"\x00\x00\x00\x00\x07" + content))


def decode_field(definition: Any, content: bytes) -> Any:
    return decode(record_of(definition), content)["a"]


@pytest.fixture
def shipped() -> AvroDecoder:
    return AvroDecoder(Schemas(load_schemas(shipped_schemas())))


def test_order_in_single_object_encoding_is_decoded_with_nulls_for_what_was_not_given(shipped: AvroDecoder) -> None:
    event = order_event()

    fields = shipped.decode(encode_single_object(event, ORDER_SCHEMA))

    assert {name: value for name, value in fields.items() if name in event and name != "items"} == {
        name: value for name, value in event.items() if name != "items"
    }
    assert fields["items"][0]["crmId"] == "12"
    assert fields["shipCity"] is None


def test_fields_come_in_the_order_of_the_schema(shipped: AvroDecoder) -> None:
    fields = shipped.decode(encode_single_object(order_event(), ORDER_SCHEMA))

    assert list(fields) == [field["name"] for field in ORDER_SCHEMA["fields"]]


@pytest.mark.parametrize("total", [279, 279.5, "279.00", None])
def test_total_of_a_partial_keeps_its_type(shipped: AvroDecoder, total: object) -> None:
    fields = shipped.decode(encode_single_object(partial_event(orderTotal=total), PARTIAL_SCHEMA))

    assert fields["orderTotal"] == total
    assert type(fields["orderTotal"]) is type(total)


@pytest.mark.parametrize("schema_id", [0, 1, 258, 2**31, 2**32 - 1])
def test_confluent_framing_asks_for_the_unsigned_id_once(schema_id: int) -> None:
    source = OneSchema(parse_schema(json.dumps(ORDER_SCHEMA)))
    decoder = AvroDecoder(source)
    record = encode_confluent(order_event(), ORDER_SCHEMA, schema_id)

    first, second = decoder.decode(record), decoder.decode(record)

    assert first == second
    assert first["orderId"] == 1001
    assert source.asked == [schema_id]


def test_single_object_record_of_another_implementation_is_decoded() -> None:
    schema = {
        "type": "record",
        "namespace": "org.apache.avro",
        "name": "TestMessage",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "name", "type": "string"},
            {"name": "tags", "type": {"type": "array", "items": "string"}},
        ],
    }
    content = b"\x54\x08Bill\x04\x12dog_lover\x12cat_hater\x00"

    fields = AvroDecoder(Schemas([parse_schema(json.dumps(schema))])).decode(
        bytes.fromhex("c301a92de1f8a242f53d") + content
    )

    assert fields == {"id": 42, "name": "Bill", "tags": ["dog_lover", "cat_hater"]}


@pytest.mark.parametrize(
    ("value", "what"),
    [
        (b"", "empty"),
        (b"\x00", "middle of its framing"),
        (b"\x00\x00\x00\x01", "middle of its framing"),
        (b"\xc3", "middle of its framing"),
        (b"\xc3\x01\x00\x00\x00\x00\x00\x00\x00", "middle of its framing"),
        (b"\x01" + bytes(16) + b"\x02", "GUID"),
        (b"Obj\x01\x02\x16avro.schema", "Avro file"),
        (b'{"orderId": 7}', "JSON or other text"),
        (b"\xc3\x02" + bytes(20), "begins with c3 02"),
        (b"\x02\x00", "begins with 02 00"),
    ],
)
def test_other_framings_are_refused_by_name(value: bytes, what: str) -> None:
    with pytest.raises(UndecodableRecord, match=what):
        AvroDecoder(NoSchema()).decode(value)


def test_fingerprint_of_no_known_schema_is_refused(shipped: AvroDecoder) -> None:
    with pytest.raises(UndecodableRecord, match="fingerprint 0102030405060708"):
        shipped.decode(b"\xc3\x01\x01\x02\x03\x04\x05\x06\x07\x08\x00")


def test_id_is_refused_without_a_registry(shipped: AvroDecoder) -> None:
    with pytest.raises(UndecodableRecord, match=r"id 7, and no schemas\.registry_url"):
        shipped.decode(b"\x00\x00\x00\x00\x07\x00")


def test_unavailable_registry_is_no_refusal_and_is_asked_again() -> None:
    decoder = AvroDecoder(NoSchema())

    for _ in range(2):
        with pytest.raises(SchemaUnavailable):
            decoder.decode(b"\x00\x00\x00\x00\x07\x00")


DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 5, "scale": 2}
FIXED_DECIMAL = {"type": "fixed", "name": "F", "size": 3, "logicalType": "decimal", "precision": 5, "scale": 2}
FIXED_UUID = {"type": "fixed", "name": "F", "size": 16, "logicalType": "uuid"}
SOME_UUID = UUID("12345678-1234-4234-8234-1234567890ab")
ENUM = {"type": "enum", "name": "E", "symbols": ["ONE", "TWO"]}


def logical(plain: str, name: str) -> dict[str, str]:
    return {"type": plain, "logicalType": name}


@pytest.mark.parametrize(
    ("definition", "content", "value"),
    [
        ("int", MINUS_ONE, -1),
        ("int", b"\xff\xff\xff\xff\x0f", -(2**31)),
        ("int", b"\xfe\xff\xff\xff\x0f", 2**31 - 1),
        ("long", LOWEST_LONG, -(2**63)),
        ("long", HIGHEST_LONG, 2**63 - 1),
        ("long", b"\x80\x00", 0),  # longer than it has to be, which the format does not forbid
        ("boolean", b"\x01", True),
        ("boolean", b"\x00", False),
        ("float", b"\x00\x00\xc0\x3f", 1.5),
        ("double", b"\x00\x00\x00\x00\x00\x00\xf8\x3f", 1.5),
        ("bytes", b"\x04\xff\x00", b"\xff\x00"),
        ("string", "\x04ö".encode(), "ö"),
        (ENUM, ONE, "TWO"),
        ({"type": "fixed", "name": "F", "size": 2}, b"ab", b"ab"),
        (["string", "null"], ONE, None),
        (["null", "bytes"], b"\x02\x02\xff", b"\xff"),
        (["null", {"type": "string", "avro.java.string": "String"}], b"\x02\x02x", "x"),
        (["null", logical("string", "uuid")], b"\x02\x48" + str(SOME_UUID).encode(), str(SOME_UUID)),
        (["null", "string"], b"\x02\x80\x01" + b"x" * 64, "x" * 64),
        (["null", ENUM, "long"], b"\x04\x02", 1),
        ({"type": "array", "items": "int"}, b"\x02\x0e\x02\x10\x00", [7, 8]),
        ({"type": "array", "items": "int"}, b"\x03\x04\x0e\x10\x00", [7, 8]),  # a block that says its size
        ({"type": "map", "values": "int"}, b"\x02\x02k\x0e\x00", {"k": 7}),
        ({"type": "map", "values": "int"}, b"\x01\x06\x02k\x0e\x00", {"k": 7}),
        (logical("int", "date"), b"\xc2\xc0\x02", date(2026, 3, 1)),
        (logical("int", "time-millis"), b"\xd0\x0f", time(0, 0, 1)),
        (logical("long", "time-micros"), b"\x80\x89\x7a", time(0, 0, 1)),
        (logical("long", "timestamp-millis"), b"\xd0\x0f", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        (logical("long", "timestamp-micros"), b"\x80\x89\x7a", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        (logical("long", "timestamp-nanos"), b"\x80\xa8\xd6\xb9\x07", datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)),
        (logical("long", "local-timestamp-millis"), b"\xd0\x0f", datetime(1970, 1, 1, 0, 0, 1)),  # noqa: DTZ001
        (DECIMAL, b"\x04\x4d\xbc", Decimal("199.00")),
        (DECIMAL, b"\x00", Decimal("0.00")),
        (FIXED_DECIMAL, b"\xff\xff\xff", Decimal("-0.01")),
        (logical("bytes", "decimal"), b"\x02\x07", b"\x07"),  # without a precision it is bytes
        ({**DECIMAL, "precision": 100_000}, b"\x02\x07", b"\x07"),  # nor can anybody mean so many digits
        ({**FIXED_UUID, "size": 2}, b"ab", b"ab"),
        (logical("string", "uuid"), b"\x48" + str(SOME_UUID).encode(), str(SOME_UUID)),
        (logical("string", "uuid"), b"\x48" + str(SOME_UUID).upper().encode(), str(SOME_UUID).upper()),
        (logical("string", "uuid"), b"\x06n/a", "n/a"),  # it is sent as the CRM wrote it, as any text
        (FIXED_UUID, SOME_UUID.bytes, SOME_UUID),
        (logical("long", "time-millis"), ONE, 1),  # a logical type of another plain type says nothing
    ],
)
def test_value_is_decoded_as_its_type(definition: Any, content: bytes, value: object) -> None:
    decoded = decode_field(definition, content)

    assert decoded == value
    assert str(decoded) == str(value)
    assert type(decoded) is type(value)


@pytest.mark.parametrize(
    ("definition", "content", "what"),
    [
        ("boolean", b"\x07", "boolean is 0 or 1, not 7"),
        ("boolean", b"", "middle of a value"),
        ("int", b"\xff" * 5, "middle of a value"),
        ("int", b"\x80\x80\x80\x80\x10", "32 bits"),
        ("int", b"\x80\x80\x80\x80\x80\x00", "32 bits"),
        ("long", b"\xff" * 10, "64 bits"),
        ("long", b"\xff" * 9 + b"\x02", "64 bits"),
        ("long", b"\x80" * 10 + b"\x00", "64 bits"),
        ("long", b"\x80", "middle of a value"),
        ("float", b"\x00\x00\x00", "middle of a value"),
        ("double", b"\x00" * 7, "middle of a value"),
        ("bytes", MINUS_ONE, "negative length"),
        ("bytes", LOWEST_LONG, "negative length"),
        ("bytes", HIGHEST_LONG, "middle of a value"),
        ("bytes", TEN_MILLION + b"x", "middle of a value"),
        ("string", MINUS_ONE, "negative length"),
        ("string", HIGHEST_LONG, "middle of a value"),
        ("string", b"\x02\xff", "not UTF-8"),
        ("string", b"\x06\xed\xa0\x80", "not UTF-8"),  # half of a surrogate pair
        ("string", b"\x04\xc0\x80", "not UTF-8"),  # NUL in two bytes
        (["null", "string"], b"\x02\x02\xff", "not UTF-8"),
        (["null", "string"], b"\x02\x01", "negative length"),
        (["null", "string"], MINUS_ONE, "no branch -1"),
        (["null", "string"], TWO, "no branch 2"),
        (["string", "null"], b"\x03", "no branch -2"),
        (["null", "long"], b"\x80", "middle of a value"),
        (ENUM, MINUS_ONE, "no symbol -1"),
        (ENUM, TWO, "no symbol 2"),
        (ENUM, b"\x80\x80\x80\x80\x20", "32 bits"),
        ({"type": "fixed", "name": "F", "size": 2}, b"a", "middle of a value"),
        ({"type": "array", "items": "int"}, b"\x02\x0e", "middle of a value"),
        ({"type": "array", "items": "int"}, b"\x03\x06\x0e\x10\x00", "block does not have the size"),
        ({"type": "array", "items": "int"}, b"\x03\x01\x0e\x10\x00", "block does not have the size"),
        ({"type": "array", "items": "int"}, LOWEST_LONG + ZERO, "more than 250000 values"),
        ({"type": "array", "items": "null"}, TEN_MILLION + ZERO, "more than 250000 values"),
        ({"type": "map", "values": "int"}, b"\x02\x01\x0e\x00", "negative length"),
        ({"type": "map", "values": "int"}, HIGHEST_LONG, "more than 250000 values"),
        (logical("int", "date"), b"\xfe\xff\xff\xff\x0f", "out of range"),
        (logical("int", "time-millis"), MINUS_ONE, "out of range"),
        (logical("int", "time-millis"), b"\x80\xb0\xb4\x52", "out of range"),
        (logical("long", "timestamp-millis"), HIGHEST_LONG, "out of range"),
        (logical("long", "timestamp-millis"), LOWEST_LONG, "out of range"),
        (logical("long", "timestamp-millis"), b"\x80\xf0\xfe\xa1\xfa\x9d\x73", "out of range"),  # the year 10000
        (DECIMAL, b"\x06\x01\x86\xa0", "more than 5 digits"),
        ("int", ONE + b"\x00", "1 bytes are left over"),
    ],
)
def test_what_the_format_forbids_is_refused(definition: Any, content: bytes, what: str) -> None:
    with pytest.raises(UndecodableRecord, match=what):
        decode_field(definition, content)


def test_schema_of_something_else_than_a_record_is_refused() -> None:
    with pytest.raises(UndecodableRecord, match="not one of a record"):
        decode("string", b"\x02x")


def test_either_record_of_a_union_is_decoded() -> None:
    union = [{**record_of("int"), "name": "One"}, {**record_of("string"), "name": "Two"}]

    assert decode(union, b"\x02\x02x") == {"a": "x"}


NODE = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "next", "type": ["null", "Node"]}, {"name": "all", "type": {"type": "array", "items": "Node"}}],
}


def nested(levels: int) -> bytes:
    """A node inside a node, and so on."""
    return b"\x02" * levels + b"\x00" + b"\x00" * (levels + 1)


def test_recursive_record_is_decoded_to_64_levels() -> None:
    fields = decode(NODE, nested(64))

    levels = 0
    while fields["next"] is not None:
        fields, levels = fields["next"], levels + 1
    assert levels == 64


@pytest.mark.parametrize("levels", [65, 1_000, 100_000])
def test_recursive_record_is_refused_where_it_is_nested_deeper(levels: int) -> None:
    with pytest.raises(UndecodableRecord, match="nested more than 64 deep"):
        decode(NODE, nested(levels))


def records_inside(count: int) -> Any:
    """Records inside records, the last of which holds the first or nothing."""
    level: Any = ["null", "R0"]
    for depth in reversed(range(count)):
        level = {"type": "record", "name": f"R{depth}", "fields": [{"name": "a", "type": level}]}
    return level


def test_recursive_record_of_many_levels_each_is_refused_before_the_stack_ends() -> None:
    with pytest.raises(UndecodableRecord, match="the record is nested too deep"):
        decode(records_inside(25), b"\x02" * 63 + b"\x00")


def test_deepest_record_that_is_decoded_can_be_sent() -> None:
    definition = records_inside(62)  # the union and the name in it are levels, too

    fields = decode(definition, b"\x02" * 5 + b"\x00")

    assert json_member(fields, UTC).count("{") == 6 * 62
    with pytest.raises(UndecodableRecord, match="the record is nested too deep"):
        decode(definition, b"\x02" * 6 + b"\x00")


def bomb_of_names(count: int) -> tuple[Any, bytes]:
    """Each record holds a list of the one before, which it names: shallow as a text, and not as a value."""
    nodes = [
        record_of({"type": "array", "items": f"R{n - 1}" if n else "null"}) | {"name": f"R{n}"} for n in range(count)
    ]
    fields = [{"name": f"f{n}", "type": ["null", node]} for n, node in enumerate(nodes)]
    definition = {"type": "record", "name": "Top", "fields": [*fields, {"name": "last", "type": f"R{count - 1}"}]}
    return definition, bytes(count) + b"\x02" * (count - 1) + bytes(count)


@pytest.mark.parametrize("count", [32, 1_000, 30_000])
def test_what_is_nested_by_names_is_refused_where_it_is_too_deep(count: int) -> None:
    assert len(decode(*bomb_of_names(30))["last"]["a"]) == 1

    with pytest.raises(UndecodableRecord, match="refused: it is nested more than 64 deep"):
        decode(*bomb_of_names(count))


def test_refused_depth_does_not_count_against_the_next_record() -> None:
    decoder = AvroDecoder(OneSchema(parse_schema(json.dumps(NODE))))
    framing = b"\x00\x00\x00\x00\x07"
    with pytest.raises(UndecodableRecord):
        decoder.decode(framing + nested(1_000))

    assert decoder.decode(framing + nested(64))["all"] == []


def bomb_of_nested_arrays() -> tuple[Any, bytes]:
    inner = {"type": "array", "items": {"type": "array", "items": "null"}}
    return record_of(inner), b"\xfe\xff\x01" + (b"\xfe\x01\x00" * 200_000)


def bomb_of_small_records() -> tuple[Any, bytes]:
    one = {"type": "record", "name": "One", "fields": [{"name": "x", "type": ["null", "long"]}]}
    return record_of({"type": "array", "items": one}), b"\x80\x89\x7a" + bytes(1_000_000)


def bomb_of_wide_records() -> tuple[Any, bytes]:
    fields = [{"name": f"f{index}", "type": "null"} for index in range(1_000)]
    return record_of({"type": "array", "items": {"type": "record", "name": "W", "fields": fields}}), TEN_MILLION


def bomb_of_maps() -> tuple[Any, bytes]:
    return record_of({"type": "array", "items": {"type": "map", "values": "null"}}), b"\x80\x89\x7a" + bytes(1_000_000)


def bomb_of_a_tree() -> tuple[Any, bytes]:
    return NODE, b"\x00\x80\x89\x7a" + bytes(2_000_000)


def bomb_of_empty_fixed() -> tuple[Any, bytes]:
    return record_of({"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}), HIGHEST_LONG


@pytest.mark.parametrize(
    "bomb",
    [
        bomb_of_nested_arrays,
        bomb_of_small_records,
        bomb_of_wide_records,
        bomb_of_maps,
        bomb_of_a_tree,
        bomb_of_empty_fixed,
    ],
)
def test_few_bytes_do_not_become_much_memory(bomb: Callable[[], tuple[Any, bytes]]) -> None:
    definition, content = bomb()
    tracemalloc.start()
    try:
        with pytest.raises(UndecodableRecord):
            decode(definition, content)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 64_000_000


def test_schema_whose_names_multiply_into_a_huge_record_is_refused() -> None:
    level: Any = "null"
    for depth in range(20):
        twice = [{"name": "l", "type": level}, {"name": "r", "type": f"L{depth - 1}" if depth else "null"}]
        level = {"type": "record", "name": f"L{depth}", "fields": twice}

    with pytest.raises(UndecodableRecord, match="refused: its records hold more than 250000 values"):
        decode(level, b"")


def test_schema_that_is_nested_too_deep_is_refused() -> None:
    level: Any = "int"
    for _ in range(100):
        level = {"type": "array", "items": level}

    with pytest.raises(UndecodableRecord, match="refused: it is nested more than 64 deep"):
        decode(record_of(level), b"\x00")


HOSTILE = """
import resource
from tests.unit.adapters.test_avro import *
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
bombs = [bomb_of_nested_arrays(), bomb_of_small_records(), bomb_of_wide_records(), bomb_of_maps(), bomb_of_a_tree()]
deep = [(NODE, nested(1_000_000)), (NODE, bytes([0, 2]) * 1_000_000), bomb_of_names(100_000)]
for definition, content in [*deep, *bombs]:
    try:
        decode(definition, content)
    except UndecodableRecord as error:
        print(error)
"""


def test_process_outlives_records_that_kill_others() -> None:
    ended = subprocess.run([sys.executable, "-c", HOSTILE], capture_output=True, text=True, timeout=60, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(ended.stdout.splitlines()) == 8


def test_long_text_is_decoded_whole() -> None:
    text = "häuser " * 100_000

    assert decode_field("string", encode(text, "string")) == text
