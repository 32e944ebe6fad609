"""Everything that the chart renders is what clusters of several versions, the operators and "restricted" accept."""

import json
from pathlib import Path

import pytest

from tests.ops import kubernetes
from tests.ops.chart import Chart, Object, of_kind, the
from tests.ops.conftest import ROOT, TOOLS, require_tool

EXAMPLES = sorted((ROOT / "helm" / "ci").glob("*-values.yaml"))
SCALING = {"autoscaling.prometheusUrl": "http://prometheus:9090", "all.autoscaling.enabled": True}


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def example(request: pytest.FixtureRequest) -> Path:
    """Each of the values files that show what the chart can do."""
    found: Path = request.param
    return found


def test_helm_lints_the_chart_with_each_example(chart: Chart, example: Path) -> None:
    done = chart.lint(example)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("version", kubernetes.VERSIONS)
def test_every_object_satisfies_the_strict_schema_of_that_kubernetes(chart: Chart, example: Path, version: str) -> None:
    objects = chart.render(example, kubernetes=version)

    own = [found for found in objects if not kubernetes.is_custom(found)]
    assert len(own) >= 4
    assert [why for found in own for why in kubernetes.refusals(found, version)] == []


def test_the_strict_schemas_do_refuse_a_field_that_does_not_exist(chart: Chart) -> None:
    workload = the(chart.render(), "Deployment")
    workload["spec"]["template"]["spec"]["terminationGracePeriod"] = 30

    assert len(kubernetes.refusals(workload, "1.33.0")) == 1


def test_objects_for_the_operators_are_what_their_own_schemas_and_types_say(chart: Chart) -> None:
    objects = [found for path in EXAMPLES for found in chart.render(path)] + chart.render(put=SCALING)
    kinds = {found["kind"] for found in objects if kubernetes.is_custom(found)}

    assert kinds == {"PodMonitor", "ServiceMonitor", "PrometheusRule", "ScaledObject"}
    assert kubernetes.custom_resource_refusals(objects, node=require_tool("node"), tools=_models()) == []


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("ScaledObject", ("spec", "triggers", 0, "metadata", "threshold"), 5000),
        ("ScaledObject", ("spec", "cooldown"), 30),
        ("PodMonitor", ("spec", "podMetricsEndpoints", 0, "intervall"), "30s"),
        ("PrometheusRule", ("spec", "groups", 0, "rules", 1, "for"), "5 minutes"),
    ],
)
def test_those_schemas_and_types_do_refuse_what_is_wrong(
    chart: Chart, kind: str, path: tuple[str | int, ...], value: object
) -> None:
    broken = the(chart.render(put=SCALING), kind)
    place = broken
    for step in path[:-1]:
        place = place[step]  # type: ignore[index]  # a list at some of the steps
    place[path[-1]] = value  # type: ignore[index]  # as above

    assert kubernetes.custom_resource_refusals([broken], node=require_tool("node"), tools=_models()) != []


def test_every_pod_satisfies_the_restricted_pod_security_standard(chart: Chart, example: Path) -> None:
    assert kubernetes.against_restricted(chart.render(example)) == []


def test_the_pod_security_check_does_find_a_container_that_runs_as_root(chart: Chart) -> None:
    objects = chart.render(put={"podSecurityContext.runAsNonRoot": False, "podSecurityContext.runAsUser": 0})

    assert {"runAsNonRoot is not true", "runAsUser is 0"} <= {
        why.split(": ")[-1] for why in kubernetes.against_restricted(objects)
    }


def test_names_stay_within_what_kubernetes_allows(chart: Chart) -> None:
    objects = chart.render(put={"mode": "split", "fullnameOverride": "a" * 80, "topicsJob.enabled": True})

    assert max(len(found["metadata"]["name"]) for found in objects) <= 63


@pytest.mark.parametrize("put", [{"fullnameOverride": "a" * 80}, {"nameOverride": "a" * 80}])
def test_a_stateful_sets_name_leaves_room_for_the_revision_in_a_label_of_its_pods(
    chart: Chart, put: dict[str, object]
) -> None:
    objects = chart.render(put=put | {"mode": "split", "staticMembership": True})

    assert max(len(found["metadata"]["name"]) for found in of_kind(objects, "StatefulSet")) == 63 - len("-5d9c7f8b6d")


def test_no_two_objects_are_the_same(chart: Chart, example: Path) -> None:
    objects = chart.render(example)

    names = [(found["kind"], found["metadata"]["name"]) for found in objects]
    assert len(names) == len(set(names))


def test_operators_kinds_are_left_out_where_the_cluster_does_not_know_them(chart: Chart) -> None:
    assert [found for found in chart.render(apis=()) if kubernetes.is_custom(found)] == []


def test_every_value_is_described_and_no_unknown_one_is_taken() -> None:
    schema = json.loads((ROOT / "helm" / "values.schema.json").read_text())

    objects = list(_closed_objects(schema))
    assert len(objects) > 30
    for path, found in objects:
        assert found.get("additionalProperties") is False, path
        for name, entry in found["properties"].items():
            told = "description" in entry or "description" in _definition(schema, entry)
            assert told, f"{path}.{name} has no description"


def _closed_objects(node: object, path: str = "") -> list[tuple[str, Object]]:
    if not isinstance(node, dict):
        return []
    inner = [pair for key, value in node.items() for pair in _closed_objects(value, f"{path}/{key}")]
    return ([(path, node)] if "properties" in node and "object" in node.get("type", ()) else []) + inner


def _definition(schema: Object, entry: Object) -> Object:
    name = entry.get("$ref", "").removeprefix("#/definitions/")
    found: Object = schema["definitions"].get(name, {})
    return found


def _models() -> Path:
    if not (TOOLS / "node_modules" / "typescript").is_dir():
        require_tool("models of the operators' kinds")
    return TOOLS


def test_the_dashboard_in_the_config_map_is_the_committed_one(chart: Chart) -> None:
    (found,) = [
        each for each in of_kind(chart.render(), "ConfigMap") if each["metadata"]["name"].endswith("-dashboard")
    ]

    assert found["metadata"]["labels"]["grafana_dashboard"] == "1"
    committed = json.loads((ROOT / "helm" / "files" / "dashboards" / "postback.json").read_text())
    own = {"uid": "postback-b9de490db5639609ca72", "title": "Postback consumer (shop/pb-postback-consumer)"}
    assert json.loads(found["data"]["shop-pb-postback-consumer.json"]) == committed | own


def test_two_releases_have_two_dashboards_in_one_grafana(chart: Chart) -> None:
    names = ["orders", "o" * 43]
    found = [
        the(chart.render(put={"fullnameOverride": name}), "ConfigMap", ends="-dashboard")["data"] for name in names
    ]

    boards = [json.loads(text) for data in found for text in data.values()]
    assert [len({name for data in found for name in data}), len({board["title"] for board in boards})] == [2, 2]
    assert len({board["uid"] for board in boards}) == 2
    assert all(len(board["uid"]) <= 40 for board in boards)
