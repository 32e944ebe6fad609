"""The table that people judge: medians of rounds, with their spread."""

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from tests.benchmarks.measuring import Round
from tests.benchmarks.scenarios import Scenario

HEADER = (
    "| scenario | due | receiver | in flight | request | profiles | ingest/s | ingest CPU | deliveries/s (spread) "
    "| of bare | dispatch CPU (spread) | of bare | whole way, of bare | first ms | last s | RSS MB | connections |"
)
RULE = "|" + "---|" * 17


def row(scenario: Scenario, rounds: Sequence[Round]) -> str:
    """One line of the table, in Markdown."""

    def median(of: Callable[[Round], float]) -> float:
        return statistics.median(of(found) for found in rounds)

    def told(of: Callable[[Round], float], form: str) -> str:
        value = median(of)
        return "" if math.isnan(value) else f"{value:{form}}"

    def spread(of: Callable[[Round], float], form: str) -> str:
        values = [of(found) for found in rounds]
        return f"{median(of):{form}} ({min(values):{form}}-{max(values):{form}})"

    receiver = f"{scenario.delay_ms} ms" + (", TLS" if scenario.tls else "")
    instances = f" x {scenario.instances}" if scenario.instances > 1 else ""
    cells = (
        scenario.name,
        f"{scenario.due:,}",
        receiver,
        f"{scenario.in_flight}{instances}",
        scenario.style,
        str(scenario.profiles),
        told(lambda r: r.ingest_rate, ",.0f"),
        told(lambda r: r.ingest_cpu, ".2f"),
        spread(lambda r: r.rate, ",.0f"),
        f"{median(lambda r: r.rate / r.bare_rate):.2f}",
        spread(lambda r: r.cpu, ".2f"),
        f"{median(lambda r: r.cpu / r.bare_cpu):.2f}",
        told(lambda r: (r.cpu + r.ingest_cpu) / r.bare_cpu, ".2f"),
        f"{1000 * median(lambda r: r.first_late):.0f}",
        f"{median(lambda r: r.last_late):.2f}",
        f"{median(lambda r: r.megabytes):.0f}",
        f"{median(lambda r: r.connections):.0f}",
    )
    return "| " + " | ".join(cells) + " |"


def bare_row(scenario: Scenario, rounds: Iterable[Round]) -> str:
    """The baseline of the same rounds."""
    found = list(rounds)
    rate = statistics.median(one.bare_rate for one in found)
    cpu = statistics.median(one.bare_cpu for one in found)
    return f"| {scenario.name}, bare loop | | | | | | | | {rate:,.0f} | 1 | {cpu:.2f} | 1 | 1 | | | | |"


def processor() -> str:
    """Its name and how many of them."""
    lines = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(lines)} x {lines[0].partition(':')[2].strip()}" if lines else "an unknown processor"
