"""What only dispatch's loop knows of the present state, as gauges."""

from collections.abc import Mapping

from consumer.dispatch.lanes import Lanes
from consumer.dispatch.owned import Owned
from consumer.dispatch.settling import Settling
from consumer.dispatch.targets import Targets
from consumer.metrics import Metrics


class Gauges:
    """Which endpoints are held, and how long the oldest failed delivery has been waiting."""

    def __init__(self, *, lanes: Lanes, targets: Targets, settling: Settling, owned: Owned, metrics: Metrics) -> None:
        self._lanes = lanes
        self._targets = targets
        self._settling = settling
        self._owned = owned
        self._metrics = metrics
        self._shown: frozenset[str] = frozenset()

    def show(self, now_ms: int) -> None:
        """Bring them up to date."""
        self._show_held(self._lanes.held(self._targets.open_ones(), now_ms))
        self._show_oldest()

    def _show_held(self, held: Mapping[str, bool]) -> None:
        for endpoint in self._shown.difference(held):
            self._metrics.endpoint_held.remove(endpoint)
        for endpoint, is_held in held.items():
            self._metrics.endpoint_held.labels(endpoint).set(is_held)
        self._shown = frozenset(held)

    def _show_oldest(self) -> None:
        oldest = self._settling.oldest
        for (_, partition), (_, track) in self._owned.tracks.items():
            if track.period is None:
                oldest[partition].look_at(track)
        known = [at_ms for one in oldest.values() if (at_ms := one.at_ms) is not None]
        self._metrics.retry_oldest.set(min(known) / 1000 if known else 0)
