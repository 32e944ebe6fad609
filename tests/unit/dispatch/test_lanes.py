"""No endpoint delays another, and none takes all the memory."""

import json

import pytest

from consumer.core.answer import Answer, Answered
from consumer.dispatch.pace import MEMORY_HOLDS_BYTES
from tests.unit.dispatch.receivers import Sent, status
from tests.unit.dispatch.world import SLOTS, World, profile


def _silent(*hosts: str) -> World:
    silent = {f"https://{host}:443" for host in hosts}
    world = World(*(profile(host.partition(".")[0], host=host) for host in (*hosts, "good.example")))

    def answer(sent: Sent) -> Answer | None:
        return None if sent.endpoint in silent else status(200)

    world.sender.answer = answer
    return world


def _sent_to_good(world: World) -> int:
    return sum(sent.profile == "good" for sent in world.sender.sent)


def test_what_stands_behind_a_silent_endpoints_backlog_goes_out_in_the_same_run() -> None:
    world = _silent("bad.example")
    for order in range(9_000):
        world.wait(order=order, to="bad")
    for order in range(50):
        world.wait(order=order, to="good")

    world.to_boundary(plus=1.5)

    assert _sent_to_good(world) == 50


def test_what_stands_behind_the_backlogs_of_many_silent_endpoints_goes_out_in_the_same_run() -> None:
    hosts = [f"bad{number}.example" for number in range(20)]
    world = _silent(*hosts)
    for order in range(9_000):
        world.wait(order=order, to=f"bad{order % 20}")
    for order in range(50):
        world.wait(order=order, to="good")

    world.to_boundary(plus=2)

    assert _sent_to_good(world) == 50


def test_an_endpoint_has_few_transfers_at_once_until_it_has_answered_and_never_more_than_allowed() -> None:
    world = World(limit=6)
    world.sender.answer = lambda _: None
    for order in range(50):
        world.wait(order=order)
    world.to_boundary()
    before = len(world.sender.under_way)

    world.sender.answer = lambda _: status(200)
    world.advance(1)

    assert before == 4
    assert len(world.sent_events) == 50
    assert world.sender.most_under_way == {"https://r.example:443": 6}


@pytest.mark.parametrize("host", ["one.example", "two.example"])
def test_lanes_are_served_in_turns(host: str) -> None:
    world = World(profile("one", host="one.example"), profile("two", host="two.example"))
    for order in range(100):
        world.wait(order=order, to="one")
    for order in range(100):
        world.wait(order=order, to="two")

    world.to_boundary()

    firsts = [sent.endpoint for sent in world.sender.sent[:8]]
    assert firsts.count(f"https://{host}:443") == 4


def test_a_slow_commit_is_not_blamed_on_the_endpoint_that_was_waiting_for_it() -> None:
    world = World()
    world.sender.answer = lambda sent: status(200) if world.clock.now_ms >= sent.at_ms + 50 else None
    for order in range(9_000):
        world.wait(order=order)

    def take_a_second(_: object) -> None:
        world.clock.now_ms += 1_000

    world.log.on_commit = take_a_second

    world.to_boundary(plus=6)

    assert world.retries() == []
    assert len(world.sender.sent) > 0


@pytest.mark.parametrize("slow", [16, 100])
def test_receivers_that_take_half_a_minute_leave_slots_to_the_others(slow: int) -> None:
    hosts = [f"slow{number}.example" for number in range(slow)]
    world = World(*(profile(host.partition(".")[0], host=host) for host in (*hosts, "good.example")))
    takes_long = {f"https://{host}:443" for host in hosts}

    def answer(sent: Sent) -> Answer | None:
        needs_ms = 29_000 if sent.endpoint in takes_long else 0
        return Answered(200, None, needs_ms, b"") if world.clock.now_ms >= sent.at_ms + needs_ms else None

    world.sender.answer = answer
    for order in range(6_400):
        world.wait(order=order, to=f"slow{order % slow}")
    world.to_boundary(plus=100)
    assert len(world.sender.under_way) >= SLOTS * 3 // 4, "they use what the others do not"
    before = world.clock.now_ms
    for order in range(400):
        world.wait(order=order, to="good")

    world.to_boundary(plus=2)

    assert _sent_to_good(world) == 400
    assert world.clock.now_ms - before < 10_000


def test_large_events_for_a_silent_endpoint_take_no_more_memory_and_delay_nobody() -> None:
    world = _silent("bad.example")
    world.reader.at_once = 20  # as much as the client has fetched
    for order in range(1_000):
        world.wait(order=order, to="bad", value=_large(order, "bad"))
    for order in range(50):
        world.wait(order=order, to="good")
    most = 0

    def count(_: Sent) -> None:
        nonlocal most
        assert world.stage is not None
        most = max(most, world.stage._orders.open_bytes)

    world.sender.on_start = count
    world.to_boundary(plus=3.5)

    assert _sent_to_good(world) == 50
    assert MEMORY_HOLDS_BYTES // 2 < most < MEMORY_HOLDS_BYTES + 3_000_000


def test_large_events_that_are_moved_are_written_in_small_transactions() -> None:
    world = World(limit=32)
    world.reader.at_once = 20
    world.sender.answer = lambda _: status(404)
    for order in range(1_000):
        world.wait(order=order, value=_large(order, "p"))
    written: list[int] = []
    world.log.on_commit = lambda stored: written.append(sum(len(record.the_value or b"") for record in stored))

    world.to_boundary(plus=3)

    assert sum(written) > 100_000_000
    assert max(written) < 40_000_000


def _large(order: int, to: str) -> bytes:
    fields = {"eventId": f"{order}{to}", "orderId": order, "isTestCard": False, "padding": "x" * 100_000}
    return json.dumps(fields).encode()


def test_profiles_of_one_endpoint_share_what_it_takes_at_once_in_turns() -> None:
    world = World(profile("p"), profile("q"), profile("r"), limit=1)
    world.sender.answer = lambda sent: status(200) if world.clock.now_ms >= sent.at_ms + 50 else None
    for order in range(12):
        world.wait(order=order, to="p")
    for order in range(3):
        world.wait(order=20 + order, to="q")
        world.wait(order=40 + order, to="r")

    world.to_boundary(plus=3)

    firsts = [sent.profile for sent in world.sender.sent[:9]]
    world.advance(8)

    assert sorted(firsts) == ["p"] * 3 + ["q"] * 3 + ["r"] * 3
    assert len(world.sent_events) == 18
    assert set(world.sender.most_under_way.values()) == {1}
