"""
What a run does not send: older versions of a partial, and partials whose order was placed.

Both rules need to know what waits behind a delivery, so a run that meets a partial looks through what else waits for
the same partition numbers first, and keeps only what the rules need of it.
"""

from collections.abc import Hashable
from typing import Final

from consumer.core.waiting import Waiting

_SLOTS: Final = 1 << 20
"""Of the filter: at 100,000 partials of one partition number one in ten is kept for nothing."""

_NOTED: Final = 100_000


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


class PartialIndex:
    """
    Versions and conversions that wait before one run's boundary.

    Of a million partials that each wait alone nothing is kept but a mark in a filter; a second version of one is kept
    whole. The first version's own rank is learnt when its turn comes: it stands before the others in the log.
    """

    def __init__(self) -> None:
        self._seen = Noted()
        self._newest: dict[tuple[bytes, str], tuple[int, int, int]] = {}
        self._converted: set[bytes] = set()

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
