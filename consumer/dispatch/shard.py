"""
The tracks of one partition number, and the run that reads them.

All that concerns one order stands in partitions of one number and has one owner. A run of a shard reads the retry topic
first, then each window that is due (those of former delays first, then by boundary), each up to its boundary. When it
meets a partial it first looks through what else waits before that boundary (`PartialIndex`), and then goes on where it
was.

No receiver may delay another, however much waits for it. So when much waits in the retry topic, the windows are read
before it; and what a window holds for an endpoint that takes nothing now, or for an order that comes later from the
retry topic, is set aside there. When all windows were read once, the retry topic is read, and then the windows once
more for what was set aside.
"""

from collections import deque
from typing import Final

from consumer.core.customer_type import PARTIAL, converts
from consumer.core.errors import UndecodableRecord
from consumer.core.schedule import last_boundary_ms
from consumer.core.waiting import Waiting, read_headers
from consumer.core.window import PartialIndex
from consumer.dispatch.ports import Reader, Record
from consumer.dispatch.precedence import Precedence
from consumer.dispatch.track import NEVER_MS, Reading, Track

_UNHEARD_WAIT_MS: Final = 2_000
"""A broker that is away must not hold up the others for longer."""

MUCH: Final = 100
"""Deliveries and conversions in one partition of the retry topic: so many are read before the windows are."""


class Shard:
    """
    Attributes:
        current: The track that a run reads now; None between runs.
        precedence: Of all that it reads.
        hears_until_ms: How long a run waits to hear of every track.
        waits: The run has read its windows once, and may `go_on` with what it put off when nobody is delayed by it.
    """

    def __init__(self, reader: Reader, resumed: set[Track]) -> None:
        """
        Args:
            resumed: Of all shards, since the last read: what that read still holds of them is void, since they are
                read on from elsewhere.
        """
        self.tracks: list[Track] = []
        self.current: Track | None = None
        self.hears_until_ms = 0
        self.waits = False
        self._reader = reader
        self._resumed = resumed
        self._plan: deque[Track] = deque()
        self._windows: list[Track] = []
        self._put_off: Track | None = None
        self._not_read: list[Track] = []
        self._is_first_reading = True
        self._index = PartialIndex()
        self._covered: dict[Track, int] = {}
        self._to_scan: deque[Track] = deque()
        self.precedence = Precedence()
        self._looked_through: Track | None = None
        self._is_first_run = True
        self._next_run: tuple[frozenset[int], int] | None = None

    def add(self, track: Track, now_ms: int) -> None:
        """A partition of this number was assigned; it is watched from its committed offset on."""
        self.tracks.append(track)
        self.hears_until_ms = now_ms + _UNHEARD_WAIT_MS

    def may_begin(self, now_ms: int) -> bool:
        """
        Whether something was heard of every track, or waited for in vain: a run that begins before cannot keep the
        partial rules and the order.
        """
        return now_ms >= self.hears_until_ms or all(track.is_known for track in self.tracks)

    @property
    def has_unread_retries(self) -> bool:
        """Whether failed deliveries may wait that no run of this owner has met."""
        return any(track.period is None and not track.was_read for track in self.tracks)

    def next_run_ms(self, periods: frozenset[int]) -> int:
        """When something of it is due, as far as is known; NEVER_MS when nothing is."""
        if self._next_run is None or self._next_run[0] is not periods:
            due = (self._due_ms(t, periods) for t in self.tracks if t.reading is Reading.HEADED)
            self._next_run = (periods, min(due, default=NEVER_MS))
        return self._next_run[1]

    def begin_run(self, now_ms: int, periods: frozenset[int]) -> bool:
        """
        Read what is due now, each track up to its newest boundary.

        Returns:
            Whether the retry topic is among it.
        """
        due = [t for t in self.tracks if t.reading is Reading.HEADED and self._due_ms(t, periods) <= now_ms]
        in_use = periods.union(track.period for track in due if track.period is not None)
        run_ms = self.precedence.run_ms = max(last_boundary_ms(now_ms, period) for period in in_use)
        for track in due:
            track.cutoff_ms = run_ms if track.period is None else last_boundary_ms(now_ms, track.period)
        reads_retries = any(track.period is None for track in due)
        if reads_retries:
            self.precedence.retries_are_read()
        # What waits under a delay that nobody has any more came before what waits under the new one.
        self._plan = deque(
            sorted(due, key=lambda t: (t.period is not None, t.period in periods, t.cutoff_ms, t.period or 0))
        )
        # Of the run as a whole: an older version may stand in the window of a newer one that was read from the retry
        # topic.
        self._index = PartialIndex()
        self._covered.clear()
        self._windows = [track for track in self._plan if track.period is not None]
        for track in self._windows:
            track.may_set_aside = True
        self._put_off, self._not_read, self._is_first_reading = None, [], True
        self.current = self._plan[0]
        if self._is_first_run:
            self._is_first_run = False
            self._look_through_retries()
        else:
            self._begin_reading()
        return reads_retries

    @property
    def is_in_first_reading(self) -> bool:
        """Whether the run reads what it does not put off."""
        return self.current is not None and self._is_first_reading

    def set_aside(self, track: Track, offset: int) -> None:
        """Leave what was taken just now where it stands, until all windows were read once."""
        track.ledger.set_aside(offset)
        if track.ledger.is_crowded:
            # What stands in another window may come after what is left in this one.
            self._not_read = list(self._plan)
            self._plan.clear()
            self._head(track, offset + 1, 0)
            self._read_next()

    def go_on(self) -> None:
        """Read what was put off, and what was set aside."""
        self.waits = False
        self._set_nothing_aside()
        if self._put_off is not None:
            self._plan.append(self._put_off)
        self._plan.extend(track for track in self._windows if track.ledger.has_aside or track in self._not_read)
        self._read_next()

    def _due_ms(self, track: Track, periods: frozenset[int]) -> int:
        # Never in a boundary's second run: what the first one moved would come before what stood there already.
        at_ms = track.head_at_ms if track.period is not None else max(track.head_at_ms, self.precedence.run_ms)
        return track.due_ms(at_ms, periods)

    def written(self, now_ms: int, *, was_delayed: bool) -> None:
        """
        What was moved is in Kafka: the next run waits until it can be read.

        Args:
            was_delayed: Nothing was read meanwhile, and so nothing could be heard of.
        """
        if self.precedence.is_unwritten:
            for track in self.tracks:
                if track.period is None and track.reading is Reading.WATCHED:
                    track.is_known = False
        if self.precedence.is_unwritten or was_delayed:
            self.hears_until_ms = now_ms + _UNHEARD_WAIT_MS
        self.precedence.is_unwritten = False

    def offers(self, track: Track, record: Record) -> bool:
        """Whether a record of *track* that was read is to be taken by the run."""
        if track in self._resumed:
            return False
        reading = track.reading
        at_ms = track.at_ms(record)
        if reading is Reading.DRAINED:
            if not self._is_first_reading and track.ledger.has_read_again(record.offset()):
                track.head_offset = track.ledger.position
                self._drain(track)
                return False
            if at_ms < track.cutoff_ms:
                return True
            track.was_read = True
            self._head(track, record.offset(), at_ms)
            self._was_read(track)
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
            if offset > track.scanned_offset:
                self._scanned(track)
        elif track.reading is not Reading.HEADED and offset >= track.ledger.position:
            track.ledger.skip_to(offset)
            track.dirty = track.is_known = track.was_read = True
            if track.reading is Reading.DRAINED:
                track.reading = Reading.WATCHED
                self._was_read(track)

    def covers(self, track: Track, record: Record, period: int, partial_periods: frozenset[int]) -> bool:
        """
        Whether the partial rules can be asked for a partial of *track*; if not, the looking-through begins, and
        *record* will be offered again after it.

        Args:
            period: Of the partial's profile now; another than the track's when its delay was changed.
            partial_periods: Of the windows in which newer versions and conversions can wait.
        """
        missing = [track] if self._covered.get(track, 0) < track.cutoff_ms else []
        if track.period != period:
            missing += self._uncovered_heads(track.cutoff_ms, partial_periods)
        if not missing:
            return True
        self._begin_scan(track, record, missing)
        return False

    def note_conversion(self, order: bytes) -> None:
        """An order was placed, as the run reads: partials may stand behind."""
        self._index.add_conversion(order)

    def rule_against(self, order: bytes, waiting: Waiting, *, latest_only: bool, skip_converted: bool) -> str | None:
        """Why a partial of the current run is not sent: `converted`, `superseded`, or None when it is."""
        if skip_converted and self._index.is_converted(order):
            return "converted"
        if latest_only and self._index.is_superseded(order, waiting):
            return "superseded"
        return None

    def _uncovered_heads(self, cutoff_ms: int, partial_periods: frozenset[int]) -> list[Track]:
        """In the order in which the run reads them: the index wants to meet a partial's versions as the run does."""
        there = [t for t in self.tracks if t.period in partial_periods and t.reading is Reading.HEADED]
        return sorted(
            (t for t in there if self._covered.get(t, 0) < cutoff_ms),
            key=lambda t: self._plan.index(t) if t in self._plan else len(self._plan),
        )

    def _begin_scan(self, track: Track, record: Record, missing: list[Track]) -> None:
        self._to_scan = deque(missing)
        for one in missing:
            self._covered[one] = track.cutoff_ms
        if missing[0] is track:
            track.head_offset = record.offset()
            track.head_at_ms = track.at_ms(record)
            track.reading = Reading.SCANNED
            self._scan(track, record, track.head_at_ms)
        else:
            self._head(track, record.offset(), track.at_ms(record))
            self._scan_next()

    def _scan_next(self) -> None:
        if self._to_scan:
            track = self._to_scan[0]
            track.reading = Reading.SCANNED
            track.scanned_offset = -1
            self._resume(track)
        elif self.current is not None:
            self._drain(self.current)

    def _scan(self, track: Track, record: Record, at_ms: int) -> None:
        current = self.current
        if current is None:
            return
        track.scanned_offset = record.offset()
        if track is self._looked_through:
            self._look_at(track, record, is_due=at_ms < self.precedence.run_ms)
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
            is_first = track.period is None or not self.precedence.comes_later(order, waiting.profile)
            self._index.add_version(order, waiting, is_first=is_first)

    def _scanned(self, track: Track) -> None:
        self._to_scan.popleft()
        self._reader.pause(*track.place)
        track.reading = Reading.HEADED
        if track is self._looked_through:
            self._looked_through = None
            self.precedence.looked_through()
            self._begin_reading()
        else:
            self._scan_next()

    def _head(self, track: Track, offset: int, at_ms: int) -> None:
        self._reader.pause(*track.place)
        track.reading = Reading.HEADED
        track.is_known = True
        track.head_offset = offset
        track.head_at_ms = at_ms
        track.ledger.skip_to(offset)
        self._next_run = None

    def _begin_reading(self) -> None:
        if self._plan[0].period is None and self._windows and self.precedence.waiting > MUCH:
            self._put_off = self._plan.popleft()
        self._read_next()

    def _was_read(self, track: Track) -> None:
        """To its boundary, or to its end."""
        if track.period is None:
            self.precedence.retries_were_read()
        elif not self._is_first_reading:
            track.ledger.end_second_reading()
        self._read_next()

    def _read_next(self) -> None:
        self._next_run = None
        if self._plan:
            track = self.current = self._plan.popleft()
            if not self._is_first_reading and track.ledger.has_aside:
                track.head_offset = track.ledger.begin_second_reading()
            self._drain(track)
            return
        if self._is_first_reading:
            self._is_first_reading = False
            self.waits = self._put_off is not None or any(track.ledger.has_aside for track in self._windows)
        if not self.waits:
            self._set_nothing_aside()
            self.current = None
            self._index = PartialIndex()

    def _set_nothing_aside(self) -> None:
        self.precedence.all_windows_were_read()
        for track in self._windows:
            track.may_set_aside = False

    def _look_through_retries(self) -> None:
        """A former owner may have been in the middle of a run."""
        self._looked_through = next((t for t in self.tracks if t.period is None and t.has_head), None)
        if self._looked_through is not None:
            self._to_scan = deque([self._looked_through])
            self._scan_next()
        else:
            self._begin_reading()

    def _look_at(self, track: Track, record: Record, *, is_due: bool) -> None:
        try:
            waiting = read_headers(record.headers())
        except UndecodableRecord:
            return
        if not track.ledger.is_open(record.offset()):
            return
        order = record.key() or b""
        if waiting is None or converts(waiting.code):
            self.precedence.look_at_conversion(order, is_due=is_due)
        if waiting is not None:
            self.precedence.look_at(order, waiting, is_due=is_due)

    def _drain(self, track: Track) -> None:
        track.reading = Reading.DRAINED
        self._resume(track)

    def _resume(self, track: Track) -> None:
        self._resumed.add(track)
        self._reader.resume_at(*track.place, track.head_offset)
