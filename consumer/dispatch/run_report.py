"""Runs as operators see them: when each window's last one ended, and how long it took."""

from collections import Counter
from collections.abc import Iterable, Mapping

from consumer.core.report import iso_utc
from consumer.core.schedule import last_boundary_ms, window_name
from consumer.dispatch.track import Track
from consumer.log import EventLog
from consumer.metrics import Metrics

_log = EventLog("dispatch")


class RunReport:
    """One run a window and boundary, empty ones included: that they go on is what tells of a healthy process."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._boundaries: dict[int, int] = {}
        self._open: dict[int, int] = {}
        """When each run that has not ended began: at its boundary, but for one that was there before this process."""

    def look_at(self, windows: Mapping[int, Iterable[Track]], now_ms: int) -> bool:
        """
        See which runs have begun and which have ended.

        Args:
            windows: The owned tracks of each window's period.

        Returns:
            Whether one has ended.
        """
        has_ended = False
        for period, tracks in windows.items():
            boundary = last_boundary_ms(now_ms, period)
            before = self._boundaries.get(period)
            if before != boundary:
                self._boundaries[period] = boundary
                self._open[period] = now_ms if before is None else boundary
            if period in self._open and all(_has_ended(track, boundary) for track in tracks):
                self._ended(period, boundary, tracks, now_ms)
                has_ended = True
        return has_ended

    def _ended(self, period: int, boundary: int, tracks: Iterable[Track], now_ms: int) -> None:
        name = window_name(period)
        seconds = (now_ms - self._open.pop(period)) / 1000
        self._metrics.last_run.labels(name).set(now_ms / 1000)
        self._metrics.run_duration.labels(name).observe(seconds)
        tally: Counter[str] = Counter()
        for track in tracks:
            tally += track.tally
            track.tally.clear()
        if tally:
            _log.info("run.ended", window=name, run=iso_utc(boundary), seconds=seconds, **tally)
        else:
            _log.debug("run.ended", window=name, run=iso_utc(boundary))


def _has_ended(track: Track, boundary: int) -> bool:
    if track.is_being_read or track.ledger.open_count:
        return False
    return not track.has_head or track.head_at_ms >= boundary
