"""Lag as it is shown, also of partitions that cannot be asked."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from consumer.core.ports import Place
from consumer.core.topics import TopicNames
from consumer.metrics import Metrics
from consumer.service.progress import Behind, LagGauges, measure

NAMES = TopicNames("t")
WINDOW, RETRY = "t.window.4s", "t.retry"


class Brokers:
    """Each partition ends at 10, and what came since the last boundary begins at 7; some have no leader."""

    def __init__(self, *leaderless: Place) -> None:
        self._leaderless = leaderless

    def led(self, places: Iterable[Place], *, timeout_seconds: float) -> list[Place]:
        del timeout_seconds
        return [place for place in places if place not in self._leaderless]

    def ends(self, places: Iterable[Place], *, timeout_seconds: float) -> dict[Place, int]:
        del timeout_seconds
        return dict.fromkeys(self._asked(places), 10)

    def first_since(self, places: Iterable[Place], at_ms: int, *, timeout_seconds: float) -> dict[Place, int]:
        del at_ms, timeout_seconds
        return dict.fromkeys(self._asked(places), 7)

    def _asked(self, places: Iterable[Place]) -> list[Place]:
        asked = list(places)
        assert not set(asked) & set(self._leaderless)
        return asked


def behind(brokers: Brokers, committed: dict[Place, int]) -> Behind:
    offsets = {place: (offset, "") for place, offset in committed.items()}
    return measure(brokers, offsets, NAMES, periods=frozenset({4}), now_ms=9_000)


def test_lag_is_all_that_is_open_and_due_what_came_before_the_boundary() -> None:
    found = behind(Brokers(), {("orders", 0): 10, (WINDOW, 0): 4, (WINDOW, 1): 8, (RETRY, 0): 5})

    assert found.lag == {("orders", 0): 0, (WINDOW, 0): 6, (WINDOW, 1): 2, (RETRY, 0): 5}
    assert found.due == {WINDOW: 3, RETRY: 2}
    assert not found.unknown


def test_partitions_without_a_leader_are_not_asked_and_said_to_be_unknown() -> None:
    found = behind(Brokers((WINDOW, 0)), {(WINDOW, 0): 4, (WINDOW, 1): 6})

    assert found == Behind({(WINDOW, 1): 4}, {WINDOW: 1}, frozenset({(WINDOW, 0)}))


def test_gauges_keep_what_is_unknown_now_and_drop_what_others_own() -> None:
    metrics = Metrics(CollectorRegistry())
    gauges = LagGauges(metrics)

    def shown() -> dict[str, float]:
        samples = (s for family in metrics.lag.collect() for s in family.samples)
        return {f"{s.labels['topic']}/{s.labels['partition']}": s.value for s in samples}

    gauges.show(Behind({("a", 0): 1, ("a", 1): 2, ("b", 0): 3}, {}))
    gauges.show(Behind({("a", 0): 5}, {}, frozenset({("a", 1)})))
    kept = shown()
    gauges.show(Behind({("a", 0): 6}, {}))

    assert kept == {"a/0": 5, "a/1": 2}
    assert shown() == {"a/0": 6}
