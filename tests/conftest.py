"""Fixtures that several folders use."""

import os
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Protocol

import pytest
from hypothesis import HealthCheck, settings

from tests.broker.jars import BrokerUnavailableError
from tests.broker.kafka import KafkaBroker
from tests.broker.topics import Topics

# At the desk a law is tried quickly, in CI thoroughly; both are the same from run to run.
settings.register_profile("fast", max_examples=100, deadline=None, derandomize=True)
settings.register_profile(
    "thorough", max_examples=1_000, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("thorough" if os.environ.get("CI") else "fast")


class BrokerStarter(Protocol):
    def __call__(self, *, nodes: int = 1, sasl_ssl: bool = False) -> KafkaBroker:
        """Start a broker that the test may break; it ends with the test."""


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A real broker of one node, shared by the session; a test that breaks brokers starts its own."""
    with started(tmp_path_factory) as running:
        yield running


@pytest.fixture
def start_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerStarter]:
    """Starts brokers of the test's own."""
    with ExitStack() as stack:

        def start(*, nodes: int = 1, sasl_ssl: bool = False) -> KafkaBroker:
            return stack.enter_context(started(tmp_path_factory, nodes=nodes, sasl_ssl=sasl_ssl))

        yield start


@pytest.fixture(scope="session")
def topics(broker: KafkaBroker) -> Topics:
    """The tests' client of the shared broker."""
    return Topics(broker.bootstrap_servers)


@pytest.fixture
def unique_name() -> str:
    """A word for the topics and groups of one test."""
    return f"t{uuid.uuid4().hex[:10]}"


def started(folders: pytest.TempPathFactory, *, nodes: int = 1, sasl_ssl: bool = False) -> KafkaBroker:
    """
    Give a broker that starts when it is entered.

    Where Java or Maven is missing the test is skipped, and in CI it fails.
    """
    try:
        return KafkaBroker(folders.mktemp("broker"), nodes=nodes, sasl_ssl=sasl_ssl)
    except BrokerUnavailableError as unavailable:
        if os.environ.get("CI"):
            pytest.fail(f"CI requires the real broker: {unavailable}")
        pytest.skip(f"NOT TESTED ON A REAL BROKER: {unavailable}")
