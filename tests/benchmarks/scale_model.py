"""
One boundary of many instances, simulated: what is due flows out as fast as the tightest of its limits lets it.

Between two events (a receiver's deliveries are through on some instances) all rates are constant, so the simulation
goes from event to event and is exact for what it models: the in-flight limits, the processor of each instance, the
stop for each commit, the brokers' writes, and that a partition has one owner.

Not modelled: failures and their retries, what ingest takes from the brokers' processors beside its records, and
receivers that answer later the more they are asked.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

from consumer.dispatch.settling import COMMITTED_AT_ONCE

_NOTHING = 1e-6
"""Deliveries: less than this is what floating point left over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """
    Measured, with the rows of README.md that they are from.

    Attributes:
        ingest_s: CPU for one delivery (json-64).
        dispatch_s: CPU for one delivery to receivers that take their time (due-100000-slow).
        instant_s: The same to one that answers at once (json-64).
        commit_s: A commit stops the sending for so long (`transactions`: 100 records).
        commit_record_s: Longer for each of its records (`transactions`: 8,000 records), without the CPU for them.
        broker_writes: Records a second that one broker took, each written once (due-100000-slow, ingest).
        broker_commits: Commits a second that one broker took (`transactions`: 64 writers).
    """

    ingest_s: float = 11e-6
    dispatch_s: float = 47e-6
    instant_s: float = 28e-6
    commit_s: float = 0.014
    commit_record_s: float = 1e-6
    broker_writes: float = 75_000
    broker_commits: float = 226


@dataclass(frozen=True, slots=True, kw_only=True)
class Receivers:
    """
    Attributes:
        shares: Of all deliveries, one for each receiver; they add up to 1.
        answer_s: How long one request takes.
    """

    shares: Sequence[float]
    answer_s: float

    @staticmethod
    def alike(count: int, *, answer_s: float) -> "Receivers":
        return Receivers(shares=[1 / count] * count, answer_s=answer_s)

    @staticmethod
    def zipf(count: int, *, answer_s: float) -> "Receivers":
        """The second gets half of what the first gets, the third a third, as customers usually are."""
        weights = [1 / rank for rank in range(1, count + 1)]
        return Receivers(shares=[weight / sum(weights) for weight in weights], answer_s=answer_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """
    Attributes:
        in_flight: Requests at once of an instance.
        in_flight_each: And to one receiver.
        replicas: Copies of each record.
        hot: How many times as many orders as any other the first partition has.
    """

    instances: int
    partitions: int
    receivers: Receivers
    brokers: int
    in_flight: int = 512
    in_flight_each: int = 32
    commit_interval_s: float = 1.0
    replicas: int = 3
    hot: float = 1.0


@dataclass(slots=True)
class _Kind:
    """Instances whose partitions weigh the same: they fare alike."""

    instances: int
    left: list[float]


@dataclass(slots=True)
class Drained:
    """
    What came of a boundary.

    Attributes:
        flow: Deliveries a second, over all instances, from one time after the boundary to another, in seconds.
        held_up: Seconds for which the instance that was through last was held up, by what did it.
        commits: Commits a second while everything was still going.
    """

    flow: list[tuple[float, float, float]] = field(default_factory=list)
    held_up: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    commits: float = 0.0

    @property
    def last_s(self) -> float:
        """When the last delivery went out."""
        return self.flow[-1][1]

    def percentile_s(self, percent: float) -> float:
        """Lateness that so many of all deliveries did not exceed."""
        wanted = sum((end - begin) * rate for begin, end, rate in self.flow) * percent / 100
        for begin, end, rate in self.flow:
            amount = (end - begin) * rate
            if wanted <= amount:
                return begin + wanted / rate
            wanted -= amount
        return self.last_s


def drain(installation: Installation, due: float, arriving: float, costs: Costs) -> Drained:
    """
    Let *due* deliveries go out while *arriving* a second are scheduled.

    Raises:
        ValueError: The brokers cannot even take what arrives.
    """
    writes = installation.brokers * costs.broker_writes / installation.replicas - arriving
    if writes <= 0:
        raise ValueError("the brokers cannot take what arrives")
    kinds = _kinds(installation, due)
    last = max(kinds, key=lambda kind: sum(kind.left))
    drained = Drained()
    now = 0.0
    while True:
        found = [_rates(kind, installation, costs) for kind in kinds]
        total = sum(kind.instances * sum(rates) for kind, (rates, _) in zip(kinds, found, strict=True))
        if total <= 0:
            return drained
        by_broker = min(1.0, writes / total)
        step = min(
            left / (rate * by_broker)
            for kind, (rates, _) in zip(kinds, found, strict=True)
            for left, rate in zip(kind.left, rates, strict=True)
            if rate > 0
        )
        if not drained.flow:
            drained.commits = sum(
                kind.instances / _cycle_s(sum(rates) * by_broker, installation, costs)[0]
                for kind, (rates, _) in zip(kinds, found, strict=True)
            )
        for kind, (rates, reason) in zip(kinds, found, strict=True):
            if kind is last and reason:
                drained.held_up["brokers" if by_broker < 1 else reason] += step
            kind.left = [max(0.0, q - rate * by_broker * step) for q, rate in zip(kind.left, rates, strict=True)]
        drained.flow.append((now, now + step, total * by_broker))
        now += step


def _kinds(installation: Installation, due: float) -> list[_Kind]:
    """Range assignment: the first instances have one partition more where it does not come out even."""
    each, over = divmod(installation.partitions, installation.instances)
    weights = [float(each + (number < over)) for number in range(installation.instances)]
    weights[0] += installation.hot - 1
    total = sum(weights)
    return [
        _Kind(count, [due * weight / total * share for share in installation.receivers.shares])
        for weight, count in Counter(weights).items()
    ]


def _rates(kind: _Kind, installation: Installation, costs: Costs) -> tuple[list[float], str]:
    """Deliveries a second of one instance to each receiver, and what keeps them from being more."""
    waiting = [left > _NOTHING for left in kind.left]
    count = waiting.count(True)
    if not count:
        return [0.0] * len(waiting), ""
    answer_s = installation.receivers.answer_s
    limits = {
        "receivers": count * installation.in_flight_each / answer_s if answer_s else inf,
        "in flight": installation.in_flight / answer_s if answer_s else inf,
        "CPU": 1 / (costs.dispatch_s if answer_s else costs.instant_s),
    }
    reason = min(limits, key=lambda name: limits[name])
    cycle_s, sends_s = _cycle_s(limits[reason], installation, costs)
    rate = limits[reason] * sends_s / cycle_s / count
    return [rate if one else 0.0 for one in waiting], reason


def _cycle_s(rate: float, installation: Installation, costs: Costs) -> tuple[float, float]:
    """Seconds from one commit to the next at so many deliveries a second, and for how many of them it sends."""
    if rate <= 0:
        return inf, inf
    sends_s = min(installation.commit_interval_s, COMMITTED_AT_ONCE / rate)
    return sends_s + costs.commit_s + costs.commit_record_s * rate * sends_s, sends_s
