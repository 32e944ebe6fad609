"""Profiles are paused, changed, removed and come back while their deliveries wait."""

import json
from typing import Any

import pytest

from consumer.core.profile import Profile, Route, StaticMapping
from consumer.core.waiting import Waiting, retry_header, run_header, window_header
from tests.unit.dispatch.receivers import network, status
from tests.unit.dispatch.world import NAMES, START_MS, World, profile


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


@pytest.mark.parametrize("named", [{"p"}, None])
def test_what_waits_for_a_profile_that_does_not_load_is_kept_until_its_file_is_gone(named: set[str] | None) -> None:
    world = World(profile("p"), profile("other"))
    world.wait()
    assert world.stage is not None
    world.stage.use([profile("other")], None if named is None else frozenset(named))
    world.advance(30)
    while_it_was_there = world.dead_letters()

    world.use(profile("other"))
    world.advance(4)
    at_first = world.dead_letters()
    world.advance(12)

    assert while_it_was_there == at_first == []
    assert [headers["postback-reason"] for headers in world.dead_letters()] == ["profile_removed"]


def test_an_order_that_was_placed_while_the_profile_of_its_partial_did_not_load_is_known_when_it_does() -> None:
    sales_only = profile("sales", delay=2, routes=(Route(code="SALE"),))
    world = World(profile("p"), sales_only)
    world.wait(to="p", code="PARTIAL")
    world.crash()
    world.profiles = [sales_only]
    world.start()
    world.dispatch.use([sales_only], frozenset({"p", "sales"}))
    world.to_boundary(plus=1.5)
    sale = world.wait(to="sales")
    world.to_boundary(12, plus=1.5)

    world.use(profile("p"), sales_only)
    world.advance(12)

    assert world.sent_events == [sale]
    assert world.metric("postback_suppressed_total", profile="p", reason="converted") == 1


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


def test_a_profile_that_is_away_for_a_moment_loses_no_line_that_stands_out_of_order() -> None:
    here, other = profile("p"), profile("q", host="q.example", delay=2)
    world = World(here, other)
    world.crash()
    for number in (2, 1):  # as a crash in the middle of a run leaves them
        waiting = Waiting(
            delivery_id=f"d{number}",
            profile="p",
            code="SALE",
            source=f"orders/0/{number}",
            occurred_at_ms=0,
            arrived_at_ms=0,
            attempts=1,
            due_at_ms=1,
            first_failed_at_ms=START_MS,
            reason="network",
        )
        value = json.dumps({"eventId": f"e{number}", "orderId": 1, "isTestCard": False}).encode()
        headers = [window_header(waiting), retry_header(waiting), run_header(START_MS)]
        world.broker.append((NAMES.retry, b"1", value, headers))
    world.start()
    world.use(other)
    world.to_boundary()
    assert world.sent_events == []

    world.use(here, other)
    world.advance(12)

    assert world.sent_events == ["e1", "e2"]


def test_a_removed_profile_is_believed_gone_after_a_period_of_its_own_however_short_those_of_the_others() -> None:
    gone, other = profile("p", delay=20), profile("q", host="q.example")
    world = World(gone, other, periods=(4, 24))
    world.sender.answer = lambda _: network()
    world.to_boundary(24, plus=-3)
    world.wait(to="p")
    world.advance(5)
    world.use(other)

    world.advance(20)
    early = world.dead_letters()
    world.advance(10)

    assert early == []
    assert [dead["postback-reason"] for dead in world.dead_letters()] == ["profile_removed"]


def test_a_removed_profile_is_believed_gone_after_a_period_of_its_own_however_long_those_of_the_others() -> None:
    gone, other = profile("p"), profile("q", host="q.example", delay=600)
    world = World(gone, other, periods=(4, 604))
    world.sender.answer = lambda _: network()
    world.wait(to="p")
    world.to_boundary(4)
    world.use(other)
    world.advance(0.25)

    world.advance(3.5)
    early = world.dead_letters()
    world.advance(5)

    assert early == []
    assert [dead["postback-reason"] for dead in world.dead_letters()] == ["profile_removed"]


@pytest.mark.parametrize(
    ("meanwhile", "again"),
    [(profile("p", paused=True), profile("p")), (None, profile("p")), (profile("p", host="new.example"),) * 2],
    ids=["paused", "away", "another address"],
)
def test_a_line_that_waits_while_its_profile_changes_keeps_its_order(meanwhile: Profile | None, again: Profile) -> None:
    world = World(profile("p"), other := profile("q"), limit=1)
    answered: set[str] = set()
    world.sender.answer = lambda sent: status(200) if sent.event in answered else None
    for order, name, event in ((9, "q", "q1"), (1, "p", "p1"), (8, "q", "q2"), (1, "p", "p2")):
        world.wait(order=order, to=name, event=event)
    world.to_boundary()
    world.use(*([meanwhile] if meanwhile else []), other)
    world.advance(0.5)
    answered.add("q1")
    world.advance(1.5)

    world.use(again, other)
    world.to_boundary(plus=1)
    answered |= {"q2", "p1", "p2"}
    world.advance(8)

    assert [event for event in world.sent_events if event.startswith("p")] == ["p1", "p2"]


def test_what_is_read_while_its_profile_is_away_stays_behind_what_is_in_flight() -> None:
    world = World(profile("p"), other := profile("q", host="q.example"))
    world.sender.answer = lambda _: None
    world.wait(order=1, event="e1")
    world.wait(order=1, event="e2")
    world.to_boundary()
    world.wait(order=1, event="e3")
    world.advance(3)
    world.use(other)
    world.to_boundary()
    world.sender.answer = lambda _: status(500)
    world.advance(1.5)

    world.use(profile("p"), other)
    world.sender.answer = lambda _: status(200)
    world.advance(10)

    assert world.sent_events == ["e1", "e1", "e2", "e3"]
