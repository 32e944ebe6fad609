"""`postback topics create` against a real broker."""

import pytest

from consumer.adapters.kafka.topics import Topics as Asking
from tests.broker.kafka import KafkaBroker
from tests.broker.topics import Topics
from tests.desk import Desk

pytestmark = pytest.mark.broker


def test_what_is_missing_is_created_so_that_nothing_that_waits_expires_and_again_changes_nothing(
    broker_desk: Desk, broker: KafkaBroker, unique_name: str
) -> None:
    broker_desk.set(tick_minutes=15)
    broker_desk.profile("late", export_delay_minutes=5)
    names = [f"{unique_name}.{last}" for last in ("window.15m", "window.20m", "retry", "dead-letter", "outcomes")]

    first = broker_desk.call("topics", "create")
    second = broker_desk.call("topics", "create")
    config = Asking({"bootstrap.servers": broker.bootstrap_servers}).config(names)

    assert (first.code, second.code) == (0, 0)
    assert first.out.splitlines() == [f"created  {name} (2 partitions)" for name in names]
    assert second.out.splitlines() == [f"exists   {name} (2 partitions)" for name in names]
    assert {name: config[name]["retention.ms"] for name in names[:3]} == dict.fromkeys(names[:3], "-1")
    assert {config[name]["message.timestamp.type"] for name in names[:3]} == {"LogAppendTime"}


def test_a_new_window_has_as_many_partitions_as_those_that_are_there(
    broker_desk: Desk, topics: Topics, unique_name: str
) -> None:
    broker_desk.profile("hub")
    broker_desk.call("topics", "create")
    broker_desk.set(kafka={"partitions": 5})
    broker_desk.profile("late", export_delay_minutes=5)

    broker_desk.call("topics", "create")

    assert topics.partitions(f"{unique_name}.window.10085m") == 2


def test_what_the_brokers_refuse_is_told_and_ends_with_1(broker_desk: Desk) -> None:
    broker_desk.set(kafka={"replication_factor": 3})
    broker_desk.profile("hub")

    shown = broker_desk.call("topics", "create")

    assert shown.code == 1
    assert "cannot be created: " in shown.out
    assert "replication factor" in shown.out.lower()
