"""Whatever ends the process, nothing is lost, nothing is early, and what comes twice carries the same key."""

import socket
from collections import Counter

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.broker.kafka import KafkaBroker
from tests.broker.topics import Topics
from tests.e2e.boundaries import next_boundary, wait_for_fresh_period
from tests.e2e.crm import Crm
from tests.e2e.service import Service
from tests.receiver import Answer, Arrived, Receiver, always

pytestmark = pytest.mark.broker

COMMIT_INTERVAL_SECONDS = 1
SLACK_SECONDS = 1.5  # a commit takes its time on a machine with much to do


def keys_by_event(arrived: list[Arrived]) -> dict[str, set[str]]:
    keys: dict[str, set[str]] = {}
    for request in arrived:
        keys.setdefault(request.parameters["event"], set()).add(request.key)
    return keys


def test_kill_9_in_the_middle_of_a_run_loses_nothing_and_sends_nothing_early(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    receiver.otherwise(always(Answer(after_seconds=0.05)))
    service.set_tick(seconds=4)
    service.set("http", max_in_flight_per_endpoint=16)
    service.profile("all", receiver.url("/all"))
    instance = service.start()
    boundary = wait_for_fresh_period(4)
    events = [crm.order() for _ in range(1500)]
    crm.send_orders(events)

    receiver.wait_for(300)
    killed_at = max(a.at for a in receiver.arrived())
    instance.kill()
    service.start()
    receiver.wait_for(len(events), that=lambda a: a.succeeded)
    service.instances[-1].wait_metric("postback_consumer_lag_records", 0, topic=service.topic("window.4s"))

    arrived = receiver.wait_for_quiet(4)
    assert sorted(keys_by_event(arrived)) == sorted(e["eventId"] for e in events)
    assert all(len(keys) == 1 for keys in keys_by_event(arrived).values())
    assert min(a.at for a in arrived) >= boundary + 4
    times = Counter(a.parameters["event"] for a in arrived)
    long_settled = [a for a in arrived if a.at < killed_at - COMMIT_INTERVAL_SECONDS - SLACK_SECONDS]
    assert [a.target for a in long_settled if times[a.parameters["event"]] > 1] == []


def test_killed_again_and_again_it_still_delivers_everything(service: Service, crm: Crm, receiver: Receiver) -> None:
    receiver.otherwise(always(Answer(after_seconds=0.02)))
    service.set("http", max_in_flight_per_endpoint=8)
    service.profile("all", receiver.url("/all"))
    service.profile("late", receiver.url("/late"), delay_seconds=2)
    instance = service.start()

    events = [crm.order() for _ in range(1200)]
    for part in range(4):
        crm.send_orders(events[part * 300 : (part + 1) * 300])
        seen = len(receiver.arrived())
        receiver.wait_for(seen + 100)
        instance.kill()
        instance = service.start(wait_ready=False)
    instance.wait_ready()

    for path in ("/all", "/late"):
        receiver.wait_for_all({e["eventId"] for e in events}, path)
        assert all(len(keys) == 1 for keys in keys_by_event(receiver.arrived(path)).values())


@pytest.mark.parametrize("stage", ["ingest", "dispatch"])
def test_what_a_killed_process_left_in_a_transaction_is_ended_by_the_next_at_once(
    service: Service, crm: Crm, receiver: Receiver, broker: KafkaBroker, stage: str
) -> None:
    """By the brokers it would be only after the transaction's timeout, which is 15 minutes here."""
    service.profile("all", receiver.url("/all"))
    crm.send_orders([crm.order()])
    service.start().stop()
    group = f"{service.name}.{stage}"
    client = {"bootstrap.servers": broker.bootstrap_servers, "log_level": 0}
    name = f"{group}-{socket.gethostname()}-0"
    killed = Producer({**client, "transactional.id": name, "transaction.timeout.ms": 900_000})
    killed.init_transactions(30)
    killed.begin_transaction()
    read = service.orders if stage == "ingest" else service.topic("retry")
    places = [TopicPartition(read, number, 0) for number in range(Topics(broker.bootstrap_servers).partitions(read))]
    metadata = Consumer({**client, "group.id": group}).consumer_group_metadata()
    killed.send_offsets_to_transaction(places, metadata, 30)

    assert service.command("status").exit_code == 0
    service.start()
    crm.send_orders([order := crm.order()])

    receiver.wait_for_all({order["eventId"]}, "/all")


def test_sigterm_in_the_middle_of_a_run_finishes_what_is_in_flight_and_repeats_nothing(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    receiver.otherwise(always(Answer(after_seconds=0.3)))
    service.set("http", max_in_flight_per_endpoint=16)
    service.profile("all", receiver.url("/all"))
    instance = service.start()
    events = [crm.order() for _ in range(300)]
    crm.send_orders(events)

    receiver.wait_for(60)
    exit_code = instance.stop()
    before = len(receiver.arrived())
    assert exit_code == 0
    assert before < len(events)
    assert all(a.succeeded for a in receiver.arrived())

    receiver.otherwise(always(Answer()))
    service.start()
    receiver.wait_for_all({e["eventId"] for e in events}, "/all")

    arrived = receiver.wait_for_quiet(3)
    assert Counter(a.parameters["event"] for a in arrived).most_common(1)[0][1] == 1


def test_sigterm_does_not_wait_longer_than_it_may_for_a_receiver_that_hangs(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    receiver.otherwise(always(Answer(after_seconds=60)))
    service.set("http", timeout_seconds=50)
    service.set_top(shutdown_seconds=2)
    service.profile("all", receiver.url("/all"))
    instance = service.start()
    crm.send_orders([crm.order()])
    receiver.wait_for(1)

    assert instance.stop(timeout_seconds=20) == 0

    receiver.otherwise(always(Answer()))
    service.start()
    (first, second, *_) = receiver.wait_for(2)
    assert first.key == second.key


def test_100_000_waiting_deliveries_keep_the_process_under_300_megabytes(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    service.set_tick(seconds=3600)
    service.profile("all", receiver.url("/all"))
    instance = service.start()

    for _ in range(20):
        crm.send_orders(crm.order() for _ in range(5_000))
    instance.wait_metric("postback_events_total", 100_000, timeout_seconds=180, result="routed")

    assert instance.most_memory_megabytes() < 300
    assert topics.waiting(f"{service.name}.dispatch", service.topic("window.60m")) >= 100_000
    assert service.status_of("all")["waiting"] == 100_000
    assert receiver.arrived() == []


def test_a_run_that_was_missed_while_nothing_ran_is_made_up_at_once(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.set_tick(seconds=8)
    service.profile("all", receiver.url("/all"))
    first = service.start()
    boundary = wait_for_fresh_period(8)
    crm.send_orders([crm.order() for _ in range(10)])
    first.wait_metric("postback_events_total", 10, result="routed")
    assert first.stop() == 0

    wait_for_fresh_period(8)
    service.start()
    arrived = receiver.wait_for(10)

    assert max(a.at for a in arrived) < next_boundary(boundary + 8, 8)
    assert len(keys_by_event(arrived)) == 10
