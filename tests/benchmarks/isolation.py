"""
What one receiver that hangs costs the others: ``python -m tests.benchmarks.isolation``.

Nineteen profiles have a good receiver, one has a receiver that accepts connections and never answers. The first run
finds the deliveries of all of them mixed in one window; the later ones find those of the bad receiver in the retry
topic. The same without the bad receiver's deliveries is the measure.
"""

import argparse
import random
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.benchmarks import program
from tests.benchmarks.installation import Installation, period_with_boundary_in, stop_all
from tests.benchmarks.order_events import event_bytes
from tests.benchmarks.receiving import ReceiverProcess
from tests.broker.kafka import KafkaBroker
from tests.broker.topics import NewRecord, Topics
from tests.waiting import wait_for, wait_until

_PROFILES: Final = 20
_OF_EACH: Final = 500
_RUNS: Final = 3


@contextmanager
def _hanging_receiver() -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(512)
        accepted: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    accepted.append(listening.accept()[0])
                except OSError:
                    return

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
        listening.shutdown(socket.SHUT_RDWR)
        for connection in accepted:
            connection.close()


def _events(first: int, campaigns: list[int]) -> Iterator[NewRecord]:
    for number, campaign in enumerate(campaigns, first):
        yield NewRecord(key=str(number), value=event_bytes(number, campaign=campaign))


def _measure(broker: KafkaBroker, folder: Path, bad: int) -> list[float]:
    """The p99 lateness of the good receiver's deliveries in each run, in seconds after the boundary."""
    topics = Topics(broker.bootstrap_servers)
    name = f"bad-{bad}"
    topics.create(name, partitions=12)
    good = [number % (_PROFILES - 1) + 1 for number in range((_PROFILES - 1) * _OF_EACH)]
    mixed = [0] * bad + good
    random.Random(1).shuffle(mixed)
    period, boundary = period_with_boundary_in(30 + bad / 5_000, longest=90)
    with ReceiverProcess(delay_ms=0) as receiver, _hanging_receiver() as hanging:
        installed = Installation(
            folder=folder, bootstrap_servers=broker.bootstrap_servers, name=name, topic=name, url=receiver.url,
            style="json", profiles=_PROFILES, later_profiles=0, in_flight=64, period_seconds=period,
        )  # fmt: skip
        installed.write()
        of_bad = folder / "profiles" / "hub-0.yaml"
        of_bad.write_text(of_bad.read_text().replace(receiver.url, hanging))
        topics.produce(name, _events(10_000_000, mixed))
        service = installed.start("all")
        service.wait_ready()
        found: list[float] = []
        try:
            wait_for(
                lambda: service.metric("postback_events_total") >= len(mixed), timeout_seconds=period, what="ingest"
            )
            for run in range(_RUNS):
                wait_until(boundary)
                wait_for(lambda: receiver.ask().requests >= len(good), timeout_seconds=60, what="the good receiver's")
                found.append(receiver.ask(reset=True).p99_at - boundary)
                boundary += period
                topics.produce(name, _events(20_000_000 + run * len(good), good))
            print(f"{bad:,} for a receiver that hangs: at most {service.most_memory_megabytes():.0f} MB", flush=True)
        finally:
            stop_all([service])
    return found


def main() -> None:
    """Measure with and without, and print a row for each run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bad", type=int, default=100_000, help="deliveries for the receiver that hangs")
    program.add_option(parser)
    given = parser.parse_args()
    program.check(parser, source=given.source)
    bad = given.bad
    with tempfile.TemporaryDirectory() as folder, KafkaBroker(Path(folder) / "broker") as broker:
        program.use(Path(folder), source=given.source)
        without, with_bad = (_measure(broker, Path(folder) / str(count), count) for count in (0, bad))
    print("| run | p99 of the others without it, s | beside it, s | ratio |\n|---|---|---|---|")
    for run, (alone, beside) in enumerate(zip(without, with_bad, strict=True), 1):
        print(f"| {run} | {alone:.2f} | {beside:.2f} | {beside / alone:.2f} |")


if __name__ == "__main__":
    main()
