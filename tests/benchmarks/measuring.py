"""One round of a scenario: the bare loop and the service on the same events, one after the other."""

import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from tests.benchmarks.installation import Installation, Measured, period_with_boundary_in, stop_all
from tests.benchmarks.order_events import fill
from tests.benchmarks.receiving import Certificate, ReceiverProcess
from tests.benchmarks.scenarios import Scenario
from tests.broker.topics import Topics
from tests.waiting import wait_for, wait_until

_SETTLES_S = 1.5
"""After the last answer: the commit that follows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """
    Rates are per second, CPU seconds per 10,000, memory in MB, lateness in seconds after the boundary.

    Attributes:
        ingest_rate: Like `ingest_cpu` not a number where ingest was through before it could be looked at.
    """

    bare_rate: float
    bare_cpu: float
    ingest_rate: float
    ingest_cpu: float
    rate: float
    cpu: float
    first_late: float
    last_late: float
    megabytes: float
    connections: int


class Bench:
    """The broker's side of all rounds."""

    def __init__(self, bootstrap_servers: str, folder: Path) -> None:
        self.bootstrap_servers = bootstrap_servers
        self.folder = folder
        self.topics = Topics(bootstrap_servers)
        self._certificate = Certificate.issue(folder)
        self._filled: set[str] = set()

    def events(self, due: int, campaigns: int) -> str:
        """A topic with so many events, filled at its first use."""
        topic = f"events-{due}-{campaigns}"
        if topic not in self._filled:
            fill(self.topics, topic, count=due, campaigns=campaigns)
            self._filled.add(topic)
        return topic

    def round(self, scenario: Scenario) -> Round:
        """
        Measure once.

        Raises:
            TimeoutError: Something did not come in time.
        """
        topic = self.events(scenario.due, scenario.profiles)
        certificate = self._certificate if scenario.tls else None
        with ReceiverProcess(delay_ms=scenario.delay_ms, certificate=certificate) as receiver:
            bare_rate, bare_cpu = self._bare(scenario, topic, receiver)
            receiver.ask(reset=True)
            return self._service(scenario, topic, receiver, (bare_rate, bare_cpu))

    def installation(self, scenario: Scenario, topic: str, url: str, period: int) -> Installation:
        """Files for one round."""
        name = f"r{uuid4().hex[:8]}"
        made = Installation(
            folder=Path(tempfile.mkdtemp(dir=self.folder)),
            bootstrap_servers=self.bootstrap_servers,
            name=name,
            topic=topic,
            url=url,
            style=scenario.style,
            profiles=scenario.profiles,
            later_profiles=scenario.waiting // scenario.due,
            in_flight=scenario.in_flight,
            period_seconds=period,
            ca_file=self._certificate.authority if scenario.tls else None,
        )
        made.write()
        return made

    def _bare(self, scenario: Scenario, topic: str, receiver: ReceiverProcess) -> tuple[float, float]:
        options = {
            "--bootstrap-servers": self.bootstrap_servers,
            "--topic": topic,
            "--group": f"bare-{uuid4().hex[:8]}",
            "--url": receiver.url,
            "--style": scenario.style,
            "--count": str(scenario.due),
            "--in-flight": str(scenario.in_flight),
        }
        command = [
            sys.executable,
            "-m",
            "tests.benchmarks.bare_consumer",
            *(w for pair in options.items() for w in pair),
        ]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found = json.loads(done.stdout)
        assert found["delivered"] == scenario.due, found
        counted = receiver.ask()
        return rate_of(scenario.due, counted.last_at - counted.first_at), found["cpu_seconds"] * 1e4 / scenario.due

    def _service(self, scenario: Scenario, topic: str, receiver: ReceiverProcess, bare: tuple[float, float]) -> Round:
        due = scenario.due
        work = due / 4_000 + scenario.profiles / 100 + scenario.waiting / 15_000
        period, boundary = period_with_boundary_in(6 + 2 * scenario.instances + work)
        installation = self.installation(scenario, topic, receiver.url, period)
        dispatchers = [installation.start("dispatch", number) for number in range(scenario.instances)]
        ingest = installation.start("ingest")
        try:
            ingest_rate, ingest_cpu = ingested(ingest, due)
            late = time.time() - boundary
            assert late < 0, f"ingest ended {late:.1f} s after the boundary: the machine is too busy for this round"
            for dispatcher in dispatchers:
                dispatcher.wait_ready()
            wait_until(boundary - 0.3)
            before = cpu_of(dispatchers)
            delivered(receiver, due, timeout_seconds=60 + due / 500)
            time.sleep(_SETTLES_S)
            cpu, counted = cpu_of(dispatchers) - before, receiver.ask()
            held = sum(one.metric("postback_delivery_failures_total", reason="held") for one in dispatchers)
            assert not held, f"{held:.0f} of {due} deliveries were held for a later run"
            assert counted.requests == due, f"{counted.requests} requests for {due} deliveries"
            return Round(
                bare_rate=bare[0],
                bare_cpu=bare[1],
                ingest_rate=ingest_rate,
                ingest_cpu=ingest_cpu * 1e4 / due,
                rate=rate_of(due, counted.last_at - counted.first_at),
                cpu=cpu * 1e4 / due,
                first_late=counted.first_at - boundary,
                last_late=counted.last_at - boundary,
                megabytes=max(dispatcher.most_memory_megabytes() for dispatcher in dispatchers),
                connections=counted.connections,
            )
        finally:
            stop_all([*dispatchers, ingest])


def rate_of(count: int, seconds: float) -> float:
    """Per second."""
    return count / max(seconds, 1e-3)


def cpu_of(instances: Sequence[Measured]) -> float:
    """CPU seconds of all of them so far."""
    return sum(instance.cpu_seconds() for instance in instances)


def ingested(ingest: Measured, count: int) -> tuple[float, float]:
    """Records per second and CPU seconds of an ingest process that has just been started, once it has read *count*."""
    ingest.wait_ready()
    cpu, began, already = ingest.cpu_seconds(), time.perf_counter(), ingest.metric("postback_events_total")

    def done() -> float:
        return ingest.metric("postback_events_total") >= count

    wait_for(done, timeout_seconds=300, what="ingest", every_seconds=0.1)
    seconds = time.perf_counter() - began
    left = count - already
    return (left / seconds, (ingest.cpu_seconds() - cpu) * count / left) if left > 0 else (math.nan, math.nan)


def delivered(receiver: ReceiverProcess, count: int, *, timeout_seconds: float = 60) -> None:
    """Return once the receiver has got *count* requests."""
    wait_for(
        lambda: receiver.ask().requests >= count,
        timeout_seconds=timeout_seconds,
        what=lambda: f"{count} requests; there were {receiver.ask().requests}",
        every_seconds=0.1,
    )
