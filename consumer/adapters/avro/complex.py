"""The Avro binary encoding of types that hold others, read strictly; each function gives the reader of one type."""

from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from consumer.adapters.avro.primitive import (
    Read,
    Skip,
    read_int,
    read_long,
    read_string,
    skip_bytes,
    skip_long,
    skipped,
)
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
    skip: Skip
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


def fixed(size: int) -> Part:
    return Part(lambda value, at: (value[at : at + size], at + size), skipped(size), 1)


def enum(symbols: list[str]) -> Part:
    def read(value: bytes, at: int) -> tuple[str, int]:
        index, end = read_int(value, at)
        if not 0 <= index < len(symbols):
            raise UndecodableRecord(f"byte {at}: an enum has no symbol {index}")
        return symbols[index], end

    return Part(read, skip_long, 1)


def union(parts: Sequence[Part]) -> Part:
    branches = [part.read for part in parts]
    skips = [part.skip for part in parts]
    count = len(branches)

    def chosen(value: bytes, at: int) -> tuple[int, int]:
        index, start = read_int(value, at)
        if not 0 <= index < count:
            raise UndecodableRecord(f"byte {at}: a union has no branch {index}")
        return index, start

    def read(value: bytes, at: int) -> tuple[Any, int]:
        byte = value[at]
        if not byte & 0x81 and byte >> 1 < count:  # one of the first 64: read without a call
            return branches[byte >> 1](value, at + 1)
        index, start = chosen(value, at)
        return branches[index](value, start)

    def skip(value: bytes, at: int) -> int:
        index, start = chosen(value, at)
        return skips[index](value, start)

    return Part(read, skip, max((part.values for part in parts), default=1), _levels_around(parts))


def _levels_around(parts: Iterable[Part]) -> int:
    return 1 + max((part.levels for part in parts), default=0)


def converted(part: Part, convert: Callable[[Any], Any]) -> Part:
    read_plain = part.read

    def read(value: bytes, at: int) -> tuple[Any, int]:
        plain, end = read_plain(value, at)
        return convert(plain), end

    return part._replace(read=read)


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

    return Part(read, _blocks_skipped(item.skip, item.values, budget), 1, _levels_around([item]))


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

    def skip_pair(value: bytes, at: int) -> int:
        return item.skip(value, skip_bytes(value, at))

    return Part(read, _blocks_skipped(skip_pair, 1 + item.values, budget), 1, _levels_around([item]))


def _blocks_skipped(skip_item: Skip, values: int, budget: Budget) -> Skip:
    def skip(value: bytes, at: int) -> int:
        while True:
            count, start, end = _read_block_start(value, at)
            if not count:
                return start
            if end is None:
                budget.spend(count * values)
                at = start
                for _ in range(count):
                    at = skip_item(value, at)
            elif end >= start:
                at = end
            else:
                raise UndecodableRecord(f"byte {at}: a block of a negative size")

    return skip


def _check_block(at: int, end: int | None) -> None:
    if end is not None and at != end:
        raise UndecodableRecord(f"byte {at}: a block does not have the size that it says")


_ANY, _NULL_FIRST, _NULLABLE_TEXT, _UNWANTED = range(4)
_Step = tuple[str, int, Callable[[bytes, int], Any]]
"""The last reads, or where nothing is kept passes over."""

_Field = tuple[str, Definition, Part]


def record(fields: Sequence[_Field], wanted: Collection[str] | None = None, *, checks_rest: bool = True) -> Part:
    """
    The loop that nearly all the time is spent in.

    Nullable fields are most of an event: their nulls, and text of less than 64 bytes, are read here without a call.

    Args:
        wanted: Names of fields; nullable texts that are not among them are not kept.
        checks_rest: They are checked as strictly. Else nothing of the rest is: it is passed over, and not kept.
    """
    steps = _steps(fields, wanted, checks_rest=checks_rest)
    blank: dict[str, Any] = dict.fromkeys(name for name, shape, _ in steps if shape != _UNWANTED)

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
            elif shape == _UNWANTED:
                at = read_field(value, at)
                continue
            record[name], at = read_field(value, at)
        return record, at

    values = 1 + sum(part.values for _, _, part in fields)
    return Part(read, _skipped(fields), values, _levels_around(part for _, _, part in fields))


def _steps(fields: Sequence[_Field], wanted: Collection[str] | None, *, checks_rest: bool) -> list[_Step]:
    steps: list[_Step] = []
    for is_left_out, group in groupby(fields, key=lambda field: _is_left_out(field, wanted, checks_rest=checks_rest)):
        if not is_left_out:
            steps += [(name, _shape(definition), part.read) for name, definition, part in group]
        elif checks_rest:
            steps.append(("", _UNWANTED, _texts([part.read for _, _, part in group])))
        else:
            steps.append(("", _UNWANTED, _skipped(group)))
    return steps


def _is_left_out(field: _Field, wanted: Collection[str] | None, *, checks_rest: bool) -> bool:
    if wanted is None or field[0] in wanted:
        return False
    return not checks_rest or _shape(field[1]) == _NULLABLE_TEXT


def _skipped(fields: Iterable[_Field]) -> Skip:
    """Passes over what stands side by side."""
    steps = [(_shape(definition), part.skip) for _, definition, part in fields]

    def skip(value: bytes, at: int) -> int:
        for shape, skip_field in steps:
            if shape != _ANY:
                branch = value[at]
                if not branch:
                    at += 1
                    continue
                if branch == 2 and shape == _NULLABLE_TEXT and not (length := value[at + 1]) & 0x81:
                    at += 2 + (length >> 1)
                    continue
            at = skip_field(value, at)
        return at

    return skip


def _texts(reads: Sequence[Read]) -> Skip:
    """
    Passes over nullable texts that stand side by side. They are checked all at once: what stands between short ones
    (branches, lengths) is ASCII, so that together they are UTF-8 if each of them is, and only then.
    """

    def skip(value: bytes, at: int) -> int:
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
        return at

    return skip


def _shape(definition: Definition) -> int:
    if not isinstance(definition, list) or not definition or definition[0] != "null":
        return _ANY
    plain_text = definition[1:] in (["string"], [{"type": "string"}])
    return _NULLABLE_TEXT if plain_text else _NULL_FIRST
