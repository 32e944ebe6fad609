"""The dashboard is what its code gives, and every query of it finds data in a real Prometheus."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.ops import backfill, dashboard, history
from tests.ops.conftest import ROOT, require_tool
from tests.ops.dashboard import Asked, Span
from tests.ops.prometheus import Prometheus
from tests.ops.promtool import promtool_test

COMMITTED = ROOT / "helm" / "files" / "dashboards" / "postback.json"
BUILDER = ROOT / "helm" / "dashboard" / "build.py"


@pytest.fixture(scope="module")
def span() -> Span:
    """The last hours, up to a full minute."""
    end = time.time() // 60 * 60
    return Span(start=end - backfill.HOURS * 3600, end=end)


@pytest.fixture(scope="module")
def filled(span: Span, promtool: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """A Prometheus that holds six hours of the service's metrics."""
    server = Prometheus(require_tool("prometheus"), tmp_path_factory.mktemp("backfilled") / "prometheus")
    backfill.write(server.data, promtool, end=span.end)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def asked(filled: Prometheus, span: Span) -> list[Asked]:
    board = dashboard.load(COMMITTED)
    return list(dashboard.queries(board, dashboard.variables(board, filled, span), span))


def test_the_committed_dashboard_is_what_its_code_gives(tmp_path: Path) -> None:
    target = tmp_path / "built.json"

    subprocess.run([sys.executable, str(BUILDER), str(target)], check=True)

    assert target.read_text() == COMMITTED.read_text(), "run: python helm/dashboard/build.py"


def test_grafanas_own_model_keeps_every_key_of_it() -> None:
    board = dashboard.load(COMMITTED)

    assert JSONEncoder(sort_keys=True, indent=1).encode(Dashboard.from_json(board)) + "\n" == COMMITTED.read_text()


def test_the_variables_find_the_release_and_its_profiles(filled: Prometheus, span: Span) -> None:
    values = dashboard.variables(dashboard.load(COMMITTED), filled, span)

    assert values == {"namespace": ["shop"], "job": ["postback"], "profile": sorted(backfill.PROFILES)}


def test_every_query_finds_data(asked: list[Asked], filled: Prometheus, span: Span) -> None:
    assert len(asked) > 40
    empty = [(each.row, each.panel["title"], each.expr) for each in asked if not _found(each, filled, span)]

    assert empty == []


def _found(each: Asked, filled: Prometheus, span: Span) -> bool:
    if each.panel["type"] == "timeseries":
        series = filled.query_range(each.expr, start=span.start, end=span.end, step=span.step)
        return any(value != "NaN" for found in series for _, value in found["values"])
    return any(found["value"][1] != "NaN" for found in filled.query(each.expr, at=span.end))


def test_a_metric_that_is_named_otherwise_empties_a_panel_or_changes_its_number(
    asked: list[Asked], filled: Prometheus, span: Span
) -> None:
    metrics = sorted({name for each in asked for name in re.findall(r"\b(\w+)(?=\{)", each.expr)})
    survived = []
    for metric in metrics:
        using = [each for each in asked if re.search(rf"\b{metric}\b", each.expr)]
        if all(_same(each, re.sub(rf"\b{metric}\b", f"{metric}_x", each.expr), filled, span) for each in using):
            survived.append(metric)

    assert len(metrics) > 15
    assert survived == []


def _same(each: Asked, mutated: str, filled: Prometheus, span: Span) -> bool:
    return filled.query(each.expr, at=span.end - 3600) == filled.query(mutated, at=span.end - 3600)


def test_panels_fill_their_rows_without_holes_and_have_ids_units_and_words() -> None:
    panels = dashboard.load(COMMITTED)["panels"]

    assert len({panel["id"] for panel in panels}) == len(panels)
    lines: dict[int, int] = {}
    for panel in panels:
        lines[panel["gridPos"]["y"]] = lines.get(panel["gridPos"]["y"], 0) + panel["gridPos"]["w"]
    assert set(lines.values()) == {24}
    for panel in panels:
        if panel["type"] != "row":
            assert panel["description"], panel["title"]
            assert panel["type"] == "table" or panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_the_overview_names_who_fails(asked: list[Asked], filled: Prometheus, span: Span) -> None:
    (failing,) = [each for each in asked if each.panel["title"] == "Profiles failing"]
    during = span.start + 3 * 3600 + 4800

    assert filled.query(failing.expr, at=during)[0]["value"][1] == "1"
    assert filled.query(failing.expr, at=span.end - 60)[0]["value"][1] == "0"
    shares = [each for each in asked if each.panel["title"] == "Who"][2]
    worst = max(filled.query(shares.expr, at=during), key=lambda found: float(found["value"][1]))
    assert worst["metric"]["profile"] == "warehouse"


def test_dead_letters_from_before_the_first_scrape_of_a_pod_are_shown(promtool: Path, tmp_path: Path) -> None:
    """Six of them, of a pod that is new after 25 hours."""
    hours = 26
    dead = history.series("postback_dead_letters_total", "pb-new", reason="gave_up")
    begun = history.each(hours * 60, lambda minute: 6 if minute >= 1500 else None, step=5)
    series = history.healthy(hours * 60, step=5) | {dead: begun}

    board = dashboard.load(COMMITTED)
    values = {name: [text] for name, text in re.findall(r'(\w+)="([^"]+)"', history.JOB)} | {"profile": ["call-center"]}
    asked = {found.panel["title"]: found.expr for found in dashboard.queries(board, values, Span(start=0, end=3600))}
    shown = {
        "Dead letters, 24 h": {"{}": 6},
        "Dead letters": {'{reason="gave_up"}': 6, '{reason="undecodable"}': 0},
    }
    checks = [
        {
            "expr": asked[title],
            "eval_time": "1510m",
            "exp_samples": [{"labels": labels, "value": value} for labels, value in samples.items()],
        }
        for title, samples in shown.items()
    ]
    test = {"step": 5, "input_series": history.notation(series), "promql_expr_test": checks}
    done = promtool_test(promtool, tmp_path, test)

    assert done.returncode == 0, done.stdout + done.stderr
