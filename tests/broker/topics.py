"""What the tests do to topics: create, fill, read whole, and ask how far a group has come."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tests.waiting import wait_for

_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecord:
    """
    Attributes:
        at: The broker's timestamp, a Unix time.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Mapping[str, bytes]
    at: float

    @property
    def text_headers(self) -> dict[str, str]:
        return {name: value.decode() for name, value in self.headers.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRecord:
    key: str | None
    value: bytes | None
    partition: int = -1


class Topics:
    """The tests' own client of a broker."""

    def __init__(self, bootstrap_servers: str, client_properties: Mapping[str, str] | None = None) -> None:
        self._client: dict[str, str | int | float | bool] = {
            "bootstrap.servers": bootstrap_servers,
            "log_level": 0,
            **(client_properties or {}),
        }
        self._admin = AdminClient(self._client)
        self._producer = Producer(
            {**self._client, "linger.ms": 5, "message.max.bytes": 20_000_000, "enable.idempotence": True}
        )

    def create(
        self, name: str, *, partitions: int = 4, replicas: int = -1, settings: Mapping[str, str] | None = None
    ) -> None:
        topic = NewTopic(name, num_partitions=partitions, replication_factor=replicas, config=dict(settings or {}))
        self._admin.create_topics([topic])[name].result(_TIMEOUT_SECONDS)
        self._producer.list_topics(name, timeout=_TIMEOUT_SECONDS)

    def delete(self, name: str) -> None:
        """Return once the broker has done it."""
        self._admin.delete_topics([name])[name].result(_TIMEOUT_SECONDS)

    def names(self, timeout_seconds: float = _TIMEOUT_SECONDS) -> set[str]:
        return set(self._admin.list_topics(timeout=timeout_seconds).topics)

    def partitions(self, topic: str) -> int:
        return len(self._found(topic).partitions)

    def produce(self, topic: str, records: Iterable[NewRecord]) -> float:
        """
        Write *records*, in order.

        Returns:
            The Unix time at which the last one was acknowledged.

        Raises:
            KafkaException: The broker has refused one, or has not answered in time.
        """
        failures: list[Any] = []
        for record in records:
            self._send(topic, record, failures)
        if self._producer.flush(_TIMEOUT_SECONDS):
            raise TimeoutError(f"records for {topic} are not acknowledged")
        if failures:
            raise KafkaException(failures[0])
        return time.time()

    def _found(self, topic: str) -> Any:
        return self._admin.list_topics(topic, timeout=_TIMEOUT_SECONDS).topics[topic]

    def _send(self, topic: str, record: NewRecord, failures: list[Any]) -> None:
        def settled(error: Any, _: object) -> None:
            if error is not None:
                failures.append(error)

        while True:
            try:
                self._producer.produce(topic, record.value, record.key, on_delivery=settled, partition=record.partition)
            except BufferError:
                self._producer.poll(0.1)
            else:
                self._producer.poll(0)
                return

    def read(self, topic: str, *, isolation: str = "read_committed") -> list[StoredRecord]:
        """Give every record that *topic* holds now, by partition and offset; nothing when it does not exist."""
        partitions = sorted(self._found(topic).partitions)
        consumer = Consumer(
            {
                **self._client,
                "group.id": "tests-reader",
                "isolation.level": isolation,
                "enable.auto.commit": False,
                "enable.partition.eof": True,
            }
        )
        try:
            records = [r for p in partitions for r in _read_partition(consumer, topic, p)]
        finally:
            consumer.close()
        return records

    def wait_records(self, topic: str, count: int, *, timeout_seconds: float = 60) -> list[StoredRecord]:
        """Give the records of *topic* once there are at least *count*."""

        def enough() -> list[StoredRecord] | None:
            found = self.read(topic)
            return found if len(found) >= count else None

        return wait_for(enough, timeout_seconds=timeout_seconds, what=f"{count} records in {topic}", every_seconds=0.3)

    def read_json(self, topic: str) -> list[dict[str, Any]]:
        """The values of *topic* as JSON objects, in the order of their timestamps."""
        return [json.loads(r.value) for r in sorted(self.read(topic), key=lambda r: r.at) if r.value is not None]

    def wait_json(
        self, topic: str, that: Callable[[dict[str, Any]], bool], *, count: int, timeout_seconds: float = 60
    ) -> list[dict[str, Any]]:
        """Give the objects of *topic* for which *that* holds, once there are at least *count* of them."""

        def chosen() -> list[dict[str, Any]]:
            return [found for found in self.read_json(topic) if that(found)]

        def enough() -> list[dict[str, Any]] | None:
            found = chosen()
            return found if len(found) >= count else None

        return wait_for(
            enough,
            timeout_seconds=timeout_seconds,
            what=lambda: f"{count} records in {topic}, {len(chosen())} are there",
            every_seconds=0.3,
        )

    def committed(self, group: str) -> dict[tuple[str, int], int]:
        """The offsets that *group* has committed, by topic and partition."""
        answer = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])[group]
        found = answer.result(_TIMEOUT_SECONDS).topic_partitions
        return {(p.topic, p.partition): p.offset for p in found if p.offset >= 0}

    def reset_to_end(self, group: str, topic: str) -> None:
        """As `kafka-consumer-groups.sh --reset-offsets --to-latest` does it."""
        places = [TopicPartition(*place, end) for place, end in self.ends(topic).items()]
        asked = [ConsumerGroupTopicPartitions(group, places)]
        self._admin.alter_consumer_group_offsets(asked)[group].result(_TIMEOUT_SECONDS)

    def ends(self, topic: str) -> dict[tuple[str, int], int]:
        """One past the last committed record of each partition of *topic*."""
        found = self._found(topic)
        consumer = Consumer({**self._client, "group.id": "tests-reader", "isolation.level": "read_committed"})
        try:
            at = {
                p: consumer.get_watermark_offsets(TopicPartition(topic, p), _TIMEOUT_SECONDS) for p in found.partitions
            }
        finally:
            consumer.close()
        return {(topic, p): bounds[1] for p, bounds in at.items()}

    def waiting(self, group: str, topic: str) -> int:
        """Offsets of *topic* that *group* has not committed; it counts transaction markers, too."""
        committed = self.committed(group)
        return sum(end - committed.get(at, 0) for at, end in self.ends(topic).items())


def _bounds(consumer: Consumer, topic: str, partition: int) -> tuple[int, int]:
    return consumer.get_watermark_offsets(TopicPartition(topic, partition), _TIMEOUT_SECONDS)


def _read_partition(consumer: Consumer, topic: str, partition: int) -> list[StoredRecord]:
    low, high = _bounds(consumer, topic, partition)
    consumer.assign([TopicPartition(topic, partition, low)])
    records: list[StoredRecord] = []
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    at_end = low >= high
    # By the end's own event, never by counting: offsets have gaps where transaction markers are.
    while not at_end:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{topic}/{partition} cannot be read to its end at {high}")
        for message in consumer.consume(1_000, 0.2):
            error = message.error()
            if error is None:
                records.append(_stored(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                at_end = message.partition() == partition and (message.offset() or 0) >= high
            elif not error.retriable() and error.fatal():
                raise KafkaException(error)
    return records


def _stored(message: Any) -> StoredRecord:
    return StoredRecord(
        topic=message.topic(),
        partition=message.partition(),
        offset=message.offset(),
        key=message.key(),
        value=message.value(),
        headers=dict(message.headers() or ()),
        at=message.timestamp()[1] / 1000,
    )
