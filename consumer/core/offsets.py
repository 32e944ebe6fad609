"""Which deliveries of a partition are settled, and how Kafka's committed offset says so."""

from base64 import b85decode, b85encode
from collections.abc import Callable, Sequence
from itertools import takewhile

_VERSION = "1:"
METADATA_LIMIT = 4096
"""Bytes of metadata that a broker keeps with a committed offset unless it is set up otherwise."""


class Ledger:
    """
    The open offsets of one partition.

    The committed offset can only say "all before this is settled". What is settled behind the first open one is
    written into the commit's metadata, as the list of those still open up to a horizon: so one slow delivery holds
    back neither the others' settling nor, after a crash, makes them go out again.
    """

    __slots__ = ("_horizon", "_open", "_open_before", "_position", "_settled_to")

    def __init__(self, position: int, metadata: str | None = None) -> None:
        """
        Args:
            position: The committed offset, or where reading begins.
            metadata: What was committed with it.
        """
        self._position = position
        self._settled_to = position
        self._open: dict[int, None] = {}
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

    def take(self, offset: int) -> bool:
        """
        A record was read.

        Returns:
            Whether there is work in it: not when it was settled before a restart.
        """
        self._position = offset + 1
        if not self.is_open(offset):
            return False
        self._open[offset] = None
        return True

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
    The open offsets below the horizon as variable-length differences, from the first one on.

    When they do not fit, the horizon comes nearer: less is told, which is always safe.
    """
    out = bytearray()
    room = (METADATA_LIMIT - 32) * 4 // 5
    last = first = still_open[0]
    for offset in still_open:
        step = _varint(offset - last)
        if len(out) + len(step) > room:
            horizon = offset
            break
        out += step
        last = offset
    return f"{_VERSION}{horizon - first}:{b85encode(bytes(out)).decode()}"


def _decode(position: int, metadata: str | None) -> tuple[int, frozenset[int]]:
    """The horizon and the offsets below it that are open; what cannot be read says nothing."""
    if not metadata or not metadata.startswith(_VERSION):
        return position, frozenset()
    ahead, _, packed = metadata.removeprefix(_VERSION).partition(":")
    try:
        steps = _varints(b85decode(packed))
        horizon = position + int(ahead)
    except ValueError:
        return position, frozenset()
    found, at = set(), position
    for step in steps:
        at += step
        found.add(at)
    return horizon, frozenset(found)


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
