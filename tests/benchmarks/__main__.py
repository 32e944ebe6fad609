"""
The whole way on a real broker, beside a bare libcurl loop in the same run: ``python -m tests.benchmarks``.

Takes about a quarter of an hour; ``--quick`` one or two minutes. It prints, people judge: see README.md.
"""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import program, table
from tests.benchmarks.idle import measure_idle, text_of
from tests.benchmarks.measuring import Bench, Round
from tests.benchmarks.scenarios import SCENARIOS, Scenario
from tests.broker.kafka import KafkaBroker

WARM_UP = Scenario(name="warm-up", due=1_000)


def chosen(only: Sequence[str], *, quick: bool) -> list[Scenario]:
    """The scenarios that the options ask for."""
    if only:
        return [scenario for scenario in SCENARIOS if scenario.name in only]
    return [scenario for scenario in SCENARIOS if scenario.is_quick or not quick]


def rounds_of(bench: Bench, scenario: Scenario, count: int) -> list[Round]:
    """Those that the machine let come to an end; one that it did not is said, and made again."""
    found: list[Round] = []
    failures = 0
    while len(found) < count and failures <= count:
        try:
            found.append(bench.round(scenario))
        except (AssertionError, TimeoutError, subprocess.CalledProcessError) as error:
            failures += 1
            print(f"  {scenario.name}, a round that does not count: {error}", flush=True)
    return found


def measured(
    bench: Bench, scenarios: Sequence[Scenario], count: int, *, in_turns: bool
) -> Iterator[tuple[Scenario, list[Round]]]:
    """Each scenario with its rounds."""
    if not in_turns:
        for scenario in scenarios:
            yield scenario, rounds_of(bench, scenario, count)
        return
    found: list[list[Round]] = [[] for _ in scenarios]
    for number in range(1, count + 1):
        for scenario, rounds in zip(scenarios, found, strict=True):
            rounds.extend(rounds_of(bench, scenario, 1))
        print(f"  round {number} of {count}", flush=True)
    yield from zip(scenarios, found, strict=True)


def main() -> None:
    names = ", ".join(scenario.name for scenario in SCENARIOS)
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=f"scenarios: {names}, idle", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two scenarios only")
    parser.add_argument(
        "--only", metavar="NAME", action="append", default=[], help="this scenario, or `idle`; may be repeated"
    )
    parser.add_argument("--rounds", type=int, default=3, help="of each scenario (default 3)")
    parser.add_argument(
        "--in-turns",
        action="store_true",
        help="one round of each scenario after the other, so that a machine that slows down slows all of them",
    )
    program.add_option(parser)
    given = parser.parse_args()
    scenarios = chosen(given.only, quick=given.quick)
    if unknown := set(given.only) - {scenario.name for scenario in SCENARIOS} - {"idle"}:
        parser.error(f"no scenario is called {', '.join(unknown)}; there are {names}, idle")
    program.check(parser, source=given.source)
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {table.processor()}; load before: {load}")
    print("CPU in seconds per 10,000; medians; `of bare`: as a multiple of the bare loop in the same round")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, KafkaBroker(Path(name) / "broker") as broker:
        program.use(Path(name), source=given.source)
        bench = Bench(broker.bootstrap_servers, Path(name))
        rounds_of(bench, WARM_UP, 1)  # a broker that has just started is slow at its first topics and transactions
        print(table.HEADER, table.RULE, sep="\n", flush=True)
        for scenario, rounds in measured(bench, scenarios, given.rounds, in_turns=given.in_turns):
            if rounds:
                print(table.row(scenario, rounds), table.bare_row(scenario, rounds), sep="\n", flush=True)
        if "idle" in given.only or not (given.only or given.quick):
            print(text_of(measure_idle(bench)), flush=True)
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
