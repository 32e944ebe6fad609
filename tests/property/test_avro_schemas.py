"""Laws of schemas: whatever JSON the registry or a file gives is a schema or refused in one way."""

import copy
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from consumer.adapters.avro.reader import reader_of
from consumer.adapters.avro.schema import InvalidSchema, field_names, parse_schema
from consumer.core.errors import UndecodableRecord
from tests.property.avro_schemas import EVERYTHING

Path = tuple[Any, ...]


def paths(node: Any, here: Path = ()) -> Iterator[Path]:
    """Where everything in a schema stands, the whole aside."""
    steps = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for step, inner in steps:
        yield (*here, step)
        yield from paths(inner, (*here, step))


def replaced(schema: Any, at: Path, by: Any) -> Any:
    changed = copy.deepcopy(schema)
    parent = changed
    for step in at[:-1]:
        parent = parent[step]
    parent[at[-1]] = by
    return changed


words = st.sampled_from(["int", "record", "array", "map", "fixed", "enum", "error", "union", "Everything", "Kind", "x"])
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | words,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "name", "items", "values", "fields", "size", "symbols"]), inner)
    ),
    max_leaves=5,
)


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(list(paths(EVERYTHING))), anything)
@example(("fields", 0, "name"), {})
@example(("fields", 8, "type", "size"), "4")
def test_any_json_is_a_schema_or_refused(at: Path, by: Any) -> None:
    """Found: names that are no text, on which `field_names` and `reader_of` failed (fastavro lets them through)."""
    try:
        schema = parse_schema(json.dumps(replaced(EVERYTHING, at, by)))
        read = reader_of(schema)
        names = field_names([schema])
        read(bytes(60), 0)
    except (InvalidSchema, UndecodableRecord) as refused:
        assert str(refused)  # noqa: PT017 - either is good, as long as it says why
    else:
        assert all(isinstance(name, str) for name in names)
