"""Rows of the outcomes topic: what became of each attempt, and why something was not sent. No personal data."""

from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as quoted


@lru_cache(maxsize=64)  # of one boundary are all that a run delivers, and of one moment many
def iso_utc(at_ms: int) -> str:
    """`2026-11-24T04:01:11.123Z`."""
    second = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{second:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


def _or_null(text: str | None) -> str:
    return "null" if text is None else quoted(text)


@lru_cache(maxsize=1024)  # what stands in many rows is written once
def _of_outcome(outcome: str, reason: str | None, status: int | None, due_at_ms: int) -> tuple[str, str]:
    due_at = f'"{iso_utc(due_at_ms)}"' if due_at_ms else "null"
    said = f',"outcome":"{outcome}","reason":{_or_null(reason)},"status":{"null" if status is None else status}'
    return f'{said},"duration_ms":', f',"due_at":{due_at}}}'


def outcome_row(
    *,
    delivery_id: str | None,
    profile: str | None,
    order_id: str | None,
    code: str | None,
    attempt: int,
    outcome: str,
    reason: str | None,
    status: int | None,
    duration_ms: float | None,
    at_ms: int,
    due_at_ms: int,
) -> bytes:
    """The JSON object, written by hand since one is made for every attempt."""
    to_duration, end = _of_outcome(outcome, reason, status, due_at_ms)
    duration = "null" if duration_ms is None else f"{duration_ms:.1f}"
    return (
        f'{{"delivery_id":{_or_null(delivery_id)},"profile":{_or_null(profile)},"order_id":{_or_null(order_id)}'
        f',"customer_type":{_or_null(code)},"attempt":{attempt}{to_duration}{duration},"at":"{iso_utc(at_ms)}"{end}'
    ).encode()
