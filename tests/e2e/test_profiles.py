"""Profiles change while the service runs: reloaded, broken, paused, removed, each without touching the others."""

import pytest

from tests.broker.topics import Topics
from tests.e2e.crm import Crm
from tests.e2e.service import Service
from tests.receiver import Receiver

pytestmark = pytest.mark.broker


def test_a_changed_profile_is_read_again_and_what_waits_is_rendered_with_it(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.set_tick(seconds=10)
    service.profile("all", receiver.url("/before"), delay_seconds=0)
    instance = service.start()
    instance.wait_runs("10s", 1, period_seconds=10)
    crm.send_orders([crm.order(orderId=4)])
    instance.wait_metric("postback_events_total", 1, result="routed")

    service.profile("all", receiver.url("/after"), fields=[{"export_name": "id", "field": "orderId"}])
    (arrived,) = receiver.wait_for(1)

    assert arrived.target == "/after?id=4"


def test_a_broken_profile_is_refused_with_its_line_and_the_last_good_version_stays(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.profile("good", receiver.url("/good"))
    service.profile("other", receiver.url("/other"))
    service.profile_text("born-broken", "name: born-broken\ntype: postback\nposback_url: http://x/\n")
    instance = service.start()
    assert instance.metric("postback_profiles", state="invalid") == 1

    service.profile_text("good", "name: good\n  type: [")
    instance.wait_metric("postback_profiles", 2, state="invalid")
    crm.send_orders([crm.order()])
    receiver.wait_for(1, "/good")
    receiver.wait_for(1, "/other")
    checked = service.command("check")

    assert checked.exit_code == 1
    assert any("born-broken.yaml:3:" in line for line in checked.out.splitlines())
    assert any("good.yaml:2:" in line for line in checked.out.splitlines())


def test_a_paused_profile_keeps_what_is_routed_to_it_and_sends_it_in_the_first_run_after(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.profile("paused", receiver.url("/paused"), paused=True)
    service.profile("other", receiver.url("/other"))
    instance = service.start()

    crm.send_orders(events := [crm.order() for _ in range(30)])
    receiver.wait_for(30, "/other")
    instance.wait_runs("2s", 3, period_seconds=2)
    assert receiver.arrived("/paused") == []
    assert service.status_of("paused")["waiting"] == 30
    instance.wait_metric("postback_consumer_lag_records", 0, topic=service.topic("window.2s"))

    service.profile("paused", receiver.url("/paused"))
    receiver.wait_for_all({e["eventId"] for e in events}, "/paused")

    assert len(receiver.wait_for_quiet(4)) == 60


def test_what_waits_for_a_removed_profile_goes_to_the_dead_letters(
    service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    service.profile("gone", receiver.url("/gone"), paused=True)
    service.profile("stays", receiver.url("/stays"))
    instance = service.start()
    crm.send_orders([crm.order() for _ in range(5)])
    receiver.wait_for(5, "/stays")

    service.remove_profile("gone")
    letters = topics.wait_records(service.topic("dead-letter"), 5)

    assert instance.metric("postback_dead_letters_total", reason="profile_removed") == 5
    assert {letter.text_headers["postback-profile"] for letter in letters} == {"gone"}
    assert receiver.arrived("/gone") == []


def test_a_changed_delay_counts_for_what_is_routed_after_it_and_loses_nothing_of_before(
    service: Service, crm: Crm, receiver: Receiver
) -> None:
    service.profile("all", receiver.url("/all"), delay_seconds=4)
    instance = service.start()
    crm.send_orders(before := [crm.order() for _ in range(10)])
    instance.wait_metric("postback_events_total", 10, result="routed")

    service.profile("all", receiver.url("/all"), delay_seconds=1)
    crm.send_orders(after := [crm.order() for _ in range(10)])

    receiver.wait_for_all({e["eventId"] for e in before + after}, "/all")
    assert len(receiver.wait_for_quiet(6)) == 20


def test_a_secret_reaches_the_receiver_and_nothing_else(
    *, service: Service, crm: Crm, receiver: Receiver, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "hunter2-hunter2"
    monkeypatch.setenv("POSTBACK_TEST_TOKEN", secret)
    service.profile(
        "hub",
        receiver.url("/hub?key=${env:POSTBACK_TEST_TOKEN}"),
        fields=[
            {"export_name": "header:X-Token", "static": "${env:POSTBACK_TEST_TOKEN}"},
            {"export_name": "order", "field": "orderId"},
        ],
    )
    receiver.close()
    instance = service.start()
    crm.send_orders([crm.order()])
    instance.wait_metric("postback_delivery_failures_total", 1, profile="hub", reason="network")
    receiver.open()
    (arrived,) = receiver.wait_for(1)

    assert arrived.header("X-Token") == secret
    assert arrived.query == f"key={secret}"
    assert secret not in instance.log_text()
    outcomes = topics.wait_json(service.topic("outcomes"), lambda o: o["outcome"] == "delivered", count=1)
    assert secret not in str(outcomes)
