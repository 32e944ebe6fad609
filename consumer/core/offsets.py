"""Which deliveries of a partition are settled, and how Kafka's committed offset says so."""

import zlib
from base64 import b85decode, b85encode
from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Final

METADATA_LIMIT: Final = 4096
"""Bytes of metadata that a broker keeps with a committed offset unless it is set up otherwise."""

_ROOM: Final = (METADATA_LIMIT - 32) * 4 // 5
"""Bytes, before base 85 makes five characters of four."""

_STEPS: Final = "1"
_BITS: Final = "2"
"""The two ways to write the open offsets: few of them far apart as differences, and many side by side as bits."""

_LONGEST_BITS: Final = 1 << 16
"""Bytes: half a million records."""
_DIGIT_ONE: Final = ord("1")

ASIDE_AT_ONCE: Final = 20_000
"""Of one partition: each takes 100 bytes of memory."""

_FEW_ASIDE: Final = 1_000
_TOLD_AS_BITS: Final = (_ROOM - 64) * 8
"""So few are told as differences however far apart they stand; more of them as bits, within so many offsets."""


class Ledger:
    """
    The open offsets of one partition.

    The committed offset can only say "all before this is settled". What is settled behind the first open one is
    written into the commit's metadata, as the list of those still open up to a horizon: so one slow delivery holds
    back neither the others' settling nor, after a crash, makes them go out again.
    """

    __slots__ = ("_again", "_again_to", "_aside", "_horizon", "_open", "_open_before", "_position", "_settled_to")

    def __init__(self, position: int, metadata: str | None = None) -> None:
        """
        Args:
            position: The committed offset, or where reading begins.
            metadata: What was committed with it.
        """
        self._position = position
        self._settled_to = position
        self._open: dict[int, None] = {}
        self._aside: list[int] = []
        self._again: deque[int] = deque()
        self._again_to = 0
        self._horizon, self._open_before = _decode(position, metadata)

    @property
    def position(self) -> int:
        """The next offset to be taken."""
        return self._position

    @property
    def open_count(self) -> int:
        """Taken and not settled."""
        return len(self._open)

    def is_open(self, offset: int) -> bool:
        """Whether there is work in a record that was not read yet: not when it was settled before a restart."""
        return offset >= self._horizon or offset in self._open_before

    def is_to_come(self, offset: int) -> bool:
        """Whether it is open and was not read yet."""
        return offset >= self._position and self.is_open(offset)

    def take(self, offset: int) -> bool:
        """
        A record was read.

        Returns:
            Whether there is work in it: not when it was settled before a restart, and when it is read again, only if it
            was set aside.
        """
        if offset < self._again_to:
            return self._take_again(offset)
        self._position = offset + 1
        if not self.is_open(offset):
            return False
        self._open[offset] = None
        return True

    def set_aside(self, offset: int) -> None:
        """What was taken stays open, and will be read again."""
        self._aside.append(offset)

    @property
    def has_aside(self) -> bool:
        """Whether something was set aside."""
        return bool(self._aside or self._again)

    def begin_reading_again(self) -> int:
        """Returns where to read what was set aside; all that was read before comes again from there."""
        self._again_to = self._position
        self._again = deque(sorted([*self._again, *self._aside]))
        self._aside.clear()
        return self._again[0]

    def has_read_again(self, offset: int) -> bool:
        """Whether all that was set aside was read again before *offset*, and nothing of what follows is to be."""
        return not self._again and offset < self._again_to

    def leave_the_rest(self) -> None:
        """What was set aside and did not come again yet stays aside."""
        self._aside += self._again
        self._again.clear()

    @property
    def is_crowded(self) -> bool:
        """Whether no more can be set aside: a commit could not tell of it, or it would take too much memory."""
        if self._position <= self._again_to:
            return False  # what is read again stood aside before
        count = len(self._aside) + len(self._again)
        if count >= ASIDE_AT_ONCE:
            return True
        return count >= _FEW_ASIDE and self._position - next(iter(self._open)) >= _TOLD_AS_BITS

    def end_reading_again(self) -> None:
        """What was set aside and did not come again is not there any more: its retention is over."""
        self._again_to = 0
        while self._again:
            self.settle(self._again.popleft())

    def skip_to(self, offset: int) -> None:
        """Nothing stands before *offset* that was not read: what Kafka keeps there are marks of its own."""
        self._position = max(self._position, offset)

    def settle(self, offset: int) -> None:
        """The delivery at *offset* needs nothing more."""
        del self._open[offset]
        if offset >= self._settled_to:
            self._settled_to = offset + 1

    def committable(self) -> tuple[int, str]:
        """
        Returns:
            The next offset to read, in Kafka's meaning of a committed offset, and the metadata to commit with it.
        """
        first = next(iter(self._open), self._position)
        if first >= self._horizon and first >= self._settled_to:
            return first, ""
        # Behind the last settled one there is nothing to tell.
        horizon = max(self._settled_to, self._horizon)
        mine = list(takewhile(lambda offset: offset < horizon, self._open))
        theirs = sorted(offset for offset in self._open_before if offset >= self._position)
        still_open = [*mine, *theirs]
        if not still_open:
            return max(first, horizon), ""
        return still_open[0], _encode(still_open, horizon)

    def is_told_by(self, commit: tuple[int, str]) -> bool:
        """Whether a commit, as `committable` gave it just now, tells of all that was settled."""
        position, metadata = commit
        return position + _ahead(metadata) >= self._settled_to

    def _take_again(self, offset: int) -> bool:
        again = self._again
        while again and again[0] < offset:
            self.settle(again.popleft())
        if not again or again[0] != offset:
            return False
        again.popleft()
        return True


def open_in(position: int, metadata: str | None, end: int) -> int:
    """How many records of [position, end) are not settled, by a commit; for those who only look at the brokers."""
    horizon, still_open = _decode(position, metadata)
    horizon = min(horizon, end)
    return max(0, end - max(horizon, position)) + sum(1 for offset in still_open if offset < end)


def open_test(position: int, metadata: str | None) -> Callable[[int], bool]:
    """A function that says of an offset from *position* on whether it is not settled, by a commit."""
    horizon, still_open = _decode(position, metadata)
    return lambda offset: offset >= horizon or offset in still_open


def _encode(still_open: Sequence[int], horizon: int) -> str:
    """
    The open offsets below the horizon.

    When they do not fit, the horizon comes nearer: less is told, which is always safe.
    """
    first = still_open[0]
    if len(still_open) <= _ROOM:  # more cannot fit: a step takes a byte at least
        steps, told_to = _steps(still_open, horizon)
        if told_to == horizon:
            return _text(_STEPS, horizon - first, steps)
    bits = _bits(still_open)
    if bits is not None:
        return _text(_BITS, horizon - first, bits)
    steps, told_to = _steps(still_open, horizon)
    return _text(_STEPS, told_to - first, steps)


def _steps(still_open: Sequence[int], horizon: int) -> tuple[bytes, int]:
    """As variable-length differences from the first one on; and to where they tell, which is the horizon if all fit."""
    out = bytearray()
    last = still_open[0]
    for offset in still_open:
        step = _varint(offset - last)
        if len(out) + len(step) > _ROOM:
            return bytes(out), offset
        out += step
        last = offset
    return bytes(out), horizon


def _bits(still_open: Sequence[int]) -> bytes | None:
    """As a bit for each offset from the first one on, compressed; None when they do not fit."""
    first = still_open[0]
    size = (still_open[-1] - first) // 8 + 1
    if size > _LONGEST_BITS:
        return None
    digits = bytearray(b"0") * (size * 8)  # of one large number: to set a bit in a byte takes twice as long
    for offset in still_open:
        digits[first - offset - 1] = _DIGIT_ONE
    packed = zlib.compress(int(digits, 2).to_bytes(size, "little"))
    return packed if len(packed) <= _ROOM else None


def _text(way: str, ahead: int, packed: bytes) -> str:
    return f"{way}:{ahead}:{b85encode(packed).decode()}"


def _ahead(metadata: str) -> int:
    """How far behind the committed offset a commit of our own tells."""
    return int(metadata.split(":", 2)[1]) if metadata else 0


def _decode(position: int, metadata: str | None) -> tuple[int, frozenset[int]]:
    """The horizon and the offsets below it that are open; what cannot be read says nothing."""
    way, _, rest = (metadata or "").partition(":")
    ahead, _, packed = rest.partition(":")
    if way not in {_STEPS, _BITS}:
        return position, frozenset()
    try:
        found = _from_steps(b85decode(packed)) if way == _STEPS else _from_bits(b85decode(packed))
        horizon = position + int(ahead)
    except ValueError:
        return position, frozenset()
    return horizon, frozenset(position + ahead for ahead in found)


def _from_steps(data: bytes) -> list[int]:
    found, at = [], 0
    for step in _varints(data):
        at += step
        found.append(at)
    return found


def _from_bits(data: bytes) -> list[int]:
    unpacking = zlib.decompressobj()
    try:
        bits = unpacking.decompress(data, _LONGEST_BITS)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not unpacking.eof:
        raise ValueError("cut off")
    return [place * 8 + bit for place, byte in enumerate(bits) if byte for bit in range(8) if byte >> bit & 1]


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _varints(data: bytes) -> list[int]:
    numbers, number, shift = [], 0, 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number, shift = 0, 0
    if shift:
        raise ValueError("cut off")
    return numbers
