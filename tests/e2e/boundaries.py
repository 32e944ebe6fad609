"""When a delivery must arrive: the promise of the contract, worked out without the program's code."""

import math
import time

from tests.receiver import Arrived
from tests.waiting import wait_until

PRODUCED_BEFORE_BOUNDARY_SECONDS = 2.0
"""What is produced at least this long before a boundary is in that boundary's run."""


def next_boundary(after: float, period_seconds: float) -> float:
    """The first boundary later than *after*; boundaries are aligned to the epoch."""
    return (math.floor(after / period_seconds) + 1) * period_seconds


def first_runs(produced_at: tuple[float, float], period_seconds: float) -> tuple[float, float]:
    """
    The earliest and the latest boundary whose run may send an event first.

    Args:
        produced_at: Before it was handed to the broker, and when that had acknowledged it.
    """
    before, acknowledged = produced_at
    return (
        next_boundary(before, period_seconds),
        next_boundary(acknowledged + PRODUCED_BEFORE_BOUNDARY_SECONDS, period_seconds),
    )


def assert_in_first_run(arrived: Arrived, produced_at: tuple[float, float], period_seconds: float) -> None:
    """The request came in the first run after its event was produced, not before its boundary."""
    earliest, latest = first_runs(produced_at, period_seconds)
    assert arrived.at >= earliest, f"{arrived.target} came {earliest - arrived.at:.3f} s early"
    assert arrived.at < latest + period_seconds, f"{arrived.target} came a run late"


def wait_for_fresh_period(period_seconds: float) -> float:
    """Return just after a boundary, so that what follows has a whole period before the next; gives that boundary."""
    boundary = next_boundary(time.time(), period_seconds)
    wait_until(boundary + 0.05)
    return boundary
