"""Laws of the partial rules: a filter and a few versions know as much as a list of all of them."""

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.core.waiting import Waiting
from consumer.core.window import LatelyNoted, LatelyPlaced, OrderSet, PartialIndex

ORDERS = [b"1", b"2", b"3"]
PROFILES = ["p", "q"]


def _waiting(profile: str, occurred: int, arrived: int, place: int) -> Waiting:
    return Waiting(
        delivery_id="",
        profile=profile,
        code="PARTIAL",
        source=f"orders/0/{place}",
        occurred_at_ms=occurred,
        arrived_at_ms=arrived,
    )


Partial = tuple[bytes, Waiting]


def _numbered(drawn: list[tuple[bytes, str, int, int]]) -> list[Partial]:
    return [(row[0], _waiting(row[1], row[2], row[3], place)) for place, row in enumerate(drawn)]


rows = st.tuples(st.sampled_from(ORDERS), st.sampled_from(PROFILES), st.integers(0, 3), st.integers(0, 2))
partials = st.lists(rows, max_size=30).map(_numbered)


def _newest(partials_: list[Partial]) -> set[str]:
    best: dict[tuple[bytes, str], Waiting] = {}
    for order, one in partials_:
        known = best.setdefault((order, one.profile), one)
        if one.version > known.version:
            best[order, one.profile] = one
    return {one.source for one in best.values()}


@given(partials, st.data())
def test_only_the_newest_version_of_each_partial_is_left_whatever_their_order(
    waiting: list[Partial], data: st.DataObject
) -> None:
    """
    Found: the rank of the first version never learnt (3, 1, 2 left two); `>=` between equal versions left none; the
    profile forgotten in the key; records that are looked through twice, as after a seek, taken for new ones.
    """
    index = PartialIndex()
    for order, one in waiting:
        index.add_version(order, one)
    again_from = data.draw(st.integers(0, len(waiting)))
    for order, one in waiting[again_from:]:
        index.add_version(order, one)

    left = {one.source for order, one in waiting if not index.is_superseded(order, one)}

    assert left == _newest(waiting)


@given(partials, partials)
def test_versions_of_the_retry_topic_and_of_the_window_are_judged_together(
    retry: list[Partial], window: list[Partial]
) -> None:
    """Found: an index that was dropped between the two (an older version in the window went out after a newer one)."""
    moved = [
        (order, _waiting(w.profile, w.occurred_at_ms, w.arrived_at_ms, 100 + n)) for n, (order, w) in enumerate(window)
    ]
    both = [*retry, *moved]
    index = PartialIndex()
    for order, one in both:
        index.add_version(order, one)

    left = {one.source for order, one in both if not index.is_superseded(order, one)}

    assert left == _newest(both)


@given(st.lists(st.sampled_from(ORDERS), max_size=5))
def test_conversions_are_those_that_were_noted(orders: list[bytes]) -> None:
    """Found: conversions kept in the filter of the versions, which says yes too often."""
    index = PartialIndex()
    for order in ORDERS:
        index.add_version(order, _waiting("p", 0, 0, 0))
    for order in orders:
        index.add_conversion(order)

    assert {order for order in ORDERS if index.is_converted(order)} == set(orders)


@given(st.sets(st.binary(max_size=8), min_size=15, max_size=30), st.integers(99_988, 100_000))
@settings(max_examples=20)
def test_what_was_noted_lately_is_never_forgotten(orders: set[bytes], before: int) -> None:
    """Found: one filter that is emptied when it is full."""
    noted = LatelyNoted()
    for number in range(before):
        noted.add(b"%d" % number)

    for order in orders:
        noted.add(order)

    assert all(order in noted for order in orders)


def test_nothing_was_noted_in_the_beginning() -> None:
    assert b"1" not in LatelyNoted()


marks = st.integers(0, 200) | st.integers(0, 1 << 64)


@given(st.lists(marks), st.lists(marks, max_size=5))
def test_a_set_of_orders_holds_what_was_put_in_and_nothing_else(orders: list[int], others: list[int]) -> None:
    """Planted and found: a table that is not searched on from a slot that is taken; marks left behind when it grows."""
    known = {b"%d" % order for order in orders}
    held = OrderSet()

    for order in orders:
        held.add(b"%d" % order)

    assert len(held) == len(known)
    assert all(order in held for order in known)
    assert not any(b"%d" % other in held for other in others if b"%d" % other not in known)


def test_a_set_of_orders_takes_32_bytes_for_each_at_most() -> None:
    held = OrderSet()

    for number in range(10_000):
        held.add(b"%d" % number)

    assert len(held) == 10_000
    assert all(b"%d" % number in held for number in range(10_000))
    assert not any(b"%d" % number in held for number in range(10_000, 20_000))
    assert len(held._slots) * 8 <= 10_000 * 32


def test_of_placed_orders_the_last_ones_are_known_and_the_oldest_are_forgotten() -> None:
    placed = LatelyPlaced(at_least=10)
    for number in range(25):
        placed.add(b"%d" % number)

    assert all(b"%d" % number in placed for number in range(10, 25))
    assert not any(b"%d" % number in placed for number in range(10))
