"""Laws of the ledger: what Kafka is told of a partition loses nothing, and repeats nothing that it could tell."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from consumer.core.offsets import METADATA_LIMIT, Ledger, open_in

_NEARLY_FULL = METADATA_LIMIT - 64


class LedgerMachine(RuleBasedStateMachine):
    """
    A partition that is read, settled, committed and taken over by the next owner, against a model of sets.

    Found: a horizon that stayed where it was when the list was cut off (open ones were lost); a commit that forgot what
    a former owner had left open and this one had not read yet; a commit that told only what this owner had settled;
    `<=` for `<` at the horizon.
    """

    def __init__(self) -> None:
        super().__init__()
        self.log: list[int] = []
        self.read = 0
        self.open: list[int] = []
        self.settled: set[int] = set()
        self.written: tuple[int, str] = (0, "")
        self.settled_then: set[int] = set()

    @initialize(start=st.integers(0, 1 << 33))
    def begin(self, start: int) -> None:
        self.end = start
        self.written = start, ""
        self.ledger = Ledger(start)

    @rule(gaps=st.lists(st.integers(1, 4), min_size=1, max_size=10))
    def records_arrive(self, gaps: list[int]) -> None:
        for gap in gaps:
            self.end += gap
            self.log.append(self.end - 1)

    @precondition(lambda self: len(self.log) < 100)
    @rule(gap=st.sampled_from([1, 20_000]))
    def very_many_records_arrive_and_every_other_is_settled(self, gap: int) -> None:
        self.records_arrive([gap] * 7_000)
        self.read_on(len(self.log))
        self.settle_those(self.open[::2])
        self.commit()
        self.another_owner_goes_on()
        self.read_on(len(self.log))
        self.settle_those(self.open[:-9])

    @precondition(lambda self: self.read < len(self.log))
    @rule(count=st.integers(1, 12))
    def read_on(self, count: int) -> None:
        for offset in self.log[self.read : self.read + count]:
            has_work = self.ledger.take(offset)
            if has_work:
                self.open.append(offset)
                self.settled.discard(offset)
            else:
                assert offset in self.settled_then, "a delivery is lost"
            if offset in self.settled_then and has_work:
                assert len(self.written[1]) > _NEARLY_FULL, "a settled one is done again, though there was room to tell"
        self.read = min(len(self.log), self.read + count)

    @precondition(lambda self: self.open and not self.ledger.has_aside)
    @rule(
        aside=st.sets(st.integers(0, 11), min_size=1),
        meanwhile=st.sets(st.integers(0, 11)),
        is_gone=st.booleans(),
        readings=st.lists(st.integers(0, 11), max_size=3),
    )
    def some_are_set_aside_and_read_again(
        self, aside: set[int], meanwhile: set[int], is_gone: bool, readings: list[int]
    ) -> None:
        later = [offset for place, offset in enumerate(self.open) if place in aside]
        for offset in reversed(later):
            self.ledger.set_aside(offset)
        others = [offset for offset in self.open if offset not in later]
        self.settle_those([offset for place, offset in enumerate(others) if place in meanwhile])
        self.the_commit_passes_nothing_that_is_open()
        if not later:
            return
        for count in readings:
            self.read_in_part_and_set_aside_again(later, count)
        begin = self.ledger.begin_reading_again()
        assert begin == later[0]
        read = [offset for offset in self.log[: self.read] if offset >= begin]
        if is_gone:
            read.remove(later[-1])
        assert [offset for offset in read if self.ledger.take(offset)] == [o for o in later if o in read]
        self.ledger.end_reading_again()
        if is_gone:
            self.settled.add(later[-1])
            self.open.remove(later[-1])

    def read_in_part_and_set_aside_again(self, later: list[int], count: int) -> None:
        begin = self.ledger.begin_reading_again()
        assert begin == later[0]
        read = [offset for offset in self.log[: self.read] if offset >= begin][:count]
        for offset in read:
            assert self.ledger.take(offset) == (offset in later)
            if offset in later:
                self.ledger.set_aside(offset)
        self.ledger.leave_the_rest()
        assert self.ledger.has_aside
        self.the_commit_passes_nothing_that_is_open()

    @precondition(lambda self: self.read == len(self.log))
    @rule(marks=st.integers(0, 3))
    def the_end_is_reached(self, marks: int) -> None:
        self.end += marks
        self.ledger.skip_to(self.end)

    @precondition(lambda self: self.open)
    @rule(places=st.sets(st.integers(0, 11), min_size=1))
    def settle(self, places: set[int]) -> None:
        self.settle_those([offset for place, offset in enumerate(self.open) if place in places])

    def settle_those(self, offsets: list[int]) -> None:
        for offset in offsets:
            self.ledger.settle(offset)
        self.settled.update(offsets)
        self.open = [offset for offset in self.open if offset not in self.settled]

    @rule()
    def commit(self) -> None:
        self.written = self.ledger.committable()
        self.settled_then = set(self.settled)

    @rule()
    def another_owner_goes_on(self) -> None:
        self.ledger = Ledger(*self.written)
        self.settled = set(self.settled_then)
        self.read = sum(offset < self.written[0] for offset in self.log)
        self.open = []

    @rule(reads=st.lists(st.integers(1, 6), min_size=1, max_size=3))
    def owners_change_in_the_middle(self, reads: list[int]) -> None:
        for count in reads:
            self.commit()
            self.another_owner_goes_on()
            if self.read < len(self.log):
                self.read_on(count)
            self.settle_those(self.open[1::2])
        self.commit()

    @invariant()
    def the_commit_passes_nothing_that_is_open(self) -> None:
        if not hasattr(self, "ledger"):
            return
        position, metadata = self.ledger.committable()
        not_settled = [offset for offset in self.log if offset not in self.settled]
        assert not not_settled or position <= not_settled[0]
        assert position >= self.written[0]
        assert len(metadata.encode()) <= METADATA_LIMIT
        assert metadata.isascii()
        assert self.ledger.open_count == len(self.open)

    @invariant()
    def the_commit_tells_of_everything_when_there_is_room(self) -> None:
        if not hasattr(self, "ledger"):
            return
        position, metadata = self.ledger.committable()
        if len(metadata) <= _NEARLY_FULL:
            there = {offset for offset in self.log if offset >= position}
            told = open_in(position, metadata, self.end)
            gaps = self.end - position - len(there)
            assert told <= len(there - self.settled) + gaps


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=settings().max_examples, stateful_step_count=20)


@given(st.text(max_size=40), st.integers(0, 1 << 40))
def test_metadata_of_others_says_nothing(metadata: str, position: int) -> None:
    """Found: `ValueError` not caught, of what is no number and of what is no base 85."""
    ledger = Ledger(position, metadata)

    assert ledger.take(position)
    assert ledger.committable() == (position, "")


@given(st.text(alphabet="0123456789:-+ _\u0661abc", max_size=20).map("1:".__add__), st.integers(0, 1 << 40))
def test_metadata_that_was_tampered_with_is_no_error(metadata: str, position: int) -> None:
    """Found: `int()` that was not guarded reads `1_0`, blanks and digits of other scripts, and raises for the rest."""
    ledger = Ledger(position, metadata)
    ledger.take(position)

    assert ledger.committable()[0] >= position
    assert open_in(position, metadata, position + 10) >= 0
