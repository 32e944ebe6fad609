"""What librdkafka's clients report by themselves, in the log."""

import time
from typing import Final

from confluent_kafka import KafkaError

from consumer.log import EventLog, OnceAMinute

_SAID_BY_OTHERS: Final = frozenset({KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN})
"""Each client meets these while the brokers are away, of which the one that asks for topics and offsets tells."""

NO_TOPIC: Final = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
"""Not there yet, or no more."""

_log = EventLog("kafka")


class RepeatedErrors:
    """Logs what a client of the service reports, each kind once a minute: it does so many times a second."""

    def __init__(self) -> None:
        self._seldom = OnceAMinute()

    def report(self, error: KafkaError) -> None:
        """Topics that do not exist yet, brokers that are away: the client goes on trying by itself."""
        if self._seldom.may_say(error.code(), time.monotonic_ns() // 1_000_000):
            event = "topic.missing" if error.code() in NO_TOPIC else "kafka.error"
            write = _log.debug if error.code() in _SAID_BY_OTHERS else _log.warning
            write(event, code=error.name(), text=error.str())
