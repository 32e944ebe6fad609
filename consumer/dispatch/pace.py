"""How much is read ahead, and when memory is full, whose deliveries take the room that others need."""

from typing import Final

from consumer.dispatch.admission import Admission
from consumer.dispatch.lanes import Lane, Lanes
from consumer.dispatch.orders import Orders

READ_AT_ONCE: Final = 500
"""Records."""
MEMORY_HOLDS: Final = 8192
"""Jobs in memory, over all endpoints: behind a slow one's the others' are found."""

_READY_ENOUGH: Final = 1_000
"""Jobs that can be sent; when they are sent within a second, none is read to wait behind them."""

_SILENT_MS: Final = 400
"""A lane that had no answer for this long while memory is full gives way."""

_DRAINS_WITHIN_S: Final = 30
"""A lane that needs longer than this for what it has in memory gives way. Short enough for those behind it, and long
enough that a busy machine does not make every lane look slow."""

_GIVES_WAY_AFTER_S: Final = 3
"""While windows are read for the first time, a lane gives way sooner: what is set aside comes in the same run."""

_OWN_PAUSE_MS: Final = 300
"""A longer time between two looks was this program's own (a slow commit, a busy machine): no lane is blamed for it."""


class Pace:
    """
    Watches how fast the lanes answer, and lets the slow ones give way.

    Attributes:
        answered: Transfers that ended, of all lanes.
    """

    def __init__(self, lanes: Lanes, admission: Admission, orders: Orders) -> None:
        self.answered = 0
        self._lanes = lanes
        self._admission = admission
        self._orders = orders
        self._seen: dict[Lane, tuple[int, int]] = {}
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
        return MEMORY_HOLDS - self._orders.open_count < READ_AT_ONCE

    def look(self, now_ms: int) -> None:
        """Called several times a second."""
        before = self._looks[1]
        passed_ms = now_ms - before[0]
        if passed_ms > _OWN_PAUSE_MS:
            self._seen.clear()
        self._looks = (before, (now_ms, self.answered))
        is_full = self._is_full  # for all lanes alike, whatever one of them gives up now
        keeps = self._admission.share_memory(sum(1 for lane in self._lanes if lane.queue))
        for lane in self._lanes:
            waiting = len(lane.queue)
            if waiting <= keeps:
                if waiting < keeps // 2:
                    lane.is_slow = lane.gives_way = False
                self._seen.pop(lane, None)
            elif is_full and self._is_slow(lane, now_ms):
                self._admission.shed(lane, now_ms)
            elif is_full and passed_ms <= _OWN_PAUSE_MS:
                answered = lane.answered - lane.answered_before
                if waiting * passed_ms > answered * 1000 * _GIVES_WAY_AFTER_S:
                    self._admission.set_aside(lane)
            lane.answered_before = lane.answered

    def _is_slow(self, lane: Lane, now_ms: int) -> bool:
        since_ms, answered = self._seen.setdefault(lane, (now_ms, lane.answered))
        passed_ms = now_ms - since_ms
        if passed_ms < _SILENT_MS:
            return False
        self._seen[lane] = (now_ms, lane.answered)
        per_second = (lane.answered - answered) * 1000 / passed_ms
        return len(lane.queue) > per_second * _DRAINS_WITHIN_S
