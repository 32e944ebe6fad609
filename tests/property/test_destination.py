"""The state machine of a destination and its endpoint against what is promised of them."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumer.core.destination import Breaker, Destination
from consumer.core.endpoint import Endpoint
from consumer.core.outcome import Failed, Reason

RUN_MS = 4_000
OF_THE_ENDPOINT = [reason for reason in Reason if Failed(reason).is_endpoints]


class DestinationMachine(RuleBasedStateMachine):
    """
    One destination, alone at its endpoint, through answers, failures, waits and runs.

    Found: a limit of zero after failures; a limit that grew past the setting's; a second probe beside the first; a
    breaker that knew the run of its first failure only, and was probed again in the run of its last; a probe whose
    failure left it half open; a hold that a shorter one took back; deliveries accepted in the rest of a run that others
    had been held in; suspects that closed it for all others; one failure in each of twenty runs taken for a row.
    """

    @initialize(highest=st.integers(1, 40))
    def begin(self, highest: int) -> None:
        self.highest = highest
        self.endpoint = Endpoint("https://r:443", highest)
        self.destination = Destination(self.endpoint)
        self.now_ms = self.run_ms = RUN_MS
        self.flying: list[tuple[int, bool]] = []
        self.suspects_refused_in = 0
        self.hold_until_ms = 0
        self.refused_in = 0
        self.failures = self.others_failed = 0

    @rule(steps=st.integers(1, 3))
    def a_later_run_begins(self, steps: int) -> None:
        self.run_ms += RUN_MS * steps
        self.failures = self.others_failed = 0
        self.now_ms = max(self.now_ms, self.run_ms)

    @rule(ms=st.integers(1, 6_000))
    def time_passes(self, ms: int) -> None:
        self.now_ms += ms

    @rule()
    def a_delivery_wants_to_go(self) -> None:
        was = self.destination.breaker
        accepted = self.destination.admit(self.now_ms, self.run_ms)

        if self.now_ms < self.hold_until_ms or self.run_ms <= self.refused_in:
            assert not accepted
        if not accepted:
            self.refused_in = max(self.refused_in, self.run_ms)
            self.destination.held(is_suspect=False)
        elif was is Breaker.OPEN:
            assert self.destination.breaker is Breaker.PROBING
        if self.now_ms >= self.hold_until_ms and self.run_ms > self.refused_in:
            assert accepted
        if accepted:
            self.flies(is_suspect=False)

    @rule(name=st.integers(0, 40))
    def a_suspect_wants_to_go(self, name: int) -> None:
        accepted = self.destination.admit(self.now_ms, self.run_ms, suspect=str(name))

        if self.now_ms < self.hold_until_ms or self.run_ms <= max(self.refused_in, self.suspects_refused_in):
            assert not accepted
        if accepted:
            assert self.destination.admit(self.now_ms, self.run_ms, suspect=str(name)), "as long as nothing ended"
            self.flies(is_suspect=True)
        else:
            self.destination.held(is_suspect=True)
        if self.now_ms < self.hold_until_ms:
            self.refused_in = max(self.refused_in, self.run_ms)

    def flies(self, *, is_suspect: bool) -> None:
        if self.destination.has_room and self.endpoint.has_room:
            self.endpoint.in_flight += 1
            self.destination.in_flight += 1
            self.flying.append((self.run_ms, is_suspect))
            if self.destination.breaker is Breaker.PROBING:
                assert self.destination.in_flight == 1, "a probe is alone"

    @rule(count=st.integers(2, 5))
    def several_want_to_go(self, count: int) -> None:
        for _ in range(count):
            self.a_delivery_wants_to_go()

    @rule()
    def it_dies_between_two_runs(self) -> None:
        self.a_delivery_wants_to_go()
        self.a_later_run_begins(1)
        self.a_delivery_wants_to_go()
        if len(self.flying) > 1:
            self.its_address_is_refused(newest=False)
            self.its_address_is_refused(newest=True)
            self.a_delivery_wants_to_go()

    @precondition(lambda self: not self.flying and self.destination.breaker is Breaker.CLOSED)
    @rule()
    def a_row_of_suspects_fails(self) -> None:
        self.a_later_run_begins(1)
        went = 0
        for name in range(200):
            self.a_suspect_wants_to_go(name)
            if self.flying:
                went += 1
                self.fails(Reason.SERVER, 0)
        assert went <= 20, "they alone are held after a row"
        self.a_delivery_wants_to_go()

    @precondition(lambda self: self.flying)
    @rule(newest=st.booleans())
    def its_address_is_refused(self, newest: bool) -> None:
        self.fails(Reason.REFUSED_ADDRESS, -1 if newest else 0)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def one_is_answered(self, data: st.DataObject) -> None:
        _, is_suspect = self.landed(data.draw(st.integers(0, len(self.flying) - 1)))
        self.destination.answered(is_suspect=is_suspect)
        self.failures = self.others_failed = 0
        assert self.destination.breaker is Breaker.CLOSED

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), reason=st.sampled_from(OF_THE_ENDPOINT))
    def one_fails(self, data: st.DataObject, reason: Reason) -> None:
        self.fails(reason, data.draw(st.integers(0, len(self.flying) - 1)))

    def fails(self, reason: Reason, place: int) -> None:
        run_ms, is_suspect = self.landed(place)
        was = self.destination.breaker
        self.failures += 1
        self.others_failed += not is_suspect
        opened = self.destination.failed(Failed(reason), run_ms, is_suspect=is_suspect)
        if was is Breaker.PROBING and not is_suspect:
            assert opened, "a failure while it is probed opens it again"
        if self.others_failed >= 20 or (reason is Reason.REFUSED_ADDRESS and not is_suspect):
            assert self.destination.breaker is Breaker.OPEN
        if is_suspect and was is Breaker.CLOSED:
            assert not opened, "it closes others of its like only"
            assert self.destination.breaker is Breaker.CLOSED
            if reason is Reason.REFUSED_ADDRESS:
                self.suspects_refused_in = max(self.suspects_refused_in, run_ms)
        if opened:
            assert not self.destination.admit(self.now_ms, run_ms)
        if self.destination.breaker is Breaker.OPEN or self.endpoint.is_closed(run_ms):
            self.refused_in = max(self.refused_in, run_ms)

    def landed(self, place: int) -> tuple[int, bool]:
        self.endpoint.in_flight -= 1
        self.destination.in_flight -= 1
        return self.flying.pop(place)

    @rule(ms=st.integers(-5_000, 20_000))
    def it_asks_to_wait(self, ms: int) -> None:
        self.endpoint.hold(self.now_ms + ms)
        self.hold_until_ms = max(self.hold_until_ms, self.now_ms + ms)

    @invariant()
    def limits_hold(self) -> None:
        if not hasattr(self, "endpoint"):
            return
        assert 1 <= self.endpoint.limit <= self.highest
        assert 1 <= self.destination.limit <= self.highest
        assert 0 <= self.endpoint.in_flight <= self.highest
        held = self.now_ms < self.hold_until_ms or self.destination.breaker is Breaker.OPEN
        assert self.destination.is_held(self.now_ms) == held

    def teardown(self) -> None:
        """However it was treated, it is tried in a run after all waits, and answers make it whole again."""
        if not hasattr(self, "endpoint"):
            return
        self.now_ms = self.run_ms = max(self.now_ms, self.hold_until_ms, self.run_ms) + RUN_MS
        for _ in self.flying:
            self.endpoint.in_flight -= 1
            self.destination.in_flight -= 1
        assert self.destination.admit(self.now_ms, self.run_ms)
        assert self.destination.has_room
        assert self.endpoint.has_room
        for _ in range(self.highest):
            self.destination.answered()
        assert self.destination.limit == self.endpoint.limit == self.highest


TestDestination = DestinationMachine.TestCase
TestDestination.settings = settings(max_examples=settings().max_examples, stateful_step_count=60)
