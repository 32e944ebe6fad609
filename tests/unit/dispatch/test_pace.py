"""How far is read ahead of what is sent."""

from consumer.core.answer import Answer
from consumer.dispatch.pace import MEMORY_HOLDS, READ_AT_ONCE
from tests.unit.dispatch.receivers import Sent, status
from tests.unit.dispatch.world import World

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
