"""The loop: one thread, no waiting but in the sender's and the reader's own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from consumer.core.errors import NoLongerMember, OutcomeUnknown
from consumer.core.offsets import Ledger
from consumer.core.ports import Log
from consumer.core.profile import Profile
from consumer.core.topics import TopicNames
from consumer.dispatch.admission import Admission
from consumer.dispatch.commits import Commits
from consumer.dispatch.deferral import Deferral
from consumer.dispatch.gauges import Gauges
from consumer.dispatch.lanes import Job, Lanes
from consumer.dispatch.orders import Orders
from consumer.dispatch.owned import Owned
from consumer.dispatch.pace import READ_AT_ONCE, Pace
from consumer.dispatch.ports import Reader, Sender
from consumer.dispatch.run_report import RunReport
from consumer.dispatch.sending import Sending
from consumer.dispatch.settling import Settling
from consumer.dispatch.targets import Targets
from consumer.dispatch.track import NEVER_MS, Cursor, Track
from consumer.log import EventLog
from consumer.metrics import Metrics

_LOOK_MS: Final = 100
_PUT_OFF_MS: Final = 30_000
"""The longest time that what a run puts off waits for the windows of others: a broker that is away may keep one."""

_LONGEST_WAIT_MS: Final = 500
_REVOKE_WAIT_MS: Final = 5_000
"""How long a rebalance waits for what is in flight; what is not answered by then is the next owner's."""

_FORGOTTEN_MS: Final = 5_000
"""After a commit that was refused since this is no member any more, a rebalance says within this time what it owns. If
none does, it was one that took nothing away."""

_log = EventLog("dispatch")


class CommittedOffset(Protocol):
    """What the group committed for a partition: offset None when nothing yet."""

    @property
    def offset(self) -> int | None:
        """The next offset to read."""

    @property
    def metadata(self) -> str:
        """What was written beside it."""


@dataclass(frozen=True, slots=True)
class _Kept:
    offset: int
    metadata: str


class Dispatch:
    """
    Stage 2. `turn` is called over and over; `reader` and `log` are set by whoever makes them, since the reader calls
    back.

    Attributes:
        beat_ms: When the loop last went round, for the health of the process.
    """

    reader: Reader

    def __init__(
        self,
        *,
        log: Log,
        sender: Sender,
        targets: Targets,
        lanes: Lanes,
        orders: Orders,
        admission: Admission,
        deferral: Deferral,
        sending: Sending,
        settling: Settling,
        names: TopicNames,
        metrics: Metrics,
        commit_interval_ms: int,
        clock_ms: Callable[[], int],
    ) -> None:
        self._log = log
        self._sender = sender
        self._targets = targets
        self._lanes = lanes
        self._orders = orders
        self._admission = admission
        self._deferral = deferral
        self._sending = sending
        self._settling = settling
        self._names = names
        self._clock_ms = clock_ms
        self._pace = Pace(lanes, deferral, orders)
        self._report = RunReport(metrics)
        self._owned = owned = Owned(admission)
        self._commits = Commits(
            log=log, owned=owned, settling=settling, pace=self._pace, interval_ms=commit_interval_ms
        )
        self._gauges = Gauges(lanes=lanes, targets=targets, settling=settling, owned=owned, metrics=metrics)
        self._moved: set[Track] = set()
        self._next_look_ms = 0
        self._put_off_until_ms = 0
        self._taken_again_ms = NEVER_MS
        self._has_finished = False
        self._new_profiles: tuple[tuple[Profile, ...], frozenset[str] | None] | None = None
        self.beat_ms = clock_ms()

    @property
    def committed(self) -> Mapping[tuple[str, int], tuple[int, str]]:
        """What was committed last for each owned partition; others may read it."""
        return self._commits.committed

    @property
    def droppable(self) -> Mapping[tuple[str, int], int]:
        """Offset before which the brokers need keep nothing of an owned partition; others may read it."""
        return self._commits.droppable

    def use(self, profiles: Iterable[Profile], named: frozenset[str] | None = frozenset()) -> None:
        """
        Put these profiles in force at the next turn; may be called from another thread.

        Args:
            named: Others that are there and do not load: what waits for them is kept. None: their
                names are not known, and no profile is taken for removed.
        """
        self._new_profiles = tuple(profiles), named

    def begin(self) -> bool:
        """Before the first turn, until it is true."""
        return self._log.make_ready(meanwhile=self.meanwhile)

    def turn(self) -> None:
        """Read what is due, send, settle what was answered, commit when it is time."""
        now_ms = self.beat_ms = self._clock_ms()
        self._commits.look(now_ms)
        self._next_look_ms = min(self._next_look_ms, now_ms + _LOOK_MS)  # the clock may have been set back
        if self._new_profiles is not None:
            (profiles, named), self._new_profiles = self._new_profiles, None
            self._targets.use(profiles, now_ms, named)
            self._sending.use(self._targets.fields)
        next_run_ms = self._begin_runs(now_ms)
        self._go_on(now_ms)
        got = self._read(now_ms, next_run_ms)
        self._feed(now_ms)
        self._collect(self._wait_ms(now_ms, next_run_ms) if not got else 0)
        now_ms = self._clock_ms()
        if now_ms >= self._next_look_ms:
            self._look(now_ms)
        if self._commits.is_due(now_ms):
            self._commit(now_ms)

    def finish(self, within_ms: int) -> None:
        """
        Take nothing new, wait for what is in flight, commit: what is not written by then goes out once more. Nothing is
        done after it but to give up what is owned.
        """
        self._has_finished = True
        self._finish(within_ms)

    def undecided(self, place: tuple[str, int], group: Any) -> None:
        """The committed offsets cannot be had, and it may be this writer's doing."""
        self._log.decide(place, group, meanwhile=self.meanwhile)

    def meanwhile(self) -> None:
        """The brokers keep it waiting, and the loop is well."""
        self.beat_ms = self._clock_ms()

    def assigned(self, partitions: Mapping[tuple[str, int], CommittedOffset]) -> None:
        """These are ours from now on. Topics that only look like windows (`60s` is `1m`'s) are let alone."""
        now_ms = self._clock_ms()
        begins = {
            place: (committed.offset or 0, committed.metadata)
            for place, committed in partitions.items()
            if self._names.is_dispatched(place[0])
        }
        cursor = Cursor(self.reader, self._moved)
        for place, (offset, metadata) in sorted(begins.items()):
            self._owned.add(place, self._names.period(place[0]), Ledger(offset, metadata), cursor, now_ms)
        self._commits.assigned(begins)
        _log.info("partitions.assigned", count=len(partitions))

    def revoked(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Finish what is in flight, commit, forget."""
        if not self._has_finished:
            self._finish(_REVOKE_WAIT_MS)
        self.lost(partitions)

    def lost(self, partitions: Sequence[tuple[str, int]]) -> None:
        """
        Forget them. What stays, where the group gives and takes partitions one by one, is read again from what is
        committed: so there is one way of beginning.
        """
        kept = {place: value for place, value in self.committed.items() if place not in set(partitions)}
        self._lanes.clear()
        self._orders.clear()
        self._commits.clear()
        self._owned.clear()
        _log.info("partitions.given_up", count=len(partitions))
        if kept:
            self.assigned({place: _Kept(offset, metadata) for place, (offset, metadata) in kept.items()})
            for place in kept:
                self._owned.tracks[place][1].watch_anew()

    def _finish(self, within_ms: int) -> None:
        deadline = self._clock_ms() + within_ms
        unsent = self._lanes.clear()
        unsent += self._wait_for_answers(within_ms)
        if not self._owned.can_be_told:
            for job in unsent:
                self._deferral.hold_line(job, self._clock_ms())
        self._commit(self._clock_ms())
        while self._commits.was_refused and self._clock_ms() < deadline:
            self._commit(self._clock_ms())

    def _begin_runs(self, now_ms: int) -> int:
        """Start what is due; returns when the next run of a resting shard is due."""
        periods = self._targets.periods
        soonest = NEVER_MS
        are_kept_back = False
        for shard in self._owned.shards.values():
            are_kept_back |= shard.keep_others_back(now_ms)
        for partition, shard in self._owned.shards.items():
            if shard.run is None:
                due_ms = shard.next_run_ms(periods)
                if due_ms > now_ms:
                    soonest = min(soonest, due_ms)
                elif shard.precedence.is_unwritten:
                    self._commits.hurry(now_ms)  # a run reads all that the one before it moved
                elif not are_kept_back and shard.may_begin(now_ms) and shard.begin_run(now_ms, periods):
                    self._settling.oldest[partition].begin_run()
        return soonest

    def _go_on(self, now_ms: int) -> None:
        """Let runs read what they put off, when nothing else is left to be read and sent."""
        runs = self._owned.runs
        waiting = [run for run in runs if run.waits and run.reading == 1]
        if not waiting:
            self._put_off_until_ms = now_ms + _PUT_OFF_MS
            return
        others = any(run.reading == 1 and not run.waits for run in runs)
        is_long = now_ms >= self._put_off_until_ms
        for run in waiting:
            if is_long or run.is_overdue or not (others or (run.has_more and self._lanes.has_ready(1))):
                run.go_on()

    def _read(self, now_ms: int, next_run_ms: int) -> bool:
        """Whether there was anything: then there is likely more."""
        if self._commits.was_refused or not self._pace.wants_more(now_ms):
            return False
        wait_ms = 0 if self._sender.in_flight or self._orders.open_count else self._wait_ms(now_ms, next_run_ms)
        self._moved.clear()
        records, ends = self.reader.read(READ_AT_ONCE, wait_ms / 1000)
        if wait_ms:
            now_ms = self._clock_ms()
        tracks = self._owned.tracks
        for (shard, track), record, at_ms in self._owned.oldest_first(records):
            run = shard.offer(track, record, at_ms)
            if run is not None:
                self._admission.take(run, track, record, at_ms, now_ms)
        for topic, partition, offset in ends:
            known = tracks.get((topic, partition))
            if known is not None:
                known[0].reached_end(known[1], offset)
        return bool(records)

    def _wait_ms(self, now_ms: int, next_run_ms: int) -> int:
        commits = self._commits
        until = min(next_run_ms, commits.next_ms if commits.has_something else NEVER_MS, self._next_look_ms)
        return max(0, min(until - now_ms, _LONGEST_WAIT_MS))

    def _feed(self, now_ms: int) -> None:
        if not self._commits.was_refused:
            self._sending.feed(now_ms)

    def _collect(self, wait_ms: int) -> None:
        if not self._sender.in_flight and not self._commits.was_refused:
            return  # whoever reads has waited there
        answers = self._sender.wait(min(wait_ms, 20) / 1000)
        if not answers:
            return
        self._pace.answered += len(answers)
        now_ms = self._clock_ms()
        for job, answer in answers:
            # What was in flight when its partition went to somebody else is theirs.
            known = self._owned.tracks.get(job.track.place)
            if known is not None and known[1] is job.track:
                self._sending.finished(job, answer, now_ms)
            else:
                self._sending.too_late(job)

    def _look(self, now_ms: int) -> None:
        self._next_look_ms = now_ms + _LOOK_MS
        if self._report.look_at(self._owned.windows, now_ms):
            self._settling.forget_logged()
        if now_ms >= self._taken_again_ms:
            self._taken_again_ms = NEVER_MS
            if self.reader.owned() - self._owned.tracks.keys():
                self.reader.start_over()
        for shard in self._owned.shards.values():
            shard.look_at_the_next_run(now_ms, self._targets.periods)
        runs = self._owned.runs
        self._pace.look(now_ms, runs)
        for run in runs:
            if run.waits and run.reading > 1 and (run.must_end or self._admission.has_room_for_aside(run)):
                run.go_on()

    def _commit(self, now_ms: int) -> None:
        try:
            self._commits.write(now_ms, self.reader.group_metadata(), meanwhile=self.meanwhile)
        except NoLongerMember:
            # Only reading on tells the client so, and what is read until then is nobody's here.
            self.lost(list(self.committed))
            self._taken_again_ms = now_ms + _FORGOTTEN_MS
        except OutcomeUnknown:
            self.reader.start_over()
        else:
            self._gauges.show(now_ms)

    def _wait_for_answers(self, within_ms: int) -> list[Job]:
        """What followed those that were answered, and is not sent any more."""
        unsent: list[Job] = []
        deadline = self._clock_ms() + within_ms
        while self._sender.in_flight and self._clock_ms() < deadline:
            self._collect(100)
            unsent += self._lanes.clear()
            self.meanwhile()
            if self._commits.is_due(self._clock_ms()):
                self._commit(self._clock_ms())
        left = self._sender.in_flight
        if left:
            _log.warning("transfers.unanswered", count=left, advice="the next owner attempts them again")
        return unsent
