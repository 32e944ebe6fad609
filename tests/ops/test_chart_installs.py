"""`helm install` against a cluster that answers: what the operator reads, and what the cluster's kinds decide."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.ops.chart import Chart
from tests.ops.cluster import Cluster
from tests.ops.conftest import ROOT


def installed(chart: Chart, folder: Path, *, operators: bool, example: str) -> str:
    """Give what `helm install` prints: the manifest and the notes."""
    with Cluster(operators=operators) as cluster:
        command = [str(chart.helm), "install", "pb", str(chart.folder), "-n", "shop", "--dry-run=server"]
        command += ["-f", str(ROOT / "helm" / "ci" / f"{example}-values.yaml"), "--disable-openapi-validation"]
        environment = {"PATH": os.defpath, "HOME": str(folder), "KUBECONFIG": str(cluster.kubeconfig(folder))}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("operators", [True, False])
def test_monitors_and_rules_follow_what_the_cluster_knows(chart: Chart, tmp_path: Path, *, operators: bool) -> None:
    printed = installed(chart, tmp_path, operators=operators, example="least")

    assert ("kind: PodMonitor" in printed, "kind: PrometheusRule" in printed) == (operators, operators)
    assert ("Nothing watches it" in printed) is not operators


def test_the_notes_say_what_to_do_next_in_commands_of_this_release(chart: Chart, tmp_path: Path) -> None:
    notes = installed(chart, tmp_path, operators=True, example="split").split("NOTES:")[1]

    assert "kubectl -n shop rollout status statefulset/pb-postback-consumer-ingest" in notes
    assert "helm -n shop test pb --logs" in notes
    assert "kubectl -n shop exec statefulset/pb-postback-consumer-dispatch -- postback status" in notes
    assert "reads orders, partials at broker-0.example.com:9094" in notes


def test_the_notes_say_that_a_sidecars_profiles_are_checked_in_a_pod(chart: Chart, tmp_path: Path) -> None:
    notes = installed(chart, tmp_path, operators=True, example="sidecar").split("NOTES:")[1]

    assert "kubectl -n shop exec deployment/pb-postback-consumer -- postback check --live" in notes


def test_the_notes_warn_of_missing_profiles_and_of_a_wide_network_policy(chart: Chart, tmp_path: Path) -> None:
    notes = installed(chart, tmp_path, operators=True, example="least").split("NOTES:")[1]

    assert "No profile is given yet" in notes
    assert "any address on the Kafka ports [9092]" in notes
