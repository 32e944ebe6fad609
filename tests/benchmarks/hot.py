"""
The ten most expensive functions of ingest and of dispatch: ``python -m tests.benchmarks.hot``.

Both stages run here, in turns, under cProfile, on a real broker; the profiler itself makes Python calls look dearer
than C ones, so the shares rank and do not measure.
"""

import argparse
import cProfile
import pstats
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from consumer.adapters.settings_file import load_settings
from consumer.core.profile import Profile
from consumer.core.topics import Sizes
from consumer.metrics import Metrics
from consumer.service.assembly import Parts
from consumer.service.own_topics import create_missing, wanted_topics
from tests.benchmarks.installation import period_with_boundary_in
from tests.benchmarks.measuring import Bench
from tests.benchmarks.receiving import ReceiverProcess
from tests.benchmarks.scenarios import Scenario
from tests.broker.kafka import KafkaBroker
from tests.waiting import wait_until

_SHOWN = 10
_READY_WITHIN_S = 40
_DELIVERIES = "postback_deliveries_total"


def profiled(turn: Callable[[], None], is_done: Callable[[], bool]) -> pstats.Stats:
    """Call *turn* until it is done."""
    profile = cProfile.Profile(time.thread_time)  # by the clock, a busy machine would be what costs most
    while not is_done():
        profile.enable()
        turn()
        profile.disable()
    return pstats.Stats(profile)


def most_expensive(stats: pstats.Stats) -> list[str]:
    """Lines of a Markdown table: share of the time in the function itself, microseconds and calls a delivery."""
    entries = stats.stats  # type: ignore[attr-defined] # not in the stub
    everything = sum(entry[2] for entry in entries.values())
    dearest = sorted(entries.items(), key=lambda entry: -entry[1][2])[:_SHOWN]
    lines = ["| function | calls | own CPU seconds | share |", "|---|---|---|---|"]
    for (file, line, name), (_primitive, calls, own, _cumulative, _callers) in dearest:
        place = "" if file == "~" else f"{Path(file).parent.name}/{Path(file).name}:{line}: "
        lines.append(f"| `{place}{name}` | {calls:,} | {own:.3f} | {100 * own / everything:.0f} % |")
    return lines


def delivered(metrics: Metrics) -> float:
    """Outcomes so far, whatever they are."""
    return sum(s.value for m in metrics.by_profile.collect() for s in m.samples if s.name == _DELIVERIES)


def ingested(metrics: Metrics) -> float:
    """Events so far."""
    return sum(s.value for m in metrics.events.collect() for s in m.samples if s.name.endswith("_total"))


def prepare(parts: Parts) -> tuple[Profile, ...]:
    """The profiles, with their topics made."""
    profiles = tuple(parts.profile_folder().load().profiles)
    kafka = parts.settings.kafka
    create_missing(
        parts.topics(),
        wanted_topics(parts.names, profiles, parts.settings.tick),
        names=parts.names,
        sources=[source.topic for source in parts.settings.sources],
        partitions=kafka.partitions,
        replication_factor=kafka.replication_factor,
    )
    return profiles


def run(bench: Bench, scenario: Scenario) -> None:
    """Profile one scenario and print it."""
    topic = bench.events(scenario.due, scenario.profiles)
    with ReceiverProcess(delay_ms=scenario.delay_ms) as receiver:
        period, boundary = period_with_boundary_in(_READY_WITHIN_S)
        parts = Parts.of(load_settings(bench.installation(scenario, topic, receiver.url, period).settings, {}))
        profiles = prepare(parts)
        ingest, reader = parts.ingest(Sizes())
        ingest.use(profiles)
        while ingested(parts.metrics) == 0:
            ingest.turn()
        stats = profiled(ingest.turn, lambda: ingested(parts.metrics) >= scenario.due)
        print(f"\n### Ingest, {scenario.due:,} records\n", *most_expensive(stats), sep="\n")
        reader.close()
        if time.time() > boundary:
            raise TimeoutError("ingest ended after the boundary: the machine is too busy")
        dispatch, reader = parts.dispatch(Sizes())
        dispatch.use(profiles)
        while time.time() < boundary - 0.5:
            dispatch.turn()
        wait_until(boundary)
        stats = profiled(dispatch.turn, lambda: delivered(parts.metrics) >= scenario.due)
        title = f"{scenario.in_flight} in flight, {scenario.delay_ms} ms receiver"
        print(f"\n### Dispatch, {scenario.due:,} deliveries, {title}\n", *most_expensive(stats), sep="\n")
        dispatch.finish(1_000)
        reader.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--due", type=int, default=20_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, KafkaBroker(Path(name) / "broker") as broker:
        run(Bench(broker.bootstrap_servers, Path(name)), Scenario(name="hot", due=given.due))


if __name__ == "__main__":
    main()
