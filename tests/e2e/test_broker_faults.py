"""Brokers die, come back, hang and lose their leader; deliveries go on by themselves."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from consumer.adapters.kafka.properties import InstanceSlot
from tests.broker.kafka import KafkaBroker
from tests.broker.node import Node
from tests.broker.topics import Topics
from tests.conftest import BrokerStarter
from tests.e2e.conftest import finish
from tests.e2e.crm import Crm
from tests.e2e.registry import SchemaRegistry
from tests.e2e.service import Service
from tests.events import ORDER_SCHEMA, encode_confluent
from tests.receiver import Answer, Arrived, Receiver, always
from tests.waiting import wait_for

pytestmark = pytest.mark.broker

_COORDINATOR_COMES = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}

Deploy = Callable[[KafkaBroker], tuple[Service, Crm]]


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Deploy]:
    """Gives a service and its emitter on a broker of the test's own."""
    made: list[Service] = []

    def on(broker: KafkaBroker) -> tuple[Service, Crm]:
        service = Service(tmp_path / f"service-{len(made)}", broker, "pb")
        made.append(service)
        return service, Crm(Topics(broker.bootstrap_servers, broker.client_properties), "pb")

    yield on
    for service in made:
        finish(service)


def one_key_per_event(arrived: list[Arrived]) -> bool:
    return len({(a.parameters["event"], a.key) for a in arrived}) == len({a.parameters["event"] for a in arrived})


def test_a_broker_that_is_killed_in_the_middle_of_a_run_and_comes_back_loses_nothing(
    start_broker: BrokerStarter, deploy: Deploy, receiver: Receiver
) -> None:
    broker = start_broker()
    service, crm = deploy(broker)
    receiver.otherwise(always(Answer(after_seconds=0.03)))
    service.set("http", max_in_flight_per_endpoint=8)
    service.profile("all", receiver.url("/all"))
    instance = service.start()
    events = [crm.order() for _ in range(800)]
    crm.send_orders(events)

    receiver.wait_for(200)
    broker.kill()
    wait_for(lambda: instance.status_of("/readyz") == 503, timeout_seconds=20, what="/readyz fails without brokers")
    assert instance.status_of("/healthz") == 200
    broker.start()
    instance.wait_ready()
    crm.send_orders(more := [crm.order() for _ in range(50)])
    receiver.wait_for_all({e["eventId"] for e in events + more}, "/all")

    assert one_key_per_event(receiver.arrived())
    assert instance.is_running


def test_three_brokers_that_lose_any_one_of_them_go_on(
    start_broker: BrokerStarter, deploy: Deploy, receiver: Receiver
) -> None:
    broker = start_broker(nodes=3)
    service, crm = deploy(broker)
    service.profile("all", receiver.url("/all"))
    instance = service.start()
    events = []

    for node in broker.nodes:
        node.kill()
        events += (sent := [crm.order() for _ in range(60)])
        crm.send_orders(sent)
        receiver.wait_for_all({e["eventId"] for e in events}, "/all")
        node.start()
        node.wait_started()
        broker.wait_ready()

    assert one_key_per_event(receiver.arrived())
    assert instance.is_running


def test_partitions_that_nobody_leads_blind_nobody_to_the_others(
    start_broker: BrokerStarter, deploy: Deploy, receiver: Receiver
) -> None:
    broker = start_broker(nodes=3)
    service, crm = deploy(broker)
    Topics(broker.bootstrap_servers).create("pb.side", partitions=3, replicas=1)
    service.set_top(sources=[{"topic": service.orders}, {"topic": "pb.side"}])
    service.profile("now", receiver.url("/now"))
    service.profile("later", receiver.url("/later"), delay_seconds=3598)
    instance = service.start()

    broker.nodes[0].kill()
    wait_for(lambda: "partitions.leaderless" in instance.log_text(), timeout_seconds=60, what="the log tells of them")
    crm.send_orders(events := [crm.order() for _ in range(30)])

    receiver.wait_for_all({e["eventId"] for e in events}, "/now")
    instance.wait_metric("postback_consumer_lag_records", 30, topic=service.topic("window.60m"))
    assert instance.status_of("/readyz") == 200


def test_a_broker_that_hangs_for_a_while_is_waited_for(
    start_broker: BrokerStarter, deploy: Deploy, receiver: Receiver
) -> None:
    broker = start_broker()
    service, crm = deploy(broker)
    service.profile("all", receiver.url("/all"))
    instance = service.start()
    crm.send_orders(events := [crm.order() for _ in range(100)])
    receiver.wait_for(1)

    broker.nodes[0].pause()
    wait_for(lambda: instance.status_of("/readyz") == 503, timeout_seconds=20, what="/readyz fails without brokers")
    broker.nodes[0].resume()
    instance.wait_ready()
    crm.send_orders(more := [crm.order() for _ in range(20)])

    receiver.wait_for_all({e["eventId"] for e in events + more}, "/all")
    assert one_key_per_event(receiver.arrived())


def test_the_end_of_a_transaction_that_the_broker_lost_is_written_again(
    start_broker: BrokerStarter, deploy: Deploy, receiver: Receiver
) -> None:
    broker = start_broker()
    service, crm = deploy(broker)
    service.profile("all", receiver.url("/all"))
    service.start().stop()
    places = {"pb.ingest": ("pb.orders", 0), "pb.dispatch": (service.topic("retry"), 0)}
    assert any(_loses_an_end(broker, places) for _ in range(6)), "without the fault there is nothing to see"

    service.start()
    crm.send_orders(events := [crm.order() for _ in range(20)])

    receiver.wait_for_all({e["eventId"] for e in events}, "/all")


def _loses_an_end(broker: KafkaBroker, places: Mapping[str, tuple[str, int]]) -> bool:
    """Whether the broker, which ends what is open before it has leaders again, loses the end: nearly always it does."""
    killed = [_leaves_open(broker, group, place) for group, place in places.items()]
    broker.kill()
    del killed
    broker.start()
    return not all(_tells_offsets(broker, group, place) for group, place in places.items())


def _leaves_open(broker: KafkaBroker, group: str, place: tuple[str, int]) -> Producer:
    """A process that is in the middle of a transaction."""
    slot = InstanceSlot(group)
    properties = {"transactional.id": slot.name, "transaction.timeout.ms": 3000}
    writer = Producer({"bootstrap.servers": broker.bootstrap_servers} | properties)
    slot.close()
    writer.init_transactions(20)
    writer.begin_transaction()
    member = _member(broker, group).consumer_group_metadata()
    writer.send_offsets_to_transaction([TopicPartition(*place, 0)], member, 20)
    return writer


def _tells_offsets(broker: KafkaBroker, group: str, place: tuple[str, int]) -> bool:
    """Whether it does, when the group's coordinator is there again."""
    told: list[bool] = []

    def has_coordinator() -> bool:
        try:
            _member(broker, group).committed([TopicPartition(*place)], 5)
            told.append(True)
        except KafkaException as error:
            if error.args[0].code() == KafkaError._TIMED_OUT:
                told.append(False)
            elif error.args[0].code() not in _COORDINATOR_COMES:
                raise
        return bool(told)

    wait_for(has_coordinator, timeout_seconds=30, what=f"the coordinator of {group}")
    return told[0]


def _member(broker: KafkaBroker, group: str) -> Consumer:
    return Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": group})


@contextmanager
def _slow(node: Node) -> Iterator[None]:
    """A node that stands still for most of the time, as one does whose disk is slow."""
    ended = Event()

    def stand_still_again_and_again() -> None:
        while not ended.wait(0.1):
            node.pause()
            ended.wait(0.4)
            node.resume()

    thread = Thread(target=stand_still_again_and_again)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_on_a_slow_broker_deliveries_go_on_and_memory_does_not_grow(
    start_broker: BrokerStarter, deploy: Deploy, receiver: Receiver
) -> None:
    broker = start_broker()
    service, crm = deploy(broker)
    service.profile("all", receiver.url("/all"))
    service.profile("away", "http://127.0.0.1:1/")
    instance = service.start()
    events = []

    with _slow(broker.nodes[0]):
        for _ in range(4):
            events += (sent := [crm.order() for _ in range(300)])
            crm.send_orders(sent)
            receiver.wait_for_all({e["eventId"] for e in events}, "/all", timeout_seconds=60)
            assert instance.status_of("/healthz") == 200

    instance.wait_ready()
    arrived = receiver.arrived("/all")
    assert len(arrived) == len({a.parameters["event"] for a in arrived}) == 1_200
    assert instance.metric("postback_delivery_failures_total", profile="away", reason="held") > 0
    assert instance.most_memory_megabytes() < 200


def test_the_service_waits_for_a_broker_that_is_not_there_yet(
    start_broker: BrokerStarter, deploy: Deploy, receiver: Receiver
) -> None:
    broker = start_broker()
    service, crm = deploy(broker)
    service.profile("all", receiver.url("/all"))
    broker.stop()

    instance = service.start(wait_ready=False)
    wait_for(lambda: instance.status_of("/readyz") == 503, timeout_seconds=20, what="/readyz fails without brokers")
    broker.start()
    instance.wait_ready()
    crm.send_orders([crm.order()])

    receiver.wait_for(1)


def test_tls_and_a_password_to_the_broker_come_from_the_client_settings(
    start_broker: BrokerStarter, deploy: Deploy, receiver: Receiver
) -> None:
    broker = start_broker(sasl_ssl=True)
    service, crm = deploy(broker)
    service.profile("all", receiver.url("/all"))
    instance = service.start()

    crm.send_orders([crm.order() for _ in range(10)])
    receiver.wait_for(10)
    status = service.command("status", "--json")

    assert status.exit_code == 0
    told = instance.log_text() + status.out + status.err
    assert broker.client_properties["sasl.password"] not in told


def test_a_registry_that_is_down_at_the_start_and_later_holds_back_and_loses_nothing(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    with SchemaRegistry({41: ORDER_SCHEMA, 42: ORDER_SCHEMA}) as registry:
        registry.close()
        service.set("schemas", registry_url=registry.url)
        service.profile("all", receiver.url("/all"))
        instance = service.start(wait_ready=False)
        crm.send_bytes([encode_confluent(crm.order(eventId="a"), ORDER_SCHEMA, 41)])
        wait_for(lambda: instance.status_of("/healthz") == 200, timeout_seconds=20, what="the service runs")
        registry.open()
        receiver.wait_for(1)

        registry.close()
        crm.send_bytes([encode_confluent(crm.order(eventId=f"b{n}"), ORDER_SCHEMA, n) for n in (41, 42)])
        registry.open()
        receiver.wait_for(3)

    assert sorted(a.parameters["event"] for a in receiver.arrived()) == ["a", "b41", "b42"]
    assert instance.metric("postback_dead_letters_total") == 0
