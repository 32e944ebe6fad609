"""A member of a group on a real broker: where a time stands in a partition."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

import pytest
from confluent_kafka import Producer

from consumer.adapters.kafka import properties
from consumer.adapters.kafka.committed import Committed
from consumer.adapters.kafka.consumer import GroupConsumer
from consumer.core.ports import Place
from tests.broker.kafka import KafkaBroker
from tests.broker.topics import NewRecord, Topics
from tests.waiting import wait_for

pytestmark = pytest.mark.broker

BEGIN_MS = 1_764_000_000_000


class Stage:
    def __init__(self) -> None:
        self.owned: set[Place] = set()

    def assigned(self, partitions: Mapping[Place, Committed]) -> None:
        self.owned.update(partitions)

    def revoked(self, partitions: Sequence[Place]) -> None: ...

    def lost(self, partitions: Sequence[Place]) -> None: ...

    def undecided(self, place: Place, group: Any) -> None: ...

    def meanwhile(self) -> None: ...


def read(member: GroupConsumer, count: int) -> list[bytes]:
    """Values of so many records."""
    found: list[bytes] = []

    def has_all() -> bool:
        found.extend(message.value() for message in member.read(100, 0.1)[0])
        return len(found) >= count

    wait_for(has_all, timeout_seconds=30, what=lambda: f"{count} records, of which came {found}")
    return found


@pytest.fixture
def topic(broker: KafkaBroker, topics: Topics, unique_name: str) -> str:
    """Ten records, a second apart."""
    topics.create(unique_name, partitions=1)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "log_level": 0})
    for second in range(10):
        producer.produce(unique_name, f"{second}", partition=0, timestamp=BEGIN_MS + 1_000 * second)
        producer.flush()
    return unique_name


@pytest.fixture
def member(broker: KafkaBroker, topic: str) -> Iterator[GroupConsumer]:
    """One that owns the topic, and has read all of it."""
    stage = Stage()
    with closing(GroupConsumer(properties.consumer(broker.bootstrap_servers, {}, group=topic), stage)) as member:
        member.subscribe([topic])
        assert read(member, 10) == [b"%d" % second for second in range(10)]
        assert stage.owned == {(topic, 0)}
        yield member


@pytest.mark.parametrize(("seconds", "found"), [(-5, 0), (0, 0), (2.5, 3), (9, 9), (9.001, None)])
def test_it_finds_the_first_record_since_a_time(
    member: GroupConsumer, topic: str, seconds: float, found: int | None
) -> None:
    assert member.first_since(topic, 0, BEGIN_MS + int(seconds * 1_000)) == found


def test_it_reads_again_from_the_record_that_it_found(member: GroupConsumer, topic: str) -> None:
    member.resume_at(topic, 0, member.first_since(topic, 0, BEGIN_MS + 6_500) or 0)

    assert read(member, 3) == [b"7", b"8", b"9"]


def test_brokers_that_are_away_say_nothing() -> None:
    with closing(GroupConsumer(properties.consumer("127.0.0.1:1", {}, group="g"), Stage())) as member:
        assert member.first_since("t", 0, BEGIN_MS) == 0


def test_a_topic_that_is_made_anew_is_taken_anew(
    member: GroupConsumer, topic: str, topics: Topics, caplog: pytest.LogCaptureFixture
) -> None:
    topics.delete(topic)
    wait_for(lambda: topic not in topics.names(), timeout_seconds=30, what="the topic is gone")
    topics.create(topic, partitions=1)
    topics.produce(topic, [NewRecord(key=None, value=b"new")])

    assert read(member, 1) == [b"new"]
    assert "topic.begins_anew" in [record.getMessage() for record in caplog.records]
