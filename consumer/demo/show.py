"""What happens, line by line, from the outcomes topic: as an operator would see it."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Final

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

_WORDS: Final = {
    "test_card": "paid with the test card: never goes out",
    "no_route": "no profile's routing matches it",
    "converted": "the order was placed before the run",
    "superseded": "a newer version of the partial goes out instead",
}


class Outcomes:
    """Reads the outcomes topic from its beginning on."""

    def __init__(self, bootstrap_servers: str, topic: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "demo-reader",
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "log_level": 0,
            }
        )
        partitions = self._consumer.list_topics(topic, timeout=10).topics[topic].partitions
        self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])

    def next(self, timeout_seconds: float) -> Iterator[dict[str, Any]]:
        """Rows that came within the time."""
        message = self._consumer.poll(timeout_seconds)
        while message is not None:
            if message.error() is None:
                yield json.loads(message.value() or b"{}")
            message = self._consumer.poll(0)

    def close(self) -> None:
        """Read no more."""
        self._consumer.close()


class Lines:
    """Prints a line for each thing that happens, and counts."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self.counts: Counter[str] = Counter()

    def event(self, topic: str, order_id: int, what: str) -> None:
        """The CRM emitted something."""
        self.counts["events"] += 1
        self._line("event", topic, order_id, what)

    def outcome(self, row: dict[str, Any]) -> None:
        """Something became of a delivery, or of an event."""
        self.counts[row["outcome"]] += 1
        reason = row["reason"] or ""
        self._line(row["outcome"], row["profile"] or "-", row["order_id"], _detail(row, reason))

    def _line(self, kind: str, who: str, order_id: object, text: str) -> None:
        self._write(f"{time.strftime('%H:%M:%S')}  {kind:10}  {who:12} order {order_id}  {text}")


def _detail(row: dict[str, Any], reason: str) -> str:
    if row["outcome"] == "suppressed":
        return f"{row['customer_type']}: {_WORDS.get(reason, reason)}"
    attempt = f"{row['customer_type']}, attempt {row['attempt']}"
    if row["outcome"] == "delivered":
        return f"{attempt}: {row['status']} in {row['duration_ms']:.0f} ms"
    return f"{attempt}: {row['status'] or ''} {reason}: retried in the next run"
