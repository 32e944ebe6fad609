"""
What a commit costs, and how many of them one broker takes: ``python -m tests.benchmarks.transactions``.

Each writer commits as dispatch does: outcome records over all partitions, and the offsets of its partitions, in one
transaction. Between two of them it rests, as dispatch sends: a transaction that follows the last one at once finds the
coordinator not done with that, and librdkafka asks again after 100 ms. Medians are printed, and what all writers
together made of it.
"""

import argparse
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import NamedTuple
from uuid import uuid4

from confluent_kafka import Consumer

from consumer.adapters.kafka import properties
from consumer.adapters.kafka.transactions import Transactions
from consumer.core.ports import LogRecord
from tests.broker.kafka import KafkaBroker
from tests.broker.topics import Topics

_OUTCOME = b"x" * 300


class Case(NamedTuple):
    """
    Attributes:
        offsets: Partitions whose offsets are in each commit.
        records: Of each commit, over the twelve partitions of the outcomes.
    """

    writers: int
    offsets: int
    records: int


CASES = (
    Case(1, 12, 100),
    Case(1, 48, 100),
    Case(1, 240, 100),
    Case(1, 12, 8_000),
    Case(4, 12, 8_000),
    Case(4, 12, 100),
    Case(16, 12, 100),
    Case(64, 12, 100),
)
_RESTS_S = 0.2


def commit_times(bootstrap_servers: str, case: Case, begin: Barrier, seconds: float) -> list[float]:
    """How long each commit of one writer took, in seconds."""
    name = uuid4().hex[:8]
    slot = properties.InstanceSlot(name)
    writer = Transactions(properties.producer(bootstrap_servers, {}, transactional_id=slot.name), slot)
    group = Consumer(properties.consumer(bootstrap_servers, {}, group=name)).consumer_group_metadata()
    records: list[LogRecord] = [("outcomes", str(number).encode(), _OUTCOME, None) for number in range(case.records)]

    def commit(count: int) -> float:
        offsets = {("window", partition): (count, "") for partition in range(case.offsets)}
        began = time.perf_counter()
        writer.commit(records, offsets, group, meanwhile=lambda: None)
        return time.perf_counter() - began

    commit(1)  # the first one makes the connections
    begin.wait()
    took: list[float] = []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        time.sleep(_RESTS_S)
        took.append(commit(len(took) + 2))
    slot.close()
    return took


def main() -> None:
    """Print one row for each case."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5, help="for each row (default 5)")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder, KafkaBroker(Path(folder) / "broker") as broker:
        topics = Topics(broker.bootstrap_servers)
        topics.create("outcomes", partitions=12)
        topics.create("window", partitions=max(case.offsets for case in CASES))
        print("| writers | offsets in a commit | records in a commit | ms for a commit | commits/s | records/s |")
        print("|---|---|---|---|---|---|")
        for case in CASES:
            begin = Barrier(case.writers)
            with ThreadPoolExecutor(case.writers) as pool:
                waiting = [
                    pool.submit(commit_times, broker.bootstrap_servers, case, begin, seconds)
                    for _ in range(case.writers)
                ]
                took = [one for writer in waiting for one in writer.result()]
            rate = len(took) / seconds
            cells = (*case, f"{1000 * statistics.median(took):.1f}", f"{rate:.0f}", f"{rate * case.records:,.0f}")
            print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
