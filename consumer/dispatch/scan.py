"""Looks through tracks for what a run must know of them before it takes anything."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Protocol

from consumer.core.errors import UndecodableRecord
from consumer.core.ports import Record
from consumer.core.waiting import Waiting, read_headers
from consumer.dispatch.track import Track


class Look(Protocol):
    """Told of each record that says what it is."""

    def __call__(self, track: Track, record: Record, waiting: Waiting | None, /) -> None:
        """*waiting* is None for the marker of a placed order."""


class Scan:
    """
    Reads each track from its head on, takes nothing, and leaves it where it was.

    Args:
        until_ms: What entered from then on is not looked at; None when all is.
        since_ms: What entered from then on is looked at where it is settled, too; None when only what waits is.
        then: Called after the last one.
    """

    def __init__(
        self,
        tracks: Iterable[Track],
        look: Look,
        *,
        until_ms: int | None,
        since_ms: int | None = None,
        then: Callable[[], None],
    ) -> None:
        self._left = deque(tracks)
        self._look = look
        self._until_ms = until_ms
        self._since_ms = since_ms
        self._then = then

    def begin(self) -> None:
        """With the first track."""
        self._next()

    def begin_with(self, record: Record, at_ms: int) -> None:
        """The same, when *record* was just read and is the first track's head: the reader stands there."""
        track = self._left[0]
        track.scan_from(record.offset(), at_ms)
        self.offer(track, record, at_ms)

    def offer(self, track: Track, record: Record, at_ms: int) -> None:
        """A record of a track that is being looked through; *at_ms* is when it entered."""
        offset = track.scanned_offset = record.offset()
        if self._since_ms is not None and at_ms < self._since_ms and not track.ledger.is_to_come(offset):
            return
        if self._until_ms is not None and at_ms >= self._until_ms:
            self._seen()
            return
        try:
            waiting = read_headers(record.headers())
        except UndecodableRecord:
            return
        self._look(track, record, waiting)

    def reached_end(self, track: Track, offset: int) -> None:
        """Nothing stands behind *offset* now."""
        if offset > track.scanned_offset:
            self._seen()

    def _next(self) -> None:
        if self._left:
            self._left[0].scan(self._since_ms)
        else:
            self._then()

    def _seen(self) -> None:
        self._left.popleft().rest()
        self._next()
