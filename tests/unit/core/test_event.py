"""What is read from a decoded record, however a CRM spells it."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from consumer.core.errors import NoTestCardField, UndecodableRecord
from consumer.core.event import Event, EventNames, EventReader, epoch_ms, fields_of, id_text, is_set


def read(names: EventNames | None = None, default_type: str | None = None, **fields: Any) -> Event:
    known = {"eventId": "e", "orderId": 1, "isTestCard": False} | fields
    return EventReader(names or EventNames()).read(known, place="orders/0/7", default_type=default_type)


def test_an_event_with_the_shipped_names() -> None:
    event = read(
        customerTypes=["New Sale", "UPSELL"],
        campaignId=7,
        items=[{"crmId": "12"}, {"crmId": 13}, {"crmId": None}, {}],
        occurredAt=datetime(2026, 3, 1, tzinfo=UTC),
    )

    assert (event.event_id, event.order_id, event.campaign) == ("e", "1", "7")
    assert event.customer_types == ("SALE", "UPSELL")
    assert event.products == {"12", "13"}
    assert event.occurred_at_ms == 1_772_323_200_000
    assert not event.test_card


def test_names_of_a_crms_own_schema() -> None:
    names = EventNames(
        id="meta.id",
        order_id="order.number",
        customer_types="kind",
        test_card="order.test",
        campaign="order.campaign",
        products="order.lines[].product.id",
        occurred_at="meta.at",
    )
    fields = {
        "meta": {"id": "x", "at": "2026-03-01T00:00:00Z"},
        "kind": "Recurring Order",
        "order": {
            "number": "0042",
            "test": 0,
            "campaign": 8.0,
            "lines": [{"product": {"id": 1}}, {"product": None}, None],
        },
    }

    event = EventReader(names).read(fields, place="", default_type="PARTIAL")

    assert (event.event_id, event.order_id, event.campaign) == ("x", "0042", "8")
    assert event.customer_types == ("REBILL",)
    assert event.products == {"1"}
    assert event.occurred_at_ms == 1_772_323_200_000


@pytest.mark.parametrize("path", ["productIds[]", "productIds"])
def test_ids_that_stand_in_an_array_by_themselves(path: str) -> None:
    names = EventNames(products=path)

    assert read(names, productIds=[12, "13", None]).products == {"12", "13"}
    assert read(names, productIds=[]).products == set()
    assert names.items == "items"  # the slots are not in an array of ids


@pytest.mark.parametrize(("path", "items"), [("lines[].id", "lines"), ("cart.lines[].product.id", "cart.lines")])
def test_the_array_that_has_the_products_ids_has_the_slots(path: str, items: str) -> None:
    assert EventNames(products=path).items == items


def test_without_ids_the_records_place_is_the_id() -> None:
    assert read(EventNames(id=None)).event_id == "orders/0/7"


@pytest.mark.parametrize("name", ["eventId", "orderId"])
@pytest.mark.parametrize("value", [None, "", True])
def test_an_event_needs_its_id_and_its_orders(name: str, value: object) -> None:
    with pytest.raises(UndecodableRecord, match=name):
        EventReader(EventNames()).read({"eventId": "e", "orderId": 1, "isTestCard": False, name: value}, place="")


@pytest.mark.parametrize(
    ("types", "default", "codes"),
    [
        (["SALE", "sale", "New Sale"], None, ("SALE",)),
        (["UPSELL", "SALE"], None, ("UPSELL", "SALE")),
        ([], "PARTIAL", ("PARTIAL",)),
        ([None, "", "  "], "partial", ("PARTIAL",)),
        (None, None, ()),
        ("Rebill Declined", "PARTIAL", ("REBILL_DECLINE",)),
        (["Brand new type"], None, ("BRAND_NEW_TYPE",)),
        (["SALE"], "PARTIAL", ("SALE",)),
    ],
)
def test_customer_types(types: object, default: str | None, codes: tuple[str, ...]) -> None:
    assert read(customerTypes=types, default_type=default).customer_types == codes


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"orderId": "7" * 513}, "the event's orderId has 513 characters"),
        ({"eventId": "e" * 700_000}, "the event's eventId has 700000 characters"),
        ({"customerTypes": ["SALE", "x" * 513]}, "the event's customerTypes has 513 characters"),
        ({"customerTypes": [f"TYPE_{number}" for number in range(101)]}, "the event has 101 customer types"),
    ],
)
def test_what_would_not_fit_beside_the_event_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(UndecodableRecord, match=words):
        read(**fields)


def test_ids_and_customer_types_may_be_long_and_many() -> None:
    types = [f"TYPE_{number}" for number in range(100)]

    event = read(orderId="7" * 512, eventId="e" * 512, customerTypes=types)

    assert (event.order_id, event.event_id, event.customer_types) == ("7" * 512, "e" * 512, tuple(types))


def test_the_order_id_of_what_is_refused_is_told_if_it_can_be_a_key() -> None:
    reader = EventReader(EventNames())

    assert reader.order_id({"orderId": 7}) == "7"
    assert reader.order_id({"orderId": "7" * 513}) is None
    assert reader.order_id({}) is None


def test_a_schema_that_cannot_say_whether_the_test_card_was_used() -> None:
    reader = EventReader(EventNames())

    with pytest.raises(NoTestCardField, match="isTestCard"):
        reader.is_test_card({"eventId": "e"})
    assert not reader.is_test_card({"isTestCard": None})
    assert not EventReader(EventNames(test_card=None)).is_test_card({})


def test_the_test_card_in_a_record_that_is_null_is_as_one_that_is_null() -> None:
    reader = EventReader(EventNames(test_card="payment.card.test"))

    assert reader.is_test_card({"payment": {"card": {"test": True}}})
    assert not reader.is_test_card({"payment": {"card": {"test": None}}})
    assert not reader.is_test_card({"payment": {"card": None}})
    assert not reader.is_test_card({"payment": None})
    without: list[dict[str, Any]] = [{}, {"payment": {}}, {"payment": {"card": {}}}, {"payment": 7}]
    for fields in without:
        with pytest.raises(NoTestCardField, match=r"payment\.card\.test"):
            reader.is_test_card(fields)


@pytest.mark.parametrize("value", [True, 1, "1", "true", "YES", "t", " on ", "y", 2, 0.5, "maybe", "2", [0], b"\x01"])
def test_flags_that_are_set_and_those_in_doubt(value: object) -> None:
    assert is_set(value)


@pytest.mark.parametrize("value", [False, 0, None, "", "0", "false", "FALSE", "no", "N", " off ", "null", 0.0, [], b""])
def test_flags_that_are_not_set(value: object) -> None:
    assert not is_set(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (7.0, "7"),
        ("7", "7"),
        ("007", "007"),
        (-1, "-1"),
        (2**63, "9223372036854775808"),
        ("A-1", "A-1"),
        (7.5, "7.5"),
        (0, "0"),
        (Decimal(12), "12"),
        (None, None),
        ("", None),
        (True, None),
        (False, None),
    ],
)
def test_ids_as_text(value: object, text: str | None) -> None:
    assert id_text(value) == text


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (datetime(1970, 1, 1, 0, 0, 1, 500_000, UTC), 1_500),
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), -1_000),
        (datetime(2026, 3, 1, 1, tzinfo=timezone(timedelta(hours=1))), 1_772_323_200_000),
        (datetime(2026, 3, 1), 1_772_323_200_000),  # noqa: DTZ001 - a local-timestamp has no zone
        (datetime(1, 1, 1, tzinfo=UTC), -62_135_596_800_000),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), 253_402_300_799_000),
        (1_772_323_200_000, 1_772_323_200_000),
        (1_772_323_200_000.7, 1_772_323_200_000),
        ("2026-03-01T00:00:00+00:00", 1_772_323_200_000),
        ("2026-03-01", 1_772_323_200_000),
        ("yesterday", 0),
        (None, 0),
        (True, 0),
        (float("nan"), 0),
        (float("inf"), 0),
        (10**30, 0),
        ([], 0),
    ],
)
def test_times_as_epoch_milliseconds(value: object, ms: int) -> None:
    assert epoch_ms(value) == ms


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("orderId", {"orderId"}),
        ("customer.address.city", {"customer.address.city", "customer"}),
        ("items[].crmId", {"items"}),
        ("order.items[].crmId", {"order.items", "order"}),
        ("product2_name", {"product2_name", "lines", "items"}),
        ("product2_dims.w", {"product2_dims.w", "product2_dims", "lines", "items"}),
    ],
)
def test_the_fields_that_a_getter_looks_at_are_known_beforehand(path: str, expected: set[str]) -> None:
    assert fields_of(path, items="lines") == expected
