"""One process of the service, and what can be asked of it from outside."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.waiting import wait_for

POSTBACK = str(Path(sys.executable).with_name("postback"))


@dataclass(frozen=True, slots=True)
class Completed:
    """A command that has ended."""

    exit_code: int
    out: str
    err: str


def run_postback(arguments: Sequence[str], *, timeout_seconds: float = 60) -> Completed:
    """Run a command of the program to its end."""
    done = subprocess.run(
        [POSTBACK, *arguments], capture_output=True, text=True, check=False, timeout=timeout_seconds,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Completed(done.returncode, done.stdout, done.stderr)


class Instance:
    """A process started from `postback run`."""

    def __init__(self, arguments: Sequence[str], *, log_file: Path, web_port: int) -> None:
        self.log_file = log_file
        self._web = f"http://127.0.0.1:{web_port}"
        environment = {**os.environ, "POSTBACK_WEB__ADDRESS": f"127.0.0.1:{web_port}"}
        with log_file.open("wb") as log:
            self._process = subprocess.Popen(
                [POSTBACK, *arguments],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self, timeout_seconds: float = 60) -> None:
        """Return once `/readyz` says so."""

        def ready() -> bool:
            if not self.is_running:
                raise RuntimeError(f"the service ended with {self._process.returncode}:\n{self.log_tail()}")
            return self.status_of("/readyz") == 200

        wait_for(ready, timeout_seconds=timeout_seconds, what=lambda: f"/readyz; the log ends:\n{self.log_tail()}")

    def status_of(self, path: str) -> int | None:
        """The status of one of the web paths; None when nobody answers."""
        try:
            with urllib.request.urlopen(self._web + path, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return None

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the samples of that name that have these labels; 0 when there is none."""
        with urllib.request.urlopen(self._web + "/metrics", timeout=5) as answer:
            families = text_string_to_metric_families(answer.read().decode())
            return sum(
                sample.value
                for family in families
                for sample in family.samples
                if sample.name == name and labels.items() <= sample.labels.items()
            )

    def wait_metric(self, name: str, at_least: float, *, timeout_seconds: float = 60, **labels: str) -> None:
        wait_for(
            lambda: self.metric(name, **labels) >= at_least,
            timeout_seconds=timeout_seconds,
            what=lambda: f"{name}{labels} of {at_least:g}, it is {self.metric(name, **labels):g}",
        )

    def wait_runs(self, window: str, count: int, *, period_seconds: float) -> None:
        """Return once *count* more runs of a window have been done, just after a boundary."""
        name = "postback_last_run_timestamp_seconds"
        self.wait_metric(name, 1, window=window)  # the first that is told ended when the instance began
        self.wait_metric(name, self.metric(name, window=window) + (count - 0.5) * period_seconds, window=window)

    def kill(self) -> None:
        """SIGKILL, if it runs."""
        if self.is_running:
            self._process.send_signal(signal.SIGKILL)
        self._process.wait(30)

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        self._process.send_signal(signal.SIGTERM)

    def stop(self, timeout_seconds: float = 60) -> int:
        """SIGTERM; gives the exit code."""
        self.terminate()
        return self._process.wait(timeout_seconds)

    def pause(self) -> None:
        """SIGSTOP: the process is there and does nothing, as on a machine that swaps."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def memory_megabytes(self) -> float:
        """Resident memory now."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the process is gone")

    def most_memory_megabytes(self) -> float:
        """The most resident memory that the process ever had."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        raise RuntimeError("the process is gone")

    def maps(self, folder: Path) -> bool:
        """Whether the process has loaded a compiled part of what is in *folder*."""
        return f"{folder}/" in Path(f"/proc/{self._process.pid}/maps").read_text()

    def log_text(self) -> str:
        return self.log_file.read_text(errors="replace")

    def log_tail(self, lines: int = 60) -> str:
        return "\n".join(self.log_text().splitlines()[-lines:])

    def log_records(self) -> list[dict[str, Any]]:
        """The lines of the log that are JSON objects."""
        return [json.loads(line) for line in self.log_text().splitlines() if line.startswith("{")]
