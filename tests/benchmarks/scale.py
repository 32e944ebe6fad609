"""
How many instances, partitions and brokers it takes, by simulation: ``python -m tests.benchmarks.scale``.

Takes what the other benchmarks measured on one machine (`Costs` in scale_model.py; give others with the options),
shows first how far the simulation of that machine agrees with it, and then what it says of larger installations.
"""

import argparse
import math
from collections.abc import Callable, Iterable
from dataclasses import fields, replace

from tests.benchmarks.scale_model import Costs, Drained, Installation, Receivers, drain

_PERIOD_S = 900
_RATES = (10, 1_000, 100_000)
_ALIKE = Receivers.alike(500, answer_s=0.2)
_ONE_IS_LARGE = Receivers.zipf(500, answer_s=0.2)
_RECEIVERS = {
    "500 alike, 20 ms": Receivers.alike(500, answer_s=0.02),
    "500 alike, 200 ms": _ALIKE,
    "500, the largest has 15 %, 200 ms": _ONE_IS_LARGE,
}
_MOST_INSTANCES = 1_000
_BUSY_AT_MOST = 0.7

_MACHINE = Installation(
    instances=1, partitions=12, brokers=1, replicas=1, in_flight=64, in_flight_each=64,
    receivers=Receivers.alike(1, answer_s=0),
)  # fmt: skip
"""What was measured in README.md: one broker, one receiver."""

_SLOW = Receivers.alike(1, answer_s=0.0224)
"""The receiver of 20 ms, as the bare loop found it: 256 in flight made 11,414 a second."""

_MEASURED = (
    ("json-64", _MACHINE, 20_000, 33_188),
    ("due-100000", _MACHINE, 100_000, 38_614),
    ("json-256-slow", replace(_MACHINE, receivers=_SLOW, in_flight=256, in_flight_each=256), 20_000, 9_965),
    ("due-100000-slow", replace(_MACHINE, receivers=_SLOW, in_flight=512, in_flight_each=512), 100_000, 19_507),
    (
        "instances-2-slow",
        replace(_MACHINE, instances=2, receivers=_SLOW, in_flight=256, in_flight_each=256),
        20_000,
        17_949,
    ),
)
"""Scenario, deliveries due and deliveries a second of the table in README.md."""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for cost in fields(Costs):
        option = f"--{cost.name.replace('_', '-')}"
        parser.add_argument(option, type=float, default=cost.default, metavar="X", help=f"default {cost.default:g}")
    costs = Costs(**vars(parser.parse_args()))

    print("What was measured on one machine, and what the simulation makes of it:\n")
    table("scenario | measured, deliveries/s | simulated | of measured", (agreement(*row, costs) for row in _MEASURED))
    for seconds, of in ((_PERIOD_S, "a period"), (60, "a minute")):
        print(
            f"\nThe smallest installation that is done within {of} after the boundary ({_PERIOD_S // 60} min period):\n"
        )
        head = (
            "deliveries/s | receivers | dispatch instances | ingest instances | partitions | brokers "
            "| cores on average | p50 s | p99 s | last s | commits/s | held up by"
        )
        table(
            head,
            (
                smallest(rate, name, receivers, within_s=seconds, costs=costs)
                for rate in _RATES
                for name, receivers in _RECEIVERS.items()
            ),
        )
    print("\nWhat one change does to 100,000 a second, 500 receivers alike, 200 ms:\n")
    table("installation | p50 s | p99 s | last s | held up by", changes(costs))


def agreement(name: str, installation: Installation, due: int, measured: int, costs: Costs) -> tuple[str, ...]:
    """One measured scenario beside its simulation."""
    simulated = due / drain(installation, due, 0, costs).last_s
    return name, f"{measured:,}", f"{simulated:,.0f}", f"{simulated / measured:.2f}"


def smallest(rate: int, name: str, receivers: Receivers, *, within_s: float, costs: Costs) -> tuple[str, ...]:
    """The row of the smallest installation that drains a boundary in time."""
    due = rate * _PERIOD_S

    def drained(instances: int) -> Drained:
        return drain(sized(instances, rate, due / within_s, receivers, costs), due, rate, costs)

    instances = first_that(lambda count: drained(count).last_s <= within_s)
    if instances is None:
        most = drained(_MOST_INSTANCES)
        return f"{rate:,}", name, f"none: {_MOST_INSTANCES:,} take {most.last_s:,.0f} s", *[""] * 8, held_up(most)
    found, installation = drained(instances), sized(instances, rate, due / within_s, receivers, costs)
    cores = rate * (costs.ingest_s + costs.dispatch_s)
    return (
        f"{rate:,}",
        name,
        f"{instances}",
        f"{math.ceil(rate * costs.ingest_s / _BUSY_AT_MOST)}",
        f"{installation.partitions}",
        f"{installation.brokers}",
        f"{cores:.2g}",
        *lateness(found),
        f"{found.commits:,.0f}",
        held_up(found),
    )


def sized(instances: int, rate: float, sending: float, receivers: Receivers, costs: Costs) -> Installation:
    """With two partitions for each instance, and brokers for what is scheduled and *sending* outcomes a second."""
    partitions = max(12, 2 * instances)
    made = Installation(instances=instances, partitions=partitions, receivers=receivers, brokers=0)
    writes = (rate + sending) * made.replicas / costs.broker_writes
    commits = instances / made.commit_interval_s / costs.broker_commits
    return replace(made, brokers=max(made.replicas, math.ceil(max(writes, commits) / _BUSY_AT_MOST)))


def first_that(holds: Callable[[int], bool]) -> int | None:
    """The smallest count of instances for which it holds; what holds for one holds for more."""
    low, high = 0, 1
    while not holds(high):
        low, high = high, high * 2
        if low >= _MOST_INSTANCES:
            return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def changes(costs: Costs) -> Iterable[tuple[str, ...]]:
    """One installation, and the same with one thing changed."""
    rate = _RATES[-1]
    base = sized(48, rate, rate, _ALIKE, costs)
    more = replace(base, in_flight=2_048)
    few = math.ceil(2 * rate * base.replicas / costs.broker_writes)
    variations = {
        f"{base.instances} instances, {base.partitions} partitions, {base.brokers} brokers, 512 in flight": base,
        "72 partitions: half of the instances have two, the others one": replace(base, partitions=72),
        "24 partitions: half of the instances have none": replace(base, instances=24, partitions=24),
        "one partition with three times as many orders": replace(base, hot=3),
        "96 instances": replace(base, instances=96),
        "128 requests in flight": replace(base, in_flight=128),
        "2,048 requests in flight": more,
        f"the same, {few} brokers": replace(more, brokers=few),
        "2,048 in flight, 24 instances": replace(more, instances=24),
        "the largest of the receivers has 15 %": replace(base, receivers=_ONE_IS_LARGE),
        "the same, 256 in flight to each": replace(base, receivers=_ONE_IS_LARGE, in_flight_each=256),
    }
    for name, installation in variations.items():
        found = drain(installation, rate * _PERIOD_S, rate, costs)
        yield name, *lateness(found), held_up(found)


def lateness(found: Drained) -> tuple[str, str, str]:
    """Median, p99, last, in seconds after the boundary."""
    return seconds_text(found.percentile_s(50)), seconds_text(found.percentile_s(99)), seconds_text(found.last_s)


def seconds_text(seconds: float) -> str:
    """With two digits that say something."""
    return f"{seconds:.2g}" if seconds < 10 else f"{seconds:,.0f}"


def held_up(found: Drained) -> str:
    """By what, for which part of the time."""
    parts = sorted(
        ((seconds / sum(found.held_up.values()), name) for name, seconds in found.held_up.items()), reverse=True
    )
    return ", ".join(f"{name} {part:.0%}" for part, name in parts if part >= 0.005)


def table(head: str, rows: Iterable[tuple[str, ...]]) -> None:
    """In Markdown."""
    print(f"| {head} |\n|{'---|' * (head.count('|') + 1)}")
    for row in rows:
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
