"""What the settings say of the Kafka client goes over what the program would have."""

import pytest

from consumer.adapters.kafka import properties


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("queued.min.messages", "queued.min.messages"),
        ("receive.message.max.bytes", "receive.message.max.bytes"),
        ("fetch.message.max.bytes", "max.partition.fetch.bytes"),  # the same under the name that Java clients use
    ],
)
def test_a_consumer_has_what_the_settings_say(ours: str, theirs: str) -> None:
    made = properties.consumer("localhost:9092", {theirs: "1048576"}, group="g")

    assert made[theirs] == "1048576"
    assert list(made).index(theirs) >= list(made).index(ours)  # librdkafka takes the last


def test_what_is_for_consumers_is_kept_from_producers() -> None:
    client = {"max.partition.fetch.bytes": "1048576", "session.timeout.ms": "6000", "security.protocol": "SSL"}

    made = properties.producer("localhost:9092", client, transactional_id="t")

    assert made["security.protocol"] == "SSL"
    assert not made.keys() & {"max.partition.fetch.bytes", "session.timeout.ms"}
