"""How far the groups are behind: lag, and what of it is due. Asked of the brokers, for what this process owns."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from consumer.core.offsets import open_in
from consumer.core.ports import Place
from consumer.core.schedule import last_boundary_ms
from consumer.core.topics import TopicNames
from consumer.log import EventLog
from consumer.metrics import Metrics

_ASK_S: Final = 2.0
"""For each question: the brokers must not seem silent, which they are after some seconds, since one of them is."""

_log = EventLog("service")

Committed = Mapping[Place, tuple[int, str]]


class AsksOffsets(Protocol):
    """What is needed of the brokers here."""

    def led(self, places: Iterable[Place], *, timeout_seconds: float) -> list[Place]:
        """Those of the partitions that have a leader."""

    def ends(self, places: Iterable[Place], *, timeout_seconds: float) -> dict[Place, int]:
        """The offset that the next committed record of each partition will have."""

    def first_since(self, places: Iterable[Place], at_ms: int, *, timeout_seconds: float) -> dict[Place, int]:
        """The first offset whose record has this timestamp or a later one; -1 where there is none."""


@dataclass(frozen=True, slots=True)
class Behind:
    """
    Attributes:
        lag: Records that are not settled, by partition; those that wait for their run included.
        due: Of those the ones whose run has begun, by topic.
        unknown: Partitions without a leader, which nobody can ask.
    """

    lag: Mapping[Place, int]
    due: Mapping[str, int]
    unknown: frozenset[Place] = frozenset()


def measure(
    topics: AsksOffsets, committed: Committed, names: TopicNames, *, periods: frozenset[int], now_ms: int
) -> Behind:
    """
    Ask the brokers where the partitions end, and where the current runs do.

    Args:
        committed: Next offset and metadata of the partitions in question, of sources, windows and retry topic.
        periods: Of the windows in use: the retry topic is read at each of their boundaries.
    """
    places = topics.led(committed, timeout_seconds=_ASK_S)
    ends = topics.ends(places, timeout_seconds=_ASK_S)
    lag = {place: open_in(*committed[place], end) for place, end in ends.items()}
    due: dict[str, int] = defaultdict(int)
    by_boundary: dict[int, list[Place]] = defaultdict(list)
    for place in places:
        period = names.period(place[0])
        if period is not None:
            by_boundary[last_boundary_ms(now_ms, period)].append(place)
        elif place[0] == names.retry:
            by_boundary[max(last_boundary_ms(now_ms, p) for p in periods)].append(place)
    for boundary, places in by_boundary.items():
        for place, first in topics.first_since(places, boundary, timeout_seconds=_ASK_S).items():
            run_end = first if first >= 0 else ends[place]
            due[place[0]] += open_in(*committed[place], run_end)
    return Behind(lag, dict(due), frozenset(committed.keys() - lag.keys()))


class LagWatch:
    """Asks how far the groups are behind, and shows it."""

    def __init__(self, topics: AsksOffsets, names: TopicNames, metrics: Metrics) -> None:
        self._topics = topics
        self._names = names
        self._gauges = LagGauges(metrics)
        self._unknown: frozenset[Place] = frozenset()

    def look(self, committed: Committed, *, periods: frozenset[int], now_ms: int) -> None:
        """
        Args: as `measure`.

        Raises:
            BrokerUnreachable: Nothing is known.
        """
        behind = measure(self._topics, committed, self._names, periods=periods, now_ms=now_ms)
        self._gauges.show(behind)
        if behind.unknown - self._unknown:
            partitions = [f"{topic}/{number}" for topic, number in sorted(behind.unknown)]
            advice = "they go on when their brokers are back"
            _log.warning("partitions.leaderless", partitions=partitions, advice=advice)
        self._unknown = behind.unknown


class LagGauges:
    """Shows the lag of what this process owns, and takes back what it showed of partitions that it gave up."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._shown: set[Place] = set()
        self._topics: set[str] = set()

    def show(self, behind: Behind) -> None:
        """Replace what was shown before; what is not known now stays as it was."""
        for topic, partition in self._shown - behind.lag.keys() - behind.unknown:
            self._metrics.lag.remove(topic, str(partition))
        for (topic, partition), count in behind.lag.items():
            self._metrics.lag.labels(topic, str(partition)).set(count)
        for topic in self._topics - behind.due.keys():
            self._metrics.due.remove(topic)
        for topic, count in behind.due.items():
            self._metrics.due.labels(topic).set(count)
        self._shown, self._topics = set(behind.lag) | (self._shown & behind.unknown), set(behind.due)
