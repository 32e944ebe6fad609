"""Fingerprints, names and what is no schema; the folder that schemas stand in."""

import json
import struct
from pathlib import Path

import pytest

from consumer.adapters.avro import AvroDecoder
from consumer.adapters.avro.schema import InvalidSchema, UnknownName, field_names, parse_schema
from consumer.adapters.schemas import Schemas, load_schemas, shipped_schemas
from consumer.core.errors import SettingsError
from tests.events import encode_single_object, partial_event

ITEM = '{"type": "record", "name": "Item", "namespace": "crm", "fields": [{"name": "sku", "type": "string"}]}'
ORDER = """
{"type": "record", "name": "Order", "namespace": "crm", "fields": [
  {"name": "first", "type": "Item"}, {"name": "others", "type": {"type": "array", "items": "crm.Item"}}]}
"""
WHOLE_ORDER = ORDER.replace('"Item"', ITEM, 1)


@pytest.mark.parametrize(
    ("text", "fingerprint"),
    [  # numbers from the test data of Avro's Java implementation
        ('"null"', 7195948357588979594),
        ('{"type": "boolean"}', -6970731678124411036),
        ('"string"', -8142146995180207161),
        ('[ "int" , {"type":"boolean"} ]', 5392556393470105090),
        ('{"fields":[], "type":"record", "name":"foo", "doc":"foo", "aliases":["foo","bar"]}', -4824392279771201922),
        ('{"fields":[], "type":"record", "name":"a.b.foo", "namespace":"x.y"}', -4616218487480524110),
        ('{"fields":[{"type":{"type":"boolean"}, "name":"f1"}], "type":"record", "name":"foo"}', 7843277075252814651),
    ],
)
def test_fingerprint_is_that_of_other_implementations(text: str, fingerprint: int) -> None:
    assert struct.unpack("<q", parse_schema(text).fingerprint) == (fingerprint,)


def test_fingerprint_is_that_of_the_schema_written_in_one_piece() -> None:
    item = parse_schema(ITEM)

    assert parse_schema(ORDER, item.named).fingerprint == parse_schema(WHOLE_ORDER).fingerprint


def test_default_that_does_not_fit_its_type_does_no_harm() -> None:
    schema = parse_schema('{"type": "record", "name": "R", "fields": [{"name": "a", "type": "double", "default": 0}]}')

    assert field_names([schema]) == {"a"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("7", "not a schema"),
        ("null", "not a schema"),
        ("{}", "missing: 'type'"),
        ('"Order"', "not defined: Order"),
        ('{"type": "record", "fields": []}', '"name"'),
        ('{"type": "record", "name": "R", "fields": [{"name": "a"}]}', "'a' is missing 'type'"),
        ('{"type": "record", "name": "R", "fields": [{"type": "int"}]}', "missing 'name'"),
        ('{"type": "record", "name": "R", "fields": 7}', "not a schema"),
        ('{"type": "enum", "name": "E"}', "missing: 'symbols'"),
        ('{"type": "enum", "name": "E", "symbols": ["A", "A"]}', "unique"),
        ('{"type": "fixed", "name": "F", "size": "many"}', "not a schema"),
        ('{"type": "array"}', "missing: 'items'"),
        ('{"type": {"type": "string"}}', "not a schema"),
        ('{"__fastavro_parsed": true}', "missing: 'type'"),
        ("[" * 100_000, "nested too deep"),
        ('{"type":"array","items":' * 5_000 + '"int"' + "}" * 5_000, "nested too deep"),
    ],
)
def test_what_is_no_schema_is_refused_with_its_reason(text: str, what: str) -> None:
    with pytest.raises(InvalidSchema, match=what):
        parse_schema(text)


def test_name_that_is_not_known_is_told_apart() -> None:
    with pytest.raises(UnknownName, match=r"crm\.Item"):
        parse_schema(ORDER)


def test_field_names_are_dotted_into_records_arrays_and_unions() -> None:
    schema = parse_schema(
        WHOLE_ORDER.replace('"type": {"type": "array"', '"type": ["null", {"type": "array"').replace(
            '"crm.Item"}', '"crm.Item"}]'
        )
    )

    assert field_names([schema]) == {"first", "first.sku", "others", "others[].sku"}


def test_field_names_of_a_recursive_schema_end() -> None:
    node = '{"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}'

    assert field_names([parse_schema(node)]) == {"next"}


def test_shipped_schemas_hold_the_fields_that_the_contract_names() -> None:
    schemas = load_schemas(shipped_schemas())

    for schema in schemas:
        assert {"eventId", "occurredAt", "isTestCard", "orderId", "customerTypes", "items[].crmId"} <= field_names(
            [schema]
        )
    assert {schema.definition["name"] for schema in schemas} == {"crm.OrderEvent", "crm.PartialEvent"}


@pytest.mark.parametrize("name", ["order-event.avsc", "partial-event.avsc"])
def test_every_field_of_a_shipped_schema_says_what_it_is_and_may_be_missing(name: str) -> None:
    fields = json.loads((shipped_schemas() / name).read_text("utf-8"))["fields"]

    required = {field["name"] for field in fields if "default" not in field}
    assert required == {"eventId", "occurredAt", "isTestCard", "orderId"}
    assert [field["name"] for field in fields if not field["doc"]] == []
    nullable = [field for field in fields if field["name"] not in required | {"customerTypes", "items"}]
    assert all(field["default"] is None and field["type"][0] == "null" for field in nullable)


def test_folder_gives_its_schemas_in_the_order_of_the_file_names(tmp_path: Path) -> None:
    (tmp_path / "b.avsc").write_text('{"type": "record", "name": "B", "fields": []}')
    (tmp_path / "a.avsc").write_text('\ufeff{"type": "record", "name": "A", "fields": []}', "utf-8")
    (tmp_path / "settings.schema.json").write_text("not a schema of events")

    assert [schema.definition["name"] for schema in load_schemas(tmp_path)] == ["A", "B"]


def test_file_may_refer_to_the_type_of_another_one(tmp_path: Path) -> None:
    (tmp_path / "a-order.avsc").write_text(ORDER)
    (tmp_path / "b-item.avsc").write_text(ITEM)
    event = {"first": {"sku": "x"}, "others": [{"sku": "y"}]}

    decoder = AvroDecoder(Schemas(load_schemas(tmp_path)))

    assert decoder.decode(encode_single_object(event, json.loads(WHOLE_ORDER))) == event


def test_two_versions_of_one_schema_stand_side_by_side(tmp_path: Path) -> None:
    old = json.loads((shipped_schemas() / "partial-event.avsc").read_text("utf-8"))
    new = {**old, "fields": [*old["fields"], {"name": "added", "type": ["null", "string"], "default": None}]}
    for name, schema in (("old", old), ("new", new)):
        (tmp_path / f"{name}.avsc").write_text(json.dumps(schema))

    decoder = AvroDecoder(Schemas(load_schemas(tmp_path)))

    assert "added" not in decoder.decode(encode_single_object(partial_event(), old))
    assert decoder.decode(encode_single_object(partial_event(added="x"), new))["added"] == "x"


def test_broken_files_are_named_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "a.avsc").write_text("{")
    (tmp_path / "b.avsc").write_text(ORDER)
    (tmp_path / "c.avsc").write_text('{"type": "record", "name": "C", "fields": []}')
    (tmp_path / "d.avsc").write_text('{"type": "fixed", "name": "F", "size": -1}')

    with pytest.raises(SettingsError) as refused:
        load_schemas(tmp_path)

    first, second, third = refused.value.problems
    assert first.startswith(f"{tmp_path / 'a.avsc'}:1: it is not JSON")
    assert second == f"{tmp_path / 'b.avsc'}:1: it refers to a type that is not defined: crm.Item"
    assert third == f"{tmp_path / 'd.avsc'}:1: the size of F is not a number of bytes"


def test_folder_without_schemas_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"holds no \*\.avsc file"):
        load_schemas(tmp_path)


def test_folder_that_is_not_there_is_named_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere:1: there is no such folder"):
        load_schemas(tmp_path / "nowhere")


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.avsc").mkdir()

    with pytest.raises(SettingsError, match=r"a\.avsc:1: cannot be read"):
        load_schemas(tmp_path)


def test_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.avsc").write_bytes(b'"\xff"')

    with pytest.raises(SettingsError, match=r"a\.avsc:1: is not UTF-8"):
        load_schemas(tmp_path)
