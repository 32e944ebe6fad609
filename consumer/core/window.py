"""
What a run does not send: older versions of a partial, and partials whose order was placed.

Both rules need to know what waits behind a delivery, so a run that meets a partial looks through what else waits for
the same partition numbers first, and keeps only what the rules need of it.
"""

from typing import Final

from consumer.core.waiting import Waiting

_SMALLEST_FILTER: Final = 1 << 12
_LARGEST_FILTER: Final = 1 << 23


class PartialIndex:
    """
    Versions and conversions that wait before one run's boundary.

    Of a million partials that each wait alone nothing is kept but a mark in a filter; a second version of one is kept
    whole. The first version's own rank is learnt when its turn comes: it stands before the others in the log.
    """

    def __init__(self, expected: int) -> None:
        """
        Args:
            expected: About how many records will be added; decides the filter's size, nothing else.
        """
        size = _SMALLEST_FILTER
        while size < min(expected * 8, _LARGEST_FILTER):
            size *= 2
        self._mask = size - 1
        self._seen = bytearray(size)
        self._newest: dict[tuple[bytes, str], tuple[int, int, int]] = {}
        self._converted: set[bytes] = set()

    def add_version(self, order: bytes, waiting: Waiting) -> None:
        """A partial waits."""
        key = (order, waiting.profile)
        slot = hash(key) & self._mask
        if not self._seen[slot]:
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
