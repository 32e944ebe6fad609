"""Endpoints that are dead, refused, or ask to wait: left alone, probed, and never sent to before their time."""

from collections import Counter

import pytest

from consumer.core.answer import Answer, Unanswered
from consumer.core.waiting import read_headers
from tests.unit.dispatch.fakes import FakeReader
from tests.unit.dispatch.receivers import network, status, timeout
from tests.unit.dispatch.world import NAMES, START_MS, World, profile

REFUSED = Unanswered("refused_address", "10.0.0.1 is private", 0.0)


def test_a_dead_endpoint_is_left_alone_after_some_failures_and_probed_once_in_each_later_run() -> None:
    world = World()
    world.sender.answer = lambda _: network()
    for order in range(60):
        world.wait(order=order)

    world.to_boundary(plus=1.5)
    opened_after = len(world.sent_events)
    world.to_boundary(plus=1.5)
    probes = len(world.sent_events) - opened_after
    held = world.metric("postback_endpoint_held", endpoint="https://r.example:443")
    world.sender.answer = lambda _: status(200)
    world.advance(8)

    assert 20 <= opened_after <= 23
    assert probes == 1
    assert held == 1
    assert world.metric("postback_endpoint_held", endpoint="https://r.example:443") == 0
    assert len({row["delivery_id"] for row in world.outcomes() if row["outcome"] == "delivered"}) == 60
    assert world.open_places() == []


def test_an_endpoint_that_no_profile_has_any_more_is_not_shown_as_held() -> None:
    world = World()
    world.sender.answer = lambda _: network()
    for order in range(60):
        world.wait(order=order)
    world.to_boundary(plus=1.5)
    before = world.metric("postback_endpoint_held", endpoint="https://r.example:443")

    world.use(profile(host="corrected.example"))
    world.advance(1.5)

    shown = {
        sample.labels["endpoint"]: sample.value
        for family in world.metrics.registry.collect()
        for sample in family.samples
        if sample.name == "postback_endpoint_held"
    }
    assert before == 1
    assert shown == {"https://corrected.example:443": 0}


def test_a_profile_that_is_gone_does_not_hide_that_the_endpoint_of_another_is_held() -> None:
    world = World(profile("gone"), profile("p"))
    for order in range(5):
        world.wait(order=order, to="gone")
    world.to_boundary(plus=1.5)
    world.use(profile("p"))
    world.sender.answer = lambda _: network()
    for order in range(60):
        world.wait(order=order)

    world.to_boundary(plus=1.5)

    assert world.metric("postback_endpoint_held", endpoint="https://r.example:443") == 1


def test_what_is_held_counts_no_attempt_and_is_reported_once() -> None:
    world = World()
    world.sender.answer = lambda _: timeout()
    for order in range(10):
        world.wait(order=order)

    world.advance(13)

    held = [row for row in world.outcomes() if row["reason"] == "held"]
    assert {row["attempt"] for row in held} <= {0, 1}
    assert len(held) == len({(row["delivery_id"], row["attempt"]) for row in held})


def test_a_refused_address_counts_no_attempt_and_closes_the_endpoint_for_the_run() -> None:
    world = World()
    world.sender.answer = lambda _: REFUSED
    for order in range(30):
        world.wait(order=order)

    world.to_boundary(plus=1.5)

    assert len(world.sent_events) <= 4
    assert {read_headers(record.headers()).attempts for record in world.retries()} == {0}  # type: ignore[union-attr]


@pytest.mark.parametrize(("code", "reason"), [(429, "throttled"), (503, "throttled")])
def test_an_endpoint_that_asks_to_wait_gets_nothing_until_then(code: int, reason: str) -> None:
    world = World()
    world.sender.answer = lambda _: status(code, "9") if len(world.sender.sent) == 1 else status(200)
    first = world.wait(order=1)
    world.to_boundary()
    second = world.wait(order=2)

    world.advance(7)
    meanwhile = list(world.sent_events)
    world.advance(6)

    assert meanwhile == [first]
    assert sorted(world.sent_events[1:]) == sorted([first, second])
    assert {(sent.at_ms - START_MS) // 1_000 for sent in world.sender.sent[1:]} == {16}
    assert world.outcomes()[0]["reason"] == reason


def test_what_follows_one_in_flight_is_not_sent_before_its_endpoint_wants_it() -> None:
    world = World()
    world.sender.answer = lambda sent: status(503, "30") if sent.params["order"] == "2" else None
    first, second, follower = world.wait(order=1), world.wait(order=2), world.wait(order=1)
    world.to_boundary()

    world.sender.answer = lambda _: status(200)
    world.advance(20)
    meanwhile = list(world.sent_events)
    world.advance(20)

    assert meanwhile == [first, second]
    assert sorted(world.sent_events[2:]) == sorted([second, follower])


def test_what_is_held_or_paused_behind_one_in_flight_stays_behind_it_when_that_fails() -> None:
    world = World()
    world.sender.answer = lambda _: None
    first, second = world.wait(order=1), world.wait(order=2)
    world.to_boundary()
    follower = world.wait(order=1)
    world.sender.answer = lambda sent: status(503, "1") if sent.event == second else None
    world.to_boundary()
    world.use(profile(paused=True))
    last = world.wait(order=1)
    world.to_boundary()
    world.use(profile())

    world.sender.answer = lambda sent: (
        network() if [sent.event] == [e for e in world.sent_events if e == first] else status(200)
    )
    world.advance(12)

    assert [event for event in world.sent_events if event != second] == [first, first, follower, last]


def test_the_wait_is_bounded_by_the_setting() -> None:
    world = World()
    world.sender.answer = lambda _: status(503, "99999999") if len(world.sender.sent) == 1 else status(200)
    event = world.wait()

    world.to_boundary(plus=1.5)
    world.clock.now_ms += 600_000
    world.to_boundary()

    assert world.sent_events == [event, event]


def test_a_retry_after_on_another_status_is_not_believed() -> None:
    world = World()
    world.sender.answer = lambda _: status(500, "3600")
    world.wait()

    world.advance(9)

    assert len(world.sent_events) == 2


def test_a_new_owner_learns_of_the_wait_from_what_was_held() -> None:
    world = World()
    world.sender.answer = lambda _: status(503, "60")
    world.wait(order=1)
    world.to_boundary(plus=2)
    world.crash()

    world.start()
    world.wait(order=2)
    world.advance(20)

    assert len(world.sent_events) == 1


@pytest.mark.parametrize("is_missed", [False, True])
def test_a_new_owner_learns_of_the_wait_before_it_sends_what_other_partitions_hold(*, is_missed: bool) -> None:
    world = World(partitions=4)
    world.sender.answer = lambda _: status(429, "60")
    first = world.wait(order=1)
    world.to_boundary(plus=2)
    if not is_missed:
        world.crash()
    sent_later = [world.wait(order=order) for order in range(2, 12)]
    if is_missed:
        world.reader.silent |= {place for place in world.owned if place[0] != NAMES.retry}
        world.to_boundary(plus=1.5)
        world.crash()
    else:
        world.clock.now_ms += 4_000

    world.start()
    world.advance(55)
    meanwhile = list(world.sent_events)
    world.sender.answer = lambda _: status(200)
    world.advance(12)

    assert meanwhile == [first]
    assert sorted(world.sent_events[1:]) == sorted([first, *sent_later])


def test_a_new_owner_takes_its_time_to_learn_of_a_wait_that_stands_behind_much_else() -> None:
    paused = profile("paused", host="paused.example", paused=True)
    world = World(profile(), paused, partitions=2)
    world.sender.answer = lambda _: status(429, "60")
    for _ in range(50):
        world.wait(order=1, to="paused")
    world.to_boundary(plus=1.5)
    first = world.wait(order=1)
    world.to_boundary(plus=2)
    world.crash()

    def slow(reader: FakeReader) -> None:
        def take_half_a_second() -> None:
            world.clock.now_ms += 500
            if world.clock.now_ms < starts_ms + 8_000:
                reader.on_read = take_half_a_second

        reader.at_once, reader.on_read = 4, take_half_a_second

    world.prepare_reader = slow
    for order in range(2, 12):
        world.wait(order=order)
    world.clock.now_ms += 4_000
    starts_ms = world.clock.now_ms
    world.start()
    world.advance(30)

    assert world.sent_events == [first]


def test_the_wait_of_a_former_endpoint_says_nothing_of_the_one_that_a_profile_has_now() -> None:
    world = World(profile(), profile("other", host="new.example"))
    world.sender.answer = lambda _: status(503, "300")
    event = world.wait()
    world.to_boundary(plus=2)

    world.use(profile(host="new.example"), profile("other", host="new.example"))
    world.sender.answer = lambda _: status(200)
    other = world.wait(to="other", order=2)
    world.to_boundary()

    assert sorted(world.sent_events[1:]) == sorted([event, other])


def test_a_path_that_fails_closes_no_other_path_of_its_host() -> None:
    world = World(profile("down"), profile("well"), partitions=4)
    world.sender.answer = lambda sent: status(500 if sent.profile == "down" else 200)
    for order in range(60):
        world.wait(order=order, to="down")
    world.to_boundary(plus=1.5)

    for run in range(10):
        world.wait(order=1_000 + run, to="well")
        world.to_boundary(plus=1.5)

    assert sum(sent.profile == "well" for sent in world.sender.sent) == 10


@pytest.mark.parametrize("count", [1, 25, 45])
@pytest.mark.parametrize("failure", [status(500), network(), timeout()], ids=["500", "network", "timeout"])
def test_deliveries_that_always_fail_stop_no_others(count: int, failure: Answer) -> None:
    world = World(partitions=1)
    always: set[str] = set()
    good = []
    for order in range(count):
        always.add(world.wait(order=order))
        good.append(world.wait(order=500 + order))
    world.sender.answer = lambda sent: failure if sent.event in always else status(200)

    for run in range(40):
        good.append(world.wait(order=1_000 + run))
        world.to_boundary(plus=1.5)

    arrived = Counter(world.sent_events)
    assert all(arrived[event] == 1 for event in good)


def test_those_that_failed_come_to_their_turn_among_many_that_always_do() -> None:
    world = World(partitions=1)
    failing: list[str] = []
    world.sender.answer = lambda sent: status(500 if sent.event in failing else 200)
    for order in range(60):
        failing.append(world.wait(order=order))
        world.wait(order=500 + order)
        if order % 10 == 9:
            world.to_boundary(plus=1.5)
    well_again = {failing.pop() for _ in range(10)}
    before = len(world.sent_events)

    for run in range(100):
        world.wait(order=1_000 + run)
        world.to_boundary(plus=1.5)

    assert well_again <= set(world.sent_events[before:])


def test_an_address_that_is_refused_is_late_once_not_in_every_run() -> None:
    world = World()
    world.sender.answer = lambda _: REFUSED
    world.wait()

    world.advance(30)

    assert len(world.sent_events) > 3
    assert world.metric("postback_lateness_seconds_count", profile="p") == 1


def test_a_refusal_is_reported_once_for_each_profile_as_it_was_typed_in(caplog: pytest.LogCaptureFixture) -> None:
    world = World(profile("p"), profile("q"))
    world.sender.answer = lambda _: REFUSED
    world.wait()

    def reports() -> int:
        return sum(record.getMessage() == "address.refused" for record in caplog.records)

    world.advance(13)
    of_the_first = reports()
    world.use(profile("p"), profile("q", host="other.example"))
    world.advance(8)
    of_another = reports()
    world.use(profile("p", host="other.example"), profile("q"))
    world.advance(8)

    assert (of_the_first, of_another, reports()) == (1, 1, 2)


def test_a_secret_in_the_host_is_shown_to_nobody(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(0)
    world = World(profile(host="t0k3n.example", secrets=frozenset({"t0k3n"})))
    world.sender.answer = lambda _: Unanswered("network", "Could not resolve host: t0k3n.example", 1.0)
    world.wait()

    world.to_boundary(plus=1.5)

    assert world.metric("postback_endpoint_held", endpoint="https://***.example:443") == 0
    assert any("***.example" in str(vars(record)) for record in caplog.records)
    assert not any("t0k3n" in str(vars(record)) for record in caplog.records)
