"""A member of a consumer group."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from consumer.adapters.kafka.client_errors import RepeatedErrors
from consumer.adapters.kafka.committed import COORDINATOR_MOVES, Committed, committed_offsets, owned_offsets
from consumer.core.errors import BrokerError
from consumer.core.ports import Place
from consumer.log import EventLog

_COMMITTED_S: Final = 5.0
"""Asked anew after this long: librdkafka may wait for an answer that was lost."""

_SINCE_S: Final = 2.0
"""The loop stands still for so long at most: without an answer more is read than need be, and nothing is missed."""

_DECIDED_S: Final = 25.0
"""By then the brokers have ended every transaction of a process that was killed: if they have not, they never will."""

_BROKERS_AWAY: Final = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.NETWORK_EXCEPTION,
    }
)
_log = EventLog("kafka")


class Ownership(Protocol):
    """Who is told of the partitions that this member gets and gives up, from within `read`."""

    def assigned(self, partitions: Mapping[Place, Committed]) -> None:
        """These are read from now on, from the committed offsets."""

    def revoked(self, partitions: Sequence[Place]) -> None:
        """Finish and commit: the partitions go to another member on return."""

    def lost(self, partitions: Sequence[Place]) -> None:
        """Others have them already: commit nothing."""

    def undecided(self, place: Place, group: Any) -> None:
        """
        What is committed for *place* is not told, since a transaction has not ended: end what may be open of one's own.

        Args:
            group: What a transaction needs to commit offsets for the group, as none of its members.
        """

    def meanwhile(self) -> None:
        """Called every few seconds while the brokers keep `read` or `start_over` waiting."""


class GroupConsumer:
    """
    Reads committed records; offsets are committed elsewhere, by transactions.

    Not to be shared between threads.
    """

    def __init__(self, properties: Mapping[str, Any], ownership: Ownership) -> None:
        self._ownership = ownership
        self._group = str(properties["group.id"])
        self._errors = RepeatedErrors()
        self._consumer = Consumer(dict(properties) | {"enable.partition.eof": True}, error_cb=self._errors.report)
        self._next: dict[Place, int] = {}
        self._is_incremental = properties.get("group.protocol") == "consumer"
        self.is_assigned = False

    def subscribe(self, topics: Sequence[str]) -> None:
        """Names, or patterns that begin with `^`."""
        self._consumer.subscribe(
            list(topics), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost
        )

    def read(self, limit: int, timeout_seconds: float) -> tuple[list[Any], list[tuple[str, int, int]]]:
        """
        Wait for the first record at most *timeout_seconds*, and take what else is there.

        Returns:
            Records, as confluent-kafka's messages (whose types allow for errors, which these are not); and the ends
            that were reached, as topic, partition and the offset that the next record will have.

        Raises:
            BrokerError: The client is broken for good.
        """
        try:
            messages = self._take(limit, timeout_seconds)
        except KafkaException as error:
            raise BrokerError(f"reading from Kafka failed: {error}") from error
        records = []
        ends: list[Message] = []
        for message in messages:
            failure = message.error()
            if failure is None:
                records.append(message)
            elif failure.code() == KafkaError._PARTITION_EOF:
                ends.append(message)
            else:
                self._failed(failure)
        astray = self._gone_back(records, ends)
        if astray and self._begin_anew(astray):
            return [], []
        return records, [(*_place_of(end), end.offset() or 0) for end in ends]

    def _take(self, limit: int, timeout_seconds: float) -> list[Message]:
        if timeout_seconds <= 0:
            return self._consumer.consume(limit, 0)
        # consume() waits until it has all; poll() returns with the first.
        first = self._consumer.poll(timeout_seconds)
        if first is None:
            return []
        return [first, *self._consumer.consume(limit, 0)]

    def _gone_back(self, records: Sequence[Message], ends: Sequence[Message]) -> set[Place]:
        """
        Partitions whose offsets stand before the one that was to come. Records come in blocks of one partition: of each
        the first is looked at, and the last one remembered.
        """
        numbers = [record.partition() for record in records]
        turns = [at for at in range(1, len(records)) if numbers[at] != numbers[at - 1]]
        firsts = [records[at] for at in (0, *turns)] if records else []
        lasts = [records[at - 1] for at in (*turns, len(records))] if records else []
        astray = set()
        for message in (*firsts, *ends):
            place, offset = _place_of(message), message.offset() or 0
            if offset < self._next.get(place, offset):
                astray.add(place)
        for message in lasts:
            place = _place_of(message)
            if place not in astray:
                self._next[place] = (message.offset() or 0) + 1
        return astray

    def _begin_anew(self, astray: set[Place]) -> bool:
        """
        Take all that is owned anew when a topic was deleted and made again: of the new one librdkafka gives the first
        records without a word, and what is known of the old one's would be taken for theirs.

        Args:
            astray: Partitions whose offsets have gone back.

        Returns:
            Whether one of them ends before the offset that was to come.
        """
        asked = [TopicPartition(p.topic, p.partition, OFFSET_END) for p in self._consumer.assignment()]
        try:
            found = self._consumer.offsets_for_times(asked, timeout=_SINCE_S)
        except KafkaException as error:
            self._errors.report(error.args[0])
            return False
        ends = {(p.topic, p.partition): p.offset for p in found if p.error is None and p.offset >= 0}
        anew = sorted(place for place in astray & ends.keys() if self._next[place] > ends[place])
        for topic, partition in anew:
            text = "it was deleted and made again, or the brokers lost its end: what waited there is lost"
            _log.error("topic.begins_anew", topic=topic, partition=partition, text=text)
        for place in astray & ends.keys():
            del self._next[place]
        if anew:
            self.start_over(ends)
        return bool(anew)

    def _failed(self, failure: KafkaError) -> None:
        if failure.fatal():
            raise BrokerError(f"the Kafka client gave up: {failure}")
        self._errors.report(failure)

    def pause(self, topic: str, partition: int) -> None:
        """Fetch nothing more of it."""
        self._consumer.pause([TopicPartition(topic, partition)])

    def resume_at(self, topic: str, partition: int, offset: int) -> None:
        """Read on from *offset*."""
        place = TopicPartition(topic, partition, offset)
        try:
            self._consumer.seek(place)
            self._consumer.resume([place])
            self._next[topic, partition] = offset
        except KafkaException as error:
            raise BrokerError(f"cannot read {topic}/{partition} from offset {offset}: {error}") from error

    def first_since(self, topic: str, partition: int, at_ms: int) -> int | None:
        """Offset of the first record that was appended at *at_ms* or later, if any; 0 if the brokers do not say."""
        try:
            found = self._consumer.offsets_for_times([TopicPartition(topic, partition, at_ms)], timeout=_SINCE_S)
        except KafkaException as error:
            _log.warning("brokers.silent", topic=topic, partition=partition, error=str(error))
            return 0
        return found[0].offset if found[0].offset >= 0 else None

    def rewind(self, offsets: Mapping[Place, int]) -> None:
        """Give the records from these offsets on once more; partitions that others have by now are passed over."""
        for place, offset in offsets.items():
            try:
                self._consumer.seek(TopicPartition(*place, offset))
                self._next[place] = offset
            except KafkaException as error:
                _log.debug("rewind.passed_over", topic=place[0], partition=place[1], text=str(error))

    def group_metadata(self) -> Any:
        """What a transaction needs to commit offsets for the group."""
        return self._consumer.consumer_group_metadata()

    def owned(self) -> set[Place]:
        """The partitions that the client has, whatever became of them elsewhere."""
        return {(p.topic, p.partition) for p in self._consumer.assignment()}

    def start_over(self, ends: Mapping[Place, int] | None = None) -> None:
        """
        Take all that is owned anew, as if it had been lost and assigned: from what is committed.

        Args:
            ends: What is committed behind them is of topics that are no more.
        """
        partitions = self._consumer.assignment()
        self._ownership.lost([(p.topic, p.partition) for p in partitions])
        last = ends or {}
        committed = [
            p if p.offset <= last.get((p.topic, p.partition), p.offset) else TopicPartition(p.topic, p.partition)
            for p in self._committed(partitions)
        ]
        self._ownership.assigned(owned_offsets(committed))
        for p in committed:
            self.resume_at(p.topic, p.partition, _start(p))

    def close(self) -> None:
        """Leave the group; what is still owned is revoked first."""
        self._consumer.close()

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        committed = self._committed(partitions)
        places = [TopicPartition(p.topic, p.partition, _start(p)) for p in committed]
        if self._is_incremental:
            consumer.incremental_assign(places)
        else:
            consumer.assign(places)
        # librdkafka keeps what was paused so when a partition goes away and comes back to the same client.
        consumer.resume(partitions)
        self._next |= {(p.topic, p.partition): p.offset for p in places}
        self.is_assigned = True
        self._ownership.assigned(owned_offsets(committed))

    def _committed(self, partitions: list[TopicPartition]) -> list[TopicPartition]:
        """
        Waits for as long as it takes: brokers may be away, and what a killed member left open in a transaction is
        not told before that has ended, which takes the brokers 20 s where no successor does it.
        """
        undecided_at = time.monotonic() + _DECIDED_S
        while partitions:
            try:
                return committed_offsets(self._consumer, partitions, within_s=_COMMITTED_S)
            except KafkaException as error:
                failure = error.args[0]
                if failure.code() not in COORDINATOR_MOVES | _BROKERS_AWAY:
                    raise BrokerError(f"the committed offsets cannot be had: {failure.str()}") from error
                self._errors.report(failure)
            self._ownership.meanwhile()
            if time.monotonic() > undecided_at and failure.code() == KafkaError._TIMED_OUT:
                self._undecided(partitions[0])
                undecided_at = time.monotonic() + _DECIDED_S
        return []

    def _undecided(self, partition: TopicPartition) -> None:
        _log.error(
            "offsets.undecided",
            group=self._group,
            topic=partition.topic,
            partition=partition.partition,
            advice="a transaction does not end: if this is said again, find and abort it with kafka-transactions.sh",
        )
        stranger = Consumer({"group.id": self._group}).consumer_group_metadata()
        self._ownership.undecided((partition.topic, partition.partition), stranger)

    def _on_revoke(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._ownership.revoked([(p.topic, p.partition) for p in partitions])

    def _on_lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        _log.warning("partitions.lost", count=len(partitions))
        self.is_assigned = False
        self._ownership.lost([(p.topic, p.partition) for p in partitions])


def _place_of(message: Message) -> Place:
    return message.topic() or "", message.partition() or 0


def _start(partition: TopicPartition) -> int:
    return int(partition.offset) if partition.offset >= 0 else OFFSET_BEGINNING
