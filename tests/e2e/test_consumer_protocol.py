"""Groups whose brokers give and take partitions one by one, when `kafka.client` asks for them (KIP-848)."""

import pytest

from tests.e2e.crm import Crm
from tests.e2e.service import Service
from tests.receiver import Receiver

pytestmark = pytest.mark.broker


def test_instances_come_and_go_without_loss_or_repetition(service: Service, crm: Crm, receiver: Receiver) -> None:
    service.set("kafka", client={"group.protocol": "consumer"})
    service.profile("hub", receiver.url("/hub"))
    events = [crm.order() for _ in range(150)]
    first = service.start()
    crm.send_orders(events[:50])
    receiver.wait_for(50)

    service.start()
    crm.send_orders(events[50:100])
    receiver.wait_for(100)
    code = first.stop()
    crm.send_orders(events[100:])

    receiver.wait_for_all({event["eventId"] for event in events})
    assert code == 0
    assert len(receiver.wait_for_quiet(service.tick_seconds)) == len(events)
