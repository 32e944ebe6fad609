"""A partition of a window topic or of the retry topic, as its owner reads it."""

from collections import Counter
from dataclasses import dataclass
from enum import Enum
from typing import Final

from consumer.core.offsets import Ledger
from consumer.core.schedule import next_boundary_ms
from consumer.core.waiting import Waiting, run_of
from consumer.dispatch.ports import Record
from consumer.dispatch.precedence import Precedence

NEVER_MS: Final = 1 << 62


class Reading(Enum):
    """
    WATCHED: read to the end; the next record to come becomes the head. HEADED: paused, the head is known and waits.
    DRAINED: being read up to the run's boundary. SCANNED: being looked through for the partial rules, nothing is taken.
    """

    WATCHED = "watched"
    HEADED = "headed"
    DRAINED = "drained"
    SCANNED = "scanned"


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
        may_set_aside: A run reads this window for the first time, or others beside it.
        tally: Outcomes since the last summary, by name.
    """

    __slots__ = (
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

    def __init__(self, topic: str, partition: int, period: int | None, ledger: Ledger, precedence: Precedence) -> None:
        self.topic = topic
        self.place = (topic, partition)
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

    def settle(self, offset: int) -> None:
        """The delivery at *offset* needs nothing more."""
        self.ledger.settle(offset)
        self.dirty = True

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
        """
        When it entered: by the broker's time; in the retry topic the run that moved it there, so that a run that lasts
        beyond the next boundary leaves nothing of one order behind what it moved earlier.
        """
        moved_in_ms = run_of(record.headers()) if self.period is None else None
        return record.timestamp()[1] if moved_in_ms is None else moved_in_ms

    def due_ms(self, at_ms: int, periods: frozenset[int]) -> int:
        """
        Boundary of the run to which a record appended at *at_ms* belongs.

        Args:
            periods: Of all windows in use: the retry topic is read at each of their boundaries.
        """
        if self.period is not None:
            return next_boundary_ms(at_ms, self.period)
        return min(next_boundary_ms(at_ms, period) for period in periods)


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
        self.track.settle(self.offset)
