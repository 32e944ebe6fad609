"""`latest_only` and `skip_converted`: across windows, retries and restarts, whichever topic is read first."""

from dataclasses import replace

import pytest

from tests.unit.dispatch.fakes import FakeReader
from tests.unit.dispatch.receivers import network, status
from tests.unit.dispatch.world import NAMES, START_MS, World, profile

WINDOW = NAMES.window(4)


def _with_a_failed_partial(*, occurred: int = 1) -> tuple[World, str]:
    """A partial that has failed once and waits in the retry topic."""
    world = World()
    world.sender.answer = lambda _: status(500)
    partial = world.wait(code="PARTIAL", occurred=occurred)
    world.to_boundary()
    world.advance(1.5)
    world.sender.answer = lambda _: status(200)
    world.sender.sent.clear()
    return world, partial


@pytest.mark.parametrize("occurred", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (1, 3, 2), (2, 1, 3), (3, 1, 2)])
def test_of_several_versions_the_newest_goes_out_whatever_their_order(occurred: tuple[int, ...]) -> None:
    world = World()
    for version in occurred:
        world.wait(code="PARTIAL", occurred=version, event=f"version {version}")

    world.to_boundary(plus=2)

    assert world.sent_events == ["version 3"]
    assert world.metric("postback_suppressed_total", profile="p", reason="superseded") == 2
    assert [row["reason"] for row in world.outcomes() if row["outcome"] == "suppressed"] == ["superseded"] * 2


def test_versions_of_one_time_are_ordered_by_arrival() -> None:
    world = World()
    world.wait(code="PARTIAL", occurred=5)
    last = world.wait(code="PARTIAL", occurred=5)

    world.to_boundary()

    assert world.sent_events == [last]


def test_the_rules_are_those_of_each_profile_and_each_order() -> None:
    world = World(profile("p"), profile("all", latest_only=False, skip_converted=False), profile("q"))
    for to in ("p", "all", "q"):
        for version in (1, 2):
            world.wait(code="PARTIAL", to=to, occurred=version, event=f"{to} {version}")
    world.wait(code="PARTIAL", to="p", order=2, event="another order")

    world.to_boundary()

    assert sorted(world.sent_events) == ["all 1", "all 2", "another order", "p 2", "q 2"]


def test_only_partials_supersede_each_other() -> None:
    world = World()
    events = [world.wait(code="UPSELL", occurred=version) for version in (1, 2)]

    world.to_boundary()

    assert world.sent_events == events


def test_a_failed_version_gives_way_to_a_newer_one_in_the_window() -> None:
    world, _ = _with_a_failed_partial()
    new = world.wait(code="PARTIAL", occurred=2)

    world.to_boundary()

    assert world.sent_events == [new]


def test_a_failed_version_gives_way_although_the_brokers_give_the_window_first() -> None:
    world = World()
    world.sender.answer = lambda _: status(500)
    other = world.wait(order=7, code="PARTIAL")
    world.wait(code="PARTIAL", occurred=1)
    world.to_boundary()
    world.advance(1.5)
    new = world.wait(code="PARTIAL", occurred=2)
    world.sender.answer = lambda _: status(200)
    world.reader.at_once = 1
    world.reader.first = (WINDOW,)

    world.to_boundary()

    assert world.sent_events[2:] == [other, new]


def test_an_older_version_that_comes_late_gives_way_to_a_newer_one_that_failed() -> None:
    world, new = _with_a_failed_partial(occurred=2)
    world.wait(code="PARTIAL", occurred=1)

    world.to_boundary()

    assert world.sent_events == [new]


def test_an_older_version_that_comes_late_gives_way_to_a_newer_one_in_flight() -> None:
    world = World()
    world.sender.answer = lambda _: None
    new = world.wait(code="PARTIAL", occurred=2)
    world.to_boundary()
    world.advance(1.5)
    world.wait(code="PARTIAL", occurred=1)
    world.to_boundary()

    world.sender.answer = lambda _: status(200)
    world.advance(1)

    assert world.sent_events == [new]


def test_a_version_that_fails_while_a_newer_one_follows_it_does_not_come_round_again() -> None:
    world = World()
    world.sender.answer = lambda _: None
    old = world.wait(code="PARTIAL", occurred=1)
    world.to_boundary()
    world.advance(1.5)
    new = world.wait(code="PARTIAL", occurred=2)
    world.to_boundary()

    world.sender.answer = lambda sent: status(404) if sent.event == old else status(200)
    world.advance(10)

    assert world.sent_events == [old, new]


def test_after_a_restart_the_first_run_waits_to_hear_of_all_partitions() -> None:
    world, _ = _with_a_failed_partial()
    new = world.wait(code="PARTIAL", occurred=2)
    world.crash()
    world.clock.now_ms += 4_000
    world.prepare_reader = lambda reader: reader.silent.add((WINDOW, 0))

    world.start()
    world.advance(0.5)
    world.reader.silent.clear()
    world.advance(2)

    assert world.sent_events == [new]


def test_a_broker_that_does_not_answer_delays_the_first_run_by_two_seconds_and_no_more() -> None:
    world, old = _with_a_failed_partial()
    world.crash()
    world.clock.now_ms += 4_000
    world.prepare_reader = lambda reader: reader.silent.add((NAMES.window(6), 0))

    world.start()
    world.advance(2.25)

    assert world.sent_events == [old]


@pytest.mark.parametrize("is_marker", [True, False])
def test_a_partial_that_comes_after_the_run_of_its_order_is_not_sent(is_marker: bool) -> None:
    world = World(profile("p"), profile("all", skip_converted=False))
    if is_marker:
        world.mark_placed()
    else:
        world.wait(code="SALE", event="sale")
    world.to_boundary()
    world.to_boundary()

    for to in ("p", "all"):
        world.wait(code="PARTIAL", to=to, event=f"late {to}")
    world.wait(code="PARTIAL", order=2, event="another order")
    world.to_boundary()

    assert set(world.sent_events) == {"late all", "another order"} | (set() if is_marker else {"sale"})
    assert world.metric("postback_suppressed_total", profile="p", reason="converted") == 1


@pytest.mark.parametrize("placed_first", [True, False])
def test_a_partial_whose_order_was_placed_is_not_sent_whichever_stands_first(placed_first: bool) -> None:
    world = World()
    if placed_first:
        world.mark_placed()
    world.wait(code="PARTIAL")
    if not placed_first:
        world.mark_placed()

    world.to_boundary()

    assert world.sent_events == []
    assert world.metric("postback_suppressed_total", profile="p", reason="converted") == 1


@pytest.mark.parametrize("placed_first", [True, False])
def test_a_delivery_of_the_placed_order_says_as_much_as_a_marker(placed_first: bool) -> None:
    world = World()
    if not placed_first:
        world.wait(code="PARTIAL")
    sale = world.wait(code="SALE")
    if placed_first:
        world.wait(code="PARTIAL")

    world.to_boundary()

    assert world.sent_events == [sale]


def test_a_decline_does_not_place_the_order() -> None:
    world = World()
    events = [world.wait(code="PARTIAL"), world.wait(code="DECLINE")]

    world.to_boundary()

    assert world.sent_events == events


def test_a_version_that_entered_at_the_boundary_does_not_supersede_what_is_due() -> None:
    world = World()
    due = world.wait(code="PARTIAL", occurred=1)
    world.crash()
    world.clock.now_ms = START_MS + 4_000
    later = world.wait(code="PARTIAL", occurred=2)

    world.start()
    world.advance(1)
    at_once = list(world.sent_events)
    world.to_boundary()

    assert at_once == [due]
    assert world.sent_events == [due, later]


def test_an_order_placed_after_the_boundary_does_not_hold_back_the_run() -> None:
    world = World()
    partial = world.wait(code="PARTIAL")
    world.crash()
    world.clock.now_ms += 4_000
    world.mark_placed()

    world.start()
    world.advance(1)

    assert world.sent_events == [partial]


def test_a_failed_partial_is_not_sent_again_once_its_order_was_placed() -> None:
    world, _ = _with_a_failed_partial()
    world.mark_placed()

    world.to_boundary()

    assert world.sent_events == []


def test_the_order_of_a_partial_in_flight_is_placed_and_it_fails() -> None:
    world = World()
    world.sender.answer = lambda _: None
    partial = world.wait(code="PARTIAL")
    world.to_boundary()
    world.mark_placed()
    world.to_boundary()

    world.sender.answer = lambda _: status(500)
    world.advance(10)

    assert world.sent_events == [partial]
    assert world.metric("postback_suppressed_total", profile="p", reason="converted") == 1
    assert world.open_places() == []


@pytest.mark.parametrize("came_round", [False, True])
@pytest.mark.parametrize("by_delivery", [False, True])
@pytest.mark.parametrize("runs_later", [0, 1])
def test_an_order_that_was_placed_while_its_partial_is_in_flight_is_known_after_a_crash(
    *, came_round: bool, by_delivery: bool, runs_later: int
) -> None:
    world = World(profile("p"), profile("q", host="q.example"))
    world.sender.answer = lambda sent: status(200) if sent.profile == "q" else None
    world.wait(code="PARTIAL")
    if came_round:
        world.sender.answer = lambda _: status(500)
        world.to_boundary()
        world.sender.answer = lambda sent: status(200) if sent.profile == "q" else None
    world.to_boundary()
    if by_delivery:
        world.wait(to="q")
    else:
        world.mark_placed()
    world.to_boundary(plus=1.75)
    world.sender.sent.clear()

    world.crash()
    world.clock.now_ms += 4_000 * runs_later
    world.start()
    world.advance(10)

    assert world.sent_events == []
    assert world.metric("postback_suppressed_total", profile="p", reason="converted") == 1
    assert world.open_places() == []


@pytest.mark.parametrize("owners", [1, 2])
@pytest.mark.parametrize("first", ["marker", "sale", "version"])
def test_what_a_former_owner_settled_in_this_run_counts_for_the_partials_that_it_left(first: str, owners: int) -> None:
    world = World(profile("p"), profile("q", host="q.example"))
    if first == "marker":
        world.mark_placed()
    elif first == "sale":
        world.wait(to="q")
    else:
        world.wait(code="PARTIAL", occurred=2)
    partial = world.wait(code="PARTIAL", occurred=1)
    is_late = {(WINDOW, 0): 1}
    world.reader.at_once = 1
    world.sender.on_start = lambda _: world.reader.silent_from.update(is_late)
    if first == "marker":
        world.reader.silent_from.update(is_late)
    world.to_boundary(plus=1.5)
    settled = world.broker.committed[WINDOW, 0]
    world.prepare_reader = lambda reader: reader.silent_from.update(is_late)
    for _ in range(owners):
        world.broker.drop_before(world.dispatch.droppable)
        world.crash()
        world.start()
        world.advance(1.5)
    world.reader.silent_from.clear()

    world.advance(1.5)

    assert settled == (1, "")
    assert partial not in world.sent_events
    assert world.outcomes()[-1]["outcome"] == "suppressed"
    assert world.open_places() == []


def test_a_partial_that_comes_round_although_its_order_was_placed_brings_no_reminders() -> None:
    world = World(profile(skip_converted=False))
    world.sender.answer = lambda _: None
    world.wait(code="PARTIAL")
    world.to_boundary()
    world.mark_placed()
    world.to_boundary(plus=1.5)

    assert world.retries() == []


def test_a_partial_whose_failure_is_not_written_yet_when_its_order_is_read_is_not_sent_again() -> None:
    world = World()
    world.sender.answer = lambda _: None
    partial = world.wait(code="PARTIAL")
    world.to_boundary()
    world.mark_placed()
    world.advance(3.25)
    world.log.aborts = 5
    world.sender.answer = lambda _: network()
    world.advance(1)

    world.sender.answer = lambda _: status(200)
    world.advance(12)

    assert world.sent_events == [partial]
    assert world.open_places() == []


def test_a_mark_that_arrives_after_the_retry_topic_was_read_is_kept_for_the_next_run() -> None:
    world = World(profile(paused=True))
    world.wait(code="PARTIAL")
    world.to_boundary()
    world.advance(3)
    world.reader.silent.add((WINDOW, 0))
    world.mark_placed()
    world.to_boundary(plus=0.25)
    world.reader.silent.clear()
    world.advance(2)

    world.use(profile())
    world.advance(10)

    assert world.sent_events == []
    assert world.open_places() == []


def test_paused_partials_are_judged_when_it_is_their_turn() -> None:
    world = World(profile(paused=True))
    world.wait(code="PARTIAL", occurred=1)
    world.to_boundary()
    new = world.wait(code="PARTIAL", occurred=2)
    world.to_boundary()

    world.use(profile())
    world.to_boundary()

    assert world.sent_events == [new]


def test_a_version_in_the_window_of_an_old_delay_gives_way_to_one_in_the_new() -> None:
    world = World(profile(delay=2))
    world.advance(6.5)
    world.wait(code="PARTIAL", occurred=1)
    world.use(profile(delay=0))
    world.advance(2)
    new = world.wait(code="PARTIAL", occurred=2)
    world.to_boundary(12)

    assert world.sent_events == [new]


def test_versions_of_all_orders_survive_reads_of_one_record_each() -> None:
    def one_by_one(reader: FakeReader) -> None:
        reader.at_once = 1

    world = World(partitions=2)
    world.reader.at_once = 1
    world.prepare_reader = one_by_one
    for version in (2, 1, 3):
        for order in range(5):
            world.wait(code="PARTIAL", order=order, occurred=version, event=f"{order}/{version}")

    world.to_boundary()

    assert sorted(world.sent_events) == [f"{order}/3" for order in range(5)]


def test_a_partial_in_memory_whose_order_was_placed_is_not_sent_after_a_pause_that_came_then() -> None:
    abandoned, placed = profile("p"), profile("q", host="q.example")
    world = World(abandoned, placed, limit=1)
    world.sender.answer = lambda sent: None if sent.profile == "p" else status(200)
    world.wait(order=9, to="p")
    world.wait(order=1, to="p", code="PARTIAL")
    world.to_boundary()
    world.wait(order=1, to="q")
    world.to_boundary()
    world.use(profile("p", paused=True), placed)
    world.sender.answer = lambda _: status(200)
    world.advance(5)
    world.use(abandoned, placed)

    world.advance(10)

    assert [(sent.profile, sent.params["type"]) for sent in world.sender.sent] == [("p", "SALE"), ("q", "SALE")]
    assert world.metric("postback_suppressed_total", profile="p", reason="converted") == 1


@pytest.mark.parametrize("crashes_after", [None, 4, 4.9])
@pytest.mark.parametrize("partials", [1, 3])
def test_a_partial_whose_profile_is_away_for_some_runs_is_not_sent_when_its_order_was_placed_meanwhile(
    partials: int, crashes_after: float | None
) -> None:
    world = World(profile("p", delay=36), profile("other"), periods=(4, 40))
    world.sender.answer = lambda _: status(500)
    for version in range(partials):
        world.wait(code="PARTIAL", to="p", occurred=version, order=1 + version % 2)
    world.to_boundary(40, plus=36)
    for order in (1, 1, 2):
        world.mark_placed(order, period=40)
    world.use(profile("other"))
    world.sender.sent.clear()
    world.sender.answer = lambda _: status(200)
    world.to_boundary(40, plus=0)
    world.advance(crashes_after or 0)
    if crashes_after:
        world.crash()
        world.start()
    world.advance(17 - (crashes_after or 0))
    told = len([record for record in world.retries() if record.the_key == b"1" and not record.the_value])

    world.use(profile("p", delay=36), profile("other"))
    world.to_boundary(plus=2)

    assert world.sent_events == []
    assert "converted" in {row["reason"] for row in world.outcomes()}
    assert told <= 7, "once a run for each order"
    assert world.open_places() == []


def test_an_order_whose_placement_stands_in_the_window_of_a_former_delay_is_not_sent_a_failed_partial() -> None:
    world = World(profile(delay=2))
    world.sender.answer = lambda _: status(500)
    world.advance(3)
    world.wait(code="PARTIAL", period=6)
    world.advance(3.5)
    world.sender.answer = lambda _: status(200)
    world.mark_placed(period=6)
    world.advance(0.5)

    world.use(profile(delay=0))
    world.advance(6)

    assert len(world.sent_events) == 1


def test_a_version_that_a_run_settled_in_the_retry_topic_counts_for_the_next_owner_though_its_clock_was_ahead() -> None:
    world, newer = _with_a_failed_partial(occurred=2)
    (moved,) = world.retries()
    world.broker.logs[moved.place].records[0] = replace(moved, at_ms=START_MS + 3_900)  # its run was that of 4,000
    older = world.wait(code="PARTIAL", occurred=1)
    world.sender.on_start = lambda _: world.reader.silent.add((WINDOW, 0))
    world.to_boundary(plus=1.5)
    settled = world.broker.committed[NAMES.retry, 0]

    world.crash()
    world.start()
    world.advance(3)

    assert settled[0] > moved.at
    assert world.sent_events == [newer]
    assert older not in world.sent_events
    assert world.open_places() == []
