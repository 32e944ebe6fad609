"""The broker of the tests itself: what it acknowledged survives SIGKILL, and it comes back on its own port."""

import pytest
from confluent_kafka import KafkaException, Producer

from tests.broker.kafka import KafkaBroker
from tests.broker.topics import NewRecord, Topics
from tests.conftest import BrokerStarter

pytestmark = pytest.mark.broker


def test_what_was_acknowledged_survives_a_killed_broker_on_the_same_port(start_broker: BrokerStarter) -> None:
    broker = start_broker()
    topics = Topics(broker.bootstrap_servers)
    topics.create("kept", partitions=2)
    topics.produce("kept", [NewRecord(key="1", value=b"one"), NewRecord(key="2", value=b"two")])

    broker.kill()
    broker.start()

    assert sorted(r.value or b"" for r in topics.read("kept")) == [b"one", b"two"]


def test_reading_skips_what_a_transaction_aborted_and_reaches_the_end_behind_its_marker(
    topics: Topics, broker: KafkaBroker, unique_name: str
) -> None:
    topics.create(unique_name, partitions=1)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers, "transactional.id": unique_name})
    producer.init_transactions()
    for value, finish in ((b"aborted", producer.abort_transaction), (b"kept", producer.commit_transaction)):
        producer.begin_transaction()
        producer.produce(unique_name, value)
        producer.flush()
        finish()

    committed = [r.value for r in topics.read(unique_name)]

    assert committed == [b"kept"]
    assert topics.ends(unique_name) == {(unique_name, 0): 4}


def test_a_topic_is_not_made_by_asking_for_it(topics: Topics, unique_name: str) -> None:
    assert topics.read(unique_name) == []
    assert unique_name not in topics.names()


def test_three_nodes_go_on_without_one_of_them(start_broker: BrokerStarter) -> None:
    broker = start_broker(nodes=3)
    topics = Topics(broker.bootstrap_servers)
    topics.create("kept", partitions=3)

    broker.nodes[0].kill()
    topics.produce("kept", [NewRecord(key=None, value=b"x", partition=p) for p in range(3)])

    assert len(topics.read("kept")) == 3


def test_a_sasl_ssl_broker_lets_in_only_who_knows_the_password(start_broker: BrokerStarter) -> None:
    broker = start_broker(sasl_ssl=True)
    stranger = {**broker.client_properties, "sasl.password": "wrong"}

    Topics(broker.bootstrap_servers, broker.client_properties).create("kept")

    assert "kept" in Topics(broker.bootstrap_servers, broker.client_properties).names()
    with pytest.raises(KafkaException):
        Topics(broker.bootstrap_servers, stranger).names(timeout_seconds=3)
