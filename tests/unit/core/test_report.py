"""Rows of the outcomes topic."""

import json
from typing import Any

import pytest

from consumer.core.report import iso_utc, outcome_row

HOSTILE = ['"', "\\", '","outcome":"delivered', "\n\t\0", "é𝄞", "\u2028", "\x7f", "", "null", "a" * 10_000, "٣", "ab12"]


def row(**about: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "delivery_id": "0a1b",
        "profile": "p",
        "order_id": "1",
        "code": "SALE",
        "attempt": 1,
        "outcome": "delivered",
        "reason": None,
        "status": 204,
        "duration_ms": 12.34,
        "at_ms": 1_772_323_200_123,
        "due_at_ms": 1_772_323_200_000,
    }
    read: dict[str, Any] = json.loads(outcome_row(**known | about))
    return read


def test_the_contracts_fields() -> None:
    assert row() == {
        "delivery_id": "0a1b",
        "profile": "p",
        "order_id": "1",
        "customer_type": "SALE",
        "attempt": 1,
        "outcome": "delivered",
        "reason": None,
        "status": 204,
        "duration_ms": 12.3,
        "at": "2026-03-01T00:00:00.123Z",
        "due_at": "2026-03-01T00:00:00.000Z",
    }


def test_what_is_not_known_is_null() -> None:
    names = ("delivery_id", "profile", "order_id", "code", "status", "duration_ms")

    read = row(**dict.fromkeys(names), due_at_ms=0)

    assert {read[name] for name in ("delivery_id", "profile", "order_id", "customer_type", "status", "due_at")} == {
        None
    }
    assert read["duration_ms"] is None


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    ("name", "field"),
    [("delivery_id", "delivery_id"), ("profile", "profile"), ("order_id", "order_id"), ("code", "customer_type")],
)
def test_hostile_texts_stay_where_they_are(name: str, field: str, text: str) -> None:
    read = row(**{name: text})

    assert read[field] == text
    assert read["outcome"] == "delivered"


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_772_323_200_999, "2026-03-01T00:00:00.999Z"),
        (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_utc_to_the_millisecond(at_ms: int, text: str) -> None:
    assert iso_utc(at_ms) == text
