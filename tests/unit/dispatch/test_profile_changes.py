"""Profiles are paused, changed, removed and come back while their deliveries wait."""

from typing import Any

import pytest

from consumer.core.profile import StaticMapping
from tests.unit.dispatch.receivers import status
from tests.unit.dispatch.world import NAMES, World, profile


@pytest.mark.parametrize("off", [{"paused": True}, {"enabled": False}])
def test_what_waits_for_a_profile_that_is_off_goes_out_in_order_in_the_first_run_after(off: dict[str, Any]) -> None:
    world = World(profile(**off))
    events = [world.wait() for _ in range(3)]
    world.to_boundary()
    events += [world.wait() for _ in range(2)]
    world.advance(12)
    meanwhile = list(world.sent_events)

    world.use(profile())
    world.to_boundary()

    assert meanwhile == []
    assert world.sent_events == events


def test_a_paused_profile_does_not_hold_back_the_offsets_of_others_nor_counts_as_failed() -> None:
    world = World(profile("p", paused=True), profile("other"))
    world.wait(to="p")
    world.wait(to="other")

    world.to_boundary(plus=2)

    assert world.broker.committed[NAMES.window(4), 0] == (world.broker.logs[NAMES.window(4), 0].end, "")
    assert world.metric("postback_deliveries_total", profile="p", outcome="failed") == 0
    assert world.metric("postback_retry_oldest_timestamp_seconds") == 0


def test_a_pause_in_the_middle_of_a_run_keeps_back_what_waits_in_memory() -> None:
    world = World(limit=1)
    world.sender.answer = lambda _: None
    events = [world.wait(order=order) for order in (1, 1, 2, 3)]
    world.to_boundary()
    world.use(profile(paused=True))
    world.advance(0.5)

    world.sender.answer = lambda _: status(200)
    world.advance(5)
    meanwhile = list(world.sent_events)
    world.use(profile())
    world.advance(8)

    assert meanwhile == events[:1]
    assert sorted(world.sent_events) == sorted(events)
    assert world.open_places() == []


def test_a_pause_that_ends_in_the_middle_of_a_run_lets_nothing_overtake_what_was_moved_on() -> None:
    world = World(profile(paused=True))
    first = world.wait()
    world.to_boundary()
    second = world.wait(at_ms=world.clock.now_ms // 4_000 * 4_000 - 1)
    world.use(profile())

    world.advance(1)
    meanwhile = list(world.sent_events)
    world.to_boundary()

    assert meanwhile == []
    assert world.sent_events == [first, second]


def test_what_waits_in_memory_is_rendered_as_the_profile_says_when_it_is_sent() -> None:
    world = World(limit=1)
    world.sender.answer = lambda _: None
    world.wait(order=1)
    world.wait(order=2)
    world.to_boundary()

    world.use(profile(mappings=(*profile().mappings, StaticMapping("new", "yes"))))
    world.sender.answer = lambda _: status(200)
    world.advance(1)

    assert [sent.params.get("new") for sent in world.sender.sent] == [None, "yes"]


def test_an_address_that_changes_in_the_middle_of_a_run_is_used_from_the_next_run_on() -> None:
    world = World(limit=1)
    world.sender.answer = lambda _: None
    world.wait(order=1)
    second = world.wait(order=2)
    world.to_boundary()

    world.use(profile(host="new.example"))
    world.sender.answer = lambda _: status(200)
    world.advance(8)

    assert [(sent.event, sent.endpoint) for sent in world.sender.sent[1:]] == [(second, "https://new.example:443")]


def test_what_waits_for_a_removed_profile_is_kept_for_a_full_period_and_then_dead_lettered() -> None:
    world = World(profile("p"), profile("other"))
    world.wait()
    world.use(profile("other"))
    world.advance(0.25)

    world.advance(4)
    at_first = world.dead_letters()
    world.advance(8)

    assert at_first == []
    (headers,) = world.dead_letters()
    assert headers["postback-reason"] == "profile_removed"
    assert headers["postback-profile"] == "p"
    assert headers["postback-delivery-id"]
    assert world.metric("postback_dead_letters_total", reason="profile_removed") == 1
    assert world.open_places() == []


def test_a_profile_that_comes_back_within_the_period_loses_nothing() -> None:
    world = World(profile("p"), profile("other"))
    event = world.wait()
    world.use(profile("other"))
    world.advance(4.5)

    world.use(profile("p"), profile("other"))
    world.to_boundary()

    assert world.sent_events == [event]
    assert world.dead_letters() == []


def test_a_restart_gives_an_absent_profile_a_full_period_again() -> None:
    world = World(profile("p"))
    world.wait()
    world.crash()
    world.profiles = [profile("other")]
    world.clock.now_ms += 4_000

    world.start()
    world.advance(2)

    assert world.dead_letters() == []
    assert len(world.retries()) == 1


def test_a_changed_delay_leaves_what_waits_at_its_run_and_renders_it_anew() -> None:
    world = World(profile(delay=0))
    event = world.wait()

    world.use(profile(delay=2, mappings=(*profile().mappings, StaticMapping("new", "yes"))))
    world.advance(4.5)

    assert world.sent_events == [event]
    assert world.sender.sent[0].params["new"] == "yes"
