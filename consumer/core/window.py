"""
What a run does not send: older versions of a partial, and partials whose order was placed.

Both rules need to know what waits behind a delivery, so a run that meets a partial looks through what else waits for
the same partition numbers first, and keeps only what the rules need of it.
"""

from typing import Final

from consumer.core.waiting import Waiting

_SLOTS: Final = 1 << 20
"""Of the filter: at 100,000 partials of one partition number one in ten is kept for nothing."""

_NOTED: Final = 100_000


class PartialIndex:
    """
    Versions and conversions that wait before one run's boundary.

    Of a million partials that each wait alone nothing is kept but a mark in a filter; a second version of one is kept
    whole. The first version's own rank is learnt when its turn comes: it stands before the others in the log.
    """

    def __init__(self) -> None:
        self._seen = bytearray()
        self._newest: dict[tuple[bytes, str], tuple[int, int, int]] = {}
        self._converted: set[bytes] = set()

    def add_version(self, order: bytes, waiting: Waiting, *, is_first: bool = True) -> None:
        """
        A partial waits.

        Args:
            is_first: False when others, which were not added yet, will be read before it.
        """
        key = (order, waiting.profile)
        slot = hash(key) % _SLOTS
        if not self._seen:
            self._seen = bytearray(_SLOTS)
        if is_first and not self._seen[slot]:
            self._seen[slot] = 1
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
    """
    Orders of the last hundred thousand notes, in two filters of fixed size: it never forgets one of them, and says
    yes for a few others.
    """

    def __init__(self) -> None:
        self._now = bytearray()
        self._before = bytearray()
        self._count = 0

    def add(self, order: bytes) -> None:
        """Note it."""
        if not self._now or self._count >= _NOTED:
            self._now, self._before, self._count = bytearray(_SLOTS), self._now, 0
        self._now[hash(order) % _SLOTS] = 1
        self._count += 1

    def __contains__(self, order: bytes) -> bool:
        slot = hash(order) % _SLOTS
        return bool(self._now and self._now[slot]) or bool(self._before and self._before[slot])
