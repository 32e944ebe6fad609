"""`postback log` against a real broker: every attempt, every suppression, and what of an order waits."""

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import IO

import pytest

from consumer.service.assembly import clock_ms
from tests.desk import Desk
from tests.e2e.instance import POSTBACK
from tests.integration.commands.waiting_topics import OwnTopics, waiting

pytestmark = pytest.mark.broker


@pytest.fixture
def told(broker_desk: Desk, own: OwnTopics) -> Desk:
    """A desk with a history of three orders."""
    broker_desk.profile("hub")
    broker_desk.profile("other")
    broker_desk.call("topics", "create")
    now_ms = clock_ms()
    own.report("failed", at_ms=now_ms - 5_000, reason="rejected", status=404)
    own.report("delivered", at_ms=now_ms - 3_000, status=200, attempt=2)
    own.report("delivered", at_ms=now_ms - 2_000, status=201, profile="other", order="1002")
    own.report("suppressed", at_ms=now_ms - 1_000, reason="test_card", profile=None, attempt=0, order="1003")
    own.bury("undecodable", key="1004", error="the record is empty")
    own.bury("gave_up", profile="hub", key="1001")
    return broker_desk


def test_of_an_order_every_attempt_is_told_oldest_first(told: Desk) -> None:
    shown = told.call("log", "--order", "1001")

    first, second = shown.out.splitlines()[:2]
    assert "order 1001" in first
    assert "attempt 1: the receiver refused it [rejected] 404 in 12 ms" in first
    assert "attempt 2: 200" in second


@pytest.mark.parametrize(("order", "words"), [("1003", "test card"), ("1004", "the record is empty")])
def test_what_was_suppressed_or_lost_before_routing_is_found_by_its_order_also_with_a_profile(
    told: Desk, order: str, words: str
) -> None:
    shown = told.call("log", "--order", order)
    of_hub = told.call("log", "--order", order, "--profile", "hub")

    assert words in shown.out
    assert of_hub.out == shown.out


def test_an_order_of_which_nothing_is_known_gets_an_explanation(told: Desk) -> None:
    shown = told.call("log", "--order", "9999")

    assert shown.code == 0
    assert shown.out.startswith("Nothing is known of order 9999")


def test_what_of_an_order_waits_is_told_with_its_next_run(told: Desk, own: OwnTopics) -> None:
    own.wait("window.10080m", waiting("hub"), key="1005")
    own.wait("window.10080m", waiting("hub"), key="1006")
    own.wait("retry", waiting("other", attempts=3, reason="server"), key="1005")

    shown = told.call("log", "--order", "1005")

    assert sorted(line.split("; next run")[0] for line in shown.out.splitlines()) == [
        "waits: hub SALE",
        "waits: other SALE after 3 attempts, the receiver had an error",
    ]


def test_of_an_order_the_profiles_that_get_nothing_are_told_with_the_reason(told: Desk) -> None:
    told.profile("off", enabled=False)
    told.profile_text("broken", "name: broken\n")

    of_all = told.call("log", "--order", "1002")
    of_one = told.call("log", "--order", "1002", "--profile", "hub")
    of_nobody = told.call("log", "--order", "1002", "--profile", "hup")
    of_a_test_card = told.call("log", "--order", "1003")

    broken, not_routed, off = sorted(line for line in of_all.out.splitlines() if line.startswith("not sent"))
    assert broken.startswith("not sent: broken: does not load: ")
    assert "profiles/broken.yaml:1: " in broken
    assert not_routed.startswith("not sent: hub: no routing row matches it")
    assert off == "not sent: off: disabled"
    assert of_one.out.splitlines() == [not_routed]
    assert of_nobody.out == "not sent: hup: there is no such profile; did you mean `hub`?\n"
    assert "not sent" not in of_a_test_card.out


def test_what_waits_of_an_order_is_told_of_the_profile_and_of_failures_only(told: Desk, own: OwnTopics) -> None:
    own.wait("window.10080m", waiting("hub"), key="1005")
    own.wait("retry", waiting("other", attempts=3, reason="server", first_failed_at_ms=1), key="1005")

    of_hub = told.call("log", "--order", "1005", "--profile", "hub")
    failed = told.call("log", "--order", "1005", "--failed")

    assert [line.split()[1] for line in of_hub.out.splitlines()] == ["hub"]
    assert [line.split()[1] for line in failed.out.splitlines()] == ["other"]


def test_a_profile_of_which_nothing_is_told_may_be_misspelt_or_off(told: Desk) -> None:
    told.profile("off", enabled=False)
    told.profile("quiet")

    assert "did you mean `hub`?" in told.call("log", "--profile", "hup").err
    assert "off: disabled" in told.call("log", "--profile", "off").err
    assert told.call("log", "--profile", "quiet").err == "no entries for quiet in that period; widen --since\n"


def test_of_a_profile_or_of_failures_only_those_are_told(told: Desk) -> None:
    of_other = told.call("log", "--profile", "other", "--json")
    failed = told.call("log", "--failed", "--json")

    assert [json.loads(line)["order_id"] for line in of_other.out.splitlines()] == ["1002"]
    rows = [json.loads(line) for line in failed.out.splitlines()]
    assert [(row["order_id"], row["reason"]) for row in rows] == [("1001", "rejected"), ("1004", "undecodable")]


def test_only_the_newest_are_told_when_there_are_more_than_the_limit(told: Desk) -> None:
    shown = told.call("log", "--limit", "2", "--json")

    assert [json.loads(line)["order_id"] for line in shown.out.splitlines()] == ["1003", "1004"]
    assert shown.err == "3 older ones are left out: see --limit\n"


def test_the_limit_is_one_of_what_was_asked_for(told: Desk, own: OwnTopics) -> None:
    own.report("delivered", at_ms=clock_ms(), status=201, profile="other")

    of_hub = told.call("log", "--order", "1001", "--profile", "hub", "--limit", "1")

    first, *rest = of_hub.out.splitlines()
    assert "hub" in first
    assert "attempt 2: 200" in first
    assert not [line for line in rest if "hub" in line]


@pytest.mark.parametrize("arguments", [("--since", "yesterday"), ("--limit", "0")])
def test_wrong_usage_ends_with_2(desk: Desk, arguments: tuple[str, str]) -> None:
    assert desk.call("log", *arguments).code == 2


@pytest.fixture
def following(told: Desk) -> Iterator["subprocess.Popen[str]"]:
    # Tests that a shell started in the background have SIGINT ignored, and so has every child of theirs.
    interruptible = ["env", "--default-signal=INT"]
    command = [POSTBACK, "log", "--follow", "--json", "--config", str(told.folder / "postback.yaml")]
    with subprocess.Popen([*interruptible, *command], stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def test_following_goes_on_with_what_comes_until_it_is_interrupted(
    following: "subprocess.Popen[str]", own: OwnTopics
) -> None:
    out = following.stdout
    assert out is not None
    before = [_order(out) for _ in range(5)]

    own.report("delivered", at_ms=clock_ms(), order="1007")
    after = _order(out)
    following.send_signal(signal.SIGINT)

    assert sorted(before) == ["1001", "1001", "1002", "1003", "1004"]
    assert after == "1007"
    assert following.wait(30) == 0


def _order(out: IO[str]) -> str:
    return str(json.loads(out.readline())["order_id"])
