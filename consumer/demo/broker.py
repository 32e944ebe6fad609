"""An embedded broker: the mock cluster inside librdkafka. It keeps nothing and proves nothing; it is for looking."""

from collections.abc import Iterable
from typing import Final

from confluent_kafka import Producer

_ANSWER_S: Final = 10


class EmbeddedBroker:
    """Lives as long as this object."""

    def __init__(self) -> None:
        self._cluster = Producer({"bootstrap.servers": "embedded", "test.mock.num.brokers": 1, "log_level": 0})
        brokers = self._cluster.list_topics(timeout=_ANSWER_S).brokers.values()
        self.bootstrap_servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def make(self, topics: Iterable[str]) -> None:
        """Asking for a topic makes it."""
        for topic in topics:
            self._cluster.list_topics(topic, timeout=_ANSWER_S)
