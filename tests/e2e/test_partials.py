"""Of a partial only the newest version goes out, and none once its order was placed: also in retries and restarts."""

from datetime import timedelta
from typing import Any

import pytest

from tests.broker.topics import Topics
from tests.e2e.boundaries import wait_for_fresh_period
from tests.e2e.crm import Crm, now
from tests.e2e.service import Fields, Service
from tests.receiver import Answer, Receiver, always

pytestmark = pytest.mark.broker

FIELDS: Fields = (
    {"export_name": "order", "field": "orderId"},
    {"export_name": "event", "field": "eventId"},
    {"export_name": "total", "field": "orderTotal"},
)


def calls(service: Service, name: str, receiver: Receiver, **more: Any) -> None:
    """A profile for partials, as for a call center."""
    routing = [{"customer_type": "Partial"}]
    service.profile(name, receiver.url(f"/{name}"), fields=FIELDS, routing=routing, **more)


def test_only_the_newest_of_several_waiting_versions_is_sent(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    calls(service, "call", receiver, delay_seconds=2)
    calls(service, "every", receiver, delay_seconds=2, partials={"latest_only": False})
    instance = service.start()
    wait_for_fresh_period(4)
    started = now()
    versions = [
        crm.partial(orderId=9, eventId=f"v{n}", occurredAt=started + timedelta(milliseconds=shift))
        for n, shift in enumerate((0, 20, 900, 30))
    ]

    crm.send_partials([*versions, crm.partial(orderId=10, eventId="other")])
    receiver.wait_for(2, "/call")
    receiver.wait_for(5, "/every")
    instance.wait_runs("4s", 1, period_seconds=4)

    assert sorted(a.parameters["event"] for a in receiver.arrived("/call")) == ["other", "v2"]
    assert len(receiver.arrived("/every")) == 5
    assert instance.metric("postback_suppressed_total", profile="call", reason="superseded") == 3


def test_a_partial_whose_order_was_placed_before_the_run_is_not_sent(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    calls(service, "call", receiver, delay_seconds=2)
    calls(service, "keen", receiver, delay_seconds=2, partials={"skip_converted": False})
    instance = service.start()
    wait_for_fresh_period(4)

    crm.send_partials([crm.partial(orderId=n, eventId=f"p{n}") for n in (1, 2, 3, 4)])
    crm.send_orders(
        [
            crm.order(orderId=1),
            crm.order(orderId=2, customerTypes=["DECLINE"]),
            crm.order(orderId=3, isTestCard=True),
        ]
    )
    receiver.wait_for(4, "/keen")
    receiver.wait_for(3, "/call")
    instance.wait_runs("4s", 1, period_seconds=4)

    assert sorted(a.parameters["event"] for a in receiver.arrived("/call")) == ["p2", "p3", "p4"]
    assert instance.metric("postback_suppressed_total", profile="call", reason="converted") == 1


def test_both_rules_hold_for_what_waits_in_retry_and_after_a_kill(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    receiver.otherwise(always(Answer(status=500)))
    calls(service, "call", receiver)
    first = service.start()
    crm.send_partials([crm.partial(orderId=n, eventId=f"old{n}") for n in (1, 2, 3)])
    first.wait_metric("postback_delivery_failures_total", 3, profile="call")
    first.kill()

    wait_for_fresh_period(2)
    crm.send_partials([crm.partial(orderId=1, eventId="new1")])
    crm.send_orders([crm.order(orderId=2)])
    second = service.start()
    second.wait_metric("postback_suppressed_total", 1, profile="call", reason="converted")
    second.wait_metric("postback_suppressed_total", 1, profile="call", reason="superseded")
    receiver.otherwise(always(Answer()))
    receiver.wait_for_all({"new1", "old3"}, "/call")

    sent = [a.parameters["event"] for a in receiver.wait_for_quiet(4) if a.succeeded]
    assert sorted(sent) == ["new1", "old3"]


def test_a_version_that_was_sent_is_followed_by_a_newer_one_and_never_by_an_older_one(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    calls(service, "call", receiver)
    instance = service.start()
    sent_at = now()

    for number in (1, 2):
        crm.send_partials(
            [crm.partial(orderId=5, eventId=f"v{number}", occurredAt=sent_at + timedelta(seconds=number))]
        )
        receiver.wait_for(number)
    instance.wait_runs("2s", 1, period_seconds=2)

    assert [a.parameters["event"] for a in receiver.arrived()] == ["v1", "v2"]


def test_a_sale_is_sent_whatever_partials_waited(service: Service, crm: Crm, receiver: Receiver) -> None:
    service.profile("all", receiver.url("/all"), fields=FIELDS)
    instance = service.start()
    wait_for_fresh_period(2)

    crm.send_partials([crm.partial(orderId=6, eventId="partial")])
    crm.send_orders([crm.order(orderId=6, eventId="sale"), crm.order(orderId=6, eventId="second")])
    receiver.wait_for(2)
    instance.wait_runs("2s", 2, period_seconds=2)

    assert [a.parameters["event"] for a in receiver.arrived()] == ["sale", "second"]
