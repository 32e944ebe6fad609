"""Crashes, aborted transactions, rebalances: nothing is lost, and what may be sent twice is named."""

from datetime import timedelta
from random import Random

import pytest

from tests.unit.dispatch.receivers import network, status
from tests.unit.dispatch.world import NAMES, START_MS, World, profile

WINDOW = NAMES.window(4)


def _with_one_slow(world: World, slow: str) -> None:
    world.sender.answer = lambda sent: None if sent.event == slow else status(200)


def test_after_a_crash_only_what_was_in_flight_or_not_written_goes_out_again() -> None:
    world = World()
    events = [world.wait(order=order) for order in range(10)]
    _with_one_slow(world, events[3])
    world.to_boundary(plus=2)
    world.crash()
    world.sender.answer = lambda _: status(200)

    world.start()
    world.advance(2)

    assert sorted(world.sent_events) == sorted([*events, events[3]])
    assert len({sent.delivery_id for sent in world.sender.sent}) == 10


def test_what_was_settled_behind_a_slow_one_is_not_sent_again_though_the_offset_stays_before_it() -> None:
    world = World()
    events = [world.wait(order=order) for order in range(10)]
    _with_one_slow(world, events[0])
    world.to_boundary(plus=2)

    offset, metadata = world.broker.committed[WINDOW, 0]

    assert offset == 0
    assert metadata


def test_a_graceful_end_sends_nothing_that_was_answered_again() -> None:
    world = World()
    events = [world.wait(order=order) for order in range(10)]
    world.to_boundary(plus=0.25)
    assert world.stage is not None

    world.stage.finish(1_000)
    world.crash()
    world.start()
    world.advance(5)

    assert sorted(world.sent_events) == sorted(events)


def test_a_graceful_end_waits_for_what_is_in_flight_and_starts_nothing_new() -> None:
    world = World(limit=2)
    events = [world.wait(order=order) for order in range(10)]
    world.sender.answer = lambda _: None
    world.to_boundary(plus=0.25)
    assert world.stage is not None

    world.sender.answer = lambda _: status(200)
    world.stage.finish(1_000)
    at_the_end = list(world.sent_events)
    world.crash()
    world.start()
    world.advance(5)

    assert at_the_end == events[:2]
    assert sorted(world.sent_events) == sorted(events)


def test_a_graceful_end_tries_to_write_for_as_long_as_it_has() -> None:
    world = World()
    events = [world.wait(order=order) for order in range(3)]
    world.to_boundary(plus=0)
    assert world.stage is not None
    world.log.aborts = 3

    world.stage.finish(1_000)
    world.crash()
    world.start()
    world.advance(5)

    assert sorted(world.sent_events) == sorted(events)


def test_an_aborted_transaction_is_written_with_the_next_and_nothing_is_sent_meanwhile() -> None:
    world = World()
    first = world.wait(order=1)
    world.to_boundary(plus=0)
    world.log.aborts = 20
    second = world.wait(order=2)

    world.advance(4.5)
    meanwhile = list(world.sent_events)
    world.log.aborts = 0
    world.advance(2)

    assert meanwhile == [first]
    assert world.sent_events == [first, second]
    assert [row["outcome"] for row in world.outcomes()] == ["delivered", "delivered"]


def test_until_a_refused_transaction_is_tried_again_the_loop_rests() -> None:
    world = World()
    world.wait()
    world.to_boundary(plus=0)
    world.log.aborts = 1_000
    world.advance(2)
    assert world.stage is not None
    world.sender.waited_seconds = 0

    world.stage.turn()

    assert world.sender.waited_seconds == 0.02


def test_who_is_no_longer_a_member_forgets_what_it_had_and_reads_on_until_it_is_assigned_again() -> None:
    world = World()
    event = world.wait(order=1)
    world.to_boundary(plus=0)
    world.log.has_no_member = True

    world.advance(2)
    meanwhile = list(world.sent_events)
    world.give_all()
    world.advance(4)

    assert meanwhile == [event]
    assert world.sent_events == [event, event]
    assert world.open_places() == []


def test_a_crash_with_transactions_aborting_repeats_what_was_not_written_and_loses_nothing() -> None:
    world = World()
    world.advance(1.5)
    world.log.aborts = 1_000
    events = [world.wait(order=order) for order in range(4)]
    world.to_boundary(plus=2)
    world.crash()
    world.log.aborts = 0

    world.start()
    world.advance(2)

    assert sorted(world.sent_events) == sorted(events * 2)
    assert world.open_places() == []


def test_what_was_not_answered_when_all_ended_is_not_waited_for_once_more() -> None:
    world = World()
    world.wait()

    def silence(_: object) -> None:
        world.clock.now_ms += 100

    world.sender.answer = silence
    world.to_boundary(plus=0)
    assert world.stage is not None
    begun_ms = world.clock.now_ms
    world.stage.finish(1_000)

    world.stage.revoked(world.owned)

    assert 1_000 <= world.clock.now_ms - begun_ms <= 1_100


def test_partitions_given_up_in_the_middle_of_a_run_are_finished_by_the_next_owner() -> None:
    world = World(limit=2)
    events = [world.wait(order=order) for order in range(10)]
    world.sender.answer = lambda _: status(200) if len(world.sender.sent) < 5 else None
    world.to_boundary()
    assert world.stage is not None
    world.sender.answer = lambda _: status(200)

    world.stage.revoked(world.owned)
    world.give_all()
    world.advance(2)

    assert sorted(world.sent_events) == sorted(events)
    assert world.open_places() == []


def test_what_a_former_owner_moved_on_in_the_middle_of_a_run_is_not_overtaken_by_the_next() -> None:
    world = World()
    first, other = world.wait(order=1), world.wait(order=2)
    world.reader.at_once = 1
    world.sender.answer = lambda sent: network() if sent.event == first else None
    world.to_boundary(plus=1.25)
    follower = world.wait(order=1, at_ms=START_MS + 3_999)
    world.crash()
    world.sender.answer = lambda _: status(200)

    world.start()
    world.advance(12)

    assert world.sent_events == [first, other, other, first, follower]


def test_what_a_former_owner_had_rejected_holds_nothing_back() -> None:
    world = World()
    first = world.wait(order=1)
    world.sender.answer = lambda _: status(404)
    world.to_boundary(plus=1.25)
    follower = world.wait(order=1, at_ms=START_MS + 3_999)
    world.crash()

    world.start()
    world.advance(0.5)

    assert world.sent_events == [first, follower]


def test_after_a_loss_nothing_is_committed_of_what_others_have_by_now() -> None:
    world = World()
    world.wait()
    world.to_boundary(plus=0)
    before = dict(world.broker.committed)
    assert world.stage is not None

    world.stage.lost(world.owned)
    world.advance(3)

    assert world.broker.committed == before
    assert world.outcomes() == []


def test_a_lane_goes_on_after_transfers_of_former_partitions_have_ended() -> None:
    world = World(limit=2)
    world.sender.answer = lambda _: None
    events = [world.wait(order=order) for order in range(5)]
    world.to_boundary()
    assert world.stage is not None
    world.stage.lost(world.owned)
    world.give_all()
    world.advance(1)

    world.sender.answer = lambda _: status(200)
    world.advance(3)

    assert set(world.sent_events) == set(events)
    assert world.open_places() == []


@pytest.mark.parametrize("at_once", [1, 500])
def test_partitions_that_stay_when_others_go_are_read_on_from_what_is_committed(at_once: int) -> None:
    world = World(partitions=2)
    world.reader.at_once = at_once
    slow: set[str] = set()
    events = [world.wait(order=order) for order in range(20)]
    slow |= set(events[:4])
    world.sender.answer = lambda sent: None if sent.event in slow else status(200)
    world.to_boundary(plus=1.5)
    gone = [place for place in world.owned if place[1] == 1]
    assert world.stage is not None

    world.stage.lost(gone)
    slow.clear()
    world.advance(3)
    kept = [place for place in world.open_places() if place not in gone]

    assert kept == []


def test_a_loss_within_a_read_makes_void_what_the_read_holds_of_the_partitions_that_stay() -> None:
    world = World(partitions=2)
    world.reader.at_once = 3
    world.sender.answer = lambda _: None
    events = {world.wait(order=order): order for order in range(40)}
    world.to_boundary(plus=0.25)
    gone = [place for place in world.owned if place[1] == 1]
    stage = world.stage
    assert stage is not None

    world.sender.answer = lambda _: status(200)
    world.reader.on_read = lambda: stage.lost(gone)
    world.advance(8)

    sent = set(world.sent_events)
    stay = {record.the_value for record in world.broker.logs[WINDOW, 0].records}
    assert sum(event.encode() in b"".join(filter(None, stay)) for event in sent) >= len(stay)
    assert [place for place in world.open_places() if place not in gone] == []
    assert sent <= events.keys()


def test_a_transaction_of_unknown_outcome_is_looked_up_and_nothing_of_it_goes_out_again() -> None:
    world = World()
    for order in range(5):
        world.wait(order=order)
    world.log.unknown = 1

    world.to_boundary(plus=3)

    assert sorted(world.sent_events) == ["e1", "e2", "e3", "e4", "e5"]
    assert world.open_places() == []


def test_what_comes_later_does_not_follow_the_second_when_the_first_was_kept_back_again() -> None:
    """Found by the stage machine: 2 stands before 1 in the retry topic, and 3 follows 1 past it."""
    world = World()
    world.sender.answer = lambda _: status(503, "1")
    for event in ("1", "2", "3"):
        world.wait(event=event)
    world.to_boundary(plus=1.5)
    first, second, third = world.retries()
    world.crash()
    for record in (second, first, third):
        world.broker.append((NAMES.retry, record.the_key, record.the_value, record.the_headers))
    world.broker.committed[NAMES.retry, 0] = (world.retries()[3].at, "")
    world.sender.answer = lambda _: status(200)
    world.sender.sent.clear()
    world.start()

    world.advance(20)

    assert world.sent_events == ["1", "2", "3"]


def test_what_stands_out_of_order_is_not_given_up_while_its_profile_is_paused() -> None:
    world = World(profile(paused=True), give_up_after=timedelta(seconds=20))
    for event in ("1", "2"):
        world.wait(event=event)
    world.to_boundary(plus=1.5)
    first, second = world.retries()
    world.crash()
    for record in (second, first):
        world.broker.append((NAMES.retry, record.the_key, record.the_value, record.the_headers))
    world.broker.committed[NAMES.retry, 0] = (world.retries()[2].at, "")
    world.start()

    world.advance(60)

    assert world.dead_letters() == []
    assert {row["outcome"] for row in world.outcomes()} == set()


def test_a_new_owner_does_not_pass_the_retry_topic_at_the_boundary_of_a_former_delay() -> None:
    world = World(profile("p"))
    world.sender.answer = lambda _: network()
    first = world.wait(order=1)
    world.to_boundary()
    world.advance(0.9)
    later = world.wait(order=1, period=6)
    world.advance(0.2)
    world.crash()
    world.start()
    world.sender.sent.clear()
    world.sender.answer = lambda _: status(200)

    world.advance(12)

    assert world.sent_events == [first, later]


def test_what_a_former_owner_moved_on_in_this_run_keeps_back_none_that_came_before_it() -> None:
    own, other = profile(delay=2), profile("other")
    world = World(own, other)
    world.sender.answer = lambda _: status(500)
    first = world.wait()
    world.advance(13)
    world.use(other)
    second = world.wait(period=6)
    world.advance(6.4)  # the run of the 6 s alone: nobody else reads the retry topic then
    world.use(own, other)
    world.crash()
    world.sender.sent.clear()

    world.sender.answer = lambda _: status(500) if world.clock.now_ms < START_MS + 20_000 else status(200)
    world.start()
    world.advance(12)

    assert world.sent_events == [first, first, second]


def test_after_sigterm_nothing_is_repeated_however_scattered_what_waited_in_memory_is() -> None:
    """Six thousand deliveries of a receiver that takes a second, over an offset range that no commit can tell of."""
    slow, good = (profile(name, host=f"{name}.example", delay=116) for name in ("slow", "good"))
    world = World(slow, good, periods=(4, 120))
    chance = Random(1)
    for order in range(60_000):
        world.wait(order=order, to="slow" if chance.random() < 0.1 else "good")
    world.sender.answer = lambda sent: (
        status(200) if sent.profile == "good" or world.clock.now_ms >= sent.at_ms + 1_000 else None
    )
    world.clock.now_ms += 120_000 - world.clock.now_ms % 120_000
    for _ in range(1_300):
        world.stage.turn()  # type: ignore[union-attr]
        world.clock.now_ms += 3
    world.sender.answer = lambda _: status(200)
    world.stage.finish(25_000)  # type: ignore[union-attr]
    sent = len(world.sent_events)

    world.crash()
    world.start()
    for _ in range(3_000):
        world.clock.now_ms += 10
        world.stage.turn()  # type: ignore[union-attr]

    assert 30_000 < sent < 60_000
    assert not set(world.sent_events[:sent]) & set(world.sent_events[sent:])


def test_a_clock_that_is_set_back_delays_no_commit() -> None:
    world = World()
    world.wait(order=1)
    world.to_boundary(plus=1.5)
    world.clock.now_ms -= 3_600_000
    written = len(world.outcomes())

    world.sender.answer = lambda _: status(200)
    world.wait(order=2, at_ms=world.clock.now_ms - 4_000)
    world.advance(8)

    assert len(world.outcomes()) == written + 1


def test_a_refused_commit_that_no_rebalance_follows_forgets_nothing_for_good() -> None:
    world = World()
    world.wait(order=1)
    world.to_boundary(plus=0)
    world.log.has_no_member = True
    world.advance(2)
    later = [world.wait(order=order) for order in range(2, 6)]

    world.advance(20)

    assert set(later) <= set(world.sent_events)
    assert world.open_places() == []
