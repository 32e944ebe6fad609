"""
Reads records of one schema, strictly.

A schema is turned once into a tree of small functions, one for each type, each of which takes the bytes and a
position and gives the value and the position after it. Not fastavro's reader, for two reasons that were measured: it
takes what the format forbids and dies of what is nested deep, and checking all that beforehand would cost more than
reading; and events of many nullable fields are read two to three times as fast (tests/benchmarks/avro_decode.py).
"""

from collections.abc import Callable, Collection, Mapping
from struct import error as struct_error
from typing import Any, Final

from consumer.adapters.avro import complex as compound
from consumer.adapters.avro.complex import MAX_DEPTH, MAX_VALUES, Budget, Part
from consumer.adapters.avro.logical import converter
from consumer.adapters.avro.primitive import READS, SKIPS
from consumer.adapters.avro.schema import PRIMITIVES, Definition, InvalidSchema, Schema
from consumer.core.errors import UndecodableRecord
from consumer.core.event import Fields

RecordReader = Callable[[bytes, int], Fields]

_NAMED: Final = frozenset({"record", "error", "enum", "fixed"})


def reader_of(schema: Schema, wanted: Collection[str] | None = None, *, checks_rest: bool = True) -> RecordReader:
    """
    A function that reads the record that begins at a position and ends with the bytes.

    It raises UndecodableRecord, and nothing else whatever the bytes.

    Args:
        wanted: Names of top-level fields; what is not among them may be left out. None wants all.
        checks_rest: Whether that is checked, too.

    Raises:
        InvalidSchema: No record of this schema can be read safely.
    """
    budget = Budget()
    read = _Compiler(schema.named, budget).whole(schema.definition, wanted, checks_rest=checks_rest).read

    def read_all(value: bytes, start: int) -> Fields:
        budget.renew()
        try:
            fields, end = read(value, start)
        except (IndexError, struct_error) as error:
            raise UndecodableRecord("the record ends in the middle of a value") from error
        except UnicodeDecodeError as error:
            raise UndecodableRecord("the record holds text that is not UTF-8") from error
        except (ArithmeticError, ValueError) as error:
            raise UndecodableRecord(f"the record holds a value that is out of range: {error}") from error
        except RecursionError as error:
            raise UndecodableRecord("the record is nested too deep") from error
        if end != len(value):
            raise UndecodableRecord(_wrong_end(end - len(value)))
        if not isinstance(fields, dict):
            raise UndecodableRecord("the record's schema is not one of a record")
        return fields

    return read_all


def _wrong_end(missing: int) -> str:
    if missing > 0:
        return "the record ends in the middle of a value"
    return f"{-missing} bytes are left over after the record"


class _Compiler:
    """Turns the definitions of one schema into readers; a named type once, however often it is named."""

    def __init__(self, named: Mapping[str, Definition], budget: Budget) -> None:
        self._named = named
        self._budget = budget
        self._parts: dict[str, Part] = {}
        self._open: set[str] = set()
        self._depth = 0

    def whole(self, node: Definition, wanted: Collection[str] | None, *, checks_rest: bool) -> Part:
        """The record itself; one inside it that has its name is not reduced to what is wanted of it."""
        part = self.part(node)
        if wanted is None or not isinstance(node, dict) or node["type"] != "record":
            return part
        return self._record(node["fields"], wanted, checks_rest=checks_rest)

    def part(self, node: Definition) -> Part:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidSchema(f"it is nested more than {MAX_DEPTH} deep")
        made = self._made(node)
        if made.levels > MAX_DEPTH:
            raise InvalidSchema(f"it is nested more than {MAX_DEPTH} deep")
        if made.values > MAX_VALUES:
            raise InvalidSchema(f"its records hold more than {MAX_VALUES} values")
        self._depth -= 1
        return made

    def _made(self, node: Definition) -> Part:
        if isinstance(node, list):
            return compound.union([self.part(branch) for branch in node])
        if isinstance(node, str):
            return _primitive(node) if node in PRIMITIVES else self._by_name(node)
        return self._definition(node) if node["type"] in _NAMED else self._unnamed(node)

    def _unnamed(self, node: Definition) -> Part:
        match node["type"]:
            case "array":
                return compound.array_of(self.part(node["items"]), self._budget)
            case "map":
                return compound.map_of(self.part(node["values"]), self._budget)
            case primitive:
                return _with_meaning(_primitive(primitive), node)

    def _by_name(self, name: str) -> Part:
        if name in self._open:
            return self._recursive(name)
        return self._parts.get(name) or self._definition(self._named[name])

    def _definition(self, node: Definition) -> Part:
        name = node["name"]
        self._open.add(name)
        match node["type"]:
            case "record" | "error":
                made = self._record(node["fields"])
            case "enum":
                made = compound.enum(list(node["symbols"]))
            case _:
                made = _with_meaning(compound.fixed(_size(node)), node)
        self._open.discard(name)
        self._parts[name] = made
        return made

    def _record(
        self, fields: list[Definition], wanted: Collection[str] | None = None, *, checks_rest: bool = True
    ) -> Part:
        parts = [(field["name"], field["type"], self.part(field["type"])) for field in fields]
        return compound.record(parts, wanted, checks_rest=checks_rest)

    def _recursive(self, name: str) -> Part:
        """Reads a record inside itself: each level is charged as if an array held it."""
        parts, budget = self._parts, self._budget

        def read(value: bytes, at: int) -> tuple[Any, int]:
            part = parts[name]
            budget.descend(part)
            result = part.read(value, at)
            budget.ascend(part)
            return result

        def skip(value: bytes, at: int) -> int:
            part = parts[name]
            budget.descend(part)
            end = part.skip(value, at)
            budget.ascend(part)
            return end

        return Part(read, skip, 1)


def _size(node: Definition) -> int:
    size = node["size"]
    if not isinstance(size, int) or size < 0:
        raise InvalidSchema(f"the size of {node['name']} is not a number of bytes")
    return size


def _primitive(name: str) -> Part:
    return Part(READS[name], SKIPS[name], 1)


def _with_meaning(part: Part, node: Definition) -> Part:
    convert = converter(node)
    return compound.converted(part, convert) if convert else part
