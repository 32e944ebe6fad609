"""`postback status` against a real broker whose topics are as a service left them."""

import json
from typing import Any

import pytest

from consumer.core.offsets import Ledger
from consumer.core.report import iso_utc
from consumer.service.assembly import clock_ms
from tests.broker.topics import NewRecord, Topics
from tests.desk import Called, Desk
from tests.integration.commands.waiting_topics import AT_MS, OwnTopics, waiting

pytestmark = pytest.mark.broker

WINDOW = "window.10080m"


def profile_of(shown: Called, name: str = "hub") -> dict[str, Any]:
    assert shown.code == 0, shown.out
    found: dict[str, Any] = next(one for one in json.loads(shown.out)["profiles"] if one["name"] == name)
    return found


def topic_of(shown: Called, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in json.loads(shown.out)["topics"] if one["topic"].endswith(f".{name}"))
    return found


def test_what_waits_and_what_is_retried_is_counted_apart_and_marks_of_placed_orders_not_at_all(
    broker_desk: Desk, own: OwnTopics
) -> None:
    broker_desk.profile("hub")
    broker_desk.profile("other")
    broker_desk.call("topics", "create")
    for number in range(5):
        own.wait(WINDOW, waiting(), partition=number % 2)
    own.mark(WINDOW)
    own.wait("retry", waiting(attempts=2, first_failed_at_ms=AT_MS + 9, reason="rejected"))
    own.wait("retry", waiting(attempts=1, first_failed_at_ms=AT_MS, reason="timeout"), partition=1)
    own.wait("retry", waiting(reason="held", hold_until_ms=clock_ms() + 3_600_000))
    own.wait("retry", waiting(reason="paused"))

    shown = broker_desk.call("status", "--json")

    hub, other = profile_of(shown), profile_of(shown, "other")
    assert set(json.loads(shown.out)) == {"profiles", "topics"}
    assert (hub["state"], hub["waiting"], hub["retrying"], hub["due"]) == ("active", 6, 3, 0)
    assert hub["oldest_failure_at"] == iso_utc(AT_MS)
    assert hub["held_until"] > iso_utc(clock_ms())
    assert hub["next_run_at"] > iso_utc(clock_ms())
    assert (other["waiting"], other["retrying"], other["oldest_failure_at"]) == (0, 0, None)
    assert (topic_of(shown, WINDOW)["records"], topic_of(shown, "retry")["records"]) == (6, 4)


def test_what_is_settled_is_not_counted_also_when_it_stands_behind_what_is_open(
    broker_desk: Desk, own: OwnTopics, unique_name: str
) -> None:
    broker_desk.profile("hub")
    broker_desk.call("topics", "create")
    for _ in range(10):
        own.wait(WINDOW, waiting())
    ledger = Ledger(0)
    for offset in range(8):
        ledger.take(offset)
    for offset in (0, 1, 3, 5, 6):
        ledger.settle(offset)
    own.commit(f"{unique_name}.dispatch", {(WINDOW, 0): ledger.committable()})

    shown = broker_desk.call("status", "--json")

    assert profile_of(shown)["waiting"] == 5
    assert (topic_of(shown, WINDOW)["records"], topic_of(shown, WINDOW)["lag"]) == (5, 5)


def test_what_was_there_before_the_last_boundary_is_due_but_not_for_a_paused_profile(
    broker_desk: Desk, own: OwnTopics, topics: Topics, unique_name: str
) -> None:
    broker_desk.profile("hub")
    broker_desk.profile("later", paused=True)
    topics.create(f"{unique_name}.{WINDOW}", partitions=2, settings={"message.timestamp.type": "CreateTime"})
    broker_desk.call("topics", "create")
    long_ago = clock_ms() - 15 * 86_400_000
    for name in ("hub", "later"):
        own.wait(WINDOW, waiting(name), at_ms=long_ago)
        own.wait(WINDOW, waiting(name), at_ms=clock_ms())

    shown = broker_desk.call("status", "--json")

    assert (profile_of(shown)["waiting"], profile_of(shown)["due"]) == (2, 1)
    later = profile_of(shown, "later")
    assert (later["state"], later["waiting"], later["due"], later["next_run_at"]) == ("paused", 2, 0, None)
    assert topic_of(shown, WINDOW)["due"] == 2


def test_a_profile_without_a_file_is_removed_and_one_that_does_not_load_is_invalid_with_its_place(
    broker_desk: Desk, own: OwnTopics
) -> None:
    broker_desk.profile("off", enabled=False)
    broker_desk.profile_text("broken", "name: broken\npostbak_url: https://example.com/\n")
    broker_desk.call("topics", "create")
    own.wait(WINDOW, waiting("gone"))
    own.wait("retry", waiting("broken", attempts=1, first_failed_at_ms=AT_MS, reason="server"))

    shown = broker_desk.call("status", "--json")

    assert (profile_of(shown, "gone")["state"], profile_of(shown, "gone")["waiting"]) == ("removed", 1)
    assert profile_of(shown, "off")["state"] == "disabled"
    broken = profile_of(shown, "broken")
    assert (broken["state"], broken["retrying"]) == ("invalid", 1)
    assert "broken.yaml:1: " in broken["problem"]


def test_recent_outcomes_the_last_error_and_dead_letters_are_shown(broker_desk: Desk, own: OwnTopics) -> None:
    broker_desk.profile("hub")
    broker_desk.call("topics", "create")
    now_ms = clock_ms()
    own.report("delivered", at_ms=now_ms, status=200)
    own.report("failed", at_ms=now_ms, reason="rejected", status=404, order="1002")
    own.report("failed", at_ms=now_ms, reason="held", attempt=0)
    own.bury("gave_up", profile="hub")
    own.bury("undecodable")

    shown = broker_desk.call("status", "--json")
    table = broker_desk.call("status")

    hub = profile_of(shown)
    assert (hub["delivered_recently"], hub["failed_recently"], hub["dead_letters"]) == (1, 1, 1)
    assert (hub["last_error"]["reason"], hub["last_error"]["order_id"]) == ("rejected", "1002")
    assert topic_of(shown, "dead-letter")["reasons"] == {"gave_up": 1, "undecodable": 1}
    are_exact = {name: topic_of(shown, name)["records_are_exact"] for name in (WINDOW, "dead-letter", "outcomes")}
    assert are_exact == {WINDOW: True, "dead-letter": True, "outcomes": False}
    lines = table.out.splitlines()
    assert lines[0].split()[:3] == ["profile", "state", "waiting"]
    assert lines[1].startswith("hub ")
    assert "\x1b" not in table.out


def test_events_that_wait_on_a_source_are_its_lag_and_a_missing_source_or_window_is_named(
    broker_desk: Desk, topics: Topics, unique_name: str
) -> None:
    broker_desk.profile("hub")
    missing = broker_desk.call("status")
    of_window = next(line for line in missing.out.splitlines() if line.startswith(f"{unique_name}.{WINDOW} "))
    topics.create(f"{unique_name}.orders", partitions=2)
    topics.produce(f"{unique_name}.orders", [NewRecord(key=str(number), value=b"x") for number in range(7)])

    shown = broker_desk.call("status", "--json")

    assert missing.code == 0
    assert f"{unique_name}.orders: there is no such topic" in missing.out
    assert of_window.split()[1:3] == ["window", "missing"]
    assert f"{unique_name}.{WINDOW}: there is no such topic: `postback topics create` creates it" in missing.out
    assert (topic_of(shown, "orders")["records"], topic_of(shown, "orders")["kind"]) == (7, "source")
    assert not topic_of(shown, "orders")["records_are_exact"]
