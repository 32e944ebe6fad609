"""The desk at which commands are called, on the shared broker or without one."""

from pathlib import Path

import pytest

from tests.broker.kafka import KafkaBroker
from tests.desk import Desk
from tests.integration.commands.waiting_topics import OwnTopics


@pytest.fixture
def desk(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> Desk:
    """A folder of settings and profiles, and `postback` called in it."""
    return Desk(tmp_path / "desk", capsysbinary)


@pytest.fixture
def broker_desk(desk: Desk, broker: KafkaBroker, unique_name: str) -> Desk:
    """The same on the shared broker; its topics and groups begin with the test's unique name."""
    desk.set(
        kafka={
            "bootstrap_servers": broker.bootstrap_servers,
            "group_id": unique_name,
            "topic_prefix": unique_name,
            "partitions": 2,
        },
        sources=[{"topic": f"{unique_name}.orders"}],
        tick_minutes=10_080,
    )
    return desk


@pytest.fixture
def own(broker: KafkaBroker, unique_name: str) -> OwnTopics:
    """Fills that desk's topics."""
    return OwnTopics(broker, unique_name)
