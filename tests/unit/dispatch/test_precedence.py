"""Who must wait for whom, as one owner of the retry topic knows it."""

from consumer.core.outcome import Reason
from consumer.core.waiting import Waiting
from consumer.dispatch.precedence import Precedence


def delivery(place: int, *, profile: str = "p", reason: str = Reason.SERVER, topic: str = "orders/0") -> Waiting:
    return Waiting(
        delivery_id=f"d{place}",
        profile=profile,
        code="SALE",
        source=f"{topic}/{place}",
        occurred_at_ms=0,
        arrived_at_ms=0,
        reason=reason,
    )


def looked_through(*standing: Waiting, is_due: bool = True) -> Precedence:
    precedence = Precedence()
    for waiting in standing:
        precedence.look_at(b"1", waiting, is_due=is_due)
    precedence.looked_through()
    return precedence


def is_moved_on(precedence: Precedence, place: int) -> bool:
    """A run reads a delivery, and moves it on since it is kept back."""
    precedence.came(b"1", delivery(place))
    kept_back = precedence.keeps_back(b"1", delivery(place))
    precedence.moved(b"1", delivery(place))
    return kept_back


def test_what_was_moved_holds_back_its_order_and_profile_until_a_run_reads_it() -> None:
    precedence = Precedence()
    precedence.moved(b"1", delivery(1))

    assert precedence.is_unwritten
    assert precedence.keeps_back(b"1", delivery(2))
    assert not precedence.keeps_back(b"2", delivery(2))
    assert not precedence.keeps_back(b"1", delivery(2, profile="other"))
    precedence.retries_are_read()
    assert not precedence.keeps_back(b"1", delivery(2))


def test_a_delivery_that_failed_alone_holds_back_no_other() -> None:
    precedence = Precedence()
    precedence.moved(b"1", delivery(1, reason=Reason.REJECTED))

    assert not precedence.keeps_back(b"1", delivery(2))


def test_a_profile_that_is_held_or_paused_is_remembered_as_a_whole() -> None:
    precedence = Precedence()
    precedence.hold("held")
    precedence.pause("paused")

    assert precedence.keeps_back(b"any", delivery(1, profile="held"))
    assert precedence.is_paused("paused")
    assert not precedence.is_paused("held")
    precedence.retries_are_read()
    assert not precedence.keeps_back(b"any", delivery(1, profile="held"))
    assert not precedence.is_paused("paused")


def test_what_stands_in_the_order_in_which_it_came_is_sent_so() -> None:
    precedence = looked_through(delivery(1), delivery(2), delivery(2), delivery(3))

    assert not any(precedence.keeps_back(b"1", delivery(place)) for place in (1, 2, 3))


def test_what_stands_out_of_order_waits_until_all_that_came_before_was_settled() -> None:
    precedence = looked_through(delivery(3), delivery(2), delivery(1))

    assert is_moved_on(precedence, 3)
    assert is_moved_on(precedence, 2)
    precedence.came(b"1", delivery(1))
    assert not precedence.keeps_back(b"1", delivery(1))  # and it fails again
    precedence.moved(b"1", delivery(1))

    precedence.retries_are_read()
    assert is_moved_on(precedence, 3)
    assert is_moved_on(precedence, 2)
    precedence.came(b"1", delivery(1))  # and it is delivered

    precedence.retries_are_read()
    assert is_moved_on(precedence, 3)
    precedence.came(b"1", delivery(2))
    assert not precedence.keeps_back(b"1", delivery(2))


def test_what_stands_out_of_order_and_fails_alone_holds_back_no_longer() -> None:
    precedence = looked_through(delivery(2), delivery(1))
    precedence.came(b"1", delivery(1))
    precedence.moved(b"1", delivery(1, reason=Reason.REJECTED))

    assert not precedence.keeps_back(b"1", delivery(2))


def test_what_the_current_run_does_not_read_holds_back_all_that_come_in_it() -> None:
    precedence = looked_through(delivery(1), is_due=False)

    assert precedence.keeps_back(b"1", delivery(2))
    precedence.retries_are_read()
    assert not precedence.keeps_back(b"1", delivery(2))


def test_topics_have_no_order_among_each_other() -> None:
    precedence = looked_through(delivery(5, topic="orders/0"), delivery(1, topic="partials/0"))

    assert not precedence.keeps_back(b"1", delivery(5, topic="orders/0"))
