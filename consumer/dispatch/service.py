"""The loop: one thread, no waiting but in the sender's and the reader's own."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from consumer.core.errors import NoLongerMember, OutcomeUnknown, TransactionAborted
from consumer.core.offsets import Ledger
from consumer.core.ports import Log
from consumer.core.profile import Profile
from consumer.core.topics import TopicNames
from consumer.dispatch.admission import Admission
from consumer.dispatch.lanes import Job, Lanes
from consumer.dispatch.orders import Orders
from consumer.dispatch.pace import READ_AT_ONCE, Pace
from consumer.dispatch.ports import Reader, Sender
from consumer.dispatch.run import Run
from consumer.dispatch.run_report import RunReport
from consumer.dispatch.sending import Sending
from consumer.dispatch.settling import Settling
from consumer.dispatch.shard import Shard
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
        committed: What was committed last for each owned partition, replaced as a whole: others may read it.
        droppable: Offset before which the brokers need keep nothing of an owned partition; replaced in the same way.
            What a run settled is kept until it has ended, since another owner that had to end it would look there.
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
        self._sending = sending
        self._settling = settling
        self._names = names
        self._metrics = metrics
        self._commit_interval_ms = commit_interval_ms
        self._clock_ms = clock_ms
        self._pace = Pace(lanes, admission, orders)
        self._report = RunReport(metrics)
        self._shards: dict[int, Shard] = {}
        self._moved: set[Track] = set()
        self._tracks: dict[tuple[str, int], tuple[Shard, Track]] = {}
        self._windows: dict[int, list[Track]] = defaultdict(list)
        self._next_commit_ms = 0
        self._next_look_ms = 0
        self._put_off_until_ms = 0
        self._taken_again_ms = NEVER_MS
        self._is_unwritten = False
        self._shown: frozenset[str] = frozenset()
        self._new_profiles: tuple[tuple[Profile, ...], frozenset[str] | None] | None = None
        self.beat_ms = clock_ms()
        self.committed: Mapping[tuple[str, int], tuple[int, str]] = {}
        self.droppable: Mapping[tuple[str, int], int] = {}

    def use(self, profiles: Iterable[Profile], named: frozenset[str] | None = frozenset()) -> None:
        """
        Put these profiles in force at the next turn; may be called from another thread.

        Args:
            named: Others that are there and do not load: what waits for them is kept. None: there may be any.
        """
        self._new_profiles = tuple(profiles), named

    def begin(self) -> bool:
        """Before the first turn, until it is true."""
        return self._log.make_ready(meanwhile=self.meanwhile)

    def turn(self) -> None:
        """Read what is due, send, settle what was answered, commit when it is time."""
        now_ms = self.beat_ms = self._clock_ms()
        # Not later than if the clock had not been set back.
        self._next_commit_ms = min(self._next_commit_ms, now_ms + self._commit_interval_ms)
        self._next_look_ms = min(self._next_look_ms, now_ms + _LOOK_MS)
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
        if (self._settling.has_much and not self._is_unwritten) or now_ms >= self._next_commit_ms:
            self._commit(now_ms)

    def finish(self, within_ms: int) -> None:
        """Take nothing new, wait for what is in flight, commit: what is not written by then goes out once more."""
        deadline = self._clock_ms() + within_ms
        unsent = self._lanes.clear()
        unsent += self._wait_for_answers(within_ms)
        ledgers = [track.ledger for _, track in self._tracks.values()]
        if not all(ledger.is_told_by(ledger.committable()) for ledger in ledgers):
            # What is open is scattered too far for the commit to tell what among it was delivered.
            for job in unsent:
                self._admission.hold_line(job, self._clock_ms())
        self._commit(self._clock_ms())
        while self._is_unwritten and self._clock_ms() < deadline:
            self._commit(self._clock_ms())

    def undecided(self, place: tuple[str, int], group: Any) -> None:
        """The committed offsets cannot be had, and it may be this writer's doing."""
        self._log.decide(place, group, meanwhile=self.meanwhile)

    def meanwhile(self) -> None:
        """The brokers keep it waiting, and the loop is well."""
        self.beat_ms = self._clock_ms()

    def assigned(self, partitions: Mapping[tuple[str, int], CommittedOffset]) -> None:
        """These are ours from now on."""
        now_ms = self._clock_ms()
        for (topic, partition), committed in sorted(partitions.items()):
            ledger = Ledger(committed.offset or 0, committed.metadata)
            shard = self._shards.setdefault(partition, Shard(Cursor(self.reader, self._moved), self._admission.learn))
            track = shard.add((topic, partition), self._names.period(topic), ledger, now_ms)
            self._tracks[track.place] = (shard, track)
            if track.period is not None:
                self._windows[track.period].append(track)
        begins = {place: (c.offset or 0, c.metadata) for place, c in partitions.items()}
        self.committed = {**self.committed, **begins}
        _log.info("partitions.assigned", count=len(partitions))

    def revoked(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Finish what is in flight, commit, forget."""
        self.finish(_REVOKE_WAIT_MS)
        self.lost(partitions)

    def lost(self, partitions: Sequence[tuple[str, int]]) -> None:
        """
        Forget them. What stays, where the group gives and takes partitions one by one, is read again from what is
        committed: so there is one way of beginning.
        """
        kept = {place: value for place, value in self.committed.items() if place not in set(partitions)}
        self._lanes.clear()
        self._orders.clear()
        self._settling.clear()
        self._shards.clear()
        self._tracks.clear()
        self._windows.clear()
        self._is_unwritten = False
        self.committed = {}
        self.droppable = {}
        _log.info("partitions.given_up", count=len(partitions))
        if kept:
            self.assigned({place: _Kept(offset, metadata) for place, (offset, metadata) in kept.items()})
            for place in kept:
                self._tracks[place][1].watch_anew()

    def _begin_runs(self, now_ms: int) -> int:
        """Start what is due; returns when the next run of a resting shard is due."""
        periods = self._targets.periods
        soonest = NEVER_MS
        are_kept_back = any(shard.keeps_others_back(now_ms) for shard in self._shards.values())
        for partition, shard in self._shards.items():
            if shard.run is None:
                due_ms = shard.next_run_ms(periods)
                if due_ms > now_ms:
                    soonest = min(soonest, due_ms)
                elif shard.precedence.is_unwritten:
                    # A run reads all that the one before it moved.
                    self._next_commit_ms = self._next_commit_ms if self._is_unwritten else now_ms
                elif not are_kept_back and shard.may_begin(now_ms) and shard.begin_run(now_ms, periods):
                    self._settling.oldest[partition].begin_run()
        return soonest

    @property
    def _runs(self) -> list[Run]:
        return [shard.run for shard in self._shards.values() if shard.run is not None]

    def _go_on(self, now_ms: int) -> None:
        """Let runs read what they put off, when nothing else is left to be read and sent."""
        runs = self._runs
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
        if self._is_unwritten or not self._pace.wants_more(now_ms):
            return False
        wait_ms = 0 if self._sender.in_flight or self._orders.open_count else self._wait_ms(now_ms, next_run_ms)
        self._moved.clear()
        records, ends = self.reader.read(READ_AT_ONCE, wait_ms / 1000)
        if wait_ms:
            now_ms = self._clock_ms()
        tracks = self._tracks
        for record in records:
            known = tracks.get((record.topic(), record.partition()))
            if known is None:
                continue
            shard, track = known
            at_ms = track.at_ms(record)
            run = shard.offers(track, record, at_ms)
            if run is not None:
                self._admission.take(run, track, record, at_ms, now_ms)
        for topic, partition, offset in ends:
            known = tracks.get((topic, partition))
            if known is not None:
                known[0].reached_end(known[1], offset)
        return bool(records)

    def _wait_ms(self, now_ms: int, next_run_ms: int) -> int:
        until = min(next_run_ms, self._next_commit_ms if self._has_unwritten() else NEVER_MS, self._next_look_ms)
        return max(0, min(until - now_ms, _LONGEST_WAIT_MS))

    def _feed(self, now_ms: int) -> None:
        if not self._is_unwritten:
            self._sending.feed(now_ms)

    def _collect(self, wait_ms: int) -> None:
        if not self._sender.in_flight:
            return
        answers = self._sender.wait(min(wait_ms, 20) / 1000)
        if not answers:
            return
        self._pace.answered += len(answers)
        now_ms = self._clock_ms()
        for job, answer in answers:
            # What was in flight when its partition went to somebody else is theirs.
            known = self._tracks.get(job.track.place)
            if known is not None and known[1] is job.track:
                self._sending.finished(job, answer, now_ms)
            else:
                self._sending.too_late(job)

    def _look(self, now_ms: int) -> None:
        self._next_look_ms = now_ms + _LOOK_MS
        if self._report.look_at(self._windows, now_ms):
            self._settling.forget_logged()
        if now_ms >= self._taken_again_ms:
            self._taken_again_ms = NEVER_MS
            if self.reader.owned() - self._tracks.keys():
                self.reader.start_over()
        for shard in self._shards.values():
            shard.look_at_the_next_run(now_ms, self._targets.periods)
        runs = self._runs
        self._pace.look(now_ms, runs)
        for run in runs:
            if run.waits and run.reading > 1 and (run.must_end or self._admission.has_room_for_aside(run)):
                run.go_on()

    def _has_unwritten(self) -> bool:
        return bool(self._settling.records) or any(track.dirty for _, track in self._tracks.values())

    def _commit(self, now_ms: int) -> None:
        """Write what was settled. On failure nothing is lost: it is written with the next, and nothing is sent until
        then."""
        self._next_commit_ms = now_ms + self._commit_interval_ms
        offsets, is_told = self._committable()
        if not is_told:
            self._pace.keep_to_what_can_be_told(now_ms)
            offsets, _ = self._committable()
        records = self._settling.records
        if offsets or records:
            try:
                self._log.commit(records, offsets, self.reader.group_metadata(), meanwhile=self.meanwhile)
            except NoLongerMember:
                # Only reading on tells the client so, and what is read until then is nobody's here.
                self.lost(list(self.committed))
                self._taken_again_ms = now_ms + _FORGOTTEN_MS
                return
            except OutcomeUnknown:
                self.reader.start_over()
                return
            except TransactionAborted:
                self._is_unwritten = True
                self._next_commit_ms = now_ms + 100
                return
            self._settling.written()
            for shard in self._shards.values():
                shard.written(now_ms, was_delayed=self._is_unwritten)
            self._is_unwritten = False
            for place in offsets:
                self._tracks[place][1].dirty = False
            self.committed = {**self.committed, **offsets}
        ended = {place: at for place, (at, _) in self.committed.items() if self._tracks[place][0].has_ended_its_runs}
        self.droppable = {**self.droppable, **ended}
        self._show(now_ms)

    def _committable(self) -> tuple[dict[tuple[str, int], tuple[int, str]], bool]:
        """Offsets and metadata to commit, and whether they tell of all that was settled."""
        ledgers = {place: track.ledger for place, (_, track) in self._tracks.items() if track.dirty}
        commits = {place: ledger.committable() for place, ledger in ledgers.items()}
        return commits, all(ledger.is_told_by(commits[place]) for place, ledger in ledgers.items())

    def _show(self, now_ms: int) -> None:
        """Gauges of what only this loop knows."""
        held = self._lanes.held(self._targets.open_ones(), now_ms)
        for endpoint in self._shown.difference(held):
            self._metrics.endpoint_held.remove(endpoint)
        for endpoint, is_held in held.items():
            self._metrics.endpoint_held.labels(endpoint).set(is_held)
        self._shown = frozenset(held)
        oldest = self._settling.oldest
        for _, track in self._tracks.values():
            if track.period is None:
                oldest[track.place[1]].look_at(track)
        known = [at_ms for one in oldest.values() if (at_ms := one.at_ms) is not None]
        self._metrics.retry_oldest.set(min(known) / 1000 if known else 0)

    def _wait_for_answers(self, within_ms: int) -> list[Job]:
        """What followed those that were answered, and is not sent any more."""
        unsent: list[Job] = []
        deadline = self._clock_ms() + within_ms
        while self._sender.in_flight and self._clock_ms() < deadline:
            self._collect(100)
            unsent += self._lanes.clear()
            self.meanwhile()
            if self._clock_ms() >= self._next_commit_ms:
                self._commit(self._clock_ms())
        left = self._sender.in_flight
        if left:
            _log.warning("transfers.unanswered", count=left, advice="the next owner attempts them again")
        return unsent
