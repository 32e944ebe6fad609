"""Laws of the Avro reader: what any writer wrote is read, and whatever else comes is refused in one way."""

import io
import json
import tracemalloc
from typing import Any

import fastavro
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.adapters.avro import AvroDecoder
from consumer.adapters.avro.schema import parse_schema
from consumer.adapters.schemas import Schemas
from consumer.core.errors import UndecodableRecord
from tests.events import encode, encode_single_object
from tests.property.avro_schemas import EVERYTHING, everything, records

FRAMING_SIZE = 10
FIELDS: Any = EVERYTHING["fields"]
DECODER = AvroDecoder(Schemas([parse_schema(json.dumps(EVERYTHING))]))
NESTED = everything(all=[everything(kind="A", text=None)])
FRAMING = encode_single_object(NESTED, EVERYTHING)[:FRAMING_SIZE]
RECORD = encode(NESTED, EVERYTHING)

# Without `array<null>`: its blocks have two spellings of one length.
PLAIN = {**EVERYTHING, "fields": [field for field in FIELDS if field["name"] != "nothings"]}
PLAIN_DECODER = AvroDecoder(Schemas([parse_schema(json.dumps(PLAIN))]))
PLAIN_FRAMING = encode_single_object(NESTED, PLAIN)[:FRAMING_SIZE]
PLAIN_RECORD = encode(NESTED, PLAIN)
PARSED = fastavro.parse_schema(PLAIN)

TEN_MILLION = b"\x80\xda\xc4\x09"
LOWEST, HIGHEST = b"\xff" * 9 + b"\x01", b"\xfe" + b"\xff" * 8 + b"\x01"

mutations = st.lists(
    st.tuples(
        st.sampled_from(["set", "cut", "insert"]), st.integers(0, len(RECORD)), st.binary(min_size=1, max_size=4)
    ),
    min_size=1,
    max_size=4,
)


def mutated(record: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for how, at, content in changes:
        kept = record[at + len(content) :] if how in {"set", "cut"} else record[at:]
        record = record[:at] + (b"" if how == "cut" else content) + kept
    return record


def _followed_by_anything(mark: bytes) -> st.SearchStrategy[bytes]:
    return st.binary(max_size=20).map(lambda rest: mark + rest)


def decoded(content: bytes, decoder: AvroDecoder = DECODER, framing: bytes = FRAMING) -> Any:
    """The fields, or None where the record is refused; any other exception is the test's failure."""
    try:
        return decoder.decode(framing + content)
    except UndecodableRecord:
        return None


@settings(deadline=None)
@given(records())
def test_what_was_written_is_read(record: tuple[Any, dict[str, Any]]) -> None:
    """Found: `shift += 8` in read_long; branches of a union counted from 1."""
    definition, value = record
    decoder = AvroDecoder(Schemas([parse_schema(json.dumps(definition))]))

    assert decoder.decode(encode_single_object(value, definition)) == value


@settings(deadline=None)
@given(records())
def test_fingerprint_of_any_schema_is_that_of_fastavro(record: tuple[Any, dict[str, Any]]) -> None:
    """Found: logical types kept in the canonical form; fields in the order of their names."""
    definition, _ = record
    canonical = fastavro.schema.to_parsing_canonical_form(definition)

    fingerprint = parse_schema(json.dumps(definition)).fingerprint

    assert fingerprint.hex() == fastavro.schema.fingerprint(canonical, "CRC-64-AVRO")


@settings(deadline=None)
@given(records(), st.data())
def test_no_part_of_a_record_and_nothing_longer_is_a_record(
    record: tuple[Any, dict[str, Any]], data: st.DataObject
) -> None:
    """Found: `end < len(value)` instead of `!=`; without the check of the end at all."""
    definition, value = record
    decoder = AvroDecoder(Schemas([parse_schema(json.dumps(definition))]))
    whole = encode_single_object(value, definition)
    size = data.draw(st.integers(0, len(whole) - 1))

    for other in (whole[:size], whole[:-1], whole + b"\x00"):
        with pytest.raises(UndecodableRecord):
            decoder.decode(other)


def check_reading(content: bytes) -> None:
    """
    Refused, or read as fastavro reads it; and written again it is the same bytes, or fewer where a number was long.

    What we refuse is not given to fastavro, which it might kill.
    """
    fields = decoded(content, PLAIN_DECODER, PLAIN_FRAMING)
    if fields is not None:
        stream = io.BytesIO(content)
        assert repr(fastavro.schemaless_reader(stream, PARSED, None)) == repr(fields)
        again = encode(fields, PARSED)
        assert again == content or len(again) < len(content)


def test_record_with_one_wrong_byte_is_read_as_what_its_bytes_say() -> None:
    """Found: a boolean byte of 7; an enum index and a branch of -1; a negative count taken as it is."""
    for at in range(len(PLAIN_RECORD)):
        for byte in range(256):
            check_reading(PLAIN_RECORD[:at] + bytes([byte]) + PLAIN_RECORD[at + 1 :])


@settings(deadline=None, max_examples=500)
@given(mutations)
def test_damaged_record_is_read_as_what_its_bytes_say(changes: list[tuple[str, int, bytes]]) -> None:
    """Found: `number >> 1` alone in read_long."""
    check_reading(mutated(PLAIN_RECORD, changes))


def peak_memory(content: bytes) -> int:
    tracemalloc.start()
    try:
        decoded(content)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("number", [TEN_MILLION, LOWEST, HIGHEST])
def test_huge_number_anywhere_costs_little_memory(number: bytes) -> None:
    """Found: without the budget (`array<null>`); a budget that is charged after the block."""
    assert max(peak_memory(RECORD[:at] + number + RECORD[at + 1 :]) for at in range(len(RECORD))) < 16_000_000


@settings(deadline=None, max_examples=500)
@given(st.binary(max_size=400) | mutations.map(lambda changes: mutated(RECORD, changes)))
def test_any_bytes_are_a_record_or_refused_in_little_memory(content: bytes) -> None:
    """Found: ValueError not caught (dates, text); IndexError not caught."""
    assert peak_memory(content) < 16_000_000


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=9) | st.sampled_from([b"\x00", b"\x01", b"\xc3\x01"]).flatmap(_followed_by_anything))
def test_bytes_of_no_known_schema_are_refused(value: bytes) -> None:
    """Found: `_schema_of` without the check of the length, which asked for half a fingerprint."""
    with pytest.raises(UndecodableRecord, match=r"^(no schema of the folder has the fingerprint \w{16}$|the record )"):
        DECODER.decode(value)


@st.composite
def _texts_and_wanted(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], frozenset[str]]:
    """A record that is mostly nullable texts, its values, and which of them are wanted."""
    kinds = draw(st.lists(st.sampled_from(["nullable"] * 3 + ["text", "long"]), min_size=1, max_size=9))
    types = {"nullable": ["null", "string"], "text": "string", "long": "long"}
    text = st.sampled_from(["", "x", "Zoë", "plain", "a" * 63, "a" * 64, "ü" * 40])
    values = {"nullable": st.none() | text, "text": text, "long": st.integers(-(2**40), 2**40)}
    named = [(f"f{number}", kind) for number, kind in enumerate(kinds)]
    definition = {
        "type": "record",
        "name": "Some",
        "fields": [{"name": name, "type": types[kind]} for name, kind in named],
    }
    wanted = draw(st.frozensets(st.sampled_from([name for name, _ in named])))
    return definition, {name: draw(values[kind]) for name, kind in named}, wanted


@settings(deadline=None)
@given(_texts_and_wanted(), mutations)
def test_what_is_not_wanted_is_checked_as_strictly(
    some: tuple[dict[str, Any], dict[str, Any], frozenset[str]], changes: list[tuple[str, int, bytes]]
) -> None:
    """Found: texts passed over that are not UTF-8; a step too far over one of 64 bytes."""
    definition, values, wanted = some
    whole, reduced = (AvroDecoder(Schemas([parse_schema(json.dumps(definition))])) for _ in range(2))
    reduced.want(wanted)
    record = encode_single_object(values, definition)
    good = record[FRAMING_SIZE:]
    within = [(how, at % (len(good) + 1), by) for how, at, by in changes]
    for content in (good, mutated(good, within), mutated(good, [("set", within[0][1], b"\xff")])):
        everything_read, read = (decoded(content, decoder, record[:FRAMING_SIZE]) for decoder in (whole, reduced))
        if everything_read is None:
            assert read is None
        else:
            assert read is not None
            assert {name: everything_read[name] for name in wanted | read.keys()} == read


def passing_over(definition: Any, wanted: frozenset[str]) -> AvroDecoder:
    """As it reads what was read before."""
    decoder = AvroDecoder(Schemas([parse_schema(json.dumps(definition))]), checks_rest=False)
    decoder.want(wanted)
    return decoder


@settings(deadline=None)
@given(records(), st.data())
def test_what_is_passed_over_leaves_the_wanted_as_they_are(
    record: tuple[Any, dict[str, Any]], data: st.DataObject
) -> None:
    """Found: a map's values passed over without their keys; a union's branch counted from 1; a fixed of one byte."""
    definition, value = record
    wanted = data.draw(st.frozensets(st.sampled_from(sorted(value)))) if value else frozenset()

    fields = passing_over(definition, wanted).decode(encode_single_object(value, definition))

    assert fields == {name: value[name] for name in wanted}


@settings(deadline=None, max_examples=500)
@given(st.frozensets(st.sampled_from([field["name"] for field in FIELDS])), mutations)
def test_what_is_passed_over_may_be_damaged(wanted: frozenset[str], changes: list[tuple[str, int, bytes]]) -> None:
    """Found: a fixed of one byte; a double of four."""
    content = mutated(RECORD, changes)
    whole = decoded(content)
    fields = decoded(content, passing_over(EVERYTHING, wanted))
    if whole is not None:
        assert repr(fields) == repr({name: whole[name] for name in whole if name in wanted})


def test_block_that_leads_backwards_is_not_followed() -> None:
    """Found: a negative size that is believed: it leads to the block itself, for ever."""
    field = {"name": "all", "type": {"type": "array", "items": "long"}}
    definition = {"type": "record", "name": "Some", "fields": [field]}
    framing = encode_single_object({"all": []}, definition)[:FRAMING_SIZE]

    assert decoded(b"\x01\x03\x02\x00", passing_over(definition, frozenset()), framing) is None


@pytest.mark.parametrize("number", [TEN_MILLION, LOWEST, HIGHEST])
def test_huge_number_anywhere_is_passed_over_in_little_memory(number: bytes) -> None:
    """Found: without the budget (`array<null>`), ten million steps for each of a few bytes: it does not end."""
    decoder = passing_over(EVERYTHING, frozenset())
    for at in range(len(RECORD)):
        assert decoded(RECORD[:at] + number + RECORD[at + 1 :], decoder) in (None, {})
