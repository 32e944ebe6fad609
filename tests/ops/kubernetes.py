"""What a cluster would say: the strict schemas of several versions, the operators' own kinds, pod security."""

import json
import subprocess
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]  # it ships no types

from tests.ops.chart import Object, pod_specs

VERSIONS = ("1.29.0", "1.31.0", "1.33.0", "1.35.0", "1.37.0")
OWN_API = (".coreos.com/", "keda.sh/")
"""API groups of kinds that Kubernetes itself does not know."""


def refusals(found: Object, version: str) -> list[str]:
    """Why a cluster of that version would not take the object; unknown fields are refused, too."""
    name = f"{found['kind']}/{found['metadata']['name']}"
    try:
        kubernetes_validate.validate(found, version.rsplit(".", 1)[0], strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{name} on {version}: {'.'.join(map(str, error.path))}: {error.message}"]
    return []


def custom_resource_refusals(objects: list[Object], *, node: Path, tools: Path) -> list[str]:
    """
    Why the operators would not take the objects.

    Their schemas are asked first; then TypeScript, for the fields that they do not know and would drop in silence.
    """
    custom = [found for found in objects if is_custom(found)]
    program = tools / "custom-resources.mjs"
    program.write_text((Path(__file__).parent / "custom-resources.mjs").read_text())
    done = subprocess.run(
        [str(node), str(program), str(tools)], input=json.dumps(custom), capture_output=True, text=True, check=False
    )
    return [line for line in (done.stdout + done.stderr).splitlines() if line]


def is_custom(found: Object) -> bool:
    return any(group in found["apiVersion"] for group in OWN_API)


def against_restricted(objects: list[Object]) -> list[str]:
    """What the Pod Security Standard "restricted" forbids in the pods that the objects lead to."""
    return [f"{name}: {why}" for name, pod in pod_specs(objects).items() for why in _pod_violations(pod)]


def _pod_violations(pod: Object) -> list[str]:
    whole = pod.get("securityContext", {})
    wrong = [f"{field} is set" for field in ("hostNetwork", "hostPID", "hostIPC") if pod.get(field)]
    allowed = {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
    wrong += [f"volume {v['name']} of a forbidden type" for v in pod.get("volumes", []) if not allowed & set(v)]
    for container in pod.get("initContainers", []) + pod["containers"]:
        own = container.get("securityContext", {})
        wrong += [f"{container['name']}: {why}" for why in _container_violations(container, whole | own)]
    return wrong


def _container_violations(container: Object, context: Object) -> list[str]:
    capabilities = context.get("capabilities", {})
    rules = {
        "runAsNonRoot is not true": context.get("runAsNonRoot") is not True,
        "runAsUser is 0": context.get("runAsUser") == 0,
        "allowPrivilegeEscalation is not false": context.get("allowPrivilegeEscalation") is not False,
        "not all capabilities are dropped": "ALL" not in capabilities.get("drop", []),
        "capabilities are added": bool(set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}),
        "no seccomp profile": context.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"},
        "privileged": bool(context.get("privileged")),
        "a host port": any(port.get("hostPort") for port in container.get("ports", [])),
    }
    return [why for why, broken in rules.items() if broken]
