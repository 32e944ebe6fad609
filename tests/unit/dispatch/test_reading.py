"""What a read still holds of a partition that is read on from elsewhere must not be taken for what comes from there."""

import pytest

from tests.unit.dispatch.fakes import FakeReader
from tests.unit.dispatch.world import START_MS, World


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
    sale = world.wait(order=9)
    world.advance(3.75)
    world.reader.at_once = 1
    world.reader.ends_late = True
    world.clock.now_ms += 250
    assert world.stage is not None
    world.stage.turn()
    for occurred, event in enumerate(("old", "new")):
        world.wait(code="PARTIAL", event=event, occurred=occurred, at_ms=START_MS + 3_999)

    world.advance(1)

    assert world.sent_events == [sale, "new"]


def test_an_end_told_late_does_not_end_the_looking_through_of_what_came_after_it() -> None:
    def one_by_one(reader: FakeReader) -> None:
        reader.at_once = 1
        reader.ends_late = True

    world = World()
    world.prepare_reader = one_by_one
    events = _restarted_after_a_boundary(world, due=4, later=2)

    world.advance(20)

    assert sorted(world.sent_events) == sorted(events)
