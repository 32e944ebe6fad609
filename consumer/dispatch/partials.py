"""What one run knows of partials that wait, and of orders that were placed."""

from collections.abc import Iterable

from consumer.core.customer_type import PARTIAL, converts
from consumer.core.ports import Record
from consumer.core.waiting import Waiting
from consumer.core.window import Noted, PartialIndex
from consumer.dispatch.precedence import Precedence
from consumer.dispatch.track import Track


class Partials:
    """
    Of the run as a whole: an older version may stand in the window of a newer one that was read from the retry topic.

    Attributes:
        unruled: Orders of partials that wait for a later run and were not asked for: that must be told what is read of
            the orders in this one.
    """

    def __init__(self, precedence: Precedence) -> None:
        self._precedence = precedence
        self._index = PartialIndex()
        self._covered: dict[Track, int] = {}
        self._told: set[bytes] = set()
        self.unruled = Noted()

    def uncovered(self, tracks: Iterable[Track], until_ms: int) -> list[Track]:
        """Those of *tracks* of which it is not known yet what stands there, up to a boundary."""
        return [track for track in tracks if self._covered.get(track, 0) < until_ms]

    def cover(self, tracks: Iterable[Track], until_ms: int) -> None:
        """They are about to be looked through, up to a boundary."""
        for track in tracks:
            self._covered[track] = until_ms

    def look(self, track: Track, record: Record, waiting: Waiting | None) -> None:
        """One of their records."""
        order = record.key() or b""
        if waiting is None or converts(waiting.code):
            self._index.add_conversion(order)
        elif waiting.code == PARTIAL:
            is_first = track.period is None or not self._precedence.comes_later(order, waiting.profile)
            comes = track.ledger.is_to_come(record.offset())
            self._index.add_version(order, waiting, is_first=is_first and comes)

    def note_conversion(self, order: bytes) -> None:
        """An order was placed, as the run reads: partials may stand behind."""
        self._index.add_conversion(order)

    def is_converted(self, order: bytes) -> bool:
        """Whether the order was placed, as far as the run has read and looked."""
        return self._index.is_converted(order)

    def note_told(self, order: bytes) -> bool:
        """Later runs are told now that the order was placed; returns whether this one had not told them yet."""
        before = len(self._told)
        self._told.add(order)
        return len(self._told) > before

    def rule_against(self, order: bytes, waiting: Waiting, *, latest_only: bool, skip_converted: bool) -> str | None:
        """Why a partial of the run is not sent: `converted`, `superseded`, or None when it is."""
        if skip_converted and self._index.is_converted(order):
            return "converted"
        if latest_only and self._index.is_superseded(order, waiting):
            return "superseded"
        return None
