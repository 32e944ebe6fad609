"""Deliveries of one order to one profile go out in order, and one that is rejected alone holds nothing back."""

import pytest

from tests.e2e.crm import Crm
from tests.e2e.service import Service
from tests.receiver import Answer, Arrived, Receiver, always, per_delivery

pytestmark = pytest.mark.broker


def events_in_order(arrived: list[Arrived]) -> list[str]:
    return [a.parameters["event"] for a in arrived if a.succeeded]


def test_what_concerns_one_order_goes_out_one_after_the_other(service: Service, crm: Crm, receiver: Receiver) -> None:
    receiver.otherwise(always(Answer(after_seconds=0.05)))
    service.profile("all", receiver.url("/all"))
    service.start()

    events = [crm.order(orderId=1 + n % 4) for n in range(80)]
    crm.send_orders(events)
    receiver.wait_for(80, that=lambda a: a.succeeded)

    for order in range(1, 5):
        arrived = [a for a in receiver.arrived() if a.parameters["order"] == str(order)]
        assert events_in_order(arrived) == [e["eventId"] for e in events if e["orderId"] == order]
        answered = [a.answered_at or 0 for a in arrived]
        assert all(later.at >= done for done, later in zip(answered, arrived[1:], strict=False))


@pytest.mark.parametrize("down", ["refusing", "failing"])
def test_while_the_endpoint_fails_as_a_whole_nothing_overtakes(
    service: Service, crm: Crm, receiver: Receiver, down: str
) -> None:
    service.profile("all", receiver.url("/all"))
    instance = service.start()
    events = [crm.order(orderId=1 + n % 5) for n in range(60)]
    if down == "refusing":
        receiver.close()
    receiver.otherwise(always(Answer(status=503)))

    crm.send_orders(events[:30])
    instance.wait_metric("postback_delivery_failures_total", 5, profile="all")
    crm.send_orders(events[30:])
    instance.wait_runs("2s", 2, period_seconds=2)
    receiver.otherwise(always(Answer()))
    if down == "refusing":
        receiver.open()
    receiver.wait_for_all({e["eventId"] for e in events}, "/all")

    for order in range(1, 6):
        arrived = [a for a in receiver.arrived() if a.parameters["order"] == str(order)]
        assert events_in_order(arrived) == [e["eventId"] for e in events if e["orderId"] == order]


def test_a_delivery_that_is_rejected_alone_does_not_hold_back_the_later_ones_of_its_order(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    rejected = per_delivery(*[Answer(status=422)] * 3, Answer())
    receiver.otherwise(lambda arrived: rejected(arrived) if arrived.parameters["event"] == "first" else Answer())
    service.profile("all", receiver.url("/all"))
    service.start()

    crm.send_orders([crm.order(orderId=3, eventId="first"), crm.order(orderId=3, eventId="second")])
    receiver.wait_for_all({"first", "second"}, "/all")

    assert [a.parameters["event"] for a in receiver.arrived()] == ["first", "second", "first", "first", "first"]
