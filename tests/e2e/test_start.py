"""What the service does not start with, and says why."""

import pytest

from tests.broker.topics import NewRecord, Topics
from tests.e2e.crm import Crm, encode_order
from tests.e2e.service import Service
from tests.receiver import Receiver
from tests.waiting import wait_for

pytestmark = pytest.mark.broker


def test_a_topic_that_would_delete_what_waits_is_refused_with_the_setting_to_change(
    service: Service, topics: Topics, receiver: Receiver
) -> None:
    service.set_tick(seconds=60)
    service.profile("hub", receiver.url("/hub"))
    topics.create(service.topic("window.1m"), settings={"retention.ms": "60000"})

    instance = service.start(wait_ready=False)
    wait_for(lambda: not instance.is_running or None, timeout_seconds=60, what="the end of the service")

    assert instance.stop() == 1
    (failed,) = (record for record in instance.log_records() if record["event"] == "service.failed")
    assert f"{service.topic('window.1m')} keeps records for 0:01:00" in failed["error"]
    assert "set its retention.ms to -1" in failed["error"]


def test_profiles_that_cannot_be_read_yet_are_waited_for_and_no_event_passes_them_by(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.profile("hub", receiver.url("/hub"))
    crm.send_orders(events := [crm.order() for _ in range(20)])

    with service.profiles_away():
        instance = service.start(wait_ready=False)
        wait_for(lambda: instance.status_of("/readyz") == 503, timeout_seconds=20, what="/readyz says no")

    receiver.wait_for_all({event["eventId"] for event in events}, "/hub")


def test_a_group_that_was_set_to_the_end_before_the_first_start_exports_nothing_older(
    service: Service, crm: Crm, topics: Topics, receiver: Receiver
) -> None:
    service.profile("hub", receiver.url("/hub"))
    crm.send_orders([crm.order(eventId=f"old{n}") for n in range(20)])
    topics.reset_to_end(f"{service.name}.ingest", service.orders)

    service.start()
    crm.send_orders([crm.order(eventId=f"new{n}") for n in range(20)])
    receiver.wait_for_all({f"new{n}" for n in range(20)}, "/hub")

    assert not [one for one in receiver.wait_for_quiet(4) if one.parameters["event"].startswith("old")]


def test_a_source_that_comes_later_and_takes_larger_events_loses_none(
    service: Service, crm: Crm, topics: Topics, receiver: Receiver
) -> None:
    late = f"{service.name}.late"
    service.set_top(sources=[{"topic": service.orders}, {"topic": late}])
    service.profile("hub", receiver.url("/hub"))
    instance = service.start()

    topics.create(late, partitions=2, settings={"max.message.bytes": "5000000"})
    large = crm.order(firstName="x" * 3_000_000)
    topics.produce(late, [NewRecord(key="1", value=encode_order(large))])

    receiver.wait_for_all({large["eventId"]}, "/hub")
    assert instance.metric("postback_dead_letters_total") == 0
    (raised,) = (record for record in instance.log_records() if record["event"] == "topics.raised")
    assert service.topic("retry") in raised["topics"]
