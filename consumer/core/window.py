"""
What a run does not send: older versions of a partial, and partials whose order was placed.

Both rules need to know what waits behind a delivery, so a run that meets a partial looks through what else waits for
the same partition numbers first, and keeps only what the rules need of it.
"""

from array import array
from collections.abc import Hashable
from typing import Final

from consumer.core.waiting import Waiting

_SLOTS: Final = 1 << 20
"""Of the filter: at 100,000 partials of one partition number one in ten is kept for nothing."""

_NOTED: Final = 100_000

_SLOTS_AT_FIRST: Final = 8
_MARK_BITS: Final = (1 << 62) - 1


class Noted:
    """A filter of fixed size: it never forgets a note, and says yes for a few others."""

    def __init__(self) -> None:
        self._slots = bytearray()

    def add(self, key: Hashable) -> None:
        """Note it."""
        if not self._slots:
            self._slots = bytearray(_SLOTS)
        self._slots[hash(key) % _SLOTS] = 1

    def __contains__(self, key: Hashable) -> bool:
        return bool(self._slots) and bool(self._slots[hash(key) % _SLOTS])


class OrderSet:
    """
    A set of orders that takes 16 to 32 bytes for each, where Python's own takes 80.

    Of each it keeps 62 bits of a hash, which is another one in each process. An order that is not in a set of a million
    is taken for one that is with a probability of 1 in 4,000,000,000,000.
    """

    def __init__(self) -> None:
        self._slots = array("q", bytes(8 * _SLOTS_AT_FIRST))
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def __contains__(self, order: bytes) -> bool:
        return self._slots[self._slot(_mark(order))] != 0

    def add(self, order: bytes) -> None:
        """Put it in."""
        mark = _mark(order)
        slot = self._slot(mark)
        if self._slots[slot] == 0:
            self._slots[slot] = mark
            self._count += 1
            if 2 * self._count > len(self._slots):
                self._grow()

    def _slot(self, mark: int) -> int:
        """Where it stands, or would be put."""
        slots = self._slots
        last = len(slots) - 1  # their number is a power of two
        slot = mark & last
        while (found := slots[slot]) and found != mark:
            slot = (slot + 1) & last
        return slot

    def _grow(self) -> None:
        marks = self._slots
        self._slots = array("q", bytes(16 * len(marks)))
        for mark in marks:
            if mark:
                self._slots[self._slot(mark)] = mark


def _mark(order: bytes) -> int:
    return (hash(order) & _MARK_BITS) or 1


class LatelyPlaced:
    """The last orders that were placed."""

    def __init__(self, at_least: int = 500_000) -> None:
        """
        Args:
            at_least: How many are known; up to twice as many are.
        """
        self._at_least = at_least
        self._now = OrderSet()
        self._before = OrderSet()

    def add(self, order: bytes) -> None:
        """It was placed."""
        if len(self._now) >= self._at_least:
            self._now, self._before = OrderSet(), self._now
        self._now.add(order)

    def __contains__(self, order: bytes) -> bool:
        return order in self._now or order in self._before


class PartialIndex:
    """
    Versions and conversions that wait before one run's boundary.

    Of a million partials that each wait alone nothing is kept but a mark in a filter; a second version of one is kept
    whole. The first version's own rank is learnt when its turn comes: it stands before the others in the log.
    """

    def __init__(self) -> None:
        self._seen = Noted()
        self._newest: dict[tuple[bytes, str], tuple[int, int, int]] = {}
        self._converted = OrderSet()

    def add_version(self, order: bytes, waiting: Waiting, *, is_first: bool = True) -> None:
        """
        A partial waits.

        Args:
            is_first: False when others, which were not added yet, will be read before it.
        """
        key = (order, waiting.profile)
        if is_first and key not in self._seen:
            self._seen.add(key)
            return
        version = waiting.version
        known = self._newest.get(key)
        if known is None or known < version:
            self._newest[key] = version

    def add_conversion(self, order: bytes) -> None:
        """The order was placed."""
        self._converted.add(order)

    def is_converted(self, order: bytes) -> bool:
        """Whether the order was placed before the run."""
        return order in self._converted

    def is_superseded(self, order: bytes, waiting: Waiting) -> bool:
        """
        Whether a newer version of this partial waits for the same profile. To be asked for each partial of the run in
        the order of the log.
        """
        key = (order, waiting.profile)
        newest = self._newest.get(key)
        if newest is None:
            return False
        version = waiting.version
        if newest > version:
            return True
        self._newest[key] = version
        return False


class LatelyNoted:
    """Orders of the last hundred thousand notes, in two filters."""

    def __init__(self) -> None:
        self._now = Noted()
        self._before = Noted()
        self._count = 0

    def add(self, order: bytes) -> None:
        """Note it."""
        if self._count >= _NOTED:
            self._now, self._before, self._count = Noted(), self._now, 0
        self._now.add(order)
        self._count += 1

    def __contains__(self, order: bytes) -> bool:
        return order in self._now or order in self._before
