"""A member that gets partitions learns what was committed for them, however long the brokers take to say so."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition

from consumer.adapters.kafka import committed, consumer
from consumer.adapters.kafka.committed import Committed
from consumer.adapters.kafka.consumer import GroupConsumer
from consumer.core.errors import BrokerError
from consumer.core.ports import Place

PLACE = ("orders", 3)


class Message:
    def __init__(self, offset: int) -> None:
        self._offset = offset

    def topic(self) -> str:
        return PLACE[0]

    def partition(self) -> int:
        return PLACE[1]

    def offset(self) -> int:
        return self._offset

    def error(self) -> None: ...


class Client:
    """A client that is given one partition, and whose questions for committed offsets fail so often."""

    failures: list[KafkaError] = []  # noqa: RUF012 - set by the test
    messages: list[Message] = []  # noqa: RUF012 - set by the test
    sought: list[int] = []  # noqa: RUF012 - emptied by the test
    end = 0

    def __init__(self, *_: Any, **__: Any) -> None:
        self._on_assign: Callable[..., None] = lambda *_: None

    def subscribe(self, _: Sequence[str], *, on_assign: Callable[..., None], **__: Any) -> None:
        self._on_assign = on_assign

    def poll(self, _: float) -> "Message | None":
        if self.messages:
            return self.messages.pop(0)
        self._on_assign(self, [TopicPartition(*PLACE)])
        return None

    def consume(self, *_: float) -> "list[Message]":
        return []

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition(*PLACE)]

    def offsets_for_times(self, _: Sequence[TopicPartition], **__: float) -> list[TopicPartition]:
        return [TopicPartition(*PLACE, self.end)]

    def seek(self, place: TopicPartition) -> None:
        self.sought.append(place.offset)

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
        self.told_lost: list[Place] = []
        self.told_undecided: list[tuple[Place, Any]] = []

    def assigned(self, partitions: Mapping[Place, Committed]) -> None:
        self.owned.update(partitions)

    def revoked(self, partitions: Sequence[Place]) -> None: ...

    def lost(self, partitions: Sequence[Place]) -> None:
        self.told_lost.extend(partitions)

    def undecided(self, place: Place, group: Any) -> None:
        self.told_undecided.append((place, group))

    def meanwhile(self) -> None:
        self.waited += 1


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(consumer, "Consumer", Client)
    monkeypatch.setattr(committed, "_AGAIN_S", 0.0)
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


@pytest.fixture
def member(stage: Stage) -> GroupConsumer:
    """One that has read up to where the group has committed, 41, and the next three."""
    Client.failures, Client.messages, Client.sought, Client.end = [], [], [], 44
    member = GroupConsumer({"group.id": "group"}, stage)
    member.subscribe(["orders"])
    member.read(10, 1.0)
    for offset in (41, 42, 43):
        Client.messages = [Message(offset)]
        member.read(10, 1.0)
    return member


def test_of_a_topic_that_was_made_anew_nothing_counts_that_was_committed_for_the_old_one(
    member: GroupConsumer, stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    Client.messages, Client.end = [Message(0)], 3

    with caplog.at_level(logging.ERROR, logger="postback.kafka"):
        records = member.read(10, 1.0)

    assert records == ([], [])
    assert stage.told_lost == [PLACE]
    assert stage.owned == {PLACE: Committed(None, "")}
    assert Client.sought == [OFFSET_BEGINNING]
    assert [record.message for record in caplog.records] == ["topic.begins_anew"]


def test_what_was_sought_and_offsets_that_go_back_in_a_topic_that_is_the_same_are_read_as_they_come(
    member: GroupConsumer, stage: Stage
) -> None:
    read = []
    for offset in (7, 8):
        Client.messages = [Message(offset)]
        read += member.read(10, 1.0)[0]
    member.resume_at(*PLACE, 5)
    Client.messages, Client.end = [Message(5)], 0
    read += member.read(10, 1.0)[0]

    assert [message.offset() for message in read] == [7, 8, 5]
    assert stage.told_lost == []
