"""Which profiles an event goes to, and under which codes."""

from typing import Any

import pytest

from consumer.core.event import Event
from consumer.core.profile import Profile, Route
from consumer.core.routing import Router, delivery_id, mismatches


def event(*types: str, campaign: str | None = "7", products: tuple[str, ...] = ("12",), event_id: str = "e") -> Event:
    return Event(
        fields={},
        event_id=event_id,
        order_id="1",
        customer_types=types or ("SALE",),
        test_card=False,
        campaign=campaign,
        products=frozenset(products),
        occurred_at_ms=0,
    )


def row(code: str | None = None, campaigns: set[str] | None = None, products: set[str] | None = None) -> Route:
    return Route(
        code=code,
        campaigns=None if campaigns is None else frozenset(campaigns),
        products=None if products is None else frozenset(products),
    )


def profile(name: str, *routes: Route, **about: Any) -> Profile:
    return Profile(name=name, url="https://r.example", routes=routes, **about)


def routed(one: Event, *profiles: Profile) -> list[tuple[str, str]]:
    return [(delivery.profile.name, delivery.code) for delivery in Router(profiles).route(one)]


@pytest.mark.parametrize(
    ("route", "types", "codes"),
    [
        (row("SALE"), ("SALE",), ["SALE"]),
        (row("SALE"), ("UPSELL",), []),
        (row("SALE"), ("UPSELL", "SALE"), ["SALE"]),
        (row(None), ("SALE", "UPSELL", "SUBSCRIPTION"), ["SALE", "UPSELL", "SUBSCRIPTION"]),
        (row("REFUND"), ("PARTIAL_REFUND",), ["REFUND"]),
        (row("REFUND"), ("FULL_REFUND",), ["REFUND"]),
        (row("REFUND"), ("FULL_REFUND", "PARTIAL_REFUND", "REFUND"), ["REFUND"]),
        (row("PARTIAL_REFUND"), ("PARTIAL_REFUND",), ["PARTIAL_REFUND"]),
        (row("PARTIAL_REFUND"), ("REFUND",), []),
        (row("FULL_REFUND"), ("PARTIAL_REFUND",), []),
        (row(None), ("PARTIAL_REFUND",), ["PARTIAL_REFUND"]),
        (row("BRAND_NEW"), ("BRAND_NEW",), ["BRAND_NEW"]),
        (row("SALE", {"7"}), ("SALE",), ["SALE"]),
        (row("SALE", {"8"}), ("SALE",), []),
        (row("SALE", {"8", "7"}), ("SALE",), ["SALE"]),
        (row("SALE", set()), ("SALE",), []),
        (row("SALE", None, {"12"}), ("SALE",), ["SALE"]),
        (row("SALE", None, {"13", "12"}), ("SALE",), ["SALE"]),
        (row("SALE", None, {"13"}), ("SALE",), []),
        (row("SALE", {"7"}, {"12"}), ("SALE",), ["SALE"]),
        (row("SALE", {"8"}, {"12"}), ("SALE",), []),
        (row("SALE", {"7"}, {"13"}), ("SALE",), []),
    ],
)
def test_a_row_matches_with_its_own_code(route: Route, types: tuple[str, ...], codes: list[str]) -> None:
    assert routed(event(*types), profile("p", route)) == [("p", code) for code in codes]


def test_an_event_without_campaign_or_products_matches_rows_for_all_only() -> None:
    bare = event(campaign=None, products=())

    assert routed(bare, profile("p", row("SALE"))) == [("p", "SALE")]
    assert routed(bare, profile("p", row("SALE", {"None"}), row("SALE", None, {"12"}))) == []


def test_an_event_without_types_goes_nowhere() -> None:
    none = Event(
        fields={},
        event_id="e",
        order_id="1",
        customer_types=(),
        test_card=False,
        campaign=None,
        products=frozenset(),
        occurred_at_ms=0,
    )

    assert routed(none, profile("p", row(None))) == []


def test_each_profile_and_code_is_one_delivery_however_many_rows_give_it() -> None:
    rows = (row("SALE"), row(None), row("SALE", {"7"}), row(None, {"7"}), row("SALE", {"7"}, {"12"}))

    deliveries = Router([profile("p", *rows), profile("q", *rows)]).route(event("SALE", "UPSELL"))

    found = [(delivery.profile.name, delivery.code) for delivery in deliveries]
    assert found == [("p", "SALE"), ("p", "UPSELL"), ("q", "SALE"), ("q", "UPSELL")]
    assert len({delivery.id for delivery in deliveries}) == 4


def test_profiles_come_in_their_order_and_disabled_ones_not_at_all() -> None:
    profiles = [profile(name, row(None), enabled=name != "b") for name in ("c", "b", "a")]

    assert routed(event(), *profiles) == [("c", "SALE"), ("a", "SALE")]


def test_paused_profiles_are_routed_to() -> None:
    assert routed(event(), profile("p", row(None), paused=True)) == [("p", "SALE")]


def test_one_of_very_many_profiles_is_found() -> None:
    profiles = [profile(f"p{number}", row("SALE", {str(number)})) for number in range(5_000)]

    assert routed(event(), *profiles) == [("p7", "SALE")]


def test_a_delivery_id_is_the_same_for_the_same_three_and_another_for_any_other() -> None:
    same = {delivery_id("e", "p", "SALE") for _ in range(3)}
    others = {
        delivery_id(*three)
        for three in [
            ("e2", "p", "SALE"),
            ("e", "q", "SALE"),
            ("e", "p", "UPSELL"),
            ("ep", "", "SALE"),
            ("", "ep", "SALE"),
        ]
    }

    assert len(same) == 1
    assert len(same | others) == 6
    assert all(len(one) == 32 and int(one, 16) >= 0 for one in same | others)


def test_ids_that_hold_nul_do_not_meet() -> None:
    assert delivery_id("a\0b", "c", "d") != delivery_id("a", "b", "c\0d")


def test_a_sentence_for_each_row_says_why_it_does_not_match() -> None:
    rows = [row("UPSELL"), row("SALE", {"8", "9"}), row("SALE", None, {"99"}), row("SALE")]

    reasons = mismatches(event(), rows)

    assert reasons == [
        "row 1: customer type UPSELL is not among the event's (SALE)",
        "row 2: campaign 8, 9 is not the event's (7)",
        "row 3: product 99 is not among the event's (12)",
        "row 4: matches",
    ]
