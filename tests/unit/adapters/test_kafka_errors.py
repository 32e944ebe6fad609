"""What a Kafka client reports on and on is logged once in a while."""

import logging

import pytest
from confluent_kafka import KafkaError

from consumer.adapters.kafka.client_errors import RepeatedErrors


def test_kinds_of_errors_that_take_turns_are_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    errors = RepeatedErrors()

    with caplog.at_level(logging.WARNING, logger="postback.kafka"):
        for _ in range(100):
            errors.report(KafkaError(KafkaError._RESOLVE))
            errors.report(KafkaError(KafkaError._AUTHENTICATION))

    assert len(caplog.records) == 2


def test_that_brokers_are_away_is_said_by_whoever_asks_them_and_not_once_more_by_every_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    errors = RepeatedErrors()

    with caplog.at_level(logging.DEBUG, logger="postback.kafka"):
        errors.report(KafkaError(KafkaError._TRANSPORT))
        errors.report(KafkaError(KafkaError._ALL_BROKERS_DOWN))

    assert [record.levelname for record in caplog.records] == ["DEBUG", "DEBUG"]
