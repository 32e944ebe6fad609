"""The checker finds every kind of breach that is planted in a history where all promises were kept."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from tests.e2e.soak.checker import check
from tests.e2e.soak.ledger import Breakage, Destination, Garbage, History, Produced
from tests.receiver import Arrived

START = 1_000_000.0  # a boundary of every period below
ALL = Destination(name="all", period_seconds=2)
CALLS = Destination(name="calls", period_seconds=4, types=frozenset({"PARTIAL"}))


def produced(number: int, *types: str, order: int = 1, at: float = START + 0.1, is_test_card: bool = False) -> Produced:
    return Produced(
        number=number,
        event_id=f"e{number}",
        order_id=order,
        types=types or ("SALE",),
        at=at,
        acknowledged_at=at + 0.05,
        is_test_card=is_test_card,
    )


def arrived(event: Produced, *, at: float, status: int | None = 200, key: str | None = None) -> Arrived:
    code = event.types[0]
    return Arrived(
        at=at,
        line=f"GET /?order={event.order_id}&event={event.event_id}&type={code} HTTP/1.1".encode(),
        headers=[("Idempotency-Key", key or f"{event.event_id}-{code}")],
        body=b"",
        connection=1,
        status=status,
    )


def history(events: Sequence[Produced], requests: Sequence[Arrived], to: Destination = ALL) -> History:
    return History(
        produced=events,
        destinations=[to],
        arrived={to.name: requests},
        breakages=[],
        commit_interval_seconds=1,
        suppressed_test_cards=sum(event.is_test_card for event in events),
    )


def promises(of: History) -> list[str]:
    return [broken.promise for broken in check(of)]


def test_a_history_in_which_all_was_kept_has_no_breach() -> None:
    first, second = produced(1), produced(2)
    failed = arrived(first, at=START + 2.1, status=500)

    assert check(history([first, second], [failed, *(arrived(e, at=START + 4.1) for e in (first, second))])) == []


def test_a_delivery_that_no_receiver_answered_2xx_is_lost() -> None:
    event = produced(1)

    (broken,) = check(history([event], [arrived(event, at=START + 2.1, status=500)]))

    assert broken.promise == "lost"
    assert "event e1, order 1" in broken.what


def test_a_request_before_the_boundary_is_early() -> None:
    event = produced(1)

    assert promises(history([event], [arrived(event, at=START + 1.9)])) == ["early"]


def test_a_test_card_order_that_arrives_is_named() -> None:
    event = produced(1, is_test_card=True)

    assert promises(history([event], [arrived(event, at=START + 2.1)])) == ["test card out"]


def test_a_request_that_no_event_asks_for_is_named() -> None:
    event = produced(1, "CANCEL")
    to = replace(ALL, types=frozenset({"SALE"}))

    assert promises(history([event], [arrived(event, at=START + 2.1)], to)) == ["not asked for"]


@pytest.mark.parametrize(
    ("killed_at", "expected"),
    [(None, ["wrong duplicate"]), (START + 3, []), (START + 20, ["wrong duplicate"]), (START + 1, [])],
)
def test_a_repeat_is_excused_only_by_a_fault_close_to_the_first_success(
    killed_at: float | None, expected: list[str]
) -> None:
    event = produced(1)
    kept = history([event], [arrived(event, at=START + 2.1), arrived(event, at=START + 30)])
    if killed_at is not None:
        kept.breakages = [Breakage(what="killed", began_at=killed_at, ended_at=killed_at + 0.5, repeats=True)]

    assert promises(kept) == expected


def test_a_rebalance_in_good_order_excuses_no_repeat() -> None:
    event = produced(1)
    kept = history([event], [arrived(event, at=START + 2.1), arrived(event, at=START + 4.1)])
    kept.breakages = [Breakage(what="stopped", began_at=START + 2, ended_at=START + 3, repeats=False)]

    assert promises(kept) == ["wrong duplicate"]


def test_a_key_that_changes_or_is_shared_is_named() -> None:
    first, second = produced(1), produced(2, order=2)
    changed = [arrived(first, at=START + 2.1, status=500, key="a"), arrived(first, at=START + 4.1, key="b")]

    assert promises(history([first], changed)) == ["different Idempotency-Key"]
    shared = [arrived(event, at=START + 2.1, key="same") for event in (first, second)]
    assert promises(history([first, second], shared)) == ["shared Idempotency-Key"]


def test_an_older_version_of_a_partial_after_a_newer_one_is_named() -> None:
    old, new = produced(1, "PARTIAL"), produced(2, "PARTIAL")
    requests = [arrived(new, at=START + 4.1), arrived(old, at=START + 4.2)]

    assert promises(history([old, new], requests, CALLS)) == ["older partial after newer"]


def test_a_partial_that_a_newer_one_or_an_order_took_the_place_of_is_not_lost() -> None:
    old, new = produced(1, "PARTIAL"), produced(2, "PARTIAL")
    other, order = produced(3, "PARTIAL", order=2), produced(4, order=2)

    assert check(history([old, new, other, order], [arrived(new, at=START + 4.1)], CALLS)) == []


def test_a_partial_that_is_sent_although_its_order_was_placed_before_the_run_is_named() -> None:
    partial, order = produced(1, "PARTIAL"), produced(2, at=START + 1)
    requests = [arrived(partial, at=START + 4.1)]

    assert promises(history([partial, order], requests, CALLS)) == ["converted partial sent"]
    too_late_to_know = [partial, produced(2, at=START + 3)]
    assert check(history(too_late_to_know, requests, CALLS)) == []


def test_a_later_delivery_of_an_order_before_an_earlier_one_is_named_but_for_receivers_that_reject() -> None:
    first, second = produced(1), produced(2)
    requests = [arrived(second, at=START + 2.1), arrived(first, at=START + 4.1)]

    assert promises(history([first, second], requests)) == ["order overtaken"]
    assert check(history([first, second], requests, replace(ALL, rejects=True))) == []


def test_bad_events_and_test_cards_are_counted_exactly() -> None:
    kept = history([produced(1, is_test_card=True)], [])
    kept.garbage = [Garbage(value=b"x", at=START), Garbage(value=b"y", at=START)]
    kept.dead_letters = [b"y", b"y"]
    kept.suppressed_test_cards = 2

    assert promises(kept) == ["bad event not kept", "dead letter too many", "test cards told once"]


def test_what_was_being_written_when_the_broker_died_may_be_there_twice_and_nothing_else() -> None:
    event, card = produced(1), produced(2, is_test_card=True)
    kept = history([event, card], [arrived(event, at=START + 30), arrived(event, at=START + 30.1)])
    kept.garbage, kept.dead_letters = [Garbage(value=b"x", at=START)], [b"x", b"x"]
    kept.suppressed_test_cards = 2
    kept.breakages = [Breakage(what="killed", began_at=START + 9, ended_at=START + 12, repeats=True, doubles=True)]

    assert check(kept) == []
    kept.breakages = [replace(kept.breakages[0], began_at=START + 40, ended_at=START + 41)]
    assert promises(kept) == ["wrong duplicate", "dead letter too many", "test cards told once"]


def test_a_process_that_ended_by_itself_is_named() -> None:
    kept = history([], [])
    kept.ended_badly = ["instance-1.log ended by itself"]

    assert promises(kept) == ["runs until it is ended"]
