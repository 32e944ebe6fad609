"""The chart as Helm renders it."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]

LEAST = {"settings.kafka.bootstrap_servers": "kafka.kafka:9092", "settings.sources[0].topic": "orders"}
"""What must be given."""

OPERATORS = ("monitoring.coreos.com/v1", "keda.sh/v1alpha1")


class ChartRefused(Exception):  # a refusal is what some tests want
    """Helm did not render; the message is what the operator reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    folder: Path
    helm: Path

    def examples(self) -> list[Path]:
        """The values files of helm/ci."""
        return sorted((self.folder / "ci").glob("*-values.yaml"))

    def render(  # each argument is one option of `helm template`
        self,
        *values: Path,
        put: dict[str, object] | None = None,
        kubernetes: str = "1.33.0",
        apis: tuple[str, ...] = OPERATORS,
        hooks: bool = True,
    ) -> list[Object]:
        """
        Give the objects of a release `pb` in namespace `shop`.

        Args:
            put: Values by path, over the files; without files, over the least that must be given.

        Raises:
            ChartRefused: The schema, or the templates, do not want these values.
        """
        command = [str(self.helm), "template", "pb", str(self.folder), "-n", "shop", "--kube-version", kubernetes]
        for path in values:
            command += ["-f", str(path)]
        for api in apis:
            command += ["--api-versions", api]
        for key, value in ((put or {}) if values else LEAST | (put or {})).items():
            command += ["--set-json", f"{key}={json.dumps(value)}"]
        if not hooks:
            command.append("--no-hooks")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ChartRefused(done.stderr)
        return [found for found in yaml.safe_load_all(done.stdout) if found]

    def lint(self, values: Path) -> subprocess.CompletedProcess[str]:
        command = [str(self.helm), "lint", "--strict", str(self.folder), "-f", str(values), "--kube-version", "1.33.0"]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def of_kind(objects: list[Object], kind: str) -> list[Object]:
    return [found for found in objects if found["kind"] == kind]


def the(objects: list[Object], kind: str, *, ends: str = "") -> Object:
    """Give the one object of that kind whose name ends so."""
    (found,) = [each for each in of_kind(objects, kind) if each["metadata"]["name"].endswith(ends)]
    return found


def pod_specs(objects: list[Object]) -> dict[str, Object]:
    """Each pod that the objects lead to, by kind and name."""
    pods = {}
    for found in objects:
        spec = found.get("spec", {})
        pod = (
            spec if found["kind"] == "Pod" else spec.get("template", {}).get("spec") if isinstance(spec, dict) else None
        )
        if pod:
            pods[f"{found['kind']}/{found['metadata']['name']}"] = pod
    return pods


def environment(container: Object) -> dict[str, Object]:
    return {entry["name"]: entry for entry in container["env"]}
