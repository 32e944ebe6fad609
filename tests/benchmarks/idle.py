"""What the service costs with nothing to do, and how soon it is awake."""

import statistics
import time
from dataclasses import dataclass

from tests.benchmarks.installation import stop_all
from tests.benchmarks.measuring import Bench, cpu_of, delivered
from tests.benchmarks.order_events import PARTITIONS, fill
from tests.benchmarks.receiving import ReceiverProcess
from tests.benchmarks.scenarios import Scenario
from tests.waiting import wait_until

_PERIOD = 4
_WATCHED_S = 20.0
_RUNS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """
    Attributes:
        ingest_percent: Of one core.
        dispatch_percent: Of one core.
        first_late_ms: From the boundary to the request, of each run with one delivery.
    """

    ingest_percent: float
    dispatch_percent: float
    megabytes: tuple[float, float]
    first_late_ms: tuple[float, ...]


def measure_idle(bench: Bench) -> Idle:
    """Twenty seconds of nothing, then runs of one delivery each."""
    topic = "events-none"
    bench.topics.create(topic, partitions=PARTITIONS)
    with ReceiverProcess(delay_ms=0) as receiver:
        installation = bench.installation(Scenario(name="idle"), topic, receiver.url, _PERIOD)
        ingest, dispatch = installation.start("ingest"), installation.start("dispatch")
        try:
            for instance in (ingest, dispatch):
                instance.wait_ready()
            time.sleep(5)
            percents = []
            before = [cpu_of([instance]) for instance in (ingest, dispatch)]
            time.sleep(_WATCHED_S)
            for instance, cpu in zip((ingest, dispatch), before, strict=True):
                percents.append(100 * (cpu_of([instance]) - cpu) / _WATCHED_S)
            late = [_first_late_ms(bench, topic, receiver, number) for number in range(_RUNS)]
            megabytes = ingest.most_memory_megabytes(), dispatch.most_memory_megabytes()
        finally:
            stop_all([ingest, dispatch])
    return Idle(
        ingest_percent=percents[0], dispatch_percent=percents[1], megabytes=megabytes, first_late_ms=tuple(late)
    )


def _first_late_ms(bench: Bench, topic: str, receiver: ReceiverProcess, number: int) -> float:
    boundary = time.time() // _PERIOD * _PERIOD + 2 * _PERIOD
    wait_until(boundary - _PERIOD + 0.5)  # well inside the period that this boundary ends
    fill(bench.topics, topic, count=1, campaigns=1, first=number)
    delivered(receiver, 1)
    return (receiver.ask(reset=True).first_at - boundary) * 1000


def text_of(idle: Idle) -> str:
    """For people."""
    late = sorted(idle.first_late_ms)
    return (
        f"idle CPU, of one core: ingest {idle.ingest_percent:.2f} %, dispatch {idle.dispatch_percent:.2f} %; "
        f"RSS {idle.megabytes[0]:.0f} and {idle.megabytes[1]:.0f} MB\n"
        f"first delivery after the boundary when idle: median {statistics.median(late):.0f} ms, "
        f"{late[0]:.0f}-{late[-1]:.0f} in {len(late)} runs"
    )
