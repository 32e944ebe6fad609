"""A row of the history in words."""

from typing import Any

from consumer.commands.log_text import LogLines, open_line
from consumer.commands.reasons import IN_WORDS
from consumer.commands.times import span
from consumer.core.outcome import Reason
from consumer.core.waiting import Waiting
from consumer.service.open_deliveries import OpenDelivery

ROW = {
    "profile": "hub",
    "order_id": "1001",
    "customer_type": "SALE",
    "attempt": 2,
    "outcome": "failed",
    "reason": "rejected",
    "status": 404,
    "duration_ms": 12.4,
    "at": "2026-11-24T04:01:11.000Z",
}


def line(**changes: Any) -> str:
    return LogLines([]).line({**ROW, **changes})


def test_every_reason_of_a_failure_has_words() -> None:
    assert {reason.value for reason in Reason} <= IN_WORDS.keys()


def test_a_failed_attempt_says_which_one_why_and_how_long() -> None:
    assert line().endswith(
        "hub           SALE      failed         attempt 2: the receiver refused it [rejected] 404 in 12 ms"
    )


def test_what_is_null_is_a_dash_and_what_is_no_outcome_does_no_harm() -> None:
    assert "order -  " in line(order_id=None)
    assert LogLines([]).line({}).split() == ["-", "order", "-", "-", "-", "-"]


def test_texts_of_the_crm_cannot_move_the_cursor() -> None:
    assert "\x1b" not in line(order_id="\x1b[2J", reason="\x1b]0;x\x07")


def test_what_waits_says_for_which_run_and_when_that_is_overdue() -> None:
    delivery = Waiting(
        delivery_id="d", profile="hub", code="SALE", source="o/0/0", occurred_at_ms=0, arrived_at_ms=0, attempts=1,
        reason="server",
    )  # fmt: skip
    now_ms = 1_764_000_000_000

    assert "(in 3 min)" in open_line(OpenDelivery(delivery, now_ms + 200_000), now_ms)
    assert open_line(OpenDelivery(delivery, now_ms - 1), now_ms).endswith(" run is in progress")
    assert "is the service running?" in open_line(OpenDelivery(delivery, now_ms - 61_000), now_ms)


def test_spans_are_told_in_their_largest_unit() -> None:
    lengths = (999, 1_000, 59_999, 60_000, 3_600_000, 90_000_000)

    assert [span(ms) for ms in lengths] == ["0 s", "1 s", "59 s", "1 min", "1 h", "1 d"]
