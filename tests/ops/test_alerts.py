"""Each alert fires in its case and in no other; nothing fires while all is well, however long the delays are."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.metrics import DEAD_LETTER_REASONS
from tests.ops.alert_cases import CASES, MINUTES, STEP_OF_DAYS, Case
from tests.ops.chart import Chart, Object, the
from tests.ops.conftest import ROOT
from tests.ops.history import JOB, History, delayed, healthy, notation, resumed, rolled, series, split
from tests.ops.promtool import promtool_test

README = ROOT / "helm" / "README.md"
FIRING = 'group by (alertname) (ALERTS{alertstate="firing"})'


@pytest.fixture(scope="session")
def groups(chart: Chart) -> Object:
    """The spec of the PrometheusRule, which is a rule file as Prometheus reads it."""
    return groups_of(chart, "all")


@pytest.fixture(scope="session")
def rules(groups: Object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "rules.yml"
    path.write_text(yaml.safe_dump(groups))
    return path


@pytest.fixture(scope="session")
def rules_of_split(chart: Chart, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "split.yml"
    path.write_text(yaml.safe_dump(groups_of(chart, "split")))
    return path


def groups_of(chart: Chart, mode: str) -> Object:
    found: Object = the(chart.render(put={"mode": mode}), "PrometheusRule")["spec"]
    return found


def firing_at(minute: int, *alerts: str) -> dict[str, Any]:
    """Exactly these fire."""
    samples = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in alerts]
    return {"expr": FIRING, "eval_time": f"{minute}m", "exp_samples": samples}


def as_test(case: Case) -> dict[str, Any]:
    alert = {
        "exp_labels": case.scope | case.labels | {"severity": case.severity},
        "exp_annotations": {"summary": case.summary},
    }
    return {
        "step": case.step,
        "input_series": notation(case.whole),
        "alert_rule_test": [{"eval_time": f"{case.at}m", "alertname": case.alert, "exp_alerts": [alert]}],
        "promql_expr_test": [firing_at(case.not_before), firing_at(case.at, case.alert)],
    }


def test_prometheus_takes_the_rules_and_its_linter_finds_nothing(promtool: Path, rules: Path) -> None:
    done = subprocess.run(
        [str(promtool), "check", "rules", "--lint=all", "--lint-fatal", str(rules)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len({case.alert for case in CASES}) + 1} rules found" in done.stdout


def test_there_is_a_case_for_each_alert(groups: Object) -> None:
    alerts = {rule["alert"] for rule in groups["groups"][0]["rules"] if "alert" in rule}

    assert alerts == {case.alert for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.alert + case.name)
def test_an_alert_fires_in_its_case_alone_and_not_before(
    case: Case, promtool: Path, rules: Path, rules_of_split: Path, tmp_path: Path
) -> None:
    done = promtool_test(promtool, tmp_path, as_test(case), rules_of_split if case.mode == "split" else rules)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("history", "step"),
    [
        pytest.param(healthy(MINUTES), 1, id="healthy"),
        pytest.param(rolled(180, at=62), 1, id="rolling restart between two runs"),
        pytest.param(rolled(180, at=59), 1, id="rolling restart over a run's boundary"),
        pytest.param(resumed(180, at=62), 1, id="a pause of a day ends"),
        pytest.param(delayed(76, step=STEP_OF_DAYS), STEP_OF_DAYS, id="72 h of waiting records"),
    ],
)
def test_nothing_fires(history: History, step: int, promtool: Path, rules: Path, tmp_path: Path) -> None:
    samples = len(next(iter(history.values())))
    checks = [firing_at(number * step) for number in range(samples)]

    done = promtool_test(
        promtool, tmp_path, {"step": step, "input_series": notation(history), "promql_expr_test": checks}, rules
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_fires_while_each_role_has_a_pod(promtool: Path, rules_of_split: Path, tmp_path: Path) -> None:
    checks = [firing_at(minute) for minute in range(120)]
    test = {"step": 1, "input_series": notation(split(120)), "promql_expr_test": checks}

    done = promtool_test(promtool, tmp_path, test, rules_of_split)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("window", ["15m", "20m", "107m", "4335m", "100000m", "90s", "1s", "987654s"])
def test_a_windows_number_is_read_from_its_label(window: str, promtool: Path, rules: Path, tmp_path: Path) -> None:
    name = series("postback_last_run_timestamp_seconds", window=window)
    expected = {"labels": f'postback:window_number{{{JOB},window="{window}"}}', "value": int(window[:-1])}
    check = {"expr": "postback:window_number", "eval_time": "2m", "exp_samples": [expected]}

    done = promtool_test(
        promtool, tmp_path, {"step": 1, "input_series": notation({name: [1.0] * 5}), "promql_expr_test": [check]}, rules
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_source_topic_with_the_prefix_of_the_windows_can_lag_and_windows_cannot(
    chart: Chart, promtool: Path, tmp_path: Path
) -> None:
    put: dict[str, object] = {"settings.kafka.topic_prefix": "crm", "settings.sources[0].topic": "crm.orders"}
    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump(the(chart.render(put=put), "PrometheusRule")["spec"]))
    lags: History = {
        series("postback_consumer_lag_records", topic=topic, partition="0"): [60_000.0] * 60
        for topic in ("crm.orders", "crm.window.15m", "crmxorders")
    }
    samples = [{"labels": '{topic="crm.orders"}', "value": 1}]
    check = {
        "expr": 'group by (topic) (ALERTS{alertname="PostbackIngestLags",alertstate="firing"})',
        "eval_time": "30m",
        "exp_samples": samples,
    }

    done = promtool_test(
        promtool, tmp_path, {"step": 1, "input_series": notation(lags), "promql_expr_test": [check]}, rules
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_metric_that_is_named_otherwise_silences_an_alert(promtool: Path, groups: Object, tmp_path: Path) -> None:
    text = yaml.safe_dump(groups)
    survived = []
    for metric in sorted(set(re.findall(r"\bpostback_[a-z_]+|\bup\b(?=\{)", text))):
        path = tmp_path / "mutated.yml"
        path.write_text(re.sub(rf"\b{metric}\b", f"{metric}_x", text))
        using = [case for case in CASES if case.mode == "all" and metric in _expression(groups, case.alert)]
        if all(promtool_test(promtool, tmp_path, as_test(case), path).returncode == 0 for case in using):
            survived.append(metric)

    assert survived == []


def _expression(groups: Object, alert: str) -> str:
    (found,) = [rule["expr"] for rule in groups["groups"][0]["rules"] if rule.get("alert") == alert]
    return str(found)


def test_each_alert_leads_to_a_section_of_the_readme(chart: Chart) -> None:
    headings = {re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-") for line in _headings()}

    runbooks = _runbooks(chart, "https://git.example.com/README.md")

    assert len(runbooks) == len({case.alert for case in CASES})
    assert [each for each in runbooks if each.removeprefix("https://git.example.com/README.md#") not in headings] == []


@pytest.mark.parametrize("where", ["", "helm/README.md"])
def test_an_alert_has_no_runbook_where_nobody_could_follow_the_link(where: str, chart: Chart) -> None:
    assert _runbooks(chart, where) == []


def _runbooks(chart: Chart, where: str) -> list[str]:
    rule = the(chart.render(put={"monitoring.rules.runbooks": where}), "PrometheusRule")
    annotations = [found.get("annotations", {}) for found in rule["spec"]["groups"][0]["rules"]]
    return [each["runbook_url"] for each in annotations if "runbook_url" in each]


def test_operators_are_told_what_to_do_about_each_reason_of_a_dead_letter() -> None:
    section = README.read_text().partition("### PostbackDeadLetters\n")[2].partition("###")[0]

    assert set(re.findall(r"^- `(\w+)`:", section, re.MULTILINE)) == set(DEAD_LETTER_REASONS)


def _headings() -> list[str]:
    return [line for line in README.read_text().splitlines() if line.startswith("#")]


def test_an_alert_that_is_disabled_is_gone_and_thresholds_are_the_operators(chart: Chart) -> None:
    put: dict[str, object] = {
        "monitoring.rules.alerts.oldestRetry.enabled": False,
        "monitoring.rules.alerts.runsLate": {"seconds": 42, "for": "1h", "severity": "info"},
        "monitoring.rules.labels": {"team": "crm"},
        "monitoring.rules.runbooks": "https://wiki.example.com/postback",
        "settings.tick_minutes": 5,
    }
    found = the(chart.render(put=put), "PrometheusRule")["spec"]["groups"][0]["rules"]
    alerts = {rule["alert"]: rule for rule in found if "alert" in rule}

    assert "PostbackOldestRetry" not in alerts
    late = alerts["PostbackRunsLate"]
    assert late["expr"].strip().endswith("> 42")
    assert (late["for"], late["labels"]) == ("1h", {"severity": "info", "team": "crm"})
    assert late["annotations"]["runbook_url"] == "https://wiki.example.com/postback#postbackrunslate"
    assert "[600s:1m]" in alerts["PostbackDueGrows"]["expr"]
