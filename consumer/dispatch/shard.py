"""The tracks of one partition number: all that concerns one order stands in them and has one owner."""

from typing import Final

from consumer.core.offsets import Ledger
from consumer.core.ports import Record
from consumer.core.schedule import last_boundary_ms
from consumer.dispatch.precedence import Precedence
from consumer.dispatch.run import Run
from consumer.dispatch.scan import Look, Scan
from consumer.dispatch.track import NEVER_MS, Cursor, Reading, Track

_LEAVES_FOR_NEXT_MS: Final = 30_000
"""So long before the next run, or a tenth of the period, what is set aside is moved: a hundred thousand take a second
or two."""

_UNHEARD_WAIT_MS: Final = 2_000
"""A broker that is away must not hold up the others for longer."""


class Shard:
    """
    Args:
        learn: Told, before the first run, of what waits in the retry topic.

    Attributes:
        run: The one that reads now, if any.
        precedence: Of all that it reads.
    """

    def __init__(self, cursor: Cursor, learn: Look) -> None:
        self.run: Run | None = None
        self.precedence = Precedence()
        self._cursor = cursor
        self._learn = learn
        self._has_learnt = False
        self._learning: Scan | None = None
        self._learns_on = False
        self._tracks: list[Track] = []
        self._hears_until_ms = 0
        self._is_first_run = True
        self._next_run: tuple[frozenset[int], int] | None = None

    def add(self, place: tuple[str, int], period: int | None, ledger: Ledger, now_ms: int) -> Track:
        """A partition of this number was assigned; it is watched from its committed offset on."""
        track = Track(place, period, ledger, precedence=self.precedence, cursor=self._cursor)
        self._tracks.append(track)
        self._hears_until_ms = now_ms + _UNHEARD_WAIT_MS
        return track

    def may_begin(self, now_ms: int) -> bool:
        """
        Whether something was heard of every track, or waited for in vain: a run that begins before cannot keep the
        partial rules and the order.
        """
        if self._learning is not None:
            return False
        return now_ms >= self._hears_until_ms or all(track.is_known for track in self._tracks)

    def keep_others_back(self, now_ms: int) -> bool:
        """
        Whether its retry topic may say that an endpoint is to be left alone, and was not learnt from yet; it is waited
        for anew as long as it is learnt from.
        """
        if self._learns_on:
            self._learns_on = False
            self._hears_until_ms = now_ms + _UNHEARD_WAIT_MS
        return (
            not self._has_learnt
            and now_ms < self._hears_until_ms
            and any(track.period is None for track in self._tracks)
        )

    @property
    def has_ended_its_runs(self) -> bool:
        """And there was one at least: a former owner may have been in the middle of one."""
        return self.run is None and not self._is_first_run

    def next_run_ms(self, periods: frozenset[int]) -> int:
        """When something of it is due between runs, as far as is known; NEVER_MS when nothing is."""
        if self._next_run is None or self._next_run[0] is not periods:
            due = (self._due_ms(track, periods) for track in self._tracks if track.has_head)
            self._next_run = (periods, min(due, default=NEVER_MS))
        return self._next_run[1]

    def begin_run(self, now_ms: int, periods: frozenset[int]) -> bool:
        """
        Read what is due now, each track up to its newest boundary.

        Returns:
            Whether the retry topic is among it.
        """
        due = [track for track in self._tracks if track.has_head and self._due_ms(track, periods) <= now_ms]
        in_use = periods.union(track.period for track in due if track.period is not None)
        run_ms = self.precedence.run_ms = max(last_boundary_ms(now_ms, period) for period in in_use)
        for track in due:
            track.cutoff_ms = run_ms if track.period is None else last_boundary_ms(now_ms, track.period)
        reads_retries = any(track.period is None for track in due)
        if reads_retries:
            self.precedence.retries_are_read()
        is_first, self._is_first_run = self._is_first_run, False
        self._has_learnt = True
        self.run = Run(due, self._tracks, periods=periods, precedence=self.precedence, ended=self._run_ended)
        self.run.begin(is_first=is_first)
        return reads_retries

    def look_at_the_next_run(self, now_ms: int, periods: frozenset[int]) -> None:
        """Tell the current run when it is due soon."""
        run = self.run
        if run is not None and not run.is_overdue:
            soon_ms = now_ms + min(_LEAVES_FOR_NEXT_MS, min(periods) * 100)
            next_ones = (track for track in self._tracks if track.has_head and not run.has_yet_to_read(track))
            run.is_overdue = any(self._due_ms(track, periods) <= soon_ms for track in next_ones)

    def _learnt(self) -> None:
        self._has_learnt = True
        self._learning = self._next_run = None

    def _run_ended(self) -> None:
        self.run = self._next_run = None

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
            for track in self._tracks:
                if track.period is None and track.reading is Reading.WATCHED:
                    track.is_known = False
        if self.precedence.is_unwritten or was_delayed:
            self._hears_until_ms = now_ms + _UNHEARD_WAIT_MS
        self.precedence.is_unwritten = False
        if self.run is None:
            self.precedence.prepare()

    def offer(self, track: Track, record: Record, at_ms: int) -> Run | None:
        """The run that is to take a record that was read, and entered at *at_ms*, if one is."""
        if track.was_moved:
            return None
        if track.reading is Reading.WATCHED:
            track.head(record.offset(), at_ms)
            self._next_run = None
            if track.period is None and not self._has_learnt:
                self._learning = Scan([track], self._learn, until_ms=None, then=self._learnt)
                self._learning.begin()
        elif self._learning is not None and track.reading is Reading.SCANNED:
            self._learns_on = True
            self._learning.offer(track, record, at_ms)
        elif self.run is not None and self.run.offer(track, record, at_ms):
            return self.run
        return None

    def reached_end(self, track: Track, offset: int) -> None:
        """Nothing stands behind *offset* now."""
        if track.was_moved:
            return
        if track.reading is Reading.WATCHED:
            if offset >= track.ledger.position:
                track.watch(offset)
                if track.period is None:
                    self._has_learnt = True
        elif self._learning is not None and track.reading is Reading.SCANNED:
            self._learning.reached_end(track, offset)
        elif self.run is not None:
            self.run.reached_end(track, offset)
