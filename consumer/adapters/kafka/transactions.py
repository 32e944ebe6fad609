"""Records and offsets in one transaction: both are in Kafka, or neither."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from threading import Thread
from typing import Any, Final

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from consumer.adapters.kafka.client_errors import NO_TOPIC, RepeatedErrors
from consumer.adapters.kafka.properties import InstanceSlot
from consumer.core.errors import BrokerError, NoLongerMember, OutcomeUnknown, TransactionAborted
from consumer.core.ports import LogRecord, Place
from consumer.log import EventLog, OnceAMinute

_CALL_S: Final = 1.0
"""A call into the client comes back at least this often, so that whoever waits can see to other things."""

_ABORT_S: Final = 10.0
"""An abort that takes longer is librdkafka waiting for a connection that it has given up: a new writer ends it."""

_OFFSETS_S: Final = (2.0, 4.0, 8.0)
"""After a broker's restart librdkafka may wait in vain, and a new writer need not: so not for long at first. When the
brokers are slow each next attempt gets more time."""

_OUTCOME_S: Final = 15.0
_GRACE_S: Final = 2.0
"""A client that takes longer than this on top of a call's own timeout has lost the thread."""

_NOT_A_MEMBER: Final = frozenset(
    {
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.FENCED_MEMBER_EPOCH,
    }
)

_COUNTED: Final = re.compile(r"\d+ (?=message)| ?\[\d+\]| \(after \d+ ms\)")
"""What differs from one time to the next in librdkafka's text of the same failure."""

_TOPIC: Final = re.compile(r"(?: on (?P<written>\S+) |: (?P<read>[^\s(]+)\(\S*\))\[\d+\]")

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
        self._stuck = 0
        self._seldom = OnceAMinute()

    def make_ready(self, *, meanwhile: Callable[[], None]) -> bool:
        """
        End what a process of the same name left open when it was killed: until then nobody is told what it committed.

        Returns:
            Whether it is done; if not, call again.

        Raises:
            BrokerError: This writer is of no use.
        """
        if not self._is_ready:
            init = self._producer.init_transactions
            try:
                _in_time(lambda: init(_OUTCOME_S), _OUTCOME_S, meanwhile)
            except _Stuck:
                self._producer = self._new_producer()
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise BrokerError(f"transactions cannot be had: {_text(error)}") from error
            else:
                self._is_ready = True
        return self._is_ready

    def commit(
        self,
        records: Iterable[LogRecord],
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
        self._wait_ready(meanwhile)
        try:
            self._producer.begin_transaction()
            self._write(records, meanwhile)
            self._send_offsets(offsets, group, meanwhile)
        except (KafkaException, _Stuck) as error:
            raise self._aborted(error, offsets, meanwhile) from error
        self._end(offsets, meanwhile)

    def decide(self, place: Place, group: Any, *, meanwhile: Callable[[], None]) -> None:
        """
        Commit an offset for *place* and take it back: the end of this transaction ends whatever of this writer waits
        for an end that the brokers have lost.

        A broker that is alone, is killed and comes back may drop the ends of transactions: it looks for the leaders of
        their partitions before it is registered again, and takes partitions without one for deleted.
        """
        self._wait_ready(meanwhile)
        try:
            self._producer.begin_transaction()
            self._send_offsets({place: (0, "")}, group, meanwhile)
        except (KafkaException, _Stuck) as error:
            self._aborted(error, {}, meanwhile)
        else:
            self._abort(meanwhile)

    def _send_offsets(
        self, offsets: Mapping[Place, tuple[int, str]], group: Any, meanwhile: Callable[[], None]
    ) -> None:
        places = [TopicPartition(*place, offset, metadata) for place, (offset, metadata) in offsets.items()]
        send, within_s = self._producer.send_offsets_to_transaction, _OFFSETS_S[self._stuck]
        self._stuck = min(self._stuck + 1, len(_OFFSETS_S) - 1)
        _in_time(lambda: send(places, group, within_s), within_s, meanwhile)
        self._stuck = 0

    def _end(self, offsets: Iterable[Place], meanwhile: Callable[[], None]) -> None:
        commit = self._producer.commit_transaction
        try:
            _in_time(lambda: commit(_OUTCOME_S), _OUTCOME_S, meanwhile)
        except (KafkaException, _Stuck) as error:
            if _requires_abort(error):
                raise self._aborted(error, offsets, meanwhile) from error
            self._renew(error, meanwhile)
            raise OutcomeUnknown(_text(error)) from error

    def _aborted(
        self, error: Exception, offsets: Iterable[Place], meanwhile: Callable[[], None]
    ) -> NoLongerMember | TransactionAborted:
        """Nothing of the transaction stands, and the next one can begin."""
        self._say_aborted(_text(error))
        if _requires_abort(error):
            self._abort(meanwhile)
        else:
            self._renew(error, meanwhile)
        code = error.args[0].code() if isinstance(error, KafkaException) else None
        is_gone = code in _NOT_A_MEMBER or (code in NO_TOPIC and not self._are_there(offsets))
        return (NoLongerMember if is_gone else TransactionAborted)(_text(error))

    def _are_there(self, places: Iterable[Place]) -> bool:
        """
        Whether none of the topics was deleted: else what was read of it would be committed for the one that is made in
        its place, and that many records of that one would count as settled.
        """
        try:
            there: Mapping[str, Any] = self._producer.list_topics(timeout=_CALL_S).topics
        except KafkaException:
            return True
        return all(topic in there for topic, _ in places)

    def _say_aborted(self, text: str) -> None:
        """What the brokers refuse is tried again many times a second."""
        if self._seldom.may_say(_COUNTED.sub("", text), time.monotonic_ns() // 1_000_000):
            topic = _TOPIC.search(text)
            advice = "it is tried again, and nothing is lost; if this goes on: `postback check --live`"
            _log.warning("transaction.aborted", text=text, topic=topic and topic[topic.lastgroup or 0], advice=advice)

    def _abort(self, meanwhile: Callable[[], None]) -> None:
        abort = self._producer.abort_transaction
        try:
            _in_time(lambda: abort(_ABORT_S), _ABORT_S, meanwhile)
        except (KafkaException, _Stuck) as error:
            self._renew(error, meanwhile)

    def _renew(self, error: Exception, meanwhile: Callable[[], None]) -> None:
        """
        A writer that librdkafka cannot go on with is of no use any more, a new one is; it ends what was open.

        The old one and its threads go as soon as nothing refers to it: Python's collector, which runs rarely here, is
        not waited for, so nothing in this module may tie an exception to a frame that it passed.
        """
        _log.warning("transactions.renewed", text=_text(error))
        self._producer = self._new_producer()
        self._is_ready = False
        self._wait_ready(meanwhile)

    def _new_producer(self) -> Producer:
        return Producer(self._properties, error_cb=RepeatedErrors().report)

    def _wait_ready(self, meanwhile: Callable[[], None]) -> None:
        while not self.make_ready(meanwhile=meanwhile):
            pass

    def _write(self, records: Iterable[LogRecord], meanwhile: Callable[[], None]) -> None:
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


class _Stuck(Exception):
    """A call into the client did not come back."""


def _in_time(call: Callable[[], None], within_s: float, meanwhile: Callable[[], None]) -> None:
    """
    Make a call that has a timeout of its own, and do not believe in it: after a broker's restart librdkafka can wait
    for an answer for ever. The call stands on a thread of its own, which is left behind with the client when it does.

    Raises:
        KafkaException: What the call raised.
        _Stuck: It did not come back.
    """
    failures: list[Exception] = []

    def work() -> None:
        try:
            call()
        except Exception as error:  # noqa: BLE001 - raised where the caller is
            failures.append(error.with_traceback(None))

    thread = Thread(target=work, name="transaction", daemon=True)
    thread.start()
    deadline = time.monotonic() + within_s + _GRACE_S
    while thread.is_alive():
        thread.join(_CALL_S)
        meanwhile()
        if time.monotonic() > deadline and thread.is_alive():
            raise _Stuck(f"a call of {within_s:g} s did not come back")
    if failures:
        raise failures.pop()


def _requires_abort(error: Exception) -> bool:
    return isinstance(error, KafkaException) and error.args[0].txn_requires_abort()


def _text(error: Exception) -> str:
    return f"{error.args[0].name()}: {error.args[0].str()}" if isinstance(error, KafkaException) else str(error)
