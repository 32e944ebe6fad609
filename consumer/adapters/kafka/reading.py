"""Reads parts of topics for people who look: without a group, so that nothing of the service is disturbed."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from consumer.core.errors import BrokerUnreachable
from consumer.core.ports import Place

_AT_ONCE: Final = 1_000
_SILENT_S: Final = 10.0
Span = tuple[int, int]
"""First offset, and the one behind the last."""


class LastError:
    """Remembers what a client met last while it tries: the reason behind a question that is not answered."""

    def __init__(self) -> None:
        self.text = ""

    def __call__(self, error: KafkaError) -> None:
        """For `error_cb`. That all brokers are down says less than why."""
        if error.code() != KafkaError._ALL_BROKERS_DOWN or not self.text:
            self.text = error.str()


class TopicReader:
    """
    Gives committed records in batches.

    Args:
        on_read: Told after each batch how many offsets are passed, and of how many.
    """

    def __init__(
        self,
        properties: Mapping[str, Any],
        *,
        report: Callable[[KafkaError], None],
        on_read: Callable[[int, int], None] = lambda _passed, _of: None,
    ) -> None:
        self._consumer = Consumer(dict(properties) | {"enable.partition.eof": True}, error_cb=report)
        self._on_read = on_read

    def read(self, spans: Mapping[Place, Span]) -> Iterator[Sequence[Any]]:
        """
        All records of these spans, each partition's in order, as confluent-kafka's messages.

        Raises:
            BrokerUnreachable: Nothing came for 10 s.
        """
        at = {place: start for place, (start, end) in spans.items() if start < end}
        self._assign(at)
        total = sum(spans[place][1] - start for place, start in at.items())
        passed = 0
        while at:
            batch, ends = self._take()
            wanted = []
            for message in batch:
                place = _place(message)
                offset = message.offset() or 0
                if place in at and offset < spans[place][1]:
                    wanted.append(message)
                    passed += offset + 1 - at[place]
                    at[place] = offset + 1
                if offset + 1 >= spans[place][1]:
                    self._leave(place, at)
            for place, offset in ends:
                if offset >= spans[place][1]:
                    self._leave(place, at)
            self._on_read(passed, total)
            if wanted:
                yield wanted
        self._consumer.unassign()

    def follow(self, starts: Mapping[Place, int]) -> Iterator[Sequence[Any]]:
        """What comes from these offsets on, for ever; an empty batch about twice a second when nothing does."""
        self._assign(starts)
        while True:
            yield [message for message in self._consumer.consume(_AT_ONCE, 0.5) if message.error() is None]

    def close(self) -> None:
        """Let go of the connections."""
        self._consumer.close()

    def _assign(self, starts: Mapping[Place, int]) -> None:
        places = [TopicPartition(*place, start) for place, start in starts.items()]
        self._consumer.assign(places)
        self._consumer.resume(places)  # a pause outlives the assignment

    def _take(self) -> tuple[list[Message], list[tuple[Place, int]]]:
        """Records, and the ends that were reached."""
        deadline = time.monotonic() + _SILENT_S
        while time.monotonic() < deadline:
            # consume() waits until it has all; poll() returns with the first.
            first = self._consumer.poll(0.5)
            if first is None:
                continue
            batch, ends = [], []
            for message in (first, *self._consumer.consume(_AT_ONCE, 0)):
                failure = message.error()
                if failure is None:
                    batch.append(message)
                elif failure.code() == KafkaError._PARTITION_EOF:
                    ends.append((_place(message), message.offset() or 0))
            if batch or ends:
                return batch, ends
        raise BrokerUnreachable(f"nothing came from the brokers for {_SILENT_S:g} s")

    def _leave(self, place: Place, at: dict[Place, int]) -> None:
        if at.pop(place, None) is not None:
            try:
                self._consumer.pause([TopicPartition(*place)])
            except KafkaException as error:
                raise BrokerUnreachable(f"reading {place[0]} failed: {error}") from error


def _place(message: Message) -> Place:
    return message.topic() or "", message.partition() or 0
