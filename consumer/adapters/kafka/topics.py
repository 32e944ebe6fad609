"""Topics as the brokers know them: which there are, how they are set up, how far they reach."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from confluent_kafka import OFFSET_INVALID, Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
    TopicMetadata,
)

from consumer.adapters.kafka.client_errors import RepeatedErrors
from consumer.adapters.kafka.committed import Committed, committed_offsets, owned_offsets
from consumer.core.errors import BrokerUnreachable
from consumer.core.ports import Place

_ASK_S: Final = 10
_NO_LEADER: Final = -1
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewTopicSpec:
    """A topic that the program creates when it is missing."""

    name: str
    config: Mapping[str, str]


class Topics:
    """Questions to the brokers, each answered within 10 s or by BrokerUnreachable."""

    def __init__(self, properties: Mapping[str, Any], *, report: Callable[[KafkaError], None] | None = None) -> None:
        """
        Args:
            report: Told of what the client meets while it tries; None: it is logged.
        """
        self._properties = dict(properties)
        self._report = report or RepeatedErrors().report
        # Kept, since the futures of a temporary AdminClient die with it.
        self._admin = AdminClient(self._properties, error_cb=self._report)
        self._askers: dict[str, Consumer] = {}
        self._deletions: list[Future[Any]] = []

    def partitions(self, *, timeout_seconds: float = _ASK_S) -> dict[str, int]:
        """All topics with their number of partitions."""
        found = self._metadata(timeout_seconds)
        return {name: len(topic.partitions) for name, topic in found.items() if topic.error is None}

    def create(self, specs: Iterable[NewTopicSpec], *, partitions: int, replication_factor: int | None) -> list[str]:
        """
        Create what is not there.

        Returns:
            The names of those that were created.
        """
        new = [
            NewTopic(
                s.name, num_partitions=partitions, replication_factor=replication_factor or -1, config=dict(s.config)
            )
            for s in specs
        ]
        if not new:
            return []
        created = []
        for name, future in self._admin.create_topics(new, request_timeout=_ASK_S).items():
            try:
                future.result()
            except KafkaException as error:
                if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                    raise BrokerUnreachable(f"topic {name} cannot be created: {_text(error)}") from error
            else:
                created.append(name)
        return created

    def config(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """The settings in force of each topic."""
        wanted = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        if not wanted:
            return {}
        answers = self._admin.describe_configs(wanted, request_timeout=_ASK_S)
        return {
            resource.name: {entry.name: entry.value for entry in _result(future).values()}
            for resource, future in answers.items()
        }

    def set_config(self, names: Iterable[str], config: Mapping[str, str]) -> None:
        """Change these settings of each topic, and no others."""
        change = [ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET) for key, value in config.items()]
        wanted = [ConfigResource(ResourceType.TOPIC, name, incremental_configs=change) for name in names]
        if not wanted:
            return
        for resource, future in self._admin.incremental_alter_configs(wanted, request_timeout=_ASK_S).items():
            try:
                future.result()
            except KafkaException as error:
                raise BrokerUnreachable(f"topic {resource.name} cannot be changed: {_text(error)}") from error

    def led(self, places: Iterable[Place], *, timeout_seconds: float = _ASK_S) -> list[Place]:
        """Those of the partitions that have a leader: the others can be neither read nor asked for offsets."""
        wanted = list(places)
        found = self._metadata(timeout_seconds)
        leaders = {
            (name, number): partition.leader
            for name in {topic for topic, _ in wanted} & found.keys()
            for number, partition in found[name].partitions.items()
        }
        return [place for place in wanted if leaders.get(place, _NO_LEADER) != _NO_LEADER]

    def ends(self, places: Iterable[Place], *, timeout_seconds: float = _ASK_S) -> dict[Place, int]:
        """The offset that the next committed record of each partition will have."""
        return self._offsets(places, OffsetSpec.latest(), timeout_seconds=timeout_seconds)  # type: ignore[no-untyped-call]

    def uncommitted_ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """The same with records of transactions that are still open."""
        return self._offsets(places, OffsetSpec.latest(), isolation=IsolationLevel.READ_UNCOMMITTED)  # type: ignore[no-untyped-call]

    def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        """The first offset that is still kept."""
        return self._offsets(places, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def first_since(self, places: Iterable[Place], at_ms: int, *, timeout_seconds: float = _ASK_S) -> dict[Place, int]:
        """The first offset whose record has this timestamp or a later one; -1 where there is none."""
        return self._offsets(places, OffsetSpec.for_timestamp(at_ms), timeout_seconds=timeout_seconds)

    def committed(self, group: str, places: Iterable[Place]) -> dict[Place, Committed]:
        """What a consumer group committed; partitions of which it committed nothing have offset None."""
        wanted = [TopicPartition(*place) for place in places]
        if not wanted:
            return {}
        try:
            found = committed_offsets(self._asker(group), wanted, within_s=_ASK_S)
        except KafkaException as error:
            text = f"the committed offsets of {group} cannot be had: {_text(error)}"
            raise BrokerUnreachable(text) from error
        return owned_offsets(found)

    def delete_before(self, offsets: Mapping[Place, int]) -> None:
        """
        Let the brokers drop all records before these offsets; best effort, they keep them a while longer if not.

        Does not wait: what became of it is reported when it is called the next time.
        """
        for deletion in self._deletions:
            failure = deletion.exception() if deletion.done() else None
            if isinstance(failure, KafkaException):
                self._report(failure.args[0])
        places = [TopicPartition(*place, offset) for place, offset in offsets.items()]
        self._deletions = list(self._admin.delete_records(places, request_timeout=_ASK_S).values()) if places else []

    def _asker(self, group: str) -> Consumer:
        """
        A consumer that never joins its group. The admin client's question for committed offsets ends the process with
        a segmentation fault when the group's coordinator is just moving or loading (librdkafka 2.16).

        With read_committed it would get no answer while a transaction of the group's is open: for seconds after a
        member was killed in one.
        """
        asker = self._askers.get(group)
        if asker is None:
            own = {"group.id": group, "enable.auto.commit": False, "isolation.level": "read_uncommitted"}
            asker = self._askers[group] = Consumer(self._properties | own, error_cb=self._report)
        return asker

    def _metadata(self, timeout_seconds: float) -> Mapping[str, TopicMetadata]:
        try:
            return self._admin.list_topics(timeout=timeout_seconds).topics
        except KafkaException as error:
            self._admin.poll(0)  # lets the client report why
            raise BrokerUnreachable(f"the brokers do not answer: {_text(error)}") from error

    def _offsets(
        self,
        places: Iterable[Place],
        spec: OffsetSpec,
        *,
        isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
        timeout_seconds: float = _ASK_S,
    ) -> dict[Place, int]:
        request = {TopicPartition(*place): spec for place in places}
        if not request:
            return {}
        answers = self._admin.list_offsets(request, isolation_level=isolation, request_timeout=timeout_seconds)
        found = {(p.topic, p.partition): _result(future).offset for p, future in answers.items()}
        for (topic, partition), offset in found.items():
            if offset == OFFSET_INVALID:  # this is what librdkafka makes of a partition that nobody leads
                raise BrokerUnreachable(f"{topic}/{partition} cannot be asked for its offsets: it has no leader")
        return found


def _result(future: "Future[T]") -> T:
    try:
        return future.result()
    except KafkaException as error:
        raise BrokerUnreachable(f"the brokers did not answer: {_text(error)}") from error


def _text(error: KafkaException) -> str:
    return str(error.args[0].str())
