"""A partition of a window topic or of the retry topic, as its owner reads it."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Final

from consumer.core.offsets import Ledger
from consumer.core.ports import Record
from consumer.core.schedule import due_ms
from consumer.core.waiting import Waiting, entered_ms
from consumer.dispatch.ports import Reader
from consumer.dispatch.precedence import Precedence

NEVER_MS: Final = 1 << 62

_CLOCKS_DIFFER_MS: Final = 60_000
"""What a run moves has the name of the run, by an instance's clock, and is found by the broker's."""


class Reading(Enum):
    """
    WATCHED: read to the end; the next record to come becomes the head. HEADED: paused, the head is known and waits.
    DRAINED: being read up to the run's boundary. SCANNED: being looked through for the partial rules, nothing is taken.
    """

    WATCHED = "watched"
    HEADED = "headed"
    DRAINED = "drained"
    SCANNED = "scanned"


@dataclass(frozen=True, slots=True)
class Cursor:
    """
    Moves the reader.

    Attributes:
        moved: Since the last read: what that read still holds of these tracks is void, since they are read on from
            elsewhere.
    """

    reader: Reader
    moved: "set[Track]"

    def stop(self, track: "Track") -> None:
        """Nothing more of it is read."""
        self.reader.pause(*track.place)

    def move(self, track: "Track", offset: int) -> None:
        """It is read on from *offset*."""
        self.moved.add(track)
        self.reader.resume_at(*track.place, offset)

    def move_back(self, track: "Track", since_ms: int, offset: int) -> None:
        """It is read on from what entered at *since_ms*, if that stands before *offset*."""
        found = self.reader.first_since(*track.place, since_ms - _CLOCKS_DIFFER_MS)
        self.move(track, offset if found is None else min(found, offset))


class Track:
    """
    Attributes:
        period: Seconds; None for the retry topic, which has a run at each boundary of any window.
        head_offset: The next record to be taken, when HEADED or SCANNED.
        head_at_ms: Its timestamp; 0 when it is not known.
        scanned_offset: The last one that was looked through, when SCANNED.
        cutoff_ms: Boundary of the run that reads it now: what was appended before it is due.
        precedence: Of its shard.
        is_known: It is known what comes next, or that nothing does: something was heard of it since it was assigned.
        was_read: It was read since then, to a boundary or to its end.
        dirty: Something was read or settled since the last commit.
        may_set_aside: The run that reads it comes back to it.
        tally: Outcomes since the last summary, by name.
    """

    __slots__ = (
        "_cursor",
        "_was_watched",
        "cutoff_ms",
        "dirty",
        "head_at_ms",
        "head_offset",
        "is_known",
        "ledger",
        "may_set_aside",
        "period",
        "place",
        "precedence",
        "reading",
        "scanned_offset",
        "tally",
        "topic",
        "was_read",
    )

    def __init__(
        self, place: tuple[str, int], period: int | None, ledger: Ledger, *, precedence: Precedence, cursor: Cursor
    ) -> None:
        self.topic = place[0]
        self.place = place
        self.period = period
        self.ledger = ledger
        self.reading = Reading.WATCHED
        self.head_offset = ledger.position
        self.head_at_ms = 0
        self.scanned_offset = -1
        self.cutoff_ms = 0
        self.precedence = precedence
        self.is_known = False
        self.was_read = False
        self.dirty = False
        self.may_set_aside = False
        self.tally: Counter[str] = Counter()
        self._cursor = cursor
        self._was_watched = False

    def watch(self, offset: int) -> None:
        """It was read to its end: the next record will have *offset*."""
        self.ledger.skip_to(offset)
        self.dirty = self.is_known = self.was_read = True
        self.reading = Reading.WATCHED

    def watch_anew(self) -> None:
        """From where it begins; the reader may be anywhere."""
        self._cursor.move(self, self.ledger.position)

    def head(self, offset: int, at_ms: int) -> None:
        """The next record to be taken was met: it waits."""
        self._cursor.stop(self)
        self.reading = Reading.HEADED
        self.is_known = True
        self.head_offset = offset
        self.head_at_ms = at_ms
        self.ledger.skip_to(offset)

    def drain(self) -> None:
        """Take what waits, from the head on."""
        self.reading = Reading.DRAINED
        self._cursor.move(self, self.head_offset)

    def scan(self, since_ms: int | None = None) -> None:
        """
        Look through what waits, from the head on.

        Args:
            since_ms: Also through what was appended from then on, whether it is settled or not.
        """
        head_offset = self.head_offset if self.has_head else self.ledger.position
        self._was_watched = self.reading is Reading.WATCHED
        self.reading = Reading.SCANNED
        self.scanned_offset = -1
        if since_ms is None:
            self._cursor.move(self, head_offset)
        else:
            self._cursor.move_back(self, since_ms, head_offset)

    def scan_from(self, offset: int, at_ms: int) -> None:
        """The same, when the record at *offset*, which is the head again, was just read."""
        self._was_watched = False
        self.reading = Reading.SCANNED
        self.head_offset = offset
        self.head_at_ms = at_ms

    def rest(self) -> None:
        """It was looked through, and is as it was before."""
        if self._was_watched:
            self.reading = Reading.WATCHED
            self.watch_anew()
        else:
            self._cursor.stop(self)
            self.reading = Reading.HEADED

    def settle(self, offset: int) -> None:
        """The delivery at *offset* needs nothing more."""
        self.ledger.settle(offset)
        self.dirty = True

    @property
    def was_moved(self) -> bool:
        """Whether what was read of it is void."""
        return self in self._cursor.moved

    @property
    def is_being_read(self) -> bool:
        """Whether a run is at it."""
        return self.reading in {Reading.DRAINED, Reading.SCANNED}

    @property
    def is_to_be_read(self) -> bool:
        """Whether a run is at it, or has yet to come to it."""
        return self.is_being_read or (self.has_head and self.head_at_ms < self.cutoff_ms)

    @property
    def has_head(self) -> bool:
        """Whether the next record is known, and waits."""
        return self.reading is Reading.HEADED

    def at_ms(self, record: Record) -> int:
        """When it entered this track."""
        return entered_ms(record, self.period)

    def due_ms(self, at_ms: int, periods: frozenset[int]) -> int:
        """Boundary of the run to which a record that entered at *at_ms* belongs; of *periods* as in the schedule."""
        return due_ms(at_ms, self.period, periods)


@dataclass(slots=True, eq=False)
class Taken:
    """
    A record that a run took and that is not settled.

    Attributes:
        due_ms: Boundary of the run that it belongs to.
    """

    track: Track
    offset: int
    key: bytes
    value: bytes
    waiting: Waiting
    due_ms: int

    @property
    def order_id(self) -> str:
        """The record's key."""
        return self.key.decode("utf-8", "replace")

    def settle(self) -> None:
        """It needs nothing more."""
        track = self.track
        track.ledger.settle(self.offset)
        track.dirty = True
