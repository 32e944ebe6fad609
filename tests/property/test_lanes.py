"""The round of lanes against its one promise: who can send, sends."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from prometheus_client import CollectorRegistry

from consumer.core.offsets import Ledger
from consumer.core.outcome import Failed, Reason
from consumer.core.render import Renderer
from consumer.core.waiting import Waiting
from consumer.dispatch.lanes import Job, Lane, Lanes
from consumer.dispatch.precedence import Precedence
from consumer.dispatch.targets import Target
from consumer.dispatch.track import Cursor, Track
from consumer.metrics import Metrics
from tests.unit.dispatch.fakes import Clock, FakeBroker, FakeReader
from tests.unit.dispatch.world import profile

SLOTS = 512
RUN_MS = 4_000
NAMES = ["a", "b", "c", "d"]
"""Profiles: the first three share a host."""

OUTCOMES = [None, Failed(Reason.TIMEOUT), Failed(Reason.TLS), Failed(Reason.SERVER, 500)]
"""None is an answer."""


class LanesMachine(RuleBasedStateMachine):
    """
    Profiles that share endpoints, and whose jobs come, go, are answered, fail, and are given up by the whole lane.

    Found: lanes that were let into the round for a slot, could not send, and left those behind them waiting for good,
    with and without a lane that had become free.
    """

    @initialize(limit=st.integers(1, 3))
    def begin(self, limit: int) -> None:
        counts = Metrics(CollectorRegistry()).by_profile.counts
        self.lanes = Lanes(limit, slots=SLOTS)
        self.targets: list[Target] = []
        for number, name in enumerate(NAMES):
            one = profile(name, host="shared.example" if number < 3 else "other.example")
            renderer = Renderer(one, zone=ZoneInfo("UTC"), user_agent="test")
            self.targets.append(Target(one, renderer, counts(name), timedelta(seconds=4)))
        reader = FakeReader(FakeBroker(Clock(0), partitions=1))
        self.track = Track(("t", 0), 4, Ledger(0, ""), precedence=Precedence(), cursor=Cursor(reader, set()))
        self.under_way: list[Job] = []
        self.offset = 0
        self.run_ms = RUN_MS

    @rule(which=st.sampled_from(range(len(NAMES))), count=st.integers(1, 5))
    def jobs_come(self, which: int, count: int) -> None:
        target = self.targets[which]
        lane = self.lanes.lane(target)
        name = target.profile.name
        for _ in range(count):
            self.offset += 1
            waiting = Waiting(
                delivery_id=f"{name}{self.offset}",
                profile=name,
                code="SALE",
                source=f"orders/0/{self.offset}",
                occurred_at_ms=0,
                arrived_at_ms=0,
            )
            self.lanes.put(Job(self.track, self.offset, b"1", b"", waiting, 0, RUN_MS, target, lane))

    @rule()
    def one_is_sent(self) -> None:
        self.take()

    @rule()
    def all_are_sent(self) -> None:
        while self.take():
            pass
        stuck = [lane for lane in self.lanes if self.could_send(lane)]
        assert stuck == []

    @precondition(lambda self: self.under_way)
    @rule(which=st.integers(0, 40), outcome=st.sampled_from(OUTCOMES))
    def one_ends(self, which: int, outcome: Failed | None) -> None:
        job = self.under_way.pop(which % len(self.under_way))
        if outcome is None:
            job.lane.destination.answered()
        elif job.lane.destination.failed(outcome, self.run_ms):
            job.lane.queue.clear()
        self.lanes.done(job.lane)

    @rule(which=st.sampled_from(range(len(NAMES))))
    def what_waits_for_one_is_moved_on(self, which: int) -> None:
        self.lanes.lane(self.targets[which]).queue.clear()

    @rule()
    def a_later_run_asks_for_probes(self) -> None:
        self.run_ms += RUN_MS
        for lane in self.lanes:
            lane.destination.admit(self.run_ms, self.run_ms)

    def take(self) -> Job | None:
        job = self.lanes.take(SLOTS)
        if job is not None:
            assert job.lane.endpoint.in_flight <= job.lane.endpoint.highest_limit
            self.under_way.append(job)
        return job

    @staticmethod
    def could_send(lane: Lane) -> bool:
        return lane.can_send and lane.endpoint.has_room


TestLanes = LanesMachine.TestCase
TestLanes.settings = settings(max_examples=settings().max_examples, stateful_step_count=60)
