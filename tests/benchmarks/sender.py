"""
The sender against the bare libcurl loop: ``python -m tests.benchmarks.sender``.

Both send the same POST requests to the same kind of receiver in rounds that take turns; medians are printed. CPU
seconds are those of the sending process alone.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import ip_network
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

import trustme

from consumer.adapters.curl import CurlSender
from consumer.core.request import Request, endpoint_of
from tests.benchmarks import bare_loop

BODY = (
    b'{"first_name":"Ada","last_name":"Lovelace","email":"ada@example.com","order_id":1042,"total":"199.00"'
    + (b',"city":"London"' * 11)
    + b"}"
)

Measured = tuple[float, float]
"""Requests per second, CPU seconds per 10,000 requests."""


class SendAll(Protocol):
    """Sends what there is and gives how many were answered 200."""

    def __call__(self, waiting: Iterator[Request], /, *, in_flight: int) -> int: ...


class Case(NamedTuple):
    """One receiver, and how many requests it has at once."""

    scheme: str
    in_flight: int
    delay_ms: float

    def options(self, folder: Path) -> list[str]:
        """Command line of the receiver; its authority becomes ``ca.pem`` in *folder*."""
        options = ["--delay-ms", str(self.delay_ms)]
        if self.scheme == "http":
            return options
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
        return [*options, "--certificate", str(folder / "server.pem")]


CASES = (
    Case("http", 64, 0),
    Case("http", 256, 20),
    Case("http", 512, 20),
    Case("https", 64, 0),
    Case("https", 256, 20),
)


def requests(url: str, count: int, *, ca_file: str | None = None) -> Iterator[Request]:
    """POST requests as a profile with twelve fields gives them; only the key differs."""
    endpoint = endpoint_of(url)
    fixed = ("Content-Type: application/json", "User-Agent: postback-consumer/0.1.0", "Accept: */*")
    for number in range(count):
        yield Request("POST", url, fixed, BODY, ca_file, endpoint, f"{number:032x}")


def send_all(waiting: Iterator[Request], *, in_flight: int) -> int:
    """Send with the real sender, *in_flight* at once; give how many were answered 200."""
    sender: CurlSender[None] = CurlSender(
        timeout=timedelta(seconds=30), allow_networks=[ip_network("127.0.0.0/8")], max_connections=in_flight
    )
    delivered = 0
    while True:
        for request in islice(waiting, in_flight - sender.in_flight):
            sender.start(None, request)
        if not sender.in_flight:
            sender.close()
            return delivered
        delivered += sum(getattr(answer, "status", 0) == 200 for _token, answer in sender.wait(1.0))


@contextmanager
def receiver(*options: str) -> Iterator[int]:
    """Run a receiver as a process of its own; gives its port."""
    command = [sys.executable, "-m", "tests.benchmarks.receiver", *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield int(process.stdout.readline())
        process.communicate("")


def measure(send: Callable[[], int], count: int) -> Measured:
    """Time one round, which must deliver everything."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    delivered = send()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    assert delivered == count, f"{count - delivered} of {count} were not delivered"
    cpu_seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return count / seconds, cpu_seconds * 10_000 / count


def compare(case: Case, *, count: int, rounds: int) -> None:
    """Print one row for the bare loop and one for the sender."""
    measured: dict[str, list[Measured]] = {"bare": [], "sender": []}
    with tempfile.TemporaryDirectory() as folder, receiver(*case.options(Path(folder))) as port:
        url = f"{case.scheme}://127.0.0.1:{port}/partials.php"
        ca_file = str(Path(folder) / "ca.pem") if case.scheme == "https" else None

        def one_round(send: SendAll) -> Measured:
            return measure(lambda: send(requests(url, count, ca_file=ca_file), in_flight=case.in_flight), count)

        for _round in range(rounds):
            measured["bare"].append(one_round(bare_loop.send_all))
            measured["sender"].append(one_round(send_all))
    base_rate, base_cpu = _medians(measured["bare"])
    for name, rows in measured.items():
        rate, cpu = _medians(rows)
        spread = f"{min(row[0] for row in rows):,.0f}-{max(row[0] for row in rows):,.0f}"
        print(
            f"{name:7} {case.scheme:5} {case.in_flight:5} {case.delay_ms:6g} ms {rate:10,.0f}/s {spread:>16} {cpu:9.3f}"
            f" {rate / base_rate:9.2f} {cpu / base_cpu:8.2f}",
            flush=True,
        )


def _medians(rows: list[Measured]) -> Measured:
    return statistics.median(rate for rate, _cpu in rows), statistics.median(cpu for _rate, cpu in rows)


def main() -> None:
    """Compare at an instant receiver and at a slow one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    print(
        f"{'loop':7} {'open':>5} {'delay':>9} {'rate':>12} {'spread':>16} {'CPU s/10k':>9} {'rate x':>9} {'CPU x':>8}"
    )
    for case in CASES:
        compare(case, count=arguments.count, rounds=arguments.rounds)


if __name__ == "__main__":
    main()
