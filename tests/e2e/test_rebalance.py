"""Instances come and go in the middle of runs: nothing is lost, and a SIGTERM repeats nothing."""

from collections import Counter

import pytest

from tests.e2e.crm import Crm
from tests.e2e.service import Service
from tests.receiver import Answer, Receiver, always
from tests.waiting import wait_for

pytestmark = pytest.mark.broker


def test_from_one_to_three_instances_and_back_under_traffic_nothing_is_lost_or_repeated(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    receiver.otherwise(always(Answer(after_seconds=0.02)))
    service.set("http", max_in_flight_per_endpoint=8)
    service.profile("all", receiver.url("/all"))
    service.profile("late", receiver.url("/late"), delay_seconds=2)
    instances = [service.start()]
    events = [crm.order() for _ in range(1_500)]
    parts = [events[n : n + 300] for n in range(0, 1_500, 300)]

    crm.send_orders(parts[0])
    for part in (1, 2):
        instances.append(service.start())
        crm.send_orders(parts[part])
    for part in (3, 4):
        receiver.wait_for(len(receiver.arrived()) + 50)
        assert instances.pop(0).stop() == 0
        crm.send_orders(parts[part])
    for path in ("/all", "/late"):
        receiver.wait_for_all({e["eventId"] for e in events}, path)

    receiver.wait_for_quiet(4)
    for path in ("/all", "/late"):
        assert Counter(a.parameters["event"] for a in receiver.arrived(path)).most_common(1)[0][1] == 1


def test_the_partitions_of_an_instance_that_hangs_are_taken_over_and_it_does_no_harm_when_it_wakes(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    receiver.otherwise(always(Answer(after_seconds=0.02)))
    service.set("http", max_in_flight_per_endpoint=4)
    service.profile("all", receiver.url("/all"))
    sleeper, other = service.start(), service.start()
    crm.send_orders(events := [crm.order() for _ in range(400)])

    receiver.wait_for(50)
    sleeper.pause()
    receiver.wait_for_all({e["eventId"] for e in events}, "/all")
    sleeper.resume()
    crm.send_orders(more := [crm.order() for _ in range(100)])
    receiver.wait_for_all({e["eventId"] for e in more}, "/all")

    arrived = receiver.wait_for_quiet(4)
    assert len({(a.parameters["event"], a.key) for a in arrived}) == 500
    again = Counter(a.parameters["event"] for a in arrived)
    assert all(again[e["eventId"]] == 1 for e in more)
    assert other.is_running


def test_ingest_and_dispatch_run_as_processes_of_their_own(service: Service, crm: Crm, receiver: Receiver) -> None:
    service.profile("all", receiver.url("/all"))
    ingest = service.start(role="ingest")
    crm.send_orders([crm.order() for _ in range(20)])
    ingest.wait_metric("postback_events_total", 20, result="routed")
    assert receiver.arrived() == []

    dispatch = service.start(role="dispatch")
    receiver.wait_for(20)

    assert dispatch.metric("postback_events_total") == 0
    wait_for(lambda: dispatch.metric("postback_due_records") == 0, timeout_seconds=20, what="nothing due any more")
