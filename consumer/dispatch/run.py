"""
One run of a shard: the order in which it reads the tracks that are due.

It reads the retry topic first, then each window (those of former delays first, then by boundary), each up to its
boundary. When it meets a partial it first looks through what else waits before that boundary (`Partials`), and then
goes on where it was.

No receiver may delay another, however much waits for it. So when much waits in the retry topic, the windows are read
before it; and what a window holds for an endpoint that takes nothing more now, or for an order that comes later from
the retry topic, is set aside there. When all windows were read once, the retry topic is read, and then the windows
again for what was set aside: what takes nothing in this run is moved to the retry topic, and what is merely slow is
set aside again, and read once more whenever there is room for some of it. Before the next run is due the last of it is
moved to the retry topic, too.
"""

from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from consumer.core.customer_type import PARTIAL, converts
from consumer.core.ports import Record
from consumer.core.schedule import last_boundary_ms
from consumer.core.waiting import Waiting
from consumer.dispatch.partials import Partials
from consumer.dispatch.precedence import Precedence
from consumer.dispatch.scan import Scan
from consumer.dispatch.track import Reading, Track

MUCH: Final = 100
"""Deliveries and conversions in one partition of the retry topic: so many are read before the windows are."""


class Run:
    """
    Args:
        due: Tracks to read, each with its cutoff.
        tracks: All of the shard.
        periods: Of the windows in use.
        ended: Called when all is read.

    Attributes:
        waits: All was read, but for what it put off and set aside: it may `go_on` when nobody is delayed by it.
        reading: 1: of what it does not put off. 2: of that, and of all that was set aside. From 3 on: of what was set
            aside again, as far as there is room for it.
        is_overdue: The next run is due soon: what is set aside is not waited for any longer.
    """

    def __init__(
        self,
        due: Sequence[Track],
        tracks: Sequence[Track],
        *,
        periods: frozenset[int],
        precedence: Precedence,
        ended: Callable[[], None],
    ) -> None:
        self.precedence = precedence
        self.partials = Partials(precedence)
        self.waits = False
        self.reading = 1
        self.is_overdue = False
        self._tracks = tracks
        self._retries = [track for track in tracks if track.period is None]
        self._ended = ended
        # What waits under a delay that nobody has any more came before what waits under the new one.
        self._plan = deque(
            sorted(due, key=lambda t: (t.period is not None, t.period in periods, t.cutoff_ms, t.period or 0))
        )
        self._again = [track for track in self._plan if track.period is not None]
        for track in self._again:
            track.may_set_aside = True
        self._not_read: list[Track] = []
        self._is_crowded = False
        self._is_first = False
        self._scan: Scan | None = None

    def begin(self, *, is_first: bool) -> None:
        """
        Start to read.

        Args:
            is_first: Of this owner: a former one may have been in the middle of a run.
        """
        self._is_first = is_first
        retry = next((t for t in self._tracks if t.period is None and t.has_head), None)
        if is_first and retry is not None:
            self._scan = Scan([retry], self._look_at_retry, until_ms=None, then=self._looked_through)
            self._scan.begin()
        else:
            self._begin_reading()

    @property
    def has_unread_retries(self) -> bool:
        """Whether failed deliveries may wait that no run of this owner has met."""
        return not all(track.was_read for track in self._retries)

    @property
    def longest_period(self) -> int:
        """Of the windows that there are, those of former delays and of removed profiles among them; 0 for none."""
        return max((track.period or 0 for track in self._tracks), default=0)

    @property
    def has_more(self) -> bool:
        """Whether something was put off or set aside."""
        return bool(self._not_read) or any(track.ledger.has_aside for track in self._again)

    def has_yet_to_read(self, track: Track) -> bool:
        """Whether it has not come to the track, or not to its boundary there."""
        return track in self._plan or track in self._not_read

    def leaves_for_later(self, track: Track) -> bool:
        """Whether it sets aside whatever takes nothing now: it reads the track for the first time, and comes back."""
        return track.may_set_aside and self.reading == 1

    @property
    def must_end(self) -> bool:
        """Whether nothing is set aside in its next reading: what is left is moved to the retry topic."""
        return self.is_overdue or self._is_crowded

    def offer(self, track: Track, record: Record, at_ms: int) -> bool:
        """Whether a record that was read, and entered at *at_ms*, is to be taken."""
        if track.reading is not Reading.DRAINED:
            if track.reading is Reading.SCANNED and self._scan is not None:
                self._scan.offer(track, record, at_ms)
            return False
        if self.reading > 1 and track.ledger.has_read_again(record.offset()):
            track.head_offset = track.ledger.position
            track.drain()
            return False
        if at_ms < track.cutoff_ms:
            return True
        track.was_read = True
        track.head(record.offset(), at_ms)
        self._was_read(track)
        return False

    def reached_end(self, track: Track, offset: int) -> None:
        """Nothing stands behind *offset* of a track."""
        if track.reading is Reading.DRAINED and offset >= track.ledger.position:
            track.watch(offset)
            self._was_read(track)
        elif track.reading is Reading.SCANNED and self._scan is not None:
            self._scan.reached_end(track, offset)

    def cover(self, track: Track, record: Record, at_ms: int, period: int, partial_periods: frozenset[int]) -> bool:
        """
        Begin to look through what else waits, where a partial of *track* needs it. A new owner looks at what a former
        one settled in this run, too.

        Args:
            period: Of the partial's profile now; another than the track's when its delay was changed.
            partial_periods: Of the windows in which newer versions and conversions can wait.

        Returns:
            Whether that was done already, and the partial rules can be asked. If not, *record* will be offered again.
        """
        until_ms = track.cutoff_ms
        missing = self.partials.uncovered([track], until_ms)
        if track.period != period:
            missing += self.partials.uncovered(self._heads(partial_periods), until_ms)
        if not missing:
            return True
        since_ms = None
        if self._is_first:
            missing += [one for one in self.partials.uncovered(self._retries, until_ms) if one not in missing]
            since_ms = at_ms if track.period is None else last_boundary_ms(at_ms, track.period)
        self.partials.cover(missing, until_ms)
        self._scan = Scan(missing, self.partials.look, until_ms=until_ms, since_ms=since_ms, then=track.drain)
        if missing[0] is track and since_ms is None:
            self._scan.begin_with(record, at_ms)
        else:
            track.head(record.offset(), at_ms)
            self._scan.begin()
        return False

    def set_aside(self, track: Track, offset: int) -> None:
        """Leave what was taken just now where it stands, until all windows were read once."""
        track.ledger.set_aside(offset)
        if track.ledger.is_crowded:
            # What stands in another window may come after what is left in this one.
            self._not_read += [track, *self._plan]
            self._is_crowded = True
            self._plan.clear()
            track.head(offset + 1, 0)
            self._read_next()
        elif self.reading > 2 and self.precedence.is_all_aside_again:
            for one in self._again:
                one.ledger.leave_the_rest()
            self._plan.clear()

    def go_on(self) -> None:
        """Read what was put off, and what was set aside."""
        self.waits = False
        self.reading += 1
        self.precedence.aside_comes_again()
        if self.must_end:
            self._set_nothing_aside()
        self._plan.extend(track for track in self._again if track.ledger.has_aside or track in self._not_read)
        self._not_read.clear()
        self._read_next()

    def _heads(self, periods: frozenset[int]) -> list[Track]:
        """In the order in which they are read: the index wants to meet a partial's versions as the run does."""
        return sorted(
            (t for t in self._tracks if t.period in periods and t.has_head),
            key=lambda t: self._plan.index(t) if t in self._plan else len(self._plan),
        )

    def _look_at_retry(self, track: Track, record: Record, waiting: Waiting | None) -> None:
        if not track.ledger.is_open(record.offset()):
            return
        order = record.key() or b""
        # At the boundary of a former delay the retry topic is not read: it has no cutoff then, nothing is due.
        is_due = track.at_ms(record) < track.cutoff_ms
        if waiting is None and not is_due:  # told by a former owner in the middle of this run: it counts in it
            self.partials.note_conversion(order)
        if waiting is None or converts(waiting.code):
            self.precedence.look_at_conversion(order, is_due=is_due)
        if waiting is not None:
            self.precedence.look_at(order, waiting, is_due=is_due)
            if waiting.code == PARTIAL and not is_due:
                self.partials.unruled.add(order)

    def _looked_through(self) -> None:
        self._scan = None
        self.precedence.looked_through()
        self._begin_reading()

    def _begin_reading(self) -> None:
        if self._plan[0].period is None and self._again and self.precedence.waiting > MUCH:
            put_off = self._plan.popleft()
            put_off.may_set_aside = True
            self._again.insert(0, put_off)
            self._not_read.append(put_off)
        self._read_next()

    def _was_read(self, track: Track) -> None:
        """To its boundary, or to its end."""
        if track.period is None:
            self.precedence.retries_were_read()
        if self.reading > 1:
            track.ledger.end_reading_again()
        self._read_next()

    def _read_next(self) -> None:
        if self._plan:
            track = self._plan.popleft()
            if self.reading > 1 and track.ledger.has_aside:
                track.head_offset = track.ledger.begin_reading_again()
            track.drain()
            return
        # What it has in memory may have to be set aside as long as other shards read theirs for the first time.
        self.waits = self.has_more or (self.reading == 1 and bool(self._again))
        if not self.waits:
            self._set_nothing_aside()
            self.precedence.aside_comes_again()
            self._ended()

    def _set_nothing_aside(self) -> None:
        for track in self._again:
            track.may_set_aside = False
