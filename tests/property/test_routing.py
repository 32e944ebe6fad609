"""The router against the sentence of the contract, row by row."""

from hypothesis import given
from hypothesis import strategies as st

from consumer.core.customer_type import codes_matched_by
from consumer.core.event import Event
from consumer.core.profile import Profile, Route
from consumer.core.routing import Router, delivery_id, mismatches

CODES = ["SALE", "UPSELL", "REFUND", "PARTIAL_REFUND", "FULL_REFUND", "PARTIAL"]
IDS = ["1", "2", "3"]

ids = st.none() | st.frozensets(st.sampled_from(IDS), max_size=3)
routes = st.builds(Route, code=st.none() | st.sampled_from(CODES), campaigns=ids, products=ids)
profiles = st.lists(st.tuples(st.lists(routes, max_size=4), st.booleans()), max_size=5).map(
    lambda rows: [
        Profile(name=f"p{number}", url="", routes=tuple(given_), enabled=enabled)
        for number, (given_, enabled) in enumerate(rows)
    ]
)
events = st.builds(
    Event,
    fields=st.just({}),
    event_id=st.text(max_size=3),
    order_id=st.just("1"),
    customer_types=st.lists(st.sampled_from(CODES), unique=True, max_size=4).map(tuple),
    test_card=st.just(False),
    campaign=st.none() | st.sampled_from(IDS),
    products=st.frozensets(st.sampled_from(IDS), max_size=2),
    occurred_at_ms=st.just(0),
)


def _codes_of_row(event: Event, route: Route) -> set[str]:
    if route.campaigns is not None and event.campaign not in route.campaigns:
        return set()
    if route.products is not None and not route.products & event.products:
        return set()
    if route.code is None:
        return set(event.customer_types)
    matched = {code for own in event.customer_types for code in codes_matched_by(own)}
    return {route.code} & matched


@given(events, profiles)
def test_the_router_does_what_the_rows_say(event: Event, all_profiles: list[Profile]) -> None:
    """
    Found: `All` that fired REFUND for a partial refund; an empty list of products taken for All; an event without a
    campaign that matched no row for all campaigns; a disabled profile routed to.
    """
    deliveries = Router(all_profiles).route(event)

    expected = {
        (profile.name, code)
        for profile in all_profiles
        if profile.enabled
        for route in profile.routes
        for code in _codes_of_row(event, route)
    }
    found = [(delivery.profile.name, delivery.code) for delivery in deliveries]
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [name for name, _ in found] == sorted(name for name, _ in found)


@given(events, profiles)
def test_the_sentences_say_the_same_as_the_router(event: Event, all_profiles: list[Profile]) -> None:
    """Found: a sentence for products that asked for all of them instead of any."""
    for profile in all_profiles:
        router = Router([Profile(name="p", url="", routes=profile.routes)])

        reasons = mismatches(event, profile.routes)

        assert bool(router.route(event)) == any(reason.endswith(": matches") for reason in reasons)


names = st.from_regex(r"[a-zA-Z0-9_-]{1,8}", fullmatch=True)
threes = st.tuples(st.text(max_size=6), names, st.text(max_size=6))


@given(threes, threes)
def test_two_deliveries_have_one_id_only_if_they_are_one(
    one: tuple[str, str, str], other: tuple[str, str, str]
) -> None:
    """Found: an id of the event and the profile alone."""
    assert (delivery_id(*one) == delivery_id(*other)) == (one == other)
    assert delivery_id(one[0], one[1], f"{one[2]}x") != delivery_id(*one)


@given(st.lists(st.sampled_from(["p", "\0p\0", "a", "1"]), max_size=5).map("".join), st.data())
def test_no_way_of_cutting_a_text_in_two_gives_an_id_twice(text: str, data: st.DataObject) -> None:
    """Found: texts joined without a separator; a separator that the texts may hold."""
    cuts = [data.draw(st.integers(0, len(text))) for _ in range(2)]

    first, second = (delivery_id(text[:cut], "p", text[cut:]) for cut in cuts)

    assert (first == second) == (cuts[0] == cuts[1])
