"""A cluster as far as `helm install --dry-run=server` looks: its version, what kinds it knows, no releases so far."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import yaml

Answer = dict[str, Any]

_GROUPS = {
    "apps/v1": ("Deployment", "StatefulSet"),
    "batch/v1": ("Job",),
    "policy/v1": ("PodDisruptionBudget",),
    "networking.k8s.io/v1": ("NetworkPolicy",),
}
_OPERATORS = {
    "monitoring.coreos.com/v1": ("PodMonitor", "ServiceMonitor", "PrometheusRule"),
    "keda.sh/v1alpha1": ("ScaledObject",),
}
_CORE = ("ConfigMap", "Secret", "Service", "ServiceAccount", "Pod", "Namespace")


class Cluster:
    """A loopback server; a context manager. It knows the kinds of operators if told so."""

    def __init__(self, *, operators: bool) -> None:
        self._groups = _GROUPS | (_OPERATORS if operators else {})
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                cluster.serve(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def kubeconfig(self, folder: Path) -> Path:
        """Write the file by which Helm finds this cluster."""
        path = folder / "kubeconfig"
        cluster = {"name": "stub", "cluster": {"server": f"http://127.0.0.1:{self._server.server_port}"}}
        context = {"name": "stub", "context": {"cluster": "stub", "user": "nobody"}}
        user = {"name": "nobody", "user": {}}
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "stub"}
        path.write_text(yaml.safe_dump(config | {"clusters": [cluster], "contexts": [context], "users": [user]}))
        return path

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        answer = self._answer(urlsplit(request.path).path)
        body = json.dumps(answer or {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 404}).encode()
        request.send_response(200 if answer else 404)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _answer(self, path: str) -> Answer | None:
        if path.endswith("/secrets"):
            return {"kind": "SecretList", "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": []}
        answers: dict[str, Answer] = {
            "/version": {"major": "1", "minor": "33", "gitVersion": "v1.33.0"},
            "/api": {"kind": "APIVersions", "versions": ["v1"]},
            "/api/v1": _resources("v1", _CORE),
            "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(name) for name in self._groups]},
        }
        answers |= {f"/apis/{version}": _resources(version, kinds) for version, kinds in self._groups.items()}
        return answers.get(path)


def _group(version: str) -> Answer:
    entry = {"groupVersion": version, "version": version.split("/")[1]}
    return {"name": version.split("/", maxsplit=1)[0], "versions": [entry], "preferredVersion": entry}


def _resources(version: str, kinds: tuple[str, ...]) -> Answer:
    def plural(kind: str) -> str:
        return kind.lower().removesuffix("y") + ("ies" if kind.endswith("y") else "s")

    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    found = [
        {"name": plural(k), "singularName": "", "namespaced": k != "Namespace", "kind": k, "verbs": verbs}
        for k in kinds
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": found}
