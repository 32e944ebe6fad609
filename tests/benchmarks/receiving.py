"""The receiver as a process of its own, and what it has counted."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import trustme


@dataclass(frozen=True, slots=True)
class Counted:
    """
    What a receiver got since it was asked last.

    Attributes:
        first_at: Unix time of the first request; 0 when there was none.
        last_at: Unix time of the last request.
        p99_at: Unix time by which 99 % of them had come.
    """

    requests: int
    connections: int
    cpu_seconds: float
    first_at: float
    last_at: float
    p99_at: float


@dataclass(frozen=True, slots=True)
class Certificate:
    """Of a receiver with an authority of its own."""

    authority: Path
    chain: Path

    @staticmethod
    def issue(folder: Path) -> "Certificate":
        authority = trustme.CA()
        issued = Certificate(folder / "authority.pem", folder / "receiver.pem")
        authority.cert_pem.write_to_path(str(issued.authority))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(issued.chain))
        return issued


class ReceiverProcess:
    """Answers 200 on a loopback port after a delay."""

    def __init__(self, *, delay_ms: float, certificate: Certificate | None = None) -> None:
        options = ["--certificate", str(certificate.chain)] if certificate else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.receiver", "--delay-ms", str(delay_ms), *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._line()}/partials.php"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("")

    def ask(self, *, reset: bool = False) -> Counted:
        """What it has counted; *reset* begins anew."""
        assert self._process.stdin
        self._process.stdin.write("reset\n" if reset else "count\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._line())
        return Counted(**found)

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline().strip()
