"""What was settled, written in one transaction with the offsets that say so."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from consumer.core.errors import NoLongerMember, TransactionAborted
from consumer.core.ports import Log
from consumer.dispatch.owned import Owned
from consumer.dispatch.pace import Pace
from consumer.dispatch.settling import Settling

_TRIED_AGAIN_MS: Final = 100


class Commits:
    """
    Attributes:
        next_ms: When the next one is to be made, if there is anything to write.
        was_refused: The last one was: nothing is read or sent until it is written.
        committed: What was committed last for each owned partition, replaced as a whole: others may read it.
        droppable: Offset before which the brokers need keep nothing of an owned partition; replaced in the same way.
            What a run settled is kept until it has ended, since another owner that had to end it would look there.
    """

    def __init__(self, *, log: Log, owned: Owned, settling: Settling, pace: Pace, interval_ms: int) -> None:
        self.next_ms = 0
        self.was_refused = False
        self.committed: Mapping[tuple[str, int], tuple[int, str]] = {}
        self.droppable: Mapping[tuple[str, int], int] = {}
        self._log = log
        self._owned = owned
        self._settling = settling
        self._pace = pace
        self._interval_ms = interval_ms

    def look(self, now_ms: int) -> None:
        """The next one comes not later than if the clock had not been set back."""
        self.next_ms = min(self.next_ms, now_ms + self._interval_ms)

    def hurry(self, now_ms: int) -> None:
        """Something waits for the next one."""
        if not self.was_refused:
            self.next_ms = now_ms

    def is_due(self, now_ms: int) -> bool:
        """Whether it is time, or there is much to write."""
        return now_ms >= self.next_ms or (self._settling.has_much and not self.was_refused)

    @property
    def has_something(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._settling.records) or self._owned.is_dirty

    def write(self, now_ms: int, group: Any, *, meanwhile: Callable[[], None]) -> None:
        """
        Write what there is. When the brokers refuse it nothing is lost: it is written with the next.

        Args:
            group: The reader's, as the brokers know it.
            meanwhile: Called while the brokers keep it waiting.

        Raises:
            NoLongerMember: Nothing was written, and what is owned here is somebody else's.
            OutcomeUnknown: It may have been written or not.
        """
        self.next_ms = now_ms + self._interval_ms
        offsets, are_told = self._committable()
        if not are_told:
            self._pace.keep_to_what_can_be_told(now_ms)
            offsets, _ = self._committable()
        if offsets or self._settling.records:
            try:
                self._log.commit(self._settling.records, offsets, group, meanwhile=meanwhile)
            except NoLongerMember:
                raise
            except TransactionAborted:
                self.was_refused = True
                self.next_ms = now_ms + _TRIED_AGAIN_MS
                return
            self._written(offsets, now_ms)
        tracks = self._owned.tracks
        ended = {place: at for place, (at, _) in self.committed.items() if tracks[place][0].has_ended_its_runs}
        self.droppable = {**self.droppable, **ended}

    def assigned(self, committed: Mapping[tuple[str, int], tuple[int, str]]) -> None:
        """Partitions are owned from now on, with what was committed for them."""
        self.committed = {**self.committed, **committed}

    def clear(self) -> None:
        """Nothing is owned, and what was not written is somebody else's."""
        self._settling.clear()
        self.was_refused = False
        self.committed = {}
        self.droppable = {}

    def _committable(self) -> tuple[dict[tuple[str, int], tuple[int, str]], bool]:
        """Offsets and metadata to commit, and whether they tell of all that was settled."""
        ledgers = {place: track.ledger for place, (_, track) in self._owned.tracks.items() if track.dirty}
        commits = {place: ledger.committable() for place, ledger in ledgers.items()}
        return commits, all(ledger.is_told_by(commits[place]) for place, ledger in ledgers.items())

    def _written(self, offsets: Mapping[tuple[str, int], tuple[int, str]], now_ms: int) -> None:
        self._settling.written()
        for shard in self._owned.shards.values():
            shard.written(now_ms, was_delayed=self.was_refused)
        self.was_refused = False
        for place in offsets:
            self._owned.tracks[place][1].dirty = False
        self.committed = {**self.committed, **offsets}
