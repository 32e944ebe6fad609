"""Fills the program's own topics as a service would have left them, without one."""

from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, Producer, TopicPartition

from consumer.core.report import outcome_row
from consumer.core.waiting import (
    Waiting,
    dead_letter_headers,
    marker_header,
    retry_header,
    window_header,
)
from tests.broker.kafka import KafkaBroker

AT_MS = 1_764_000_000_000


def waiting(profile: str = "hub", **more: int | str) -> Waiting:
    """A delivery that waits."""
    w = Waiting(delivery_id="d", profile=profile, code="SALE", source="orders/0/0", occurred_at_ms=0, arrived_at_ms=0)
    for name, value in more.items():
        setattr(w, name, value)
    return w


class OwnTopics:
    """Writes to the topics of one prefix; all of an order's records go to partition 0 unless another is named."""

    def __init__(self, broker: KafkaBroker, prefix: str) -> None:
        self._client = {"bootstrap.servers": broker.bootstrap_servers, "log_level": 0}
        self._prefix = prefix
        self._producer = Producer(self._client)

    def put(
        self,
        topic: str,
        *,
        headers: Sequence[tuple[str, bytes]] = (),
        key: str = "1001",
        value: bytes = b"",
        partition: int = 0,
        at_ms: int = 0,
    ) -> None:
        self._producer.produce(
            f"{self._prefix}.{topic}", value, key, partition=partition, headers=list(headers), timestamp=at_ms
        )
        if self._producer.flush(30):
            raise TimeoutError(f"records for {topic} are not acknowledged")

    def wait(self, topic: str, delivery: Waiting, *, key: str = "1001", partition: int = 0, at_ms: int = 0) -> None:
        """A delivery in a window, or in the retry topic."""
        headers = [window_header(delivery), *([retry_header(delivery)] if topic == "retry" else [])]
        self.put(topic, headers=headers, key=key, value=b"event", partition=partition, at_ms=at_ms)

    def mark(self, topic: str, *, key: str = "1001") -> None:
        self.put(topic, headers=[marker_header("orders/0/0")], key=key)

    def bury(self, reason: str, *, profile: str = "", key: str = "1001", error: str = "") -> None:
        headers = dead_letter_headers(reason, source="orders/0/7", profile=profile, error=error)
        self.put("dead-letter", headers=headers, key=key, value=b"event")

    def report(self, outcome: str, *, at_ms: int, order: str = "1001", **more: object) -> None:
        row = {
            "delivery_id": "d",
            "profile": "hub",
            "code": "SALE",
            "attempt": 1,
            "reason": None,
            "status": None,
            "duration_ms": 12.0,
            "due_at_ms": 0,
            **more,
        }
        value = outcome_row(order_id=order, outcome=outcome, at_ms=at_ms, **row)  # type: ignore[arg-type] # a builder
        self.put("outcomes", key=order, value=value)

    def commit(self, group: str, offsets: Mapping[tuple[str, int], tuple[int, str]]) -> None:
        """What the group's member would have committed, with its metadata."""
        consumer = Consumer({**self._client, "group.id": group})
        places = [
            TopicPartition(f"{self._prefix}.{topic}", partition, offset, metadata)
            for (topic, partition), (offset, metadata) in offsets.items()
        ]
        consumer.commit(offsets=places, asynchronous=False)
        consumer.close()
