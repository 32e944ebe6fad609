"""What a group committed."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from consumer.core.ports import Place

_AGAIN_S: Final = 0.2
COORDINATOR_MOVES: Final = frozenset(
    {
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
        KafkaError._WAIT_COORD,
    }
)


@dataclass(frozen=True, slots=True)
class Committed:
    """What the group committed for a partition: offset None when nothing yet."""

    offset: int | None
    metadata: str


def committed_offsets(consumer: Consumer, places: list[TopicPartition], *, within_s: float) -> list[TopicPartition]:
    """
    What the consumer's group committed, with its metadata.

    Raises:
        KafkaException: It could not be had within the time.
    """
    until = time.monotonic() + within_s
    while True:
        try:
            found = consumer.committed(places, max(0.1, until - time.monotonic()))
            failure = next((p.error for p in found if p.error is not None), None)
        except KafkaException as error:
            failure = error.args[0]
        if failure is None:
            return list(found)
        if failure.code() not in COORDINATOR_MOVES or time.monotonic() > until:
            raise KafkaException(failure)
        time.sleep(_AGAIN_S)


def owned_offsets(committed: Sequence[TopicPartition]) -> dict[Place, Committed]:
    """The same as the stages want it."""
    return {(p.topic, p.partition): Committed(p.offset if p.offset >= 0 else None, p.metadata or "") for p in committed}
