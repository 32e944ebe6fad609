"""What the outcomes of the last hour come to."""

import json
from typing import Any

from consumer.service.recent import LastFailure, Recent, read_recent
from tests.unit.dispatch.fakes import StoredRecord
from tests.unit.service.stored import HOUR_MS, MINUTE_MS, NAMES, Stored, record

NOW_MS = HOUR_MS + 60 * MINUTE_MS


def outcome(
    at_ms: int, outcome: str = "delivered", *, offset: int = 0, partition: int = 0, **more: Any
) -> StoredRecord:
    row = {"profile": "p", "outcome": outcome, "reason": None, "status": None, "order_id": "1001"} | more
    return record(NAMES.outcomes, at_ms, offset=offset, partition=partition, value=json.dumps(row).encode())


def recent_of(*records: StoredRecord, partitions: int = 1) -> Recent:
    stored = Stored(*records)
    return read_recent(stored, stored, [(NAMES.outcomes, number) for number in range(partitions)], NOW_MS)


def test_outcomes_are_counted_by_profile_and_those_of_more_than_an_hour_ago_are_not() -> None:
    recent = recent_of(
        outcome(HOUR_MS - 1, "failed", reason="server", profile="r"),
        outcome(HOUR_MS, offset=1),
        outcome(HOUR_MS + 1, "failed", reason="server", offset=2),
        outcome(HOUR_MS + 1, "suppressed", reason="converted", offset=3),
        outcome(NOW_MS, profile="q", offset=4),
    )

    assert recent.since_ms == HOUR_MS
    assert recent.counts == {("p", "delivered"): 1, ("p", "failed"): 1, ("p", "suppressed"): 1, ("q", "delivered"): 1}
    assert set(recent.failures) == {"p"}


def test_what_was_held_was_not_attempted_and_is_no_failed_attempt() -> None:
    recent = recent_of(outcome(NOW_MS, "failed", reason="held"))

    assert recent.counts == {("p", "held"): 1}


def test_the_last_failure_is_the_newest_and_a_hold_only_while_nothing_else_is_known() -> None:
    held = outcome(NOW_MS, "failed", reason="held", offset=2)
    older = outcome(NOW_MS - 2, "failed", reason="server", status=503, offset=0)
    newer = outcome(NOW_MS - 1, "failed", reason="rejected", status=404, order_id="1002", offset=1)
    late = outcome(NOW_MS - 3, "failed", reason="timeout", offset=3)

    assert recent_of(held).failures == {"p": LastFailure(NOW_MS, "held", None, "1001")}
    assert recent_of(older, newer, held).failures == {"p": LastFailure(NOW_MS - 1, "rejected", 404, "1002")}
    assert recent_of(held, late).failures == {"p": LastFailure(NOW_MS - 3, "timeout", None, "1001")}


def test_when_the_hour_is_too_much_only_the_time_that_was_read_of_every_partition_counts() -> None:
    old, read = outcome(NOW_MS - 50 * MINUTE_MS), outcome(NOW_MS - 10 * MINUTE_MS, offset=150_000)
    before = outcome(NOW_MS - 30 * MINUTE_MS, "failed", reason="server", partition=1)
    within = outcome(NOW_MS - 5 * MINUTE_MS, partition=1, offset=1)

    recent = recent_of(old, read, before, within, partitions=2)

    assert recent.since_ms == NOW_MS - 10 * MINUTE_MS
    assert recent.counts == {("p", "delivered"): 2}


def test_what_somebody_else_wrote_and_events_without_a_profile_are_passed_over() -> None:
    values = [b"", b"no JSON", b"[1]", b'{"profile": 7}', b'{"profile": null, "outcome": "suppressed"}']

    recent = recent_of(
        *(record(NAMES.outcomes, NOW_MS, offset=at, value=value) for at, value in enumerate(values)),
    )

    assert (recent.counts, recent.failures) == ({}, {})


def test_without_an_outcomes_topic_nothing_is_known_of_the_hour() -> None:
    assert recent_of(partitions=0) == Recent(HOUR_MS)
