"""A run belongs to its boundary: it sends what entered before it, all of it, and nothing that entered later."""

import logging

import pytest

from tests.unit.dispatch.receivers import status
from tests.unit.dispatch.world import NAMES, START_MS, World, profile

WINDOW = NAMES.window(4)


def test_nothing_goes_out_before_the_boundary() -> None:
    world = World()
    world.wait()

    world.advance(3.75)

    assert world.sent_events == []


def test_all_that_entered_before_the_boundary_goes_out_at_it_oldest_first() -> None:
    world = World()
    events = [world.wait(order=1) for _ in range(3)]
    world.advance(3)
    events += [world.wait(order=1) for _ in range(3)]

    world.to_boundary(plus=0)

    assert world.sent_events == events
    assert {sent.at_ms for sent in world.sender.sent} == {START_MS + 4_000}


@pytest.mark.parametrize(("at_ms", "is_due"), [(START_MS + 3_999, True), (START_MS + 4_000, False)])
def test_the_timestamp_decides_and_the_boundary_itself_belongs_to_the_next_run(at_ms: int, is_due: bool) -> None:
    world = World()
    world.wait(at_ms=at_ms)

    world.advance(5)

    assert len(world.sent_events) == is_due


def test_each_window_has_its_own_runs() -> None:
    world = World(profile("p"), profile("slow", delay=2))
    fast = world.wait(to="p")
    slow = world.wait(to="slow")

    world.advance(4)
    at_four = list(world.sent_events)
    world.advance(2)

    assert at_four == [fast]
    assert world.sent_events == [fast, slow]


def test_missed_runs_are_made_up_at_once_as_one_and_what_came_after_them_waits() -> None:
    world = World()
    world.crash()
    missed = []
    for _ in range(3):
        missed.append(world.wait())
        world.clock.now_ms += 4_000
    later = world.wait()

    world.start()
    world.advance(1)
    at_once = list(world.sent_events)
    world.to_boundary()

    assert at_once == missed
    assert world.sent_events == [*missed, later]


def test_a_window_that_no_profile_uses_any_more_is_drained_in_its_own_runs() -> None:
    world = World(profile(delay=2))
    old = world.wait()
    world.use(profile(delay=0))
    new = world.wait()

    world.advance(4.5)
    at_four = list(world.sent_events)
    world.advance(2)

    assert at_four == [new]
    assert world.sent_events == [new, old]


def test_of_one_order_what_waits_under_the_old_delay_goes_first_when_both_are_due() -> None:
    world = World(profile(delay=2))
    world.advance(6.5)
    old = world.wait()
    world.use(profile(delay=0))
    world.advance(2)
    new = world.wait()

    world.to_boundary(12)

    assert world.sent_events == [old, new]


def test_the_retry_topic_is_read_first() -> None:
    world = World()
    world.sender.answer = lambda _: status(404)
    failed = world.wait(order=2)
    world.to_boundary()
    world.advance(1.5)
    new = world.wait(order=3)
    world.reader.first = (WINDOW,)

    world.to_boundary()

    assert world.sent_events == [failed, failed, new]


def test_the_retry_topic_is_read_at_the_boundaries_of_every_window_in_use() -> None:
    world = World(profile("p"), profile("slow", delay=2))
    world.sender.answer = lambda _: status(404)
    world.wait()

    world.advance(12.5)

    assert [(sent.at_ms - START_MS) // 1_000 for sent in world.sender.sent] == [4, 6, 8, 12]


def test_every_offset_is_settled_and_committed_behind_marks_of_transactions_too() -> None:
    world = World(partitions=2)
    for order in range(20):
        world.wait(order=order)
    world.sender.answer = lambda _: status(500)
    world.to_boundary()
    world.sender.answer = lambda _: status(200)

    world.advance(12)

    assert world.open_places() == []
    assert world.stage is not None
    assert world.stage.committed == world.broker.committed


def test_what_came_first_goes_first_whatever_partition_it_is_in() -> None:
    world = World(partitions=3)
    events = []
    for order in (2, 0, 1, 4, 3, 5, 8, 6):
        events.append(world.wait(order=order))
        world.clock.now_ms += 10

    world.to_boundary()

    assert world.sent_events == events


def test_a_brokers_clock_that_is_set_back_changes_nothing_in_the_order_of_a_partition() -> None:
    world = World(partitions=2)
    first = world.wait(order=4)
    world.clock.now_ms -= 30
    second = world.wait(order=5)
    world.clock.now_ms += 10
    other = world.wait(order=0)
    world.clock.now_ms += 40

    world.to_boundary()

    assert world.sent_events == [other, first, second]


def test_partitions_run_side_by_side() -> None:
    world = World(partitions=3)
    world.sender.answer = lambda sent: None if sent.params["order"] == "0" else status(200)
    for order in range(30):
        world.wait(order=order)

    world.to_boundary()

    assert len(world.sent_events) == 30


def test_a_run_is_counted_with_its_length_and_its_end_an_empty_one_too() -> None:
    world = World()
    world.wait()

    world.to_boundary(plus=1)

    assert world.metric("postback_last_run_timestamp_seconds", window="4s") >= (START_MS + 4_000) / 1_000
    assert world.metric("postback_run_duration_seconds_count", window="4s") == 2
    assert world.metric("postback_last_run_timestamp_seconds", window="6s") >= START_MS / 1_000


def test_the_run_that_was_on_before_a_start_is_counted_from_the_start() -> None:
    world = World()
    world.crash()
    world.wait()
    world.clock.now_ms = START_MS + 7_000
    world.start()

    world.advance(0.9)

    assert len(world.sent_events) == 1
    assert world.metric("postback_run_duration_seconds_sum", window="4s") < 1
    assert world.metric("postback_run_duration_seconds_count", window="4s") == 1


def test_lateness_counts_from_the_runs_boundary_to_the_first_attempt_only() -> None:
    world = World()
    world.crash()
    world.wait()
    world.clock.now_ms = START_MS + 7_000
    world.sender.answer = lambda _: status(500)

    world.start()
    world.advance(6)

    assert len(world.sent_events) == 3
    assert world.metric("postback_lateness_seconds_count", profile="p") == 1
    assert world.metric("postback_lateness_seconds_sum", profile="p") == pytest.approx(3, abs=0.3)


def test_what_somebody_else_wrote_to_a_window_goes_to_the_dead_letters_at_its_run() -> None:
    world = World()
    world.broker.append((WINDOW, b"1", b"what", [("their-header", b"x")]))
    good = world.wait()

    world.to_boundary(plus=2)

    (headers,) = world.dead_letters()
    assert (headers["postback-reason"], headers["postback-source"]) == ("undecodable", f"{WINDOW}/0/0")
    assert world.sent_events == [good]
    assert world.open_places() == []


def test_each_delivery_has_a_line_in_the_log_for_whoever_follows_it(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.wait()

    with caplog.at_level(logging.DEBUG, logger="postback.dispatch"):
        world.advance(4)

    (line,) = [record for record in caplog.records if record.getMessage() == "delivery.delivered"]
    assert (line.levelname, line.keys["profile"], line.keys["status"]) == ("DEBUG", "p", 200)  # type: ignore[attr-defined]
