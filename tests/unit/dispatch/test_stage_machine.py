"""
The whole stage against a model, through events, failures, pauses, aborted transactions, crashes and slow brokers.

The model knows what was put into the windows and what arrived, and says after every request whether it may have been
made; in the end everything must have arrived, or been kept back for a reason that holds.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from consumer.core import offsets
from consumer.core.answer import Answer
from consumer.core.routing import delivery_id
from consumer.core.schedule import next_boundary_ms
from consumer.core.waiting import read_headers, run_of
from consumer.dispatch import deferral, pace, run
from consumer.dispatch.track import NEVER_MS
from tests.unit.dispatch.fakes import FakeReader, StoredRecord
from tests.unit.dispatch.receivers import Sent, network, status, timeout
from tests.unit.dispatch.world import NAMES, World, profile

PERIODS = {"a": 4, "b": 6, "c": 4, "d": 4}
HOSTS = {"a": "one.example", "b": "one.example", "c": "two.example", "d": "two.example"}
PARTIAL_RULES = {"a", "b", "c"}
ANSWERS: dict[str, Answer | None] = {
    "good": status(200),
    "rejects": status(404),
    "breaks": status(500),
    "asks to wait": status(503, "3"),
    "is away": network(),
    "times out": timeout(),
    "is silent": None,
    "takes its time": None,
}
ANSWER_MS = 600
"""Of the one that takes its time."""

TIGHT = st.sampled_from(
    [
        (run, "MUCH", 0),
        (run, "MUCH", 2),
        (offsets, "ASIDE_AT_ONCE", 1),
        (offsets, "ASIDE_AT_ONCE", 3),
        (pace, "MEMORY_HOLDS", pace.READ_AT_ONCE + 2),
        (pace, "MEMORY_HOLDS", pace.READ_AT_ONCE + 5),
        (deferral, "SLOW_LANE_KEEPS", 1),
    ]
)
"""Bounds that are far away in so small a world, otherwise."""

GIVING_WAY = {
    (pace, "MEMORY_HOLDS", pace.READ_AT_ONCE + 2),
    (pace, "GIVES_WAY_AFTER_S", 0),
    (deferral, "SLOW_LANE_KEEPS", 1),
}
"""Those with which what comes for a receiver that takes its time is read more than twice."""


@dataclass(eq=False)
class Modelled:
    """A delivery as the model follows it."""

    event: str
    profile: str
    order: int
    code: str
    version: tuple[int, int]
    entered_ms: int
    moved_ms: int = 0
    written_ms: int = 0
    may_be_overtaken: bool = False
    sent_ms: list[int] = field(default_factory=list)
    answered: bool = False
    was_received: bool = False
    rejected: bool = False
    suppressed: str | None = None
    dead: bool = False
    excused: bool = False

    @property
    def is_over(self) -> bool:
        return self.answered or self.dead or self.suppressed is not None

    @property
    def gathers_ms(self) -> int:
        """Since when what goes out in its first run was gathered."""
        period = PERIODS[self.profile]
        return next_boundary_ms(self.entered_ms, period) - period * 1000

    @property
    def due_ms(self) -> int:
        """Boundary of the run that may send it now."""
        if self.moved_ms:
            return min(next_boundary_ms(self.moved_ms, period) for period in set(PERIODS.values()))
        return next_boundary_ms(self.entered_ms, PERIODS[self.profile])


class StageMachine(RuleBasedStateMachine):
    """
    Found: deliveries that were due lost when a read went past the boundary while partials were looked through; an
    older version sent beside a newer one (four ways: scan order, restart, retry topic, in flight); partials of placed
    orders sent; overtaking after a failure that was written after the next boundary; lanes that stood still after a
    rebalance. Planted and found: a new owner that sends before it has learnt who asked to wait.
    """

    def __init__(self) -> None:
        super().__init__()
        self.deliveries: dict[str, Modelled] = {}
        self.events: dict[str, str] = {}
        self.placed_ms: defaultdict[int, list[int]] = defaultdict(list)
        self.behaviour = dict.fromkeys(HOSTS.values(), "good")
        self.paused: set[str] = set()
        self.away: set[str] = set()
        self.absences: dict[str, list[tuple[int, int]]] = {name: [] for name in PERIODS}
        self.unwritten: set[str] = set()
        self.told_to_wait_until_ms: dict[str, int] = {}
        self.of_others: list[Sent] = []
        self.sequence = 0
        self.slow_until_ms = 0

    @initialize(
        partitions=st.integers(1, 2),
        at_once=st.sampled_from([1, 2, 500]),
        late=st.booleans(),
        bounds=st.sets(TIGHT) | st.just(GIVING_WAY),
    )
    def begin(self, partitions: int, at_once: int, late: bool, bounds: set[tuple[Any, str, int]]) -> None:
        self.bounds = ExitStack()
        for module, name, bound in sorted(bounds, key=str):
            self.bounds.enter_context(patch.object(module, name, bound))
        self.at_once, self.ends_late = at_once, late
        self.world = World(*self.profiles(), partitions=partitions, limit=3)
        self.world.prepare_reader = self.prepare
        self.world.crash()
        self.world.sender.answer = self.answer
        self.world.sender.on_start = self.on_start
        self.world.sender.on_answer = self.on_answer
        self.world.log.on_commit = self.on_commit
        self.world.start()

    def profiles(self) -> list[Any]:
        return [
            profile(
                name,
                host=HOSTS[name],
                delay=period - 4,
                paused=name in self.paused,
                latest_only=name in PARTIAL_RULES,
                skip_converted=name in PARTIAL_RULES,
            )
            for name, period in PERIODS.items()
            if name not in self.away
        ]

    def prepare(self, reader: FakeReader) -> None:
        reader.at_once = self.at_once
        reader.ends_late = self.ends_late
        reader.on_start_over = self.starts_over

    # What the world does to the stage.

    @rule(
        order=st.integers(1, 2),
        to=st.lists(st.sampled_from(sorted(PERIODS)), min_size=1, unique=True),
        occurred=st.integers(1, 4),
    )
    def partial(self, order: int, to: list[str], occurred: int) -> None:
        self.put(order, to, "PARTIAL", occurred)

    @rule(order=st.sampled_from([1, 2, 8, 9]), to=st.lists(st.sampled_from(sorted(PERIODS)), unique=True))
    def sale(self, order: int, to: list[str]) -> None:
        self.placed_ms[order].append(self.world.clock.now_ms)
        self.put(order, to, "SALE", 5)
        for period in set(PERIODS.values()) - {PERIODS[name] for name in to}:
            self.world.mark_placed(order, period=period)

    @rule(order=st.sampled_from([1, 8]), to=st.lists(st.sampled_from(sorted(PERIODS)), min_size=1, unique=True))
    def decline(self, order: int, to: list[str]) -> None:
        self.put(order, to, "DECLINE", 5)

    @rule(name=st.sampled_from(sorted(PERIODS)))
    def many_orders(self, name: str) -> None:
        for order in (1, 2, 8, 9):
            self.sale(order, [name])

    def put(self, order: int, to: list[str], code: str, occurred: int) -> None:
        self.sequence += 1
        for name in to:
            event = f"{self.sequence}{name}"
            self.world.wait(event=event, order=order, to=name, code=code, occurred=occurred, period=PERIODS[name])
            version = occurred, self.sequence
            self.events[delivery_id(event, name, code)] = event
            self.deliveries[event] = Modelled(event, name, order, code, version, self.world.clock.now_ms)

    @rule(tenths=st.sampled_from([1, 3, 10, 25, 40, 61]))
    def time_passes(self, tenths: int) -> None:
        self.world.advance(tenths / 10)

    @rule(over=st.booleans())
    def a_boundary_comes(self, over: bool) -> None:
        self.world.to_boundary(2, plus=0.2 if over else -0.1)

    @rule(host=st.sampled_from(sorted(set(HOSTS.values()))), how=st.sampled_from(sorted(ANSWERS)))
    def endpoint_changes(self, host: str, how: str) -> None:
        self.behaviour[host] = how

    @rule(name=st.sampled_from(sorted(PERIODS)))
    def pause_or_go_on(self, name: str) -> None:
        self.paused ^= {name}
        self.world.use(*self.profiles())

    @rule(name=st.sampled_from(sorted(PERIODS)))
    def a_profile_goes_or_comes_back(self, name: str) -> None:
        now_ms, absences = self.world.clock.now_ms, self.absences[name]
        if name in self.away:
            absences[-1] = absences[-1][0], now_ms
        elif absences and absences[-1][1] == now_ms:  # nobody saw it come back
            absences[-1] = absences[-1][0], NEVER_MS
        else:
            absences.append((now_ms, NEVER_MS))
        self.away ^= {name}
        self.world.use(*self.profiles())

    @rule(times=st.integers(1, 4))
    def transactions_abort(self, times: int) -> None:
        self.world.log.aborts = times

    @rule(is_written=st.booleans())
    def the_outcome_of_a_transaction_stays_unknown(self, is_written: bool) -> None:
        if is_written:
            self.world.log.unknown = 1
        else:
            self.world.log.vanished = 1

    def starts_over(self) -> None:
        self.excuse()
        self.world.start_over()

    @rule(place=st.integers(0, 5))
    def a_broker_is_slow(self, place: int) -> None:
        places = self.world.owned
        self.slow_until_ms = self.world.clock.now_ms + 2_500
        self.world.reader.silent ^= {places[place % len(places)]}
        self.excuse_order()

    @precondition(lambda self: self.world.reader.silent)
    @rule()
    def all_brokers_answer(self) -> None:
        self.answer_all()

    def answer_all(self) -> None:
        if self.world.reader.silent:
            self.slow_until_ms = self.world.clock.now_ms + 2_500
        self.world.reader.silent.clear()

    @rule()
    def the_brokers_drop_what_is_settled(self) -> None:
        assert self.world.stage is not None
        self.world.broker.drop_before(self.world.stage.droppable)

    @rule(down_tenths=st.sampled_from([0, 5, 45]))
    def process_dies(self, down_tenths: int) -> None:
        self.excuse()
        self.world.crash()
        self.world.clock.now_ms += down_tenths * 100
        self.world.start()

    @rule(gracefully=st.booleans())
    def partitions_change_hands(self, gracefully: bool) -> None:
        assert self.world.stage is not None
        log = self.world.log
        trouble = log.aborts or log.unknown or log.vanished
        is_slow = {"is silent", "takes its time"} & set(self.behaviour.values())
        if gracefully and not trouble and not is_slow:
            self.world.stage.revoked(self.world.owned)
            assert not self.unwritten
        else:
            self.excuse()
            self.world.stage.lost(self.world.owned)
        self.world.give_all()

    def excuse(self) -> None:
        """What was in flight, or settled since the last commit, may be sent once more, and in the order it was."""
        self.of_others += self.world.sender.under_way
        under_way = {sent.event for sent in self.world.sender.under_way}
        for event in self.unwritten | under_way:
            self.deliveries[event].excused = True
            self.deliveries[event].answered = False
            self.deliveries[event].sent_ms.clear()
        self.unwritten.clear()

    @property
    def is_slow(self) -> bool:
        """Whether a broker does not answer, or did not a moment ago."""
        return bool(self.world.reader.silent) or self.world.clock.now_ms < self.slow_until_ms

    def excuse_order(self) -> None:
        """What is not read because its broker is slow is overtaken."""
        for delivery in self.deliveries.values():
            delivery.may_be_overtaken = True

    # What the model says of what the stage does.

    def answer(self, sent: Sent) -> Answer | None:
        how = self.behaviour[sent.endpoint.removeprefix("https://").removesuffix(":443")]
        if how == "takes its time" and self.world.clock.now_ms >= sent.at_ms + ANSWER_MS:
            how = "good"
        return ANSWERS[how]

    def on_start(self, sent: Sent) -> None:
        delivery, now_ms = self.deliveries[sent.event], sent.at_ms
        assert now_ms >= delivery.due_ms, f"{sent.event} was sent before its run"
        assert not delivery.answered, f"{sent.event} was sent again after it was answered"
        assert delivery.suppressed is None, f"{sent.event} was sent after it was suppressed"
        assert not delivery.dead, f"{sent.event} was sent after its profile was taken for removed"
        if not self.is_slow:
            assert now_ms >= self.told_to_wait_until_ms.get(sent.endpoint, 0), f"{sent.event} did not wait as asked"
        if delivery.sent_ms:
            again = min(next_boundary_ms(delivery.sent_ms[-1], period) for period in set(PERIODS.values()))
            assert now_ms >= again, f"{sent.event} was attempted twice in a run"
        delivery.sent_ms.append(now_ms)
        self.check_order(delivery)
        if delivery.code == "PARTIAL" and delivery.profile in PARTIAL_RULES and not delivery.excused:
            self.check_partial(delivery)

    def check_order(self, later: Modelled) -> None:
        if self.is_slow:
            self.excuse_order()
        for earlier in self.deliveries.values():
            if earlier is later:
                break
            same = earlier.order == later.order and earlier.profile == later.profile
            free = earlier.is_over or earlier.rejected or earlier.may_be_overtaken or self.may_be_kept(earlier)
            free = free or self.may_be_dead(earlier, later.sent_ms[-1])
            if same and not free:
                raise AssertionError(f"{later.event} overtook {earlier.event}")

    def may_be_kept(self, partial: Modelled) -> bool:
        """Whether the partial rules keep it back, which is reported when it is its turn."""
        return partial.code == "PARTIAL" and partial.profile in PARTIAL_RULES

    def check_partial(self, partial: Modelled) -> None:
        if self.is_converted(partial) and not self.is_slow:
            raise AssertionError(f"{partial.event} was sent though its order was placed before the run")
        for other in self.deliveries.values():
            if self.is_newer(other, partial) and other.gathers_ms == partial.gathers_ms and other.was_received:
                raise AssertionError(f"{partial.event} was sent after {other.event}, which is newer")
            waits = (other.written_ms or other.entered_ms) < partial.due_ms and not self.is_slow
            waits = waits and other.event not in self.unwritten
            is_over = other.is_over or self.is_outdone(other) or self.is_converted(other)
            if waits and self.is_newer(other, partial) and not is_over:
                raise AssertionError(f"{partial.event} was sent though {other.event} waited, which is newer")

    def is_converted(self, partial: Modelled) -> bool:
        """Whether its order was placed before its run: then it is suppressed, whether that is written or not."""
        return any(partial.gathers_ms <= ms < partial.due_ms for ms in self.placed_ms[partial.order])

    def is_outdone(self, partial: Modelled) -> bool:
        """Whether a newer version was received already: then it is suppressed, whether that is written or not."""
        return any(self.is_newer(other, partial) and other.answered for other in self.deliveries.values())

    @staticmethod
    def is_newer(other: Modelled, than: Modelled) -> bool:
        same = other.order == than.order and other.profile == than.profile and other.code == "PARTIAL"
        return same and other.version > than.version

    def on_answer(self, sent: Sent, answer: Answer) -> None:
        if any(sent is other for other in self.of_others):
            return
        delivery = self.deliveries[sent.event]
        self.unwritten.add(sent.event)
        if answer is ANSWERS["good"]:
            delivery.answered = delivery.was_received = True
        elif answer is ANSWERS["rejects"]:
            delivery.rejected = True

    def on_commit(self, stored: Sequence[StoredRecord]) -> None:
        self.unwritten.clear()
        for record in stored:
            if record.topic() == NAMES.retry:
                waiting = read_headers(record.headers())
                if waiting is not None:
                    delivery = self.deliveries[self.events[waiting.delivery_id]]
                    delivery.moved_ms = run_of(record.headers()) or 0
                    delivery.written_ms = record.at_ms
                    told_ms = self.told_to_wait_until_ms
                    told_ms[waiting.hold_endpoint] = max(told_ms.get(waiting.hold_endpoint, 0), waiting.hold_until_ms)
            elif record.topic() == NAMES.outcomes:
                row = json.loads(record.value() or b"")
                delivery = self.deliveries[self.events[row["delivery_id"]]]
                if row["outcome"] == "suppressed":
                    delivery.suppressed = row["reason"]
                elif row["outcome"] == "dead_lettered":
                    self.check_dead(delivery, datetime.fromisoformat(row["at"]).timestamp() * 1000)
                    delivery.dead = True

    def check_dead(self, delivery: Modelled, at_ms: float) -> None:
        assert self.may_be_dead(delivery, at_ms), f"{delivery.event} was given up before its profile was away enough"

    def may_be_dead(self, delivery: Modelled, at_ms: float) -> bool:
        """Whether its profile was away for a whole period since it came, which is told with the next commit."""
        absences, period_ms = self.absences[delivery.profile], PERIODS[delivery.profile] * 1000
        return any(
            since_ms + period_ms <= min(at_ms, until_ms) and delivery.entered_ms <= until_ms
            for since_ms, until_ms in absences
        )

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.all_must_arrive()
        finally:
            self.bounds.close()

    def all_must_arrive(self) -> None:
        self.behaviour = dict.fromkeys(HOSTS.values(), "good")
        self.paused.clear()
        self.away.clear()
        self.world.use(*self.profiles())
        self.world.log.aborts = self.world.log.unknown = self.world.log.vanished = 0
        self.answer_all()
        self.world.advance(40)
        for delivery in self.deliveries.values():
            if not delivery.answered and not delivery.dead:
                self.check_suppressed(delivery)
        assert self.world.open_places() == [], "not everything was settled and committed"

    def check_suppressed(self, delivery: Modelled) -> None:
        assert delivery.suppressed is not None, f"{delivery.event} was lost"
        assert delivery.profile in PARTIAL_RULES
        if delivery.suppressed == "converted":
            assert delivery.order in self.placed_ms
        else:
            assert any(self.is_newer(other, delivery) for other in self.deliveries.values())


TestStage = StageMachine.TestCase
TestStage.settings = settings(
    max_examples=settings().max_examples * 2 // 5,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
