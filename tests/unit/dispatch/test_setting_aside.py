"""What waits for a receiver that takes nothing stands in nobody's way, and keeps its order and its rules."""

from random import Random
from unittest.mock import patch

import pytest

from consumer.core import offsets
from consumer.core.answer import Answer
from consumer.dispatch.run import MUCH
from tests.unit.dispatch.receivers import Sent, network, status
from tests.unit.dispatch.world import NAMES, START_MS, World, profile

WINDOW = NAMES.window(4)


class Backlog:
    """A world in which the retry topic holds deliveries of a receiver that is away, since the run before."""

    def __init__(self, size: int) -> None:
        self.world = World(profile("bad", host="bad.example"), profile("good", host="good.example"))
        self.away = {"bad", "good"}
        self.world.sender.answer = self.answer
        for order in range(100, 100 + size):
            self.world.wait(order=order, to="bad")

    def answer(self, sent: Sent) -> Answer:
        return network() if sent.profile in self.away else status(200)

    def has_begun(self) -> World:
        """The run before is over; the good receiver is back."""
        self.world.to_boundary(plus=2)
        self.world.sender.sent.clear()
        self.away.remove("good")
        return self.world


@pytest.mark.parametrize(("size", "first"), [(MUCH * 2, ["good", "bad"]), (MUCH // 2, ["bad", "good"])])
def test_windows_come_before_a_large_retry_topic_and_after_a_small_one(size: int, first: list[str]) -> None:
    world = Backlog(size).has_begun()
    world.wait(order=1, to="good")

    world.to_boundary(plus=2)

    assert [sent.profile for sent in world.sender.sent] == first


def test_later_deliveries_of_an_order_come_behind_those_in_a_large_retry_topic_in_the_same_run() -> None:
    backlog = Backlog(MUCH * 2)
    first = backlog.world.wait(order=1, to="good")
    world = backlog.has_begun()
    later = [world.wait(order=1, to="good") for _ in range(2)]
    other = world.wait(order=2, to="good")

    world.to_boundary(plus=2)

    assert [sent.event for sent in world.sender.sent if sent.profile == "good"] == [other, first, *later]


def test_what_is_set_aside_goes_to_the_retry_topic_behind_what_waits_there() -> None:
    backlog = Backlog(MUCH * 2)
    world = backlog.has_begun()
    later = [world.wait(order=order, to="bad") for order in range(100, 110)]
    world.to_boundary(plus=2)
    backlog.away.clear()

    world.advance(20)

    for order, event in enumerate(later, 100):
        of_order = [sent.event for sent in world.sender.sent if sent.params["order"] == str(order)]
        assert of_order[-1] == event
        assert len(of_order) >= 2
    assert world.open_places() == []


def test_an_order_that_is_passed_over_converts_the_partial_in_a_large_retry_topic() -> None:
    backlog = Backlog(MUCH * 2)
    backlog.world.wait(order=1, to="good", code="PARTIAL")
    world = backlog.has_begun()
    for order in (8, 9, 1):
        world.wait(order=order, to="bad")

    world.to_boundary(plus=2)

    assert "good" not in {sent.profile for sent in world.sender.sent}
    assert world.metric("postback_suppressed_total", profile="good", reason="converted") == 1


def test_older_versions_in_a_large_retry_topic_give_way_to_those_in_the_window() -> None:
    backlog = Backlog(MUCH * 2)
    for order in (1, 2):
        backlog.world.wait(order=order, to="good", code="PARTIAL", occurred=1)
    world = backlog.has_begun()
    newer = [world.wait(order=order, to="good", code="PARTIAL", occurred=2) for order in (1, 2)]

    world.to_boundary(plus=2)

    assert [sent.event for sent in world.sender.sent if sent.profile == "good"] == newer


def test_paused_profiles_stand_before_nobody_either() -> None:
    backlog = Backlog(10)
    world = backlog.has_begun()
    world.use(profile("bad", host="bad.example", paused=True), profile("good", host="good.example"))
    world.wait(order=1, to="bad")
    event = world.wait(order=1, to="good")

    world.to_boundary(plus=2)

    assert world.sent_events == [event]
    assert [row["profile"] for row in world.outcomes()[-1:]] == ["good"]


def test_a_crash_between_the_two_readings_loses_and_repeats_nothing() -> None:
    world = Backlog(MUCH * 2).has_begun()
    world.sender.ended = 0
    for order in range(20):
        world.wait(order=order, to="bad")
        world.wait(order=order, to="good")
    world.to_boundary(plus=-0.25)
    world.clock.now_ms += 300
    assert world.stage is not None
    while not world.sender.ended:
        world.stage.turn()
    world.clock.now_ms += 1_100
    before = len(world.sender.sent)
    world.stage.finish(0)
    offset, metadata = world.broker.committed[WINDOW, 0]

    world.crash()
    world.start()
    world.advance(6)

    arrived = [sent.event for sent in world.sender.sent if sent.profile == "good"]
    assert 0 < before < 20
    assert metadata, f"what was set aside must be told beside the offset {offset}"
    assert len(arrived) == len(set(arrived)) == 20
    assert (WINDOW, 0) not in world.open_places()


def test_an_endpoint_that_fills_memory_gives_way_within_the_run_before_anything_is_moved() -> None:
    world = World(profile("bad", host="bad.example"), profile("good", host="good.example"))
    moved_before: list[int] = []

    def answer(sent: Sent) -> Answer | None:
        if sent.profile == "bad":
            return None
        moved_before.append(len(world.retries()))
        return status(200)

    world.sender.answer = answer
    for order in range(9_000):
        world.wait(order=order, to="bad")
    for order in range(50):
        world.wait(order=order, to="good")

    world.to_boundary(plus=0.75)

    assert moved_before == [0] * 50


def test_a_partial_that_is_set_aside_learns_of_the_order_placed_behind_it_even_when_it_is_moved_on() -> None:
    files = profile("p"), profile("q", host="q.example")
    world = World(*files)
    world.use(files[1])  # a file is renamed: for a moment it is not there
    world.wait(order=1, to="p", code="PARTIAL", period=4)
    world.mark_placed(1)
    world.to_boundary(plus=2)

    world.use(*files)
    world.advance(10)

    assert world.sent_events == []
    assert world.metric("postback_suppressed_total", profile="p", reason="converted") == 1


def test_when_a_window_stops_the_next_one_waits_until_it_was_read_on() -> None:
    bad, before, after = profile("bad", host="b.example", paused=True), profile("p"), profile("p", delay=2)
    with patch.object(offsets, "ASIDE_AT_ONCE", 3):
        world = World(bad, before)
        world.to_boundary(12, plus=-1.9)
        for order in range(100, 110):
            world.wait(order=order, to="bad")
        first = world.wait(order=1, to="p")
        world.use(bad, after)
        world.advance(0.25)
        second = world.wait(order=1, to="p")

        world.to_boundary(12, plus=3)

    assert world.sent_events == [first, second]


def test_a_window_that_stops_waits_for_the_first_reading_of_the_other_partitions() -> None:
    bad, good = profile("bad", host="b.example", paused=True, delay=116), profile("good", delay=116)
    with patch.object(offsets, "ASIDE_AT_ONCE", 3):
        world = World(bad, good, periods=(4, 120), partitions=2)
        for order in range(40):
            world.wait(order=order, to="bad")
        world.to_boundary(120, plus=-1)
        world.reader.silent.add((NAMES.window(120), 1))

        world.advance(6)
        moved_early = len(world.retries())
        world.reader.silent.clear()
        world.advance(2)

    assert moved_early == 0
    assert len(world.retries()) == 40


@pytest.mark.parametrize("size", [MUCH // 4, MUCH * 2])
def test_a_late_partial_is_converted_by_an_order_in_a_retry_topic_of_any_size(size: int) -> None:
    backlog = Backlog(size)
    backlog.world.wait(order=1, to="bad", code="SALE")
    world = backlog.has_begun()
    world.wait(order=1, to="good", code="PARTIAL")

    world.to_boundary(plus=2)

    assert "good" not in {sent.profile for sent in world.sender.sent}


def test_a_partial_that_is_sent_though_its_order_was_placed_stays_before_what_came_after_it() -> None:
    backlog = Backlog(MUCH * 2)
    backlog.world.wait(order=1, to="bad", code="SALE")
    world = backlog.has_begun()
    world.use(profile("bad", host="bad.example"), profile("good", host="good.example", skip_converted=False))
    events = [world.wait(order=1, to="good", code=code) for code in ("PARTIAL", "SALE")]

    world.to_boundary(plus=2)

    assert [sent.event for sent in world.sender.sent if sent.profile == "good"] == events


def test_the_second_reading_ends_with_the_last_that_was_set_aside() -> None:
    world = World(profile("bad", host="bad.example", paused=True), profile("good", host="good.example"))
    world.wait(order=1, to="bad")
    for order in range(2, 3_002):
        world.wait(order=order, to="good")
    begun = world.reader.moves

    world.to_boundary(plus=2)

    assert len(world.sender.sent) == 3_000
    assert world.reader.moves - begun < 4_500


def test_a_crash_repeats_nothing_however_many_are_set_aside_among_others() -> None:
    world = World(profile("bad", host="bad.example", paused=True), profile("good", host="good.example"))
    chosen = Random(1)
    for order in range(30_000):
        world.wait(order=order, to=chosen.choice(["bad", "good"]))
    world.to_boundary(plus=-0.25)
    world.clock.now_ms += 300
    assert world.stage is not None
    while len(world.sender.sent) < 13_500:
        world.stage.turn()
    world.stage.finish(0)

    world.crash()
    world.start()
    world.advance(6)

    assert len(world.sent_events) == len(set(world.sent_events)) > 14_500


def _backlog(due: int, *, answer_ms: int | None, partitions: int = 1, limit: int = 512) -> World:
    """Before a run of two minutes: so much for a receiver that takes so long for each, or for ever; and more behind."""
    slow, good = profile("slow", host="slow.example", delay=116), profile("good", host="good.example", delay=116)
    world = World(slow, good, periods=(4, 120), limit=limit, partitions=partitions)

    def answer(sent: Sent) -> Answer | None:
        is_done = answer_ms is not None and world.clock.now_ms >= sent.at_ms + answer_ms
        return status(200) if is_done or sent.profile == "good" else None

    world.sender.answer = answer
    for order in range(due):
        world.wait(order=order, to="slow")
    for order in range(50):
        world.wait(order=order, to="good")
    return world


def _sent_to(world: World, name: str) -> int:
    return [sent.profile for sent in world.sender.sent].count(name)


@pytest.mark.parametrize(
    ("partitions", "limit", "due", "aside"),
    [(1, 512, 15_000, 20_000), (12, 512, 15_000, 20_000), (12, 32, 9_000, 20_000), (1, 512, 15_000, 3)],
)
def test_a_receiver_that_takes_its_time_gets_all_that_is_due_in_one_run(
    partitions: int, limit: int, due: int, aside: int
) -> None:
    with patch.object(offsets, "ASIDE_AT_ONCE", aside):
        world = _backlog(due, answer_ms=200, partitions=partitions, limit=limit)

        world.to_boundary(120, plus=80)

    assert _sent_to(world, "slow") == due
    assert world.retries() == []


def test_what_waits_for_a_receiver_that_never_answers_is_moved_long_before_the_run_is_over() -> None:
    world = _backlog(9_000, answer_ms=None)

    world.to_boundary(120, plus=10)

    assert _sent_to(world, "good") == 50
    assert len(world.retries()) > 7_500


def test_what_a_slow_receiver_did_not_get_is_moved_before_the_next_run() -> None:
    world = _backlog(15_000, answer_ms=500, limit=32)
    world.to_boundary(120)
    world.wait(order=1, to="good")

    world.to_boundary(120, plus=-13)
    moved_early = len(world.retries())
    world.advance(12.8)
    moved = len(world.retries())
    world.advance(1)

    assert moved_early == 0
    assert moved > 5_000
    assert _sent_to(world, "good") == 51


@pytest.mark.parametrize(("receivers", "orders", "of_each"), [(1, 1_000, 9), (4, 1_000, 3), (8, 500, 3), (1, 1, 9_000)])
@pytest.mark.parametrize("answer_ms", [None, 29_000])
def test_a_slow_receiver_of_several_deliveries_an_order_delays_nobody(
    receivers: int, orders: int, of_each: int, answer_ms: int | None
) -> None:
    slow = [profile(f"slow{n}", host=f"slow{n}.example", delay=116) for n in range(receivers)]
    world = World(*slow, profile("good", host="good.example", delay=116), periods=(4, 120))

    def answer(sent: Sent) -> Answer | None:
        is_done = answer_ms is not None and world.clock.now_ms >= sent.at_ms + answer_ms
        return status(200) if is_done or sent.profile == "good" else None

    world.sender.answer = answer
    for order in range(orders):
        for one in slow:
            for _ in range(of_each):
                world.wait(order=order, to=one.name)
    for order in range(50):
        world.wait(order=100_000 + order, to="good")

    world.to_boundary(120, plus=5)

    assert _sent_to(world, "good") == 50


def test_lines_that_were_shortened_go_out_in_order() -> None:
    world = World(profile("slow", delay=116), profile("good", host="good.example", delay=116), periods=(4, 120))
    world.sender.answer = lambda sent: status(200) if world.clock.now_ms >= sent.at_ms + 10 else None
    events = [(order, world.wait(order=order, to="slow")) for order in (1, 2) for _ in range(5_000)]
    world.to_boundary(120, plus=-0.25)

    world.clock.now_ms += 300
    assert world.stage is not None
    while len(world.sender.sent) < len(events) and world.clock.now_ms < START_MS + 600_000:
        world.stage.turn()
        world.clock.now_ms += 11

    for order in (1, 2):
        wanted = [event for of, event in events if of == order]
        assert [sent.event for sent in world.sender.sent if sent.params["order"] == str(order)] == wanted
