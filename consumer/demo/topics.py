"""What the mock cluster cannot be asked."""

from collections.abc import Iterable, Mapping

from consumer.adapters.kafka.topics import NewTopicSpec, Topics
from consumer.core.ports import Place
from consumer.demo.broker import EmbeddedBroker


class EmbeddedTopics:
    """Topics of the mock cluster: it makes them by itself, can be asked how far they reach, and nothing else."""

    def __init__(self, topics: Topics, broker: EmbeddedBroker) -> None:
        self._topics = topics
        self._broker = broker
        self.led = topics.led
        self.beginnings = topics.beginnings
        self.ends = topics.ends
        self.first_since = topics.first_since
        self.partitions = topics.partitions

    def create(self, specs: Iterable[NewTopicSpec], *, partitions: int, replication_factor: int | None) -> list[str]:
        """Makes each with the number of partitions that the mock cluster gives to all."""
        del partitions, replication_factor
        names = [spec.name for spec in specs]
        self._broker.make(names)
        return names

    def config(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Nothing is known of any."""
        del names
        return {}

    def set_config(self, names: Iterable[str], config: Mapping[str, str]) -> None:
        """It takes records of any size."""

    def delete_before(self, offsets: Mapping[Place, int]) -> None:
        """It forgets by itself."""
