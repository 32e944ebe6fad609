"""Writers that librdkafka has lost are replaced, and are gone."""

import gc
import logging
import threading
import weakref
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from consumer.adapters.kafka import transactions
from consumer.adapters.kafka.properties import InstanceSlot
from consumer.adapters.kafka.transactions import Transactions
from consumer.core.errors import NoLongerMember, TransactionAborted
from tests.waiting import wait_for


class Writer:
    """A client whose first one never answers when it is sent offsets, as after a broker's restart."""

    made: "list[weakref.ref[Writer]]" = []  # noqa: RUF012 - emptied by the fixture
    answer = threading.Event()

    def __init__(self, *_: Any, **__: Any) -> None:
        self.is_lost = not self.made
        self.made.append(weakref.ref(self))

    def init_transactions(self, _: float) -> None: ...

    def begin_transaction(self) -> None: ...

    def produce(self, *_: Any, **__: Any) -> None: ...

    def poll(self, _: float) -> None: ...

    def send_offsets_to_transaction(self, *_: Any) -> None:
        if self.is_lost:
            self.answer.wait()
            raise OSError("fenced by the next one")

    def commit_transaction(self, _: float) -> None: ...


@pytest.fixture
def writers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[weakref.ref[Writer]]]:
    """All that were made, in order; without Python's collector, as it hardly ever runs in the service."""
    monkeypatch.setattr(transactions, "Producer", Writer)
    monkeypatch.setattr(transactions, "_OFFSETS_S", (0.0,))
    monkeypatch.setattr(transactions, "_GRACE_S", 0.0)
    monkeypatch.setattr(transactions, "_CALL_S", 0.01)
    Writer.made.clear()
    Writer.answer.clear()
    gc.disable()
    yield Writer.made
    gc.enable()
    Writer.answer.set()


@pytest.fixture
def slot() -> Iterator[InstanceSlot]:
    with closing(InstanceSlot("test-transactions")) as taken:
        yield taken


def test_a_writer_that_is_lost_in_a_call_is_replaced_and_goes_when_the_call_comes_back(
    writers: list[weakref.ref[Writer]], slot: InstanceSlot
) -> None:
    log = Transactions({}, slot)

    def commit() -> None:
        log.commit([("topic", b"key", b"value", None)], {("topic", 0): (1, "")}, None, meanwhile=lambda: None)

    with pytest.raises(TransactionAborted, match="did not come back"):
        commit()
    assert len(writers) == 2
    assert writers[0]() is not None

    Writer.answer.set()

    wait_for(lambda: writers[0]() is None, timeout_seconds=5, what="nothing refers to the writer that was lost")
    commit()
    assert writers[1]() is not None


class RefusedWriter(Writer):
    """A client whose commits fail, each with the next of these texts."""

    texts: "list[str]" = []  # noqa: RUF012 - set by the test

    there = "orders"

    def list_topics(self, **_: float) -> SimpleNamespace:
        return SimpleNamespace(topics={self.there: None})

    def send_offsets_to_transaction(self, *_: Any) -> None: ...

    def commit_transaction(self, _: float) -> None:
        code = KafkaError.UNKNOWN_TOPIC_OR_PART
        raise KafkaException(KafkaError(code, self.texts.pop(0), txn_requires_abort=True))

    def abort_transaction(self, _: float) -> None: ...


def test_a_refusal_that_is_met_over_and_over_is_logged_once_with_its_topic_and_what_to_do(
    slot: InstanceSlot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(transactions, "Producer", RefusedWriter)
    RefusedWriter.texts = [
        *(f"Failed to add partition(s) to transaction (after {n} ms)" for n in range(3)),
        *(f"{n} message(s) timed out on postback.window.15m [{n}]" for n in (7, 7, 8)),
        *(f"Failed to commit offsets on 127.0.0.1:1/1: postback.retry((null))[{n}](Unknown)" for n in range(2)),
    ]
    log = Transactions({}, slot)

    with caplog.at_level(logging.WARNING, logger="postback.kafka"):
        for _ in range(len(RefusedWriter.texts)):
            with pytest.raises(TransactionAborted):
                log.commit([], {}, None, meanwhile=lambda: None)

    said = [(record.getMessage(), vars(record)["keys"]["topic"]) for record in caplog.records]
    assert said == [("transaction.aborted", topic) for topic in (None, "postback.window.15m", "postback.retry")]
    assert all("postback check --live" in vars(record)["keys"]["advice"] for record in caplog.records)


@pytest.mark.parametrize(("read", "raised"), [("orders", TransactionAborted), ("deleted", NoLongerMember)])
def test_what_was_read_of_a_deleted_topic_is_given_up_before_one_is_made_in_its_place(
    read: str, raised: type[Exception], slot: InstanceSlot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transactions, "Producer", RefusedWriter)
    RefusedWriter.texts = ["Failed to add partition(s) to transaction"]
    log = Transactions({}, slot)

    with pytest.raises(TransactionAborted) as aborted:
        log.commit([], {("orders", 0): (1, ""), (read, 1): (7, "")}, None, meanwhile=lambda: None)

    assert type(aborted.value) is raised
