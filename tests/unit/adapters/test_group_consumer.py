"""A member that gets partitions learns what was committed for them, however long the brokers take to say so."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from consumer.adapters.kafka import consumer
from consumer.adapters.kafka.consumer import Committed, GroupConsumer
from consumer.core.errors import BrokerError
from consumer.core.ports import Place

PLACE = ("orders", 3)


class Client:
    """A client that is given one partition, and whose questions for committed offsets fail so often."""

    failures: list[KafkaError] = []  # noqa: RUF012 - set by the test

    def __init__(self, *_: Any, **__: Any) -> None:
        self._on_assign: Callable[..., None] = lambda *_: None

    def subscribe(self, _: Sequence[str], *, on_assign: Callable[..., None], **__: Any) -> None:
        self._on_assign = on_assign

    def poll(self, _: float) -> None:
        self._on_assign(self, [TopicPartition(*PLACE)])

    def committed(self, places: Sequence[TopicPartition], _: float) -> list[TopicPartition]:
        if self.failures:
            raise KafkaException(self.failures.pop())
        return [TopicPartition(place.topic, place.partition, 41) for place in places]

    def consumer_group_metadata(self) -> str:
        return "of a stranger"

    def assign(self, _: Sequence[TopicPartition]) -> None: ...

    def resume(self, _: Sequence[TopicPartition]) -> None: ...


class Stage:
    def __init__(self) -> None:
        self.owned: dict[Place, Committed] = {}
        self.waited = 0
        self.told_undecided: list[tuple[Place, Any]] = []

    def assigned(self, partitions: Mapping[Place, Committed]) -> None:
        self.owned.update(partitions)

    def revoked(self, partitions: Sequence[Place]) -> None: ...

    def lost(self, partitions: Sequence[Place]) -> None: ...

    def undecided(self, place: Place, group: Any) -> None:
        self.told_undecided.append((place, group))

    def meanwhile(self) -> None:
        self.waited += 1


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(consumer, "Consumer", Client)
    monkeypatch.setattr(consumer, "_AGAIN_S", 0.0)
    return Stage()


def read_with(stage: Stage, failures: Sequence[int]) -> None:
    Client.failures = [KafkaError(code) for code in failures]
    member = GroupConsumer({"group.id": "group"}, stage)
    member.subscribe(["orders"])
    member.read(10, 1.0)


def test_brokers_that_do_not_tell_are_asked_until_they_do(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="postback.kafka"):
        read_with(stage, [KafkaError._TIMED_OUT] * 20 + [KafkaError._TRANSPORT] * 20)

    assert stage.owned == {PLACE: Committed(41, "")}
    assert stage.waited == 40
    assert [vars(record)["keys"]["code"] for record in caplog.records] == ["_TIMED_OUT"]


def test_an_open_transaction_is_waited_for(stage: Stage) -> None:
    read_with(stage, [KafkaError.UNSTABLE_OFFSET_COMMIT] * 20)

    assert stage.owned == {PLACE: Committed(41, "")}


def test_a_transaction_that_ends_by_itself_is_left_alone(stage: Stage) -> None:
    read_with(stage, [KafkaError._TIMED_OUT] * 20)

    assert stage.told_undecided == []


def test_a_transaction_that_does_not_end_is_said_and_may_be_ones_own(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(consumer, "_DECIDED_S", 0.0)

    with caplog.at_level(logging.ERROR, logger="postback.kafka"):
        read_with(stage, [KafkaError._TIMED_OUT, KafkaError._TRANSPORT, KafkaError._TIMED_OUT])

    assert stage.told_undecided == [(PLACE, "of a stranger")] * 2
    assert [record.message for record in caplog.records] == ["offsets.undecided"] * 2
    assert stage.owned == {PLACE: Committed(41, "")}


def test_a_refusal_is_not_asked_again(stage: Stage) -> None:
    with pytest.raises(BrokerError, match="cannot be had: Broker: Group authorization failed"):
        read_with(stage, [KafkaError.GROUP_AUTHORIZATION_FAILED])

    assert stage.waited == 0
