"""Records and offsets in one transaction: both are in Kafka, or neither."""

import time
from collections.abc import Callable, Iterable, Mapping
from math import inf
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from consumer.adapters.kafka.consumer import Place, RepeatedErrors
from consumer.adapters.kafka.properties import InstanceSlot
from consumer.core.errors import BrokerError, NoLongerMember, OutcomeUnknown, TransactionAborted
from consumer.log import EventLog

Record = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]] | None]
"""Topic, key, value, headers."""

_CALL_S: Final = 1.0
"""A call into the client comes back at least this often, so that whoever waits can see to other things."""

_ABORT_S: Final = 10.0
"""An abort that takes longer is librdkafka waiting for a connection that it has given up: a new writer ends it."""

_OFFSETS_S: Final = 10.0
_OUTCOME_S: Final = 20.0
"""Longer than the coordinator itself waits: librdkafka has lost the thread after a broker's restart."""

_NOT_A_MEMBER: Final = frozenset(
    {
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.STALE_MEMBER_EPOCH,
        KafkaError.FENCED_MEMBER_EPOCH,
    }
)

_log = EventLog("kafka")


class Transactions:
    """
    The one writer of a stage.

    Not to be shared between threads.
    """

    def __init__(self, properties: Mapping[str, Any], slot: InstanceSlot) -> None:
        """
        Args:
            slot: Gave the transactional id; kept for as long as this writer is.
        """
        self._slot = slot
        self._properties = dict(properties)
        self._producer = self._new_producer()
        self._is_ready = False

    def commit(
        self,
        records: Iterable[Record],
        offsets: Mapping[Place, tuple[int, str]],
        group: Any,
        *,
        meanwhile: Callable[[], None],
    ) -> None:
        """
        Write *records* and commit *offsets* (next offset to read, metadata) for *group*, all or nothing.

        Args:
            meanwhile: Called about once a second while the brokers keep it waiting.

        Raises:
            TransactionAborted: Nothing was written; the same batch may be tried again while the partitions are owned.
            NoLongerMember: Nothing was written, and they are not.
            OutcomeUnknown: It was written whole or not at all: the committed offsets tell.
            BrokerError: This writer is of no use any more.
        """
        self._make_ready(meanwhile)
        try:
            self._producer.begin_transaction()
            self._write(records, meanwhile)
            places = [TopicPartition(*place, offset, metadata) for place, (offset, metadata) in offsets.items()]
            send = self._producer.send_offsets_to_transaction
            self._insist(lambda: send(places, group, _CALL_S), meanwhile, within_s=_OFFSETS_S)
        except KafkaException as error:
            self._abort(error, meanwhile)
        self._end(meanwhile)

    def _end(self, meanwhile: Callable[[], None]) -> None:
        try:
            self._insist(lambda: self._producer.commit_transaction(_CALL_S), meanwhile, within_s=_OUTCOME_S)
        except KafkaException as error:
            if error.args[0].txn_requires_abort() and not error.args[0].fatal():
                self._abort(error, meanwhile)
            self._renew(error, meanwhile)
            raise OutcomeUnknown(error.args[0].str()) from error

    def _renew(self, error: KafkaException, meanwhile: Callable[[], None]) -> None:
        """A writer that librdkafka cannot go on with is of no use any more, a new one is; it ends what was open."""
        _log.warning("transactions.renewed", code=error.args[0].name(), text=error.args[0].str())
        self._producer = self._new_producer()
        self._is_ready = False
        self._make_ready(meanwhile)

    def _new_producer(self) -> Producer:
        return Producer(self._properties, error_cb=RepeatedErrors().report)

    def _make_ready(self, meanwhile: Callable[[], None]) -> None:
        if self._is_ready:
            return
        try:
            self._insist(lambda: self._producer.init_transactions(_CALL_S), meanwhile)
        except KafkaException as error:
            raise BrokerError(f"transactions cannot be had: {error.args[0].str()}") from error
        self._is_ready = True

    def _write(self, records: Iterable[Record], meanwhile: Callable[[], None]) -> None:
        produce = self._producer.produce
        for topic, key, value, headers in records:
            while True:
                try:
                    produce(topic, value, key, headers=headers)  # type: ignore[arg-type] # lists are invariant
                    break
                except BufferError:
                    self._producer.poll(_CALL_S)
                    meanwhile()
        self._producer.poll(0)

    @staticmethod
    def _insist(call: Callable[[], None], meanwhile: Callable[[], None], *, within_s: float = inf) -> None:
        """Repeat a call whose outcome is still open; librdkafka goes on where it was."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                return call()
            except KafkaException as error:
                if not error.args[0].retriable() or error.args[0].txn_requires_abort() or time.monotonic() > deadline:
                    raise
                if error.args[0].code() != KafkaError._TIMED_OUT:
                    time.sleep(0.05)
            meanwhile()

    def _abort(self, error: KafkaException, meanwhile: Callable[[], None]) -> None:
        failure = error.args[0]
        _log.warning("transaction.aborted", code=failure.name(), text=failure.str())
        try:
            if not failure.txn_requires_abort():
                raise error
            self._insist(lambda: self._producer.abort_transaction(_CALL_S), meanwhile, within_s=_ABORT_S)
        except KafkaException as second:
            self._renew(second, meanwhile)
        kind = NoLongerMember if failure.code() in _NOT_A_MEMBER else TransactionAborted
        raise kind(failure.str()) from error

    def close(self) -> None:
        """Nothing is open between two commits, so there is nothing to wait for."""
        self._slot.close()
