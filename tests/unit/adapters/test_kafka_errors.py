"""What a Kafka client reports on and on is logged once in a while."""

import logging

import pytest
from confluent_kafka import KafkaError

from consumer.adapters.kafka.consumer import RepeatedErrors


def test_kinds_of_errors_that_take_turns_are_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    errors = RepeatedErrors()

    with caplog.at_level(logging.WARNING, logger="postback.kafka"):
        for _ in range(100):
            errors.report(KafkaError(KafkaError._TRANSPORT))
            errors.report(KafkaError(KafkaError._ALL_BROKERS_DOWN))

    assert len(caplog.records) == 2
