"""Own topics that somebody deletes while the service runs."""

from typing import Any

import pytest

from tests.broker.topics import Topics
from tests.e2e.crm import Crm
from tests.e2e.instance import Instance
from tests.e2e.service import Service
from tests.receiver import Answer, Receiver, per_delivery
from tests.waiting import wait_for

pytestmark = pytest.mark.broker


def missing(instance: Instance) -> list[dict[str, Any]]:
    """What the log says of topics that were deleted."""
    return [
        record for record in instance.log_records() if record["event"] == "topic.missing" and record["level"] == "error"
    ]


@pytest.fixture
def running(service: Service, crm: Crm, receiver: Receiver) -> Instance:
    """A service that has sent ten deliveries, each at its second attempt."""
    receiver.on("/hub", per_delivery(Answer(status=404), Answer()))
    service.profile("hub", receiver.url("/hub"))
    instance = service.start()
    crm.send_orders([crm.order() for _ in range(10)])
    instance.wait_metric("postback_deliveries_total", 10, profile="hub", outcome="delivered")
    return instance


@pytest.mark.parametrize("last", ["window.2s", "retry"])
def test_one_that_is_deleted_is_made_again_and_all_that_comes_is_delivered(
    service: Service, crm: Crm, topics: Topics, running: Instance, last: str
) -> None:
    topic = service.topic(last)

    topics.delete(topic)
    crm.send_orders([crm.order() for _ in range(5)])
    wait_for(lambda: topic in topics.names(), timeout_seconds=60, what=f"{topic} is there again")
    crm.send_orders([crm.order() for _ in range(5)])

    running.wait_metric("postback_deliveries_total", 20, profile="hub", outcome="delivered", timeout_seconds=90)
    assert topics.partitions(topic) == 3
    assert [record["topic"] for record in missing(running)] == [topic]
    assert sum(record["event"] == "transaction.aborted" for record in running.log_records()) < 5
    running.wait_ready()
    wait_for(
        lambda: not topics.waiting(f"{service.name}.dispatch", topic),
        timeout_seconds=20,
        what="offsets of the new topic are committed",
    )


def test_one_that_is_made_again_by_hand_at_once_is_read_from_its_beginning(
    service: Service, crm: Crm, topics: Topics, running: Instance, receiver: Receiver
) -> None:
    topic = service.topic("window.2s")
    assert running.stop() == 0  # whoever begins at a committed offset takes what stands before it for settled
    instance = service.start()
    instance.wait_runs("2s", 1, period_seconds=2)

    topics.delete(topic)
    wait_for(lambda: topic not in topics.names(), timeout_seconds=30, what=f"{topic} is gone")
    topics.create(topic, partitions=3, settings={"message.timestamp.type": "LogAppendTime"})
    crm.send_orders(events := [crm.order() for _ in range(3)])

    receiver.wait_for_all({event["eventId"] for event in events}, "/hub")


def test_one_that_must_not_be_made_by_the_service_is_asked_for(
    service: Service, crm: Crm, topics: Topics, receiver: Receiver
) -> None:
    service.profile("hub", receiver.url("/hub"))
    assert not service.command("topics", "create").exit_code
    service.set("kafka", create_topics=False)
    instance = service.start()

    topics.delete(service.topic("window.2s"))
    wait_for(lambda: instance.status_of("/readyz") == 503, timeout_seconds=60, what="/readyz says no")
    crm.send_orders(events := [crm.order() for _ in range(5)])
    said = missing(instance)
    assert not service.command("topics", "create").exit_code

    receiver.wait_for_all({event["eventId"] for event in events}, "/hub")
    instance.wait_ready()
    assert [record["topic"] for record in said] == [service.topic("window.2s")]
    assert "`postback topics create`" in said[0]["advice"]
