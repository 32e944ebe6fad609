"""Events on Kafka become webhooks at the right run, exactly as the profile says, and an operator can see it."""

import json

import pytest

from tests.broker.topics import NewRecord, Topics
from tests.e2e.boundaries import assert_in_first_run, wait_for_fresh_period
from tests.e2e.crm import Crm, now
from tests.e2e.registry import SchemaRegistry
from tests.e2e.service import Service
from tests.events import ORDER_SCHEMA, encode_confluent, encode_single_object, order_event
from tests.receiver import Receiver

pytestmark = pytest.mark.broker


def test_the_vendors_example_arrives_once_with_its_parameters_in_order(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.profile(
        "call-center",
        receiver.url("/partials.php"),
        fields=[
            {"export_name": "first_name", "field": "firstName"},
            {"export_name": "last_name", "field": "lastName"},
            {"export_name": "order_date", "field": "orderDate"},
            {"export_name": "list_id", "static": "400"},
            {"export_name": "email_address", "field": "emailAddress"},
            {"export_name": "campaign_number", "field": "campaignId"},
        ],
        routing=[{"customer_type": "Partial", "campaign": "All", "product": "All"}],
    )
    instance = service.start()

    crm.send_partials([crm.partial(firstName="Zoë", lastName="O'Brien & Söhne+", campaignId=7)])
    receiver.wait_for(1)
    instance.wait_runs("2s", 2, period_seconds=2)

    (arrived,) = receiver.arrived()
    assert arrived.line == (
        b"GET /partials.php?first_name=Zo%C3%AB&last_name=O%27Brien+%26+S%C3%B6hne%2B&order_date=2026-03-01"
        b"&list_id=400&email_address=zoe%40example.com&campaign_number=7 HTTP/1.1"
    )
    assert arrived.body == b""
    assert (
        arrived.header(
            "User-Agent",
        )
        is not None
    )
    assert len(arrived.key) > 0


def test_each_profile_gets_an_event_at_the_first_boundary_of_its_own_period(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.set_tick(seconds=4)
    periods = {"at-once": 4, "short": 6, "long": 12}
    for name, period in periods.items():
        service.profile(name, receiver.url(f"/{name}"), delay_seconds=period - 4)
    instance = service.start()

    produced = {}
    for _ in range(6):
        wait_for_fresh_period(2)
        before, event = now().timestamp(), crm.order()
        produced[event["eventId"]] = (before, crm.send_orders([event]))
    receiver.wait_for(6 * 3)

    for name, period in periods.items():
        arrived = receiver.arrived(f"/{name}")
        assert sorted(a.parameters["event"] for a in arrived) == sorted(produced)
        for request in arrived:
            assert_in_first_run(request, produced[request.parameters["event"]], period)
    assert instance.metric("postback_deliveries_total", outcome="delivered") == 18


def test_an_order_paid_with_the_test_card_never_goes_out_and_is_counted(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    service.profile("all", receiver.url("/all"))
    instance = service.start()

    events = [crm.order(isTestCard=n % 4 == 0) for n in range(200)]
    crm.send_orders(events)
    receiver.wait_for(150)
    instance.wait_runs("2s", 2, period_seconds=2)

    real = sorted(e["eventId"] for e in events if not e["isTestCard"])
    assert sorted(a.parameters["event"] for a in receiver.arrived()) == real
    assert instance.metric("postback_events_total", result="test_card") == 50
    assert instance.metric("postback_events_total", result="routed") == 150
    outcomes = topics.wait_json(service.topic("outcomes"), lambda o: o["reason"] == "test_card", count=50)
    assert len(outcomes) == 50
    assert {o["profile"] for o in outcomes} == {None}


def test_one_event_gives_one_delivery_for_each_of_its_types_with_its_own_key(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.profile("all", receiver.url("/all"))
    service.profile(
        "sales", receiver.url("/sales"), routing=[{"customer_type": "New Sale", "campaign": 7, "product": [12, 13]}]
    )
    service.start()

    crm.send_orders([crm.order(customerTypes=["SALE", "UPSELL", "SUBSCRIPTION"]), crm.order(campaignId=8)])
    arrived = receiver.wait_for(5)

    assert sorted(a.parameters["type"] for a in receiver.arrived("/all")) == ["SALE", "SALE", "SUBSCRIPTION", "UPSELL"]
    assert [a.parameters["type"] for a in receiver.arrived("/sales")] == ["SALE"]
    assert len({a.key for a in arrived}) == 5


def test_a_header_mapping_makes_it_a_post_with_a_json_body_of_the_values_as_they_are(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.profile(
        "hub",
        receiver.url("/hub?brand=1"),
        fields=[
            {"export_name": "header:Content-Type", "static": "Application/JSON; charset=utf-8"},
            {"export_name": "header:X-Token", "static": "s3cret"},
            {"export_name": "OrderID", "field": "orderId"},
            {"export_name": "total", "field": "orderTotal"},
            {"export_name": "coupon", "field": "couponCode"},
            {"export_name": "product", "field": "product1_id"},
            {"export_name": "carrier", "field": "shipCarrier"},
        ],
    )
    service.start()

    crm.send_orders([crm.order(orderId=77, couponCode="", shipCarrier=None)])
    (arrived,) = receiver.wait_for(1)

    assert (arrived.method, arrived.target) == ("POST", "/hub?brand=1")
    assert arrived.header("Content-Type") == "Application/JSON; charset=utf-8"
    assert arrived.header("X-Token") == "s3cret"
    assert json.loads(arrived.body) == {"OrderID": 77, "total": "199.00", "coupon": "", "product": ""}
    assert list(json.loads(arrived.body)) == ["OrderID", "total", "coupon", "product"]


def test_confluent_framing_is_decoded_with_the_schema_of_the_registry(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    with SchemaRegistry({41: ORDER_SCHEMA}) as registry:
        service.set("schemas", registry_url=registry.url)
        service.profile("all", receiver.url("/all"))
        service.start()

        crm.send_bytes([encode_confluent(order_event(eventId=f"c{n}"), ORDER_SCHEMA, 41) for n in range(5)])
        arrived = receiver.wait_for(5)

    assert sorted(a.parameters["event"] for a in arrived) == ["c0", "c1", "c2", "c3", "c4"]
    assert registry.requests == 1


def test_what_cannot_be_decoded_goes_to_the_dead_letters_with_its_bytes_and_holds_nothing_back(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    service.profile("all", receiver.url("/all"))
    instance = service.start()
    good = encode_single_object(order_event(eventId="good"), ORDER_SCHEMA)
    bad = [
        b"",
        b"\xc3\x01garbage",
        b"\x00\x00\x00",
        good[:-3],
        good + b"\x00",
        b'{"orderId": 1}',
        b"\xc3\x01" + bytes(8),
    ]

    crm.send_bytes([*bad, None, good])
    receiver.wait_for(1)
    letters = topics.wait_records(service.topic("dead-letter"), len(bad))

    instance.wait_metric("postback_dead_letters_total", len(bad), reason="undecodable")
    assert sorted(letter.value or b"" for letter in letters) == sorted(bad)
    assert {letter.text_headers["postback-reason"] for letter in letters} == {"undecodable"}
    assert all(letter.text_headers["postback-source"].startswith(f"{service.orders}/") for letter in letters)
    assert [a.parameters["event"] for a in receiver.arrived()] == ["good"]
    assert instance.metric("postback_events_total", result="tombstone") == 1


def test_an_event_whose_schema_does_not_know_test_cards_is_not_exported(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    blind = {**ORDER_SCHEMA, "fields": [f for f in ORDER_SCHEMA["fields"] if f["name"] != "isTestCard"]}
    service.write_schema("blind", blind)
    service.profile("all", receiver.url("/all"))
    instance = service.start()
    event = crm.order()
    del event["isTestCard"]

    crm.send_bytes([encode_single_object(event, blind)])
    instance.wait_metric("postback_dead_letters_total", 1, reason="no_test_card_field")
    instance.wait_runs("2s", 2, period_seconds=2)

    assert receiver.arrived() == []
    assert [r.text_headers["postback-reason"] for r in topics.read(service.topic("dead-letter"))] == [
        "no_test_card_field"
    ]


def test_outcomes_and_metrics_tell_of_every_attempt_without_personal_data(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    service.profile("all", receiver.url("/all"))
    service.profile("nobody", receiver.url("/nobody"), routing=[{"customer_type": "Chargeback"}])
    instance = service.start()

    crm.send_orders([crm.order(orderId=5, eventId="five")])
    crm.send_orders([crm.order(customerTypes=["NEW_CODE"])])
    receiver.wait_for(2)
    instance.wait_runs("2s", 2, period_seconds=2)

    outcomes = topics.wait_json(service.topic("outcomes"), lambda _: True, count=2)
    delivered = next(o for o in outcomes if str(o["order_id"]) == "5")
    assert (delivered["profile"], delivered["customer_type"], delivered["attempt"]) == ("all", "SALE", 1)
    assert (delivered["outcome"], delivered["status"]) == ("delivered", 200)
    assert delivered["delivery_id"] == next(a.key for a in receiver.arrived() if a.parameters["event"] == "five")
    told = json.dumps(outcomes) + instance.log_text()
    assert "zoe@example.com" not in told
    assert "Brien" not in told
    assert [r for r in instance.log_records() if r.get("level") == "error"] == []


def test_events_of_the_partials_source_that_name_no_type_are_partials(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.profile("partials", receiver.url("/p"), routing=[{"customer_type": "Partial"}])
    instance = service.start()

    crm.send_partials([crm.partial(customerTypes=[])])
    crm.send_orders([crm.order(customerTypes=[])])
    (arrived,) = receiver.wait_for(1)
    instance.wait_metric("postback_events_total", 1, result="no_route")

    assert arrived.parameters["type"] == "PARTIAL"


def test_records_produced_before_the_first_start_are_not_missed(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    service.profile("all", receiver.url("/all"))
    crm.send_orders([crm.order() for _ in range(20)])
    topics.produce(service.orders, [NewRecord(key=None, value=None)])

    service.start()

    assert len({a.parameters["event"] for a in receiver.wait_for(20)}) == 20
