"""
The tracks of one partition number, and the run that reads them.

All that concerns one order stands in partitions of one number and has one owner. A run of a shard reads the retry topic
first, then each window that is due, oldest boundary first, each up to its boundary. When it meets a partial it first
looks through what else waits before that boundary (`PartialIndex`), and then goes on where it was.
"""

from collections import deque

from consumer.core.customer_type import PARTIAL, converts
from consumer.core.errors import UndecodableRecord
from consumer.core.schedule import last_boundary_ms
from consumer.core.waiting import Waiting, read_headers
from consumer.core.window import PartialIndex
from consumer.dispatch.ports import Reader, Record
from consumer.dispatch.track import Reading, Track

NEVER_MS = 1 << 62


class Shard:
    """
    Attributes:
        current: The track that a run reads now; None between runs.
    """

    def __init__(self, reader: Reader, resumed: set[Track]) -> None:
        """
        Args:
            resumed: Of all shards, since the last read: what that read still holds of them is void, since they are
                read on from elsewhere.
        """
        self.tracks: list[Track] = []
        self.current: Track | None = None
        self._reader = reader
        self._resumed = resumed
        self._plan: deque[Track] = deque()
        self._index: PartialIndex | None = None
        self._covered: set[Track] = set()
        self._to_scan: set[Track] = set()
        self._next_run: tuple[frozenset[int], int] | None = None

    def add(self, track: Track) -> None:
        """A partition of this number was assigned; it is watched from its committed offset on."""
        self.tracks.append(track)

    def next_run_ms(self, periods: frozenset[int]) -> int:
        """When something of it is due, as far as is known; NEVER_MS when nothing is."""
        if self._next_run is None or self._next_run[0] is not periods:
            due = (t.due_ms(t.head_at_ms, periods) for t in self.tracks if t.reading is Reading.HEADED)
            self._next_run = (periods, min(due, default=NEVER_MS))
        return self._next_run[1]

    def begin_run(self, now_ms: int, periods: frozenset[int]) -> None:
        """Read what is due now, each track up to its newest boundary."""
        due = [t for t in self.tracks if t.reading is Reading.HEADED and t.due_ms(t.head_at_ms, periods) <= now_ms]
        for track in due:
            own = periods if track.period is None else (track.period,)
            track.cutoff_ms = max(last_boundary_ms(now_ms, period) for period in own)
        self._plan = deque(sorted(due, key=_retry_first_then_oldest))
        self._read_next()

    def offers(self, track: Track, record: Record) -> bool:
        """Whether a record of *track* that was read is to be taken by the run."""
        if track in self._resumed:
            return False
        reading = track.reading
        at_ms = record.timestamp()[1]
        if reading is Reading.DRAINED:
            if at_ms < track.cutoff_ms:
                return True
            self._head(track, record.offset(), at_ms)
            self._read_next()
        elif reading is Reading.WATCHED:
            self._head(track, record.offset(), at_ms)
        elif reading is Reading.SCANNED:
            self._scan(track, record, at_ms)
        return False

    def reached_end(self, track: Track, offset: int) -> None:
        """Nothing stands behind *offset* now."""
        if track in self._resumed:
            return
        if track.reading is Reading.SCANNED:
            self._scanned(track)
        elif track.reading is not Reading.HEADED and offset >= track.ledger.position:
            track.ledger.skip_to(offset)
            track.dirty = True
            if track.reading is Reading.DRAINED:
                track.reading = Reading.WATCHED
                self._read_next()

    def covers(self, track: Track, record: Record, period: int, partial_periods: frozenset[int]) -> bool:
        """
        Whether the partial rules can be asked for a partial of *track*; if not, the looking-through begins, and
        *record* will be offered again after it.

        Args:
            period: Of the partial's profile now; another than the track's when its delay was changed.
            partial_periods: Of the windows in which newer versions and conversions can wait.
        """
        wanted = {track}
        if track.period != period:
            wanted |= {t for t in self.tracks if t.period in partial_periods and t.reading is Reading.HEADED}
        missing = wanted - self._covered
        if not missing:
            return True
        self._begin_scan(track, record, missing)
        return False

    def rule_against(self, order: bytes, waiting: Waiting, *, latest_only: bool, skip_converted: bool) -> str | None:
        """Why a partial of the current run is not sent: `converted`, `superseded`, or None when it is."""
        index = self._index
        if index is None:
            return None
        if skip_converted and index.is_converted(order):
            return "converted"
        if latest_only and index.is_superseded(order, waiting):
            return "superseded"
        return None

    def _begin_scan(self, track: Track, record: Record, missing: set[Track]) -> None:
        self._index = self._index or PartialIndex()
        track.head_offset = record.offset()
        track.head_at_ms = record.timestamp()[1]
        self._covered |= missing
        self._to_scan = missing
        if track in missing:
            track.reading = Reading.SCANNED
            self._scan(track, record, track.head_at_ms)
        else:
            self._head(track, track.head_offset, track.head_at_ms)
        for other in missing - {track}:
            other.reading = Reading.SCANNED
            self._resume(other)

    def _scan(self, track: Track, record: Record, at_ms: int) -> None:
        current = self.current
        if current is None or self._index is None:
            return
        if at_ms >= current.cutoff_ms:
            self._scanned(track)
            return
        try:
            waiting = read_headers(record.headers())
        except UndecodableRecord:
            return
        order = record.key() or b""
        if waiting is None or converts(waiting.code):
            self._index.add_conversion(order)
        elif waiting.code == PARTIAL:
            self._index.add_version(order, waiting)

    def _scanned(self, track: Track) -> None:
        self._to_scan.discard(track)
        self._reader.pause(*track.place)
        track.reading = Reading.HEADED
        if not self._to_scan and self.current is not None:
            self._drain(self.current)

    def _head(self, track: Track, offset: int, at_ms: int) -> None:
        self._reader.pause(*track.place)
        track.reading = Reading.HEADED
        track.head_offset = offset
        track.head_at_ms = at_ms
        track.ledger.skip_to(offset)
        self._next_run = None

    def _read_next(self) -> None:
        self._index = None
        self._covered = set()
        self._next_run = None
        self.current = self._plan.popleft() if self._plan else None
        if self.current is not None:
            self._drain(self.current)

    def _drain(self, track: Track) -> None:
        track.reading = Reading.DRAINED
        self._resume(track)

    def _resume(self, track: Track) -> None:
        self._resumed.add(track)
        self._reader.resume_at(*track.place, track.head_offset)


def _retry_first_then_oldest(track: Track) -> tuple[bool, int, int]:
    return track.period is not None, track.cutoff_ms, track.period or 0
