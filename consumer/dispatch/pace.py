"""How much is read ahead, and when memory is full, whose deliveries take the room that others need."""

from collections.abc import Sequence
from typing import Final

from consumer.dispatch.deferral import Deferral
from consumer.dispatch.lanes import Lanes
from consumer.dispatch.orders import Orders
from consumer.dispatch.run import Run

READ_AT_ONCE: Final = 500
"""Records."""
MEMORY_HOLDS: Final = 8192
"""Jobs in memory, over all endpoints: behind a slow one's the others' are found."""
MEMORY_HOLDS_BYTES: Final = 64 << 20
"""Of their events: events of 8 kB fill both."""

_READY_ENOUGH: Final = 1_000
"""Jobs that can be sent; when they are sent within a second, none is read to wait behind them."""

_SILENT_MS: Final = 2_000
"""What has not answered for so long is not waited for: what it cannot keep in memory is moved to the retry topic."""

GIVES_WAY_AFTER_S: Final = 3
"""A lane that needs longer than this for what it has in memory gives way to those behind it, when memory is full: what
is set aside comes in the same run."""

_MOVED_AFTER_S: Final = 30
"""The same for what cannot be set aside: it is moved to the retry topic. Short enough for those behind it, and long
enough that a busy machine does not make every lane look slow."""

_TOLD_OF_SLOW_LANES: Final = 1_000
"""So many open offsets a commit can tell however far apart they stand, beside those in flight."""

_OWN_PAUSE_MS: Final = 300
"""A longer time between two looks was this program's own (a slow commit, a busy machine): no lane is blamed for it."""


class Pace:
    """
    Watches how fast the lanes answer, and lets the slow ones give way.

    Attributes:
        answered: Transfers that ended, of all lanes.
    """

    def __init__(self, lanes: Lanes, deferral: Deferral, orders: Orders) -> None:
        self.answered = 0
        self._lanes = lanes
        self._deferral = deferral
        self._orders = orders
        self._looks = ((0, 0), (0, 0))

    def wants_more(self, now_ms: int) -> bool:
        """
        Whether more is to be read: as long as there is room, but not while enough is there and on its way out fast.
        Eight thousand jobs that wait a second to be sent cost 10 MB, and misses in the processor's cache.
        """
        if self._is_full:
            return False
        (since_ms, answered), _ = self._looks
        is_fast = (self.answered - answered) * 1000 >= _READY_ENOUGH * (now_ms - since_ms)
        return not (is_fast and self._lanes.has_ready(_READY_ENOUGH))

    @property
    def _is_full(self) -> bool:
        orders = self._orders
        return MEMORY_HOLDS - orders.open_count < READ_AT_ONCE or orders.open_bytes >= MEMORY_HOLDS_BYTES

    def look(self, now_ms: int, runs: Sequence[Run]) -> None:
        """
        Called several times a second.

        Args:
            runs: Those that are going on.
        """
        before = self._looks[1]
        passed_ms = max(1, now_ms - before[0])
        is_blamed = passed_ms <= _OWN_PAUSE_MS
        self._looks = (before, (now_ms, self.answered))
        is_full = self._is_full  # for all lanes alike, whatever one of them gives up now
        is_overdue = any(run.is_overdue for run in runs)
        self._lanes.share_slots()
        busy = sum(1 for lane in self._lanes if lane.waiting)
        self._deferral.share_memory(busy, self._orders.mean_bytes)
        keeps = self._deferral.slow_lane_keeps
        for lane in self._lanes:
            lane.speed.look(passed_ms, is_blamed=is_blamed)
            waiting = lane.waiting
            if waiting <= keeps // 2:
                lane.is_slow = False
                lane.gives_way = lane.gives_way and bool(runs)
            elif lane.speed.silent_ms >= _SILENT_MS:
                lane.is_slow = True
            if is_full and waiting > keeps:
                needs_s = waiting / lane.speed.per_second
                if needs_s > GIVES_WAY_AFTER_S:
                    self._deferral.set_aside(lane)
                moved_after_s = GIVES_WAY_AFTER_S if is_overdue else _MOVED_AFTER_S
                if lane.waiting > keeps and (lane.is_slow or needs_s > moved_after_s):
                    self._deferral.shed(lane, now_ms, keeps=keeps)

    def keep_to_what_can_be_told(self, now_ms: int) -> None:
        """
        No commit can tell which deliveries were settled: too much has overtaken what waits in memory, and would go out
        again after a crash. So the slow lanes keep no more than can be told.
        """
        slow = [lane for lane in self._lanes if lane.waiting > GIVES_WAY_AFTER_S * lane.speed.steady_per_second]
        for lane in slow:
            self._deferral.shed(lane, now_ms, keeps=max(1, _TOLD_OF_SLOW_LANES // len(slow)))
