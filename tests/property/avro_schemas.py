"""Hypothesis strategies: any Avro schema of a record, with a value that it can hold."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

Definition = Any
Pair = tuple[Definition, st.SearchStrategy[Any]]
"""A schema, and the strategy of its values."""

_INT = st.integers(-(2**31), 2**31 - 1)
_LONG = st.integers(-(2**63), 2**63 - 1)
_TEXT = st.text(max_size=80)
_FLOAT = st.floats(width=32, allow_nan=False)
_DOUBLE = st.floats(allow_nan=False)

PLAIN: list[Pair] = [
    ("null", st.none()),
    ("boolean", st.booleans()),
    ("int", _INT),
    ("long", _LONG),
    ("float", _FLOAT),
    ("double", _DOUBLE),
    ("bytes", st.binary(max_size=80)),
    ("string", _TEXT),
]

LOGICAL: list[Pair] = [
    ({"type": "int", "logicalType": "date"}, st.dates()),
    ({"type": "int", "logicalType": "time-millis"}, st.times().map(lambda at: at.replace(microsecond=0))),
    ({"type": "long", "logicalType": "time-micros"}, st.times()),
    (
        {"type": "long", "logicalType": "timestamp-millis"},
        st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)),
    ),
    ({"type": "long", "logicalType": "timestamp-micros"}, st.datetimes(timezones=st.just(UTC))),
    ({"type": "long", "logicalType": "local-timestamp-micros"}, st.datetimes()),
    ({"type": "string", "logicalType": "uuid"}, st.uuids().map(str)),
    (
        {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
        st.integers(-(10**12) + 1, 10**12 - 1).map(lambda cents: Decimal(cents).scaleb(-2)),
    ),
]

_LEAVES = st.sampled_from(PLAIN + LOGICAL)


def _array(item: Pair) -> Pair:
    return {"type": "array", "items": item[0]}, st.lists(item[1], max_size=4)


def _map(item: Pair) -> Pair:
    return {"type": "map", "values": item[0]}, st.dictionaries(_TEXT, item[1], max_size=4)


def _nullable(item: Pair) -> Pair:
    return ["null", item[0]], st.none() | item[1]


def _fixed(size: int) -> Pair:
    return {"type": "fixed", "name": "Fixed", "size": size}, st.binary(min_size=size, max_size=size)


def _enum(count: int) -> Pair:
    symbols = [f"S{index}" for index in range(count)]
    return {"type": "enum", "name": "Enum", "symbols": symbols}, st.sampled_from(symbols)


def _record(fields: list[Pair]) -> Pair:
    definition = {
        "type": "record",
        "name": "Record",
        "fields": [{"name": f"f{index}", "type": field[0]} for index, field in enumerate(fields)],
    }
    return definition, st.fixed_dictionaries({f"f{index}": field[1] for index, field in enumerate(fields)})


def _is_nullable(pair: Pair) -> bool:
    return pair[0] == "null" or isinstance(pair[0], list)


_SIMPLE = st.one_of(
    _LEAVES,
    _LEAVES.filter(lambda pair: not _is_nullable(pair)).map(_nullable),
    st.integers(0, 20).map(_fixed),
    st.integers(1, 70).map(_enum),
)
_NODES = st.recursive(
    _SIMPLE,
    lambda deeper: (
        deeper.map(_array)
        | deeper.map(_map)
        | deeper.filter(lambda pair: not _is_nullable(pair)).map(_nullable)
        | st.lists(deeper, max_size=5).map(_record)
    ),
    max_leaves=12,
)


@st.composite
def records(draw: st.DrawFn) -> tuple[Definition, dict[str, Any]]:
    """A schema and one of its values."""
    definition, values = draw(st.lists(_SIMPLE | _NODES, min_size=1, max_size=8).map(_record))
    return _with_own_names(definition, iter(range(1_000_000))), draw(values)


def _with_own_names(node: Definition, numbers: Any) -> Definition:
    """*node* with another name for every named type: each may be defined only once."""
    if isinstance(node, list):
        return [_with_own_names(branch, numbers) for branch in node]
    if isinstance(node, str):
        return node
    named = {"name": f"{node['name']}{next(numbers)}"} if "name" in node else {}
    inner = {key: _with_own_names(node[key], numbers) for key in ("items", "values") if key in node}
    if "fields" in node:
        fields = [{**field, "type": _with_own_names(field["type"], numbers)} for field in node["fields"]]
        return {**node, **named, "fields": fields}
    return {**node, **named, **inner}


EVERYTHING: Definition = {
    "type": "record",
    "name": "Everything",
    "fields": [
        {"name": "flag", "type": "boolean"},
        {"name": "number", "type": "int"},
        {"name": "long", "type": "long"},
        {"name": "double", "type": "double"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B", "C"]}},
        {"name": "text", "type": ["null", "string"]},
        {"name": "either", "type": ["string", "null", "long"]},
        {"name": "data", "type": "bytes"},
        {"name": "four", "type": {"type": "fixed", "name": "Four", "size": 4}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "texts", "type": {"type": "array", "items": "string"}},
        {"name": "flags", "type": {"type": "map", "values": "boolean"}},
        {"name": "nothings", "type": {"type": "array", "items": "null"}},
        {"name": "next", "type": ["null", "Everything"]},
        {"name": "all", "type": {"type": "array", "items": "Everything"}},
    ],
}
"""One record type with a field of every kind that bytes can be wrong for."""


def everything(**overrides: Any) -> dict[str, Any]:
    """A value of EVERYTHING."""
    return {
        "flag": True,
        "number": -7000,
        "long": 2**40,
        "double": 1.5,
        "kind": "C",
        "text": "Zoë",
        "either": 7,
        "data": b"\xff\x00",
        "four": b"four",
        "at": datetime(2026, 3, 1, tzinfo=UTC),
        "day": date(2026, 3, 1),
        "texts": ["a", "ö"],
        "flags": {"x": True, "y": False},
        "nothings": [None, None],
        "next": None,
        "all": [],
        **overrides,
    }
