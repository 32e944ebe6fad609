"""What fails comes round in later runs until it succeeds, once a run, and keeps its key; others do not notice."""

import time
from email.utils import formatdate

import pytest

from tests.broker.topics import Topics
from tests.e2e.boundaries import next_boundary
from tests.e2e.crm import Crm
from tests.e2e.service import Service
from tests.receiver import Answer, Arrived, Fault, Receiver, always, in_turn, per_delivery
from tests.waiting import wait_for

pytestmark = pytest.mark.broker

TICK = 2


def run_of(arrived: Arrived) -> float:
    """The boundary of the tick in which a request came."""
    return next_boundary(arrived.at, TICK) - TICK


def test_a_failed_delivery_is_attempted_once_a_run_until_it_succeeds_with_one_key(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    # On a connection that had been kept, a request without an answer is repeated within the attempt: so it is not kept.
    fails = Answer(status=500, headers=(("Connection", "close"),), then_close=True)
    receiver.on("/bad", per_delivery(fails, Answer(fault=Fault.DROP), Answer(status=404), Answer(status=302), Answer()))
    service.profile("bad", receiver.url("/bad"))
    with Receiver() as other:
        service.profile("good", other.url("/good"))
        instance = service.start()

        crm.send_orders([crm.order(eventId="x")])
        receiver.wait_for(1, "/bad", that=lambda a: a.succeeded)
        instance.wait_runs("2s", 2, period_seconds=TICK)

    attempts = receiver.arrived("/bad")
    assert [a.status for a in attempts] == [500, None, 404, 302, 200]
    assert len({a.key for a in attempts}) == 1
    assert len({run_of(a) for a in attempts}) == 5
    assert len(other.arrived("/good")) == 1
    outcomes = topics.wait_json(service.topic("outcomes"), lambda o: o["profile"] == "bad", count=5)
    assert [o["attempt"] for o in outcomes] == [1, 2, 3, 4, 5]
    assert [o["reason"] for o in outcomes[:4]] == ["server", "network", "rejected", "redirect"]
    assert instance.metric("postback_delivery_failures_total", profile="bad") == 4
    wait_for(
        lambda: instance.metric("postback_retry_oldest_timestamp_seconds") == 0,
        timeout_seconds=20, what="nothing that waits for a retry",
    )  # fmt: skip


def test_a_delivery_that_waits_for_its_retry_is_seen_in_the_metrics_and_the_status(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    receiver.on("/down", always(Answer(status=404)))
    service.profile("down", receiver.url("/down"))
    instance = service.start()

    produced = crm.send_orders([crm.order() for _ in range(3)])
    instance.wait_metric("postback_delivery_failures_total", 6, profile="down", reason="rejected")

    assert instance.metric("postback_retry_oldest_timestamp_seconds") >= produced
    assert service.status_of("down")["retrying"] == 3
    assert service.status_of("down")["waiting"] == 0


def test_a_retry_goes_on_where_it_was_after_a_restart(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    receiver.on("/down", always(Answer(status=500)))
    service.profile("down", receiver.url("/down"))
    first = service.start()
    crm.send_orders([crm.order()])
    first.wait_metric("postback_delivery_failures_total", 1, profile="down")
    assert first.stop() == 0

    receiver.on("/down", always(Answer()))
    service.start()
    receiver.wait_for(1, "/down", that=lambda a: a.succeeded)

    attempts = receiver.arrived("/down")
    assert len({a.key for a in attempts}) == 1
    delivered = topics.wait_json(service.topic("outcomes"), lambda o: o["outcome"] == "delivered", count=1)
    assert delivered[0]["attempt"] == len(attempts)


@pytest.mark.parametrize(("status", "form"), [(429, "seconds"), (503, "date")])
def test_retry_after_holds_the_endpoint_until_then_and_counts_no_attempt(
    *, service: Service, crm: Crm, receiver: Receiver, topics: Topics, form: str, status: int
) -> None:
    wait_seconds = 7
    free_at = time.time() + 60

    def throttle(arrived: Arrived) -> Answer:
        nonlocal free_at
        if len(receiver.arrived("/slow")) > 1:
            return Answer()
        free_at = arrived.at + wait_seconds
        value = str(wait_seconds) if form == "seconds" else formatdate(int(free_at), usegmt=True)
        return Answer(status=status, headers=(("Retry-After", value),))

    receiver.on("/slow", throttle)
    service.profile("slow", receiver.url("/slow"))
    with Receiver() as other:
        service.profile("other", other.url("/other"))
        instance = service.start()
        crm.send_orders([crm.order(orderId=1)])
        receiver.wait_for(1, "/slow")
        crm.send_orders([crm.order(orderId=n) for n in (2, 3)])
        instance.wait_metric("postback_endpoint_held", 1, endpoint=receiver.url("").rstrip("/"))
        receiver.wait_for(4, "/slow")
        other.wait_for(3, "/other")

    held = receiver.arrived("/slow")[1:]
    earliest = int(free_at) if form == "date" else free_at
    assert min(a.at for a in held) >= earliest
    assert max(a.at for a in held) < next_boundary(free_at, TICK) + 2 * TICK
    assert max(a.at for a in other.arrived("/other")) < min(a.at for a in held)
    outcomes = topics.wait_json(service.topic("outcomes"), lambda o: o["outcome"] == "delivered", count=6)
    assert sorted(o["attempt"] for o in outcomes if o["profile"] == "slow") == [1, 1, 2]


def test_a_process_that_was_killed_knows_who_asked_to_wait_before_it_sends_what_came_meanwhile(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    wait_seconds = 12
    receiver.on("/slow", in_turn(Answer(status=429, headers=(("Retry-After", str(wait_seconds)),)), Answer()))
    service.profile("slow", receiver.url("/slow"))
    first = service.start()
    crm.send_orders([crm.order()])
    topics.wait_json(service.topic("outcomes"), lambda o: o["reason"] == "throttled", count=1)

    crm.send_orders([crm.order() for _ in range(20)])
    first.kill()
    service.start()
    receiver.wait_for(22, "/slow")

    asked, *later = receiver.arrived("/slow")
    assert min(a.at for a in later) >= asked.at + wait_seconds


def test_an_absurd_retry_after_is_bounded(service: Service, crm: Crm, receiver: Receiver) -> None:
    bound_seconds = 4
    receiver.on("/absurd", in_turn(Answer(status=429, headers=(("Retry-After", "1700000000"),)), Answer()))
    service.set("retry", longest_retry_after_minutes=bound_seconds / 60)
    service.profile("absurd", receiver.url("/absurd"))
    service.start()

    crm.send_orders([crm.order()])

    receiver.wait_for(1, "/absurd", that=lambda a: a.succeeded, timeout_seconds=30)
    asked, again = receiver.arrived("/absurd")
    assert again.at >= asked.at + bound_seconds


def test_what_is_given_up_goes_to_the_dead_letters_and_not_before_its_time(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    receiver.otherwise(always(Answer(status=400)))
    service.set("retry", give_up_after_hours=5 / 3600)
    service.profile("never", receiver.url("/never"))
    service.start()

    crm.send_orders([crm.order(orderId=8)])
    (letter,) = topics.wait_records(service.topic("dead-letter"), 1)

    attempts = receiver.arrived("/never")
    assert len(attempts) >= 2
    assert letter.text_headers["postback-reason"] == "gave_up"
    assert letter.text_headers["postback-profile"] == "never"
    assert letter.text_headers["postback-delivery-id"] == attempts[0].key
    assert letter.key == b"8"


def test_a_kept_connection_that_was_closed_meanwhile_costs_no_attempt(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    receiver.otherwise(always(Answer(then_close=True)))
    service.profile("all", receiver.url("/all"))
    instance = service.start()

    for sent in (5, 10, 15):
        crm.send_orders([crm.order() for _ in range(5)])
        receiver.wait_for(sent, that=lambda a: a.succeeded)

    instance.wait_metric("postback_deliveries_total", 15, outcome="delivered")
    assert instance.metric("postback_delivery_failures_total") == 0
