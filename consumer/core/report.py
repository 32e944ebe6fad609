"""Rows of the outcomes topic: what became of each attempt, and why something was not sent. No personal data."""

from datetime import UTC, datetime
from functools import lru_cache
from json import dumps


@lru_cache(maxsize=64)  # of one boundary are all that a run delivers, and of one moment many
def iso_utc(at_ms: int) -> str:
    """`2026-11-24T04:01:11.123Z`."""
    second = datetime.fromtimestamp(at_ms // 1000, UTC)
    return f"{second:%Y-%m-%dT%H:%M:%S}.{at_ms % 1000:03d}Z"


# Texts that recur (profiles, codes, reasons, times of boundaries) are quoted once.
_quoted = lru_cache(maxsize=4096)(dumps)


def _id(text: str | None) -> str:
    return f'"{text}"' if text is not None and text.isalnum() and text.isascii() else dumps(text)


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
    duration = "null" if duration_ms is None else f"{duration_ms:.1f}"
    due_at = f'"{iso_utc(due_at_ms)}"' if due_at_ms else "null"
    return (
        f'{{"delivery_id":{_id(delivery_id)},"profile":{_quoted(profile)},"order_id":{_id(order_id)},'
        f'"customer_type":{_quoted(code)},"attempt":{attempt},"outcome":"{outcome}","reason":{_quoted(reason)},'
        f'"status":{"null" if status is None else status},"duration_ms":{duration},"at":"{iso_utc(at_ms)}",'
        f'"due_at":{due_at}}}'
    ).encode()
