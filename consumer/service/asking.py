"""Clients for commands that look at the brokers: silent but for the reason why they get no answer."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from consumer.adapters.kafka import properties
from consumer.adapters.kafka.reading import LastError, TopicReader
from consumer.adapters.kafka.topics import Topics
from consumer.core.errors import BrokerUnreachable
from consumer.settings import Settings

_ANSWER_S: Final = 7


@dataclass(frozen=True, slots=True)
class Brokers:
    """
    Attributes:
        topics: Asks.
        reader: Reads.
        there: All topics with their number of partitions, at the beginning.
    """

    topics: Topics
    reader: TopicReader
    there: Mapping[str, int]


@contextmanager
def asking(settings: Settings, *, on_read: Callable[[int, int], None] = lambda _passed, _of: None) -> Iterator[Brokers]:
    """
    Clients for the brokers of the settings.

    Raises:
        BrokerUnreachable: From within: with all that is known about why, in one line.
    """
    kafka, error = settings.kafka, LastError()
    silent = {"log_level": 0}
    topics = Topics(properties.common(kafka.bootstrap_servers, kafka.client) | silent, report=error)
    group = f"{kafka.group_id}.look"  # librdkafka wants a name; nobody joins
    reader = TopicReader(
        properties.consumer(kafka.bootstrap_servers, kafka.client, group=group) | silent, report=error, on_read=on_read
    )
    try:
        yield Brokers(topics, reader, topics.partitions(timeout_seconds=_ANSWER_S))
    except BrokerUnreachable as failure:
        why = f"; the last attempt: {error.text}" if error.text else ""
        advice = f"is kafka.bootstrap_servers right ({kafka.bootstrap_servers}), are they up?"
        raise BrokerUnreachable(f"{failure}{why}: {advice}") from failure
    finally:
        reader.close()
