"""The Avro binary encoding of primitive types, read strictly."""

from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any, Final

from consumer.core.errors import UndecodableRecord

Read = Callable[[bytes, int], tuple[Any, int]]
"""
Raises IndexError or struct.error where the bytes end too early, UndecodableRecord or ValueError where they are wrong.

The position that it gives may lie behind the end: slices are short then and the next index fails, so that only the end
of the record has to be checked.
"""

Skip = Callable[[bytes, int], int]
"""
Gives the position behind a value that was read before, by somebody who checked it: only what could lead astray is
refused here.
"""

_SHIFTS: Final = tuple(range(7, 70, 7))
"""Of the bytes of a number after the first."""

_FLOAT: Final = Struct("<f")
_DOUBLE: Final = Struct("<d")


def read_null(_: bytes, at: int) -> tuple[None, int]:
    return None, at


def read_boolean(value: bytes, at: int) -> tuple[bool, int]:
    byte = value[at]
    if byte > 1:
        raise UndecodableRecord(f"byte {at}: a boolean is 0 or 1, not {byte}")
    return byte == 1, at + 1


def read_long(value: bytes, at: int) -> tuple[int, int]:
    byte = value[at]
    if byte < 0x80:
        return (byte >> 1) ^ -(byte & 1), at + 1
    start, number = at, byte & 0x7F
    for shift in _SHIFTS:
        at += 1
        byte = value[at]
        if byte < 0x80:
            number |= byte << shift
            break
        number |= (byte & 0x7F) << shift
    if byte > 1 and at == start + len(_SHIFTS):
        raise UndecodableRecord(f"byte {start}: a number does not fit into 64 bits")
    return (number >> 1) ^ -(number & 1), at + 1


def read_int(value: bytes, at: int) -> tuple[int, int]:
    number, end = read_long(value, at)
    if end - at > 5 or not -0x8000_0000 <= number <= 0x7FFF_FFFF:
        raise UndecodableRecord(f"byte {at}: a number does not fit into 32 bits")
    return number, end


def read_float(value: bytes, at: int) -> tuple[float, int]:
    return _FLOAT.unpack_from(value, at)[0], at + 4


def read_double(value: bytes, at: int) -> tuple[float, int]:
    return _DOUBLE.unpack_from(value, at)[0], at + 8


def read_bytes(value: bytes, at: int) -> tuple[bytes, int]:
    size, start = read_long(value, at)
    if size < 0:
        raise UndecodableRecord(f"byte {at}: a negative length")
    end = start + size
    return value[start:end], end


def read_string(value: bytes, at: int) -> tuple[str, int]:
    length = value[at]
    if not length & 0x81:  # of less than 64 bytes: nearly all are
        end = at + 1 + (length >> 1)
        return value[at + 1 : end].decode(), end
    content, end = read_bytes(value, at)
    return content.decode(), end


def skip_long(value: bytes, at: int) -> int:
    while value[at] > 0x7F:
        at += 1
    return at + 1


def skip_bytes(value: bytes, at: int) -> int:
    length = value[at]
    if not length & 0x81:
        return at + 1 + (length >> 1)
    return read_bytes(value, at)[1]


def skipped(size: int) -> Skip:
    """Of values that all have this size."""
    return lambda _, at: at + size


READS: Final[Mapping[str, Read]] = {
    "null": read_null,
    "boolean": read_boolean,
    "int": read_int,
    "long": read_long,
    "float": read_float,
    "double": read_double,
    "bytes": read_bytes,
    "string": read_string,
}

SKIPS: Final[Mapping[str, Skip]] = {
    "null": skipped(0),
    "boolean": skipped(1),
    "int": skip_long,
    "long": skip_long,
    "float": skipped(4),
    "double": skipped(8),
    "bytes": skip_bytes,
    "string": skip_bytes,
}
