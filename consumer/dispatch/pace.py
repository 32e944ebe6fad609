"""When memory is full: whose deliveries take the room that others need."""

from typing import Final

from consumer.dispatch.admission import Admission
from consumer.dispatch.lanes import Lane, Lanes

_SILENT_MS: Final = 400
"""A lane that had no answer for this long while memory is full gives way."""

_DRAINS_WITHIN_S: Final = 30
"""A lane that needs longer than this for what it has in memory gives way. Short enough for those behind it, and long
enough that a busy machine does not make every lane look slow."""


_OWN_PAUSE_MS: Final = 300
"""A longer time between two looks was this program's own (a slow commit, a busy machine): no lane is blamed for it."""


class Pace:
    """Watches how fast the lanes answer, and lets the slow ones give way."""

    def __init__(self, lanes: Lanes, admission: Admission) -> None:
        self._lanes = lanes
        self._admission = admission
        self._seen: dict[Lane, tuple[int, int]] = {}
        self._looked_ms = 0

    def look(self, now_ms: int, *, is_full: bool) -> None:
        """Called several times a second."""
        if now_ms - self._looked_ms > _OWN_PAUSE_MS:
            self._seen.clear()
        self._looked_ms = now_ms
        keeps = self._admission.share_memory(sum(1 for lane in self._lanes if lane.queue))
        for lane in self._lanes:
            waiting = len(lane.queue)
            if waiting <= keeps:
                if waiting < keeps // 2:
                    lane.is_slow = False
                self._seen.pop(lane, None)
            elif is_full and self._is_slow(lane, now_ms):
                self._admission.shed(lane, now_ms)

    def _is_slow(self, lane: Lane, now_ms: int) -> bool:
        since_ms, answered = self._seen.setdefault(lane, (now_ms, lane.answered))
        passed_ms = now_ms - since_ms
        if passed_ms < _SILENT_MS:
            return False
        self._seen[lane] = (now_ms, lane.answered)
        per_second = (lane.answered - answered) * 1000 / passed_ms
        return len(lane.queue) > per_second * _DRAINS_WITHIN_S
