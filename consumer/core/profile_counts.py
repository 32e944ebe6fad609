"""
What each delivery of a profile is counted in.

The metrics client's own children take seven times as long for their locks. Only the dispatch loop writes here, and a
scrape that comes between two lines is off by one.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from consumer.core.outcome import Reason

_DURATION_BOUNDS: Final[tuple[float, ...]] = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_LATENESS_BOUNDS: Final[tuple[float, ...]] = (
    0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 21600.0, 86400.0,
)  # fmt: skip


class Histogram:
    """
    Attributes:
        sum: Of all that was observed.
    """

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.sum = 0.0
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)

    def observe(self, value: float) -> None:
        """Count it in its bucket."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def buckets(self) -> Sequence[tuple[str, float]]:
        """Cumulative counts by upper bound as Prometheus writes it."""
        bounds = [*(str(bound) for bound in self._bounds), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self._counts)), strict=True))


class ProfileCounts:
    """
    Attributes:
        delivered, failed, dead_lettered: Outcomes.
        suppressed: Not sent, for good, by reason; those of the rules for partials are there from the start.
        failures: Deliveries that were not made in a run, by reason.
        duration: Of attempts, in seconds.
        lateness: From the boundary of a delivery's run to its first attempt, in seconds.
    """

    __slots__ = ("dead_lettered", "delivered", "duration", "failed", "failures", "lateness", "suppressed")

    def __init__(self) -> None:
        self.delivered = 0
        self.failed = 0
        self.suppressed = Counter(converted=0, superseded=0)
        self.dead_lettered = 0
        self.failures = dict.fromkeys(Reason, 0)
        self.duration = Histogram(_DURATION_BOUNDS)
        self.lateness = Histogram(_LATENESS_BOUNDS)
