"""Avro schemas: parsing, the fingerprint of single-object encoding, and the names of fields."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import fastavro.schema
from fastavro.schema import SchemaParseException, UnknownType

from consumer.core.errors import ConsumerError

Definition = Any
"""A name, a union as a list, or a dict with a `type`; as fastavro parses it: all names are full names."""

PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


class InvalidSchema(ConsumerError):
    """This text is no Avro schema, or none whose records can be read safely."""


class UnknownName(InvalidSchema):
    """The schema refers to a type that neither it nor the schemas it was parsed with define."""


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """
    Attributes:
        named: Every definition that a name in *definition* may stand for, by full name.
        fingerprint: CRC-64-AVRO of the parsing canonical form, little-endian as in single-object encoding.
    """

    definition: Definition
    named: Mapping[str, Definition]
    fingerprint: bytes


def parse_schema(text: str, known: Mapping[str, Definition] | None = None) -> Schema:
    """
    Args:
        text: The JSON of a schema.
        known: Definitions of other schemas that this one may refer to, by full name.

    Raises:
        UnknownName: It refers to a name that is not known.
        InvalidSchema: It is not a schema.
    """
    named = dict(known or {})
    try:
        raw = json.loads(text, object_hook=_without_marks)
        # Defaults serve readers whose schema differs from the writer's; ours never does, so a sloppy one does no harm.
        parsed = fastavro.schema.parse_schema(raw, named, _write_hint=False, _ignore_default_error=True)
        canonical = _canonical_form(parsed, named, set())
    except UnknownType as error:
        raise UnknownName(f"it refers to a type that is not defined: {_shortened(error.name)}") from error
    except json.JSONDecodeError as error:
        raise InvalidSchema(f"it is not JSON: {error}") from error
    except SchemaParseException as error:
        raise InvalidSchema(_shortened(error)) from error
    except KeyError as error:
        raise InvalidSchema(f"an attribute is missing: {error}") from error
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        raise InvalidSchema(f"it is not a schema: {_shortened(error)}") from error
    except RecursionError as error:
        raise InvalidSchema("it is nested too deep") from error
    fingerprint = fastavro.schema.fingerprint(canonical, "CRC-64-AVRO")
    return Schema(parsed, named, bytes.fromhex(fingerprint))


def field_names(schemas: Iterable[Schema]) -> frozenset[str]:
    """
    Every name by which a field of these schemas can be found.

    Returns:
        Top-level names, dotted paths into records, `items[].name` for the fields of an array's records, and `name.*`
        for those of a map.
    """
    return frozenset(name for schema in schemas for name, _ in _fields(schema.definition, schema.named, ()))


def whole_numbers(schemas: Iterable[Schema]) -> frozenset[str]:
    """Those of `field_names` whose values are whole numbers, or null, in each of these schemas that has them."""
    names, others = set[str](), set[str]()
    for schema in schemas:
        for name, kind in _fields(schema.definition, schema.named, ()):
            branches = kind if isinstance(kind, list) else [kind]
            is_whole = all(branch in ("null", "int", "long") for branch in branches)
            (names if is_whole else others).add(name)
    return frozenset(names - others)


def _without_marks(attributes: dict[str, Any]) -> dict[str, Any]:
    """*attributes* without those by which fastavro knows what it has parsed already: a text must not claim that."""
    return {name: value for name, value in attributes.items() if not name.startswith("__")}


def _shortened(what: object) -> str:
    text = str(what)
    return text if len(text) <= 200 else f"{text[:200]}..."


def _canonical_form(node: Definition, named: Mapping[str, Definition], seen: set[str]) -> str:
    """
    The parsing canonical form, which names a type in full where it is met first.

    fastavro's own cannot follow names into other schemas.
    """
    if isinstance(node, list):
        return "[" + ",".join(_canonical_form(branch, named, seen) for branch in node) + "]"
    if isinstance(node, str):
        if node in PRIMITIVES or node in seen:
            return _json(node)
        node = named[node]
    match node["type"]:
        case "array":
            return f'{{"type":"array","items":{_canonical_form(node["items"], named, seen)}}}'
        case "map":
            return f'{{"type":"map","values":{_canonical_form(node["values"], named, seen)}}}'
        case "record" | "error" | "enum" | "fixed":
            seen.add(node["name"])
            return f'{{"name":{_name(node)},{_canonical_rest(node, named, seen)}}}'
        case primitive:
            return _json(primitive)


def _canonical_rest(node: Definition, named: Mapping[str, Definition], seen: set[str]) -> str:
    match node["type"]:
        case "enum":
            return f'"type":"enum","symbols":{_json(node["symbols"])}'
        case "fixed":
            return f'"type":"fixed","size":{int(node["size"])}'
        case _:
            fields = (
                f'{{"name":{_name(field)},"type":{_canonical_form(field["type"], named, seen)}}}'
                for field in node["fields"]
            )
            return f'"type":"record","fields":[{",".join(fields)}]'


def _name(node: Definition) -> str:
    if not isinstance(node["name"], str):
        raise TypeError("a name is not text")
    return _json(node["name"])


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _fields(
    node: Definition, named: Mapping[str, Definition], inside: tuple[str, ...]
) -> Iterator[tuple[str, Definition]]:
    """Paths below *node* with their types; *inside* holds the records around it, so that a recursive one ends."""
    if isinstance(node, list):
        for branch in node:
            yield from _fields(branch, named, inside)
        return
    if isinstance(node, str):
        node = named.get(node, {"type": node})
    if node["type"] == "array":
        yield from ((f"[]{_joint(name)}{name}", kind) for name, kind in _fields(node["items"], named, inside))
    elif node["type"] == "map":
        yield "*", node["values"]
    elif node["type"] in {"record", "error"} and node["name"] not in inside:
        for field in node["fields"]:
            yield field["name"], field["type"]
            deeper = _fields(field["type"], named, (*inside, node["name"]))
            yield from ((f"{field['name']}{_joint(name)}{name}", kind) for name, kind in deeper)


def _joint(name: str) -> str:
    return "" if name.startswith("[]") else "."
