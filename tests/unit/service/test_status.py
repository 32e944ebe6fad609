"""The status, as it is put together from what the topics hold."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from consumer.adapters.profiles import ProfileSet
from consumer.core.problem import Problem, Severity
from consumer.core.profile import Profile
from consumer.core.waiting import dead_letter_headers, marker_header
from consumer.service.status import ProfileStatus, Status, TopicStatus, read_status
from tests.unit.dispatch.fakes import StoredRecord
from tests.unit.service.stored import HOUR_MS, MINUTE_MS, NAMES, SETTINGS, brokers_with, in_retry, in_window, record

P = Profile(name="p", url="https://example.com/")
DELAYED = Profile(name="delayed", url="https://example.com/", delay=timedelta(minutes=5))


def status_of(
    *records: StoredRecord,
    now_ms: int,
    profiles: tuple[Profile, ...] = (P, DELAYED),
    problems: tuple[Problem, ...] = (),
) -> Status:
    loaded = ProfileSet(profiles, problems, len(problems), named=None, was_read=True)
    return read_status(brokers_with(*records), SETTINGS, loaded, now_ms)


def profile_in(status: Status, name: str = "p") -> ProfileStatus:
    return next(one for one in status.profiles if one.name == name)


def topic_in(status: Status, name: str) -> TopicStatus:
    return next(one for one in status.topics if one.topic == name)


@pytest.mark.parametrize(
    ("one", "boundary_minute"),
    [
        (in_window(900, HOUR_MS + 14 * MINUTE_MS), 15),
        (in_window(900, HOUR_MS + 15 * MINUTE_MS), 30),
        (in_window(1200, HOUR_MS + 14 * MINUTE_MS), 20),
        (in_retry(HOUR_MS + 16 * MINUTE_MS, moved_in_ms=HOUR_MS + 15 * MINUTE_MS), 20),
        (in_retry(HOUR_MS + 21 * MINUTE_MS, moved_in_ms=HOUR_MS + 20 * MINUTE_MS), 30),
        (in_retry(HOUR_MS + 21 * MINUTE_MS), 30),
    ],
    ids=["a window", "at a boundary", "a longer window", "a retry", "the next run", "a retry that names no run"],
)
def test_what_waits_is_due_from_the_boundary_of_its_run_on(one: StoredRecord, boundary_minute: int) -> None:
    boundary_ms = HOUR_MS + boundary_minute * MINUTE_MS

    before, after = (status_of(one, now_ms=now_ms) for now_ms in (boundary_ms - 1, boundary_ms))

    assert (profile_in(before).due, topic_in(before, one.topic()).due) == (0, 0)
    assert (profile_in(after).due, topic_in(after, one.topic()).due) == (1, 1)
    assert topic_in(before, one.topic()).records == topic_in(after, one.topic()).records == 1


def test_the_next_run_is_the_profiles_own_the_windows_own_and_for_retries_whichever_comes_first() -> None:
    status = status_of(now_ms=HOUR_MS + 16 * MINUTE_MS)

    runs = [(profile.next_run_at_ms or 0) - HOUR_MS for profile in status.profiles]
    assert runs == [30 * MINUTE_MS, 20 * MINUTE_MS]
    windows = [topic_in(status, NAMES.window(period)).next_run_at_ms for period in (900, 1200)]
    assert windows == [HOUR_MS + 30 * MINUTE_MS, HOUR_MS + 20 * MINUTE_MS]
    assert topic_in(status, NAMES.retry).next_run_at_ms == HOUR_MS + 20 * MINUTE_MS


def test_of_a_paused_profile_all_waits_and_nothing_is_due_though_its_topics_say_so() -> None:
    paused = Profile(name="p", url="https://example.com/", paused=True)
    records = in_window(900, HOUR_MS), in_retry(HOUR_MS, reason="paused"), in_retry(HOUR_MS, reason="server", offset=1)

    status = status_of(*records, now_ms=HOUR_MS + 60 * MINUTE_MS, profiles=(paused,))

    found = profile_in(status)
    assert (found.state, found.next_run_at_ms, found.due) == ("paused", None, 0)
    assert (found.waiting, found.retrying, found.waiting_reason) == (2, 1, "server")
    assert (topic_in(status, NAMES.window(900)).due, topic_in(status, NAMES.retry).due) == (1, 2)


def test_a_disabled_profile_has_no_next_run_and_what_it_left_is_not_due() -> None:
    disabled = Profile(name="p", url="https://example.com/", enabled=False)

    found = profile_in(status_of(in_window(900, HOUR_MS), now_ms=HOUR_MS + 60 * MINUTE_MS, profiles=(disabled,)))

    assert (found.state, found.next_run_at_ms, found.waiting, found.due) == ("disabled", None, 1, 0)


def test_what_waits_for_a_profile_that_is_in_no_file_is_shown_as_removed_and_not_due() -> None:
    found = profile_in(status_of(in_window(900, HOUR_MS, profile="gone"), now_ms=HOUR_MS + 60 * MINUTE_MS), "gone")

    assert (found.state, found.next_run_at_ms, found.waiting, found.due) == ("removed", None, 1, 0)


def test_an_invalid_profile_says_why_and_what_waits_for_it_is_due_since_its_last_good_version_may_run(
    tmp_path: Path,
) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text("name: broken\ntype: postback\nurl: https://example.com/\n")
    wrong = Problem(str(file), 3, "unknown key `url`")
    doubt = Problem(str(file), 2, "a warning comes first", "warning")

    status = status_of(
        in_window(900, HOUR_MS, profile="broken"), now_ms=HOUR_MS + 60 * MINUTE_MS, problems=(doubt, wrong)
    )

    found = profile_in(status, "broken")
    assert (found.state, found.next_run_at_ms, found.waiting, found.due) == ("invalid", None, 1, 1)
    assert found.problem == str(wrong)


@pytest.mark.parametrize(
    "problem", [("a doubt", "warning"), ("another profile is called `p`, too", "error")], ids=["a doubt", "a namesake"]
)
def test_a_profile_that_is_in_force_is_active_whatever_is_said_of_its_file(
    tmp_path: Path, problem: tuple[str, Severity]
) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("name: p\n")

    (found,) = status_of(now_ms=HOUR_MS, profiles=(P,), problems=(Problem(str(file), 1, *problem),)).profiles

    assert (found.name, found.state, found.problem) == ("p", "active", None)


def test_a_hold_is_shown_while_it_lasts_the_longest_of_several() -> None:
    now_ms = HOUR_MS
    past = in_retry(now_ms, hold_until_ms=now_ms, first_failed_at_ms=now_ms - 3)
    longest = in_retry(now_ms, hold_until_ms=now_ms + 2, first_failed_at_ms=now_ms - 5, offset=1)
    short = in_retry(now_ms, hold_until_ms=now_ms + 1, reason="held", offset=2)

    over, held = (profile_in(status_of(*records, now_ms=now_ms)) for records in ([past], [past, longest, short]))

    assert (over.held_until_ms, over.oldest_failure_at_ms) == (None, now_ms - 3)
    assert (held.held_until_ms, held.oldest_failure_at_ms) == (now_ms + 2, now_ms - 5)
    assert (held.retrying, held.waiting, held.waiting_reason) == (3, 0, "held")


def test_markers_and_what_somebody_else_wrote_are_records_of_a_topic_and_no_deliveries() -> None:
    marker = record(NAMES.window(900), HOUR_MS, marker_header("orders/0/0"))
    alien = record(NAMES.window(900), HOUR_MS, offset=1)

    status = status_of(marker, alien, now_ms=HOUR_MS, profiles=(P,))

    assert topic_in(status, NAMES.window(900)).records == 2
    assert [(one.name, one.waiting) for one in status.profiles] == [("p", 0)]


def test_dead_letters_are_counted_by_reason_and_those_of_known_profiles_by_profile() -> None:
    reasons = [("gave_up", "p"), ("gave_up", "p"), ("profile_removed", "gone"), ("undecodable", "")]
    letters = [
        record(NAMES.dead_letter, HOUR_MS, *dead_letter_headers(reason, source="orders/0/0", profile=name), offset=at)
        for at, (reason, name) in enumerate(reasons)
    ]

    status = status_of(*letters, record(NAMES.dead_letter, HOUR_MS, offset=4), now_ms=HOUR_MS, profiles=(P,))

    found = topic_in(status, NAMES.dead_letter)
    assert found.reasons == Counter(gave_up=2, profile_removed=1, undecodable=1, unknown=1)
    assert (found.records, found.is_exact) == (5, True)
    assert [(one.name, one.dead_letters) for one in status.profiles] == [("p", 2)]


def test_of_very_many_dead_letters_the_newest_are_looked_at_and_the_others_counted() -> None:
    old, new = (
        record(NAMES.dead_letter, HOUR_MS, *dead_letter_headers(reason, source=""), offset=at)
        for reason, at in (("undecodable", 0), ("gave_up", 20_000))
    )

    found = topic_in(status_of(old, new, now_ms=HOUR_MS), NAMES.dead_letter)

    assert found.reasons == Counter(gave_up=1)
    assert (found.records, found.is_exact) == (2, False)


def test_a_source_topic_shows_its_lag_and_one_that_is_missing_no_partitions() -> None:
    settings = SETTINGS.model_copy(
        update={"sources": (*SETTINGS.sources, SETTINGS.sources[0].model_copy(update={"topic": "partials"}))}
    )
    loaded = ProfileSet((), (), 0, named=None, was_read=True)

    status = read_status(brokers_with(record("orders", HOUR_MS, offset=6)), settings, loaded, HOUR_MS)

    orders, partials = topic_in(status, "orders"), topic_in(status, "partials")
    assert (orders.kind, orders.partitions, orders.records, orders.lag, orders.is_exact) == ("source", 1, 7, 7, False)
    assert (partials.partitions, partials.lag) == (0, 0)
