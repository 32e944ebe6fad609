"""The Avro binary encoding of types that hold others, read strictly; each function gives the reader of one type."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from consumer.adapters.avro.primitive import Read, read_int, read_long, read_string
from consumer.adapters.avro.schema import Definition
from consumer.core.errors import UndecodableRecord

MAX_VALUES: Final = 250_000
"""Values in one record: bounds the memory (50 MB beside its text) and the time that a few hostile bytes can cost."""
MAX_DEPTH: Final = 64
"""Levels of a schema, through names too, and of the values of a recursive one."""
MAX_LEVELS: Final = 5 * MAX_DEPTH
"""
Levels that recursion adds: whatever passes is shallow enough to be sent, too. `json_value` takes two calls for each, of
the 1,000 that Python allows, and compiled code has no such limit: the process dies where its stack ends.
"""


class Part(NamedTuple):
    """
    Attributes:
        values: The most values that one reading makes, those of arrays, maps and recursion aside: they are charged to
            the budget when they are met.
        levels: How deep one reading goes, recursion aside.
    """

    read: Read
    values: int
    levels: int = 1


class Budget:
    """What the record that is being read may still make; one for each schema, since one record is read at a time."""

    __slots__ = ("depth", "levels", "values")

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.values = MAX_VALUES
        self.depth = MAX_DEPTH
        self.levels = MAX_LEVELS

    def spend(self, values: int) -> None:
        self.values -= values
        if self.values < 0:
            raise UndecodableRecord(f"the record holds more than {MAX_VALUES} values")

    def descend(self, part: Part) -> None:
        self.spend(part.values)
        self.depth -= 1
        self.levels -= part.levels
        if self.depth < 0:
            raise UndecodableRecord(f"the record is nested more than {MAX_DEPTH} deep")
        if self.levels < 0:
            raise UndecodableRecord("the record is nested too deep")

    def ascend(self, part: Part) -> None:
        self.depth += 1
        self.levels += part.levels


def fixed(size: int) -> Read:
    return lambda value, at: (value[at : at + size], at + size)


def enum(symbols: list[str]) -> Read:
    def read(value: bytes, at: int) -> tuple[str, int]:
        index, end = read_int(value, at)
        if not 0 <= index < len(symbols):
            raise UndecodableRecord(f"byte {at}: an enum has no symbol {index}")
        return symbols[index], end

    return read


def union(parts: Sequence[Part]) -> Part:
    branches = [part.read for part in parts]
    count = len(branches)

    def read(value: bytes, at: int) -> tuple[Any, int]:
        byte = value[at]
        if not byte & 0x81 and byte >> 1 < count:  # one of the first 64: read without a call
            return branches[byte >> 1](value, at + 1)
        index, start = read_int(value, at)
        if not 0 <= index < count:
            raise UndecodableRecord(f"byte {at}: a union has no branch {index}")
        return branches[index](value, start)

    return Part(read, max((part.values for part in parts), default=1), _levels_around(parts))


def _levels_around(parts: Iterable[Part]) -> int:
    return 1 + max((part.levels for part in parts), default=0)


def converted(read: Read, convert: Callable[[Any], Any]) -> Read:
    def read_converted(value: bytes, at: int) -> tuple[Any, int]:
        plain, end = read(value, at)
        return convert(plain), end

    return read_converted


def _read_block_start(value: bytes, at: int) -> tuple[int, int, int | None]:
    """Items of the block, where they begin, and where they must end if the block says."""
    if not (byte := value[at]) & 0x81:
        return byte >> 1, at + 1, None
    count, start = read_long(value, at)
    if count >= 0:
        return count, start, None
    size, start = read_long(value, start)
    return -count, start, start + size


def array_of(item: Part, budget: Budget) -> Part:
    read_item = item.read

    def read(value: bytes, at: int) -> tuple[list[Any], int]:
        items: list[Any] = []
        while True:
            count, at, end = _read_block_start(value, at)
            if not count:
                return items, at
            budget.spend(count * item.values)
            for _ in range(count):
                one, at = read_item(value, at)
                items.append(one)
            _check_block(at, end)

    return Part(read, 1, _levels_around([item]))


def map_of(item: Part, budget: Budget) -> Part:
    read_item = item.read

    def read(value: bytes, at: int) -> tuple[dict[str, Any], int]:
        items: dict[str, Any] = {}
        while True:
            count, at, end = _read_block_start(value, at)
            if not count:
                return items, at
            budget.spend(count * (1 + item.values))
            for _ in range(count):
                key, at = read_string(value, at)
                items[key], at = read_item(value, at)
            _check_block(at, end)

    return Part(read, 1, _levels_around([item]))


def _check_block(at: int, end: int | None) -> None:
    if end is not None and at != end:
        raise UndecodableRecord(f"byte {at}: a block does not have the size that it says")


_ANY, _NULL_FIRST, _NULLABLE_TEXT, _UNWANTED_TEXTS = range(4)
_Step = tuple[str, int, Read]


def record(fields: Sequence[tuple[str, Definition, Part]], wanted: Collection[str] | None = None) -> Part:
    """
    The loop that nearly all the time is spent in.

    Nullable fields are most of an event: their nulls, and text of less than 64 bytes, are read here without a call.

    Args:
        wanted: Names of fields; nullable texts that are not among them are checked as strictly, and not kept.
    """
    steps: list[_Step] = []
    for is_text, group in groupby(fields, key=lambda field: _is_unwanted_text(field, wanted)):
        if is_text:
            steps.append(("", _UNWANTED_TEXTS, _texts([part.read for _, _, part in group])))
        else:
            steps += [(name, _shape(definition), part.read) for name, definition, part in group]
    blank: dict[str, Any] = dict.fromkeys(name for name, shape, _ in steps if shape != _UNWANTED_TEXTS)

    def read(value: bytes, at: int) -> tuple[dict[str, Any], int]:
        record = blank.copy()
        for name, shape, read_field in steps:
            if shape == _NULLABLE_TEXT:
                branch = value[at]
                if branch == 2 and not (length := value[at + 1]) & 0x81:
                    start = at + 2
                    at = start + (length >> 1)
                    record[name] = value[start:at].decode()
                    continue
                if not branch:
                    at += 1
                    continue
            elif shape == _NULL_FIRST and not value[at]:
                at += 1
                continue
            elif shape == _UNWANTED_TEXTS:
                at = read_field(value, at)[1]
                continue
            record[name], at = read_field(value, at)
        return record, at

    values = 1 + sum(part.values for _, _, part in fields)
    return Part(read, values, _levels_around(part for _, _, part in fields))


def _is_unwanted_text(field: tuple[str, Definition, Part], wanted: Collection[str] | None) -> bool:
    return wanted is not None and field[0] not in wanted and _shape(field[1]) == _NULLABLE_TEXT


def _texts(reads: Sequence[Read]) -> Read:
    """
    Passes over nullable texts that stand side by side. They are checked all at once: what stands between short ones
    (branches, lengths) is ASCII, so that together they are UTF-8 if each of them is, and only then.
    """

    def read(value: bytes, at: int) -> tuple[None, int]:
        begin = at
        for read_text in reads:
            branch = value[at]
            if not branch:
                at += 1
            elif branch == 2 and not (length := value[at + 1]) & 0x81:
                at += 2 + (length >> 1)
            else:
                value[begin:at].decode()
                at = begin = read_text(value, at)[1]
        value[begin:at].decode()
        return None, at

    return read


def _shape(definition: Definition) -> int:
    if not isinstance(definition, list) or not definition or definition[0] != "null":
        return _ANY
    plain_text = definition[1:] in (["string"], [{"type": "string"}])
    return _NULLABLE_TEXT if plain_text else _NULL_FIRST
