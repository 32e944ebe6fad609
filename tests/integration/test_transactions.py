"""The writer of a stage on a real broker."""

import os
from contextlib import closing

import pytest
from confluent_kafka import Consumer

from consumer.adapters.kafka import properties
from consumer.adapters.kafka.transactions import Transactions
from consumer.core.ports import LogRecord
from tests.broker.kafka import KafkaBroker
from tests.broker.topics import Topics
from tests.waiting import wait_for

pytestmark = pytest.mark.broker


def test_a_topic_for_small_records_takes_many_of_them_at_once(
    broker: KafkaBroker, topics: Topics, unique_name: str
) -> None:
    topics.create(unique_name, partitions=1, settings={"max.message.bytes": "100000"})
    slot = properties.InstanceSlot(unique_name)
    own = properties.producer(broker.bootstrap_servers, {}, transactional_id=slot.name, largest_batch=100_000)
    writer = Transactions(own, slot)

    records: list[LogRecord] = [(unique_name, b"k", os.urandom(600), []) for _ in range(2_000)]
    member = Consumer(properties.consumer(broker.bootstrap_servers, {}, group=unique_name))

    with closing(member), closing(slot):
        writer.commit(records, {}, member.consumer_group_metadata(), meanwhile=lambda: None)

    # The brokers tell of a transaction's end before all readers see it.
    wait_for(lambda: len(topics.read(unique_name)) == 2_000, timeout_seconds=30, what="the records")
