"""How far is read ahead of what is sent."""

from collections import Counter
from random import Random

from consumer.core.answer import Answer
from consumer.dispatch.pace import MEMORY_HOLDS, READ_AT_ONCE
from tests.unit.dispatch.receivers import Sent, status
from tests.unit.dispatch.world import World, profile

_BACKLOG = MEMORY_HOLDS + 1_000


def _farthest_ahead(*, answers_in_a_turn: int) -> int:
    """The most deliveries that were read and not answered, in a run that goes round once in a millisecond."""
    world = World(limit=64)
    for order in range(_BACKLOG):
        world.wait(order=order)
    left = 0

    def answer(_: Sent) -> Answer | None:
        nonlocal left
        left -= 1
        return status(200) if left >= 0 else None

    world.sender.answer = answer
    world.to_boundary(plus=-0.001)
    begun, farthest = world.reader.moves, 0
    for _ in range(1_000):
        left = answers_in_a_turn
        world.clock.now_ms += 1
        assert world.stage is not None
        world.stage.turn()
        farthest = max(farthest, world.reader.moves - begun - world.sender.ended)
    return farthest


def test_what_is_on_its_way_out_fast_is_not_read_ahead_far() -> None:
    assert _farthest_ahead(answers_in_a_turn=20) < MEMORY_HOLDS * 2 / 3


def test_behind_what_does_not_move_is_read_on_until_memory_is_full() -> None:
    assert _farthest_ahead(answers_in_a_turn=0) > MEMORY_HOLDS - READ_AT_ONCE


def test_a_crash_repeats_nothing_of_what_overtook_thousands_of_a_slow_receiver() -> None:
    world, drawn = World(profile("fast"), profile("slow", host="slow.example")), Random(1)
    for order in range(40_000):
        world.wait(order=order, to="slow" if drawn.random() < 0.15 else "fast")
    world.sender.answer = lambda sent: status(200) if sent.profile == "fast" else None
    world.to_boundary(plus=1.5)

    world.crash()
    world.start()
    world.advance(1)

    times = Counter(sent.event for sent in world.sender.sent if sent.profile == "fast")
    assert len(times) > 30_000
    assert max(times.values()) == 1
