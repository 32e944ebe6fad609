"""What a read still holds of a partition that is read on from elsewhere must not be taken for what comes from there."""

import pytest

from tests.unit.dispatch.fakes import FakeReader
from tests.unit.dispatch.world import World


def _restarted_after_a_boundary(world: World, *, due: int, later: int) -> list[str]:
    """Partials that were due while nobody ran, and others behind them that are not."""
    assert world.stage is not None
    world.crash()
    events = [world.wait(code="PARTIAL", order=order) for order in range(due)]
    world.clock.now_ms += 4_000
    events += [world.wait(code="PARTIAL", order=100 + order) for order in range(later)]
    world.start()
    return events


@pytest.mark.parametrize("later", [0, 1, 2, 5])
def test_records_behind_the_boundary_in_the_same_read_do_not_end_the_run_that_looks_through_them(later: int) -> None:
    world = World()
    events = _restarted_after_a_boundary(world, due=4, later=later)

    world.advance(10)

    assert sorted(world.sent_events) == sorted(events)
    assert world.open_places() == []


def test_an_end_told_late_hides_no_newer_version_behind_it() -> None:
    world = World()
    world.prepare_reader = lambda reader: setattr(reader, "at_once", 1)
    world.crash()
    world.start()
    world.wait(order=9, code="SALE")
    world.to_boundary(plus=0)
    world.reader.ends_late = True
    old = world.wait(code="PARTIAL", occurred=1, at_ms=world.clock.now_ms - 1)
    new = world.wait(code="PARTIAL", occurred=2, at_ms=world.clock.now_ms - 1)

    world.advance(1)

    assert old not in world.sent_events
    assert new in world.sent_events


def test_an_end_told_late_does_not_end_the_looking_through_of_what_came_after_it() -> None:
    def one_by_one(reader: FakeReader) -> None:
        reader.at_once = 1
        reader.ends_late = True

    world = World()
    world.prepare_reader = one_by_one
    events = _restarted_after_a_boundary(world, due=4, later=2)

    world.advance(20)

    assert sorted(world.sent_events) == sorted(events)
