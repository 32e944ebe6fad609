"""A real Prometheus on loopback, and the questions that the tests ask it."""

import subprocess
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.ports import free_ports
from tests.waiting import wait_for


class Prometheus:
    """One server process with a folder of its own. `start()` returns when it answers; `stop()` may be called twice."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{free_ports(1)[0]}", timeout=30)
        self.data = folder / "data"
        self.data.mkdir(parents=True)

    def start(self, *, scrape: dict[str, Any] | None = None, rules: Path | None = None) -> None:
        """Scrape one job each second, if given; evaluate *rules* each second."""
        config = self._folder / "prometheus.yml"
        config.write_text(
            yaml.safe_dump(
                {
                    "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                    "scrape_configs": [scrape] if scrape else [],
                    "rule_files": [str(rules)] if rules else [],
                }
            )
        )
        command = [
            str(self._program),
            f"--config.file={config}",
            f"--storage.tsdb.path={self.data}",
            "--storage.tsdb.retention.time=10y",
            f"--web.listen-address={self._client.base_url.host}:{self._client.base_url.port}",
        ]
        log = (self._folder / "log").open("wb")
        with log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self._ready, timeout_seconds=60, what=lambda: (self._folder / "log").read_text()[-2000:])

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)
        self._client.close()

    def query(self, expr: str, *, at: float | None = None) -> list[dict[str, Any]]:
        """Give the samples at a time, or now."""
        return self._result("query", {"query": expr} | ({"time": at} if at else {}))

    def query_range(self, expr: str, *, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Give the series of a span of time."""
        return self._result("query_range", {"query": expr, "start": start, "end": end, "step": step})

    def label_values(self, label: str, match: str, *, start: float, end: float) -> list[str]:
        params: dict[str, Any] = {"match[]": match, "start": start, "end": end}
        answer = self._client.get(f"/api/v1/label/{label}/values", params=params).json()
        return list(answer["data"])

    def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        return {each["metric"]["alertname"] for each in self.query('ALERTS{alertstate="firing"}')}

    def _ready(self) -> bool:
        try:
            return self._client.get("/-/ready").status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def _result(self, path: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self._client.post(f"/api/v1/{path}", data=params).json()
        if answer["status"] != "success":
            raise QueryRefusedError(f"{params['query']}: {answer['error']}")
        return list(answer["data"]["result"])


class QueryRefusedError(Exception):
    """Prometheus does not take the expression."""
