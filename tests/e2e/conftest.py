"""The shared broker, a receiver, a service and its emitter, each of the test's own name."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.broker.kafka import KafkaBroker
from tests.broker.topics import Topics
from tests.e2e.crm import Crm
from tests.e2e.service import Service
from tests.receiver import Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def service(tmp_path: Path, broker: KafkaBroker, unique_name: str) -> Iterator[Service]:
    """A service on the shared broker; its processes end with the test, and their logs are shown when it fails."""
    made = Service(tmp_path / "service", broker, unique_name)
    yield made
    finish(made)


@pytest.fixture
def crm(topics: Topics, service: Service) -> Crm:
    return Crm(topics, service.name)


def finish(service: Service) -> None:
    """Kill what still runs, and print the end of every log (pytest shows it when the test has failed)."""
    service.kill_all()
    for instance in service.instances:
        print(f"--- {instance.log_file.name}\n{instance.log_tail()}")
