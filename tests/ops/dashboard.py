"""The dashboard as Grafana would ask it: variables from the label API, then every query of every panel."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ops.prometheus import Prometheus

Panel = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One query of one panel, with its variables filled in."""

    row: str
    panel: Panel
    expr: str
    legend: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The time that the dashboard looks at."""

    start: float
    end: float

    @property
    def step(self) -> float:
        return max(30, (self.end - self.start) / 250)

    @property
    def rate_interval(self) -> str:
        """As Grafana: at least four scrapes, and no shorter than a step."""
        return f"{max(self.step + 30, 120):.0f}s"


def load(path: Path) -> Panel:
    found: Panel = json.loads(path.read_text())
    return found


def variables(board: Panel, prometheus: Prometheus, span: Span) -> dict[str, list[str]]:
    """Values of each query variable, each filled into the queries of those that follow."""
    found: dict[str, list[str]] = {}
    for entry in board["templating"]["list"]:
        if entry["type"] == "query":
            match = re.fullmatch(r"label_values\((.+), (\w+)\)", entry["query"])
            assert match, entry["query"]
            metric = _filled(match[1], {name: values[0] for name, values in found.items()}, span)
            found[entry["name"]] = prometheus.label_values(match[2], metric, start=span.start, end=span.end)
    return found


def queries(board: Panel, values: dict[str, list[str]], span: Span) -> Iterator[Asked]:
    """Every query; those of a repeated row once for each value of its variable."""
    row, repeat = "", None
    for panel in board["panels"]:
        if panel["type"] == "row":
            row, repeat = panel["title"], panel.get("repeat")
            continue
        for value in values[repeat] if repeat else [""]:
            chosen = {name: many[0] for name, many in values.items()} | ({repeat: value} if repeat else {})
            for target in panel["targets"]:
                expr = _filled(target["expr"], chosen, span)
                title = row.replace(f"${repeat}", value) if repeat else row
                yield Asked(row=title, panel=panel, expr=expr, legend=target.get("legendFormat", ""))


def _filled(text: str, values: dict[str, str], span: Span) -> str:
    for name, value in {**values, "__rate_interval": span.rate_interval}.items():
        text = text.replace(f"${name}", value)
    assert "$" not in text, text
    return text
