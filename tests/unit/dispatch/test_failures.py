"""What becomes of a delivery that fails, of those behind it, and of its endpoint."""

from datetime import timedelta

import pytest

from consumer.core.answer import Answer, Unanswered
from consumer.core.profile import FieldMapping
from consumer.core.topics import Carries
from consumer.core.waiting import Waiting, read_headers
from tests.unit.dispatch.receivers import network, status, timeout
from tests.unit.dispatch.world import NAMES, START_MS, World, profile

REFUSED = Unanswered("refused_address", "10.0.0.1 is private", 0.0)


def _last_retry(world: World) -> Waiting:
    waiting = read_headers(world.retries()[-1].headers())
    assert waiting is not None
    return waiting


@pytest.mark.parametrize("answer", [status(500), status(404), status(301), status(429), network(), timeout()])
def test_a_failure_is_attempted_once_a_run_under_one_key_until_it_succeeds(answer: Answer) -> None:
    world = World()
    world.sender.answer = lambda _: answer if len(world.sender.sent) < 3 else status(204)
    event = world.wait()

    world.advance(20)

    assert world.sent_events == [event] * 3
    assert [(sent.at_ms - START_MS) // 1_000 for sent in world.sender.sent] == [4, 8, 12]
    assert len({sent.delivery_id for sent in world.sender.sent}) == 1
    assert [row["attempt"] for row in world.outcomes()] == [1, 2, 3]
    assert [row["outcome"] for row in world.outcomes()] == ["failed", "failed", "delivered"]
    assert world.open_places() == []


def test_a_retry_keeps_its_bytes_its_key_its_first_failure_and_its_first_boundary() -> None:
    world = World()
    world.sender.answer = lambda _: status(500)
    world.wait(order=42)
    before = world.broker.records(NAMES.window(4))[0]

    world.advance(13)

    first, *_, last = world.retries()
    waiting = _last_retry(world)
    assert (last.key(), last.value()) == (before.key(), before.value())
    assert waiting.attempts == 3
    assert waiting.due_at_ms == START_MS + 4_000
    assert START_MS + 4_000 <= waiting.first_failed_at_ms <= first.at_ms
    assert waiting.reason == "server"


def test_a_rejected_delivery_does_not_hold_back_those_behind_it() -> None:
    world = World()
    events = [world.wait() for _ in range(3)]
    world.sender.answer = lambda sent: status(404) if sent.event == events[0] else status(200)

    world.to_boundary()

    assert world.sent_events == events


@pytest.mark.parametrize("answer", [status(500), status(429), network(), timeout(), REFUSED])
def test_what_follows_in_its_order_waits_when_the_endpoint_fails_and_comes_after_it(answer: Answer) -> None:
    world = World()
    world.sender.answer = lambda _: answer
    events = [world.wait() for _ in range(3)]

    world.to_boundary()
    first_run = list(world.sent_events)
    world.sender.answer = lambda _: status(200)
    world.advance(8)

    assert first_run == events[:1]
    assert world.sent_events == [events[0], *events]


def test_what_is_read_after_the_failure_in_the_same_run_waits_too() -> None:
    world = World()
    world.reader.at_once = 1
    events = [world.wait() for _ in range(3)]
    world.sender.answer = lambda _: status(500)

    world.to_boundary()

    assert world.sent_events == events[:1]


def test_what_entered_the_next_run_before_the_failure_was_written_does_not_overtake_it() -> None:
    world = World()
    world.sender.answer = lambda _: None
    first = world.wait()
    world.to_boundary()
    world.advance(3)
    world.reader.silent.add((NAMES.window(4), 0))
    second = world.wait()
    world.advance(0.25)
    world.log.aborts = 3
    world.sender.answer = lambda _: network()
    world.advance(0.75)
    world.sender.answer = lambda _: status(200)
    world.reader.silent.clear()

    world.advance(12)

    assert world.sent_events == [first, first, second]


def test_other_orders_go_on_while_the_endpoint_fails_now_and_then() -> None:
    world = World()
    bad = world.wait(order=1)
    good = [world.wait(order=order) for order in range(2, 9)]
    world.sender.answer = lambda sent: status(500) if sent.event == bad else status(200)

    world.to_boundary()

    assert sorted(world.sent_events) == sorted([bad, *good])


def test_what_a_run_that_takes_too_long_attempts_in_the_time_of_the_next_is_not_attempted_again_in_that_one() -> None:
    world = World(profile("p"), profile("q", host="q.example", delay=2))
    world.sender.answer = lambda _: None
    first, follower = world.wait(), world.wait()
    world.to_boundary(plus=1.9)
    world.sender.answer = lambda _: status(404)

    world.advance(1.9)
    in_time_of_the_next = list(world.sent_events)
    world.advance(1)

    assert in_time_of_the_next == [first, follower, first]
    assert world.sent_events == [first, follower, first, first, follower]


def test_given_up_after_the_time_that_the_settings_allow_with_a_dead_letter() -> None:
    world = World(give_up_after=timedelta(seconds=20))
    world.sender.answer = lambda _: status(404)
    world.wait()

    world.advance(40)

    (headers,) = world.dead_letters()
    assert (headers["postback-reason"], headers["postback-profile"]) == ("gave_up", "p")
    assert headers["postback-error"].endswith("attempts, at last: rejected 404")
    assert headers["postback-source"] == "orders/0/1"
    assert world.metric("postback_deliveries_total", profile="p", outcome="dead_lettered") == 1
    assert len(world.sent_events) == 6
    assert world.open_places() == []


def test_what_the_dead_letter_topic_cannot_carry_stays_in_the_retry_topic_until_it_can() -> None:
    world = World(give_up_after=timedelta(seconds=20))
    world.sender.answer = lambda _: status(404)
    world.wait()
    world.sizes.carries = Carries(10_000, 5)

    world.advance(40)
    (meanwhile, are_asked_for), places = (world.dead_letters(), world.sizes.are_asked_for), world.open_places()
    world.sizes.carries = Carries(10_000, 10_000)
    world.advance(4)

    assert (meanwhile, are_asked_for, places) == ([], True, [(NAMES.retry, 0)])
    assert [headers["postback-reason"] for headers in world.dead_letters()] == ["gave_up"]
    assert world.open_places() == []


def test_what_is_only_held_behind_a_dead_endpoint_is_given_up_as_well() -> None:
    world = World(give_up_after=timedelta(seconds=20))
    world.sender.answer = lambda _: timeout()
    for order in range(40):
        world.wait(order=order)

    world.advance(40)

    assert len(world.dead_letters()) == 40
    assert world.open_places() == []


def test_what_waits_for_a_paused_profile_is_never_given_up() -> None:
    world = World(profile(paused=True), give_up_after=timedelta(seconds=5))
    event = world.wait()
    world.advance(20)

    world.use(profile())
    world.to_boundary()

    assert world.dead_letters() == []
    assert world.sent_events == [event]


def test_a_value_that_does_not_fit_fails_alone_without_a_request() -> None:
    world = World(profile(mappings=(*profile().mappings, FieldMapping("total", "total"))))
    world.wait(order=1, total=float("inf"))
    good = world.wait(order=2)

    world.to_boundary(plus=1.5)

    assert world.sent_events == [good]
    assert world.metric("postback_delivery_failures_total", profile="p", reason="render") == 1


def test_a_test_card_order_never_goes_out_even_when_it_stands_in_a_window() -> None:
    world = World()
    world.wait(isTestCard=True)

    world.to_boundary(plus=1.5)

    assert world.sent_events == []
    assert [row["reason"] for row in world.outcomes()] == ["test_card"]
    assert world.open_places() == []


@pytest.mark.parametrize(
    ("value", "reason"), [(b"no event", "undecodable"), (b"", "undecodable"), (b"{}", "no_test_card_field")]
)
def test_a_value_that_is_no_event_any_more_goes_to_the_dead_letters_and_not_to_the_receiver(
    value: bytes, reason: str
) -> None:
    world = World()
    world.wait(value=value)
    good = world.wait()

    world.to_boundary(plus=1.5)

    assert [headers["postback-reason"] for headers in world.dead_letters()] == [reason]
    assert world.broker.records(NAMES.dead_letter)[0].value() == value
    assert world.sent_events == [good]


def test_a_schema_that_cannot_be_asked_for_holds_the_order_without_an_attempt() -> None:
    world = World()
    world.decoder.missing = b"new schema"
    events = [world.wait(note="new schema"), world.wait(), world.wait(order=2)]

    world.to_boundary(plus=1.5)
    meanwhile = list(world.sent_events)
    world.decoder.missing = None
    world.to_boundary()

    assert meanwhile == [events[2]]
    assert world.sent_events == [events[2], events[0], events[1]]


def test_the_oldest_failure_is_shown_until_it_succeeds() -> None:
    world = World()
    world.sender.answer = lambda _: status(404)
    world.wait()
    world.advance(13)
    shown = world.metric("postback_retry_oldest_timestamp_seconds")

    world.sender.answer = lambda _: status(200)
    world.advance(8)

    assert shown == pytest.approx((START_MS + 4_000) / 1_000, abs=0.3)
    assert world.metric("postback_retry_oldest_timestamp_seconds") == 0


def test_a_failure_of_a_paused_profile_is_shown_again_when_the_pause_ends() -> None:
    world = World(profile("p"), profile("other"))
    world.sender.answer = lambda _: status(404)
    world.wait(to="p")
    world.advance(9)
    world.wait(to="other")
    world.advance(12)

    def oldest() -> float:
        return world.metric("postback_retry_oldest_timestamp_seconds")

    of_p = oldest()
    world.use(profile("p", paused=True), profile("other"))
    world.advance(8)
    of_other = oldest()
    world.crash()
    world.metrics.retry_oldest.set(0)
    world.start()
    world.advance(2)
    of_other_to_a_new_owner = oldest()
    world.use(profile("p"), profile("other"))
    world.advance(8)

    assert 0 < of_p < of_other == of_other_to_a_new_owner
    assert oldest() == of_p


def test_a_new_owner_shows_the_oldest_failure_before_its_first_run() -> None:
    world = World()
    world.sender.answer = lambda _: status(500)
    world.wait()
    world.to_boundary(12, plus=1.5)
    shown = world.metric("postback_retry_oldest_timestamp_seconds")
    world.crash()
    world.metrics.retry_oldest.set(0)
    world.sender.sent.clear()

    world.start()
    world.advance(2)

    assert world.metric("postback_retry_oldest_timestamp_seconds") == shown > 0
    assert world.sent_events == []


def test_when_all_of_a_profile_was_given_up_the_next_delivery_goes_out_in_time() -> None:
    world = World(give_up_after=timedelta(seconds=10))
    world.sender.answer = lambda _: network()
    for order in range(30):
        world.wait(order=order)
    world.advance(20)
    assert len(world.dead_letters()) == 30
    world.sender.answer = lambda _: status(200)
    world.sender.sent.clear()
    event = world.wait(order=500)

    world.to_boundary()

    assert world.sent_events == [event]
