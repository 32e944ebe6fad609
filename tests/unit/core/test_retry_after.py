"""``Retry-After`` by the letter of RFC 9110."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from consumer.core.retry_after import bounded, parse_retry_after

NOW = datetime(2025, 11, 24, 12, 0, 0, 250_000, tzinfo=UTC)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc] # the parts of one date


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1", 1),
        ("120", 120),
        ("007", 7),
        (" 120\t", 120),
        ("86400", 86_400),
        ("4102444800", 4_102_444_800),
        ("0" * 5000 + "5", 5),
        ("0" * 5000, 0),
    ],
)
def test_seconds_count_from_now(text: str, seconds: int) -> None:
    assert parse_retry_after(text, NOW) == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["9" * 12, "9" * 13, "9" * 5000, "1" + "0" * 100_000, str(8000 * 366 * 86_400)])
def test_seconds_beyond_all_dates_become_the_last_one(text: str) -> None:
    assert parse_retry_after(text, NOW) == END_OF_TIME


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("Sun, 06 Nov 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)),
        ("Sunday, 06-Nov-94 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)),
        ("Sun Nov  6 08:49:37 1994", at(1994, 11, 6, 8, 49, 37)),
        ("Wed Nov 16 08:49:37 1994", at(1994, 11, 16, 8, 49, 37)),
        ("  Mon, 24 Nov 2025 12:05:00 GMT\t", at(2025, 11, 24, 12, 5)),
        ("Thu, 29 Feb 2024 23:59:59 GMT", at(2024, 2, 29, 23, 59, 59)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", at(9999, 12, 31, 23, 59, 59)),
        ("Mon, 01 Jan 0001 00:00:00 GMT", at(1, 1, 1)),
        ("Sat, 31 Dec 2016 23:59:60 GMT", at(2017, 1, 1)),  # a leap second
        ("Mon, 06 Nov 1994 08:49:37 GMT", at(1994, 11, 6, 8, 49, 37)),  # was a Sunday
    ],
)
def test_three_forms_of_dates_are_read(text: str, until: datetime) -> None:
    assert parse_retry_after(text, NOW) == until


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("Monday, 24-Nov-25 12:00:00 GMT", 2025),
        ("Monday, 24-Nov-74 12:00:00 GMT", 2074),
        ("Monday, 24-Nov-75 11:59:59 GMT", 2075),
        ("Monday, 24-Nov-75 12:00:00 GMT", 2075),
        ("Monday, 24-Nov-75 12:00:01 GMT", 1975),
        ("Monday, 31-Dec-75 00:00:00 GMT", 1975),
        ("Monday, 01-Jan-76 00:00:00 GMT", 1976),
        ("Monday, 01-Jan-00 00:00:00 GMT", 2000),
        ("Monday, 01-Jan-99 00:00:00 GMT", 1999),
    ],
)
def test_year_of_two_digits_is_at_most_fifty_years_ahead(text: str, year: int) -> None:
    until = parse_retry_after(text, NOW)

    assert until is not None
    assert until.year == year


def test_year_of_two_digits_is_counted_in_utc() -> None:
    just_before_midnight = datetime(2026, 1, 1, 1, 0, tzinfo=timezone(timedelta(hours=2)))

    assert parse_retry_after("Monday, 01-Jan-76 00:00:00 GMT", just_before_midnight) == at(1976, 1, 1)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "-1",
            "-0",
            "+1",
            "1.5",
            "1,5",
            "1e3",
            "1_000",
            "0x10",
            "1 000",
            "1s",
            "1;q=1",
            "nan",
            "inf",
            "None",
        ),
        pytest.param("0" * 100_000 + "x", id="zeros, that no step back is to be taken in"),
        *("\u0661\u0662\u0660", "\uff11\uff12", "\u00b2", "12\n", "\n12", "1\x00", "\u00a012", "12\x0b", "120, 60"),
        "Sun, 31 Feb 2026 08:49:37 GMT",
        "Sun, 29 Feb 2025 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Apr 1994 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Fri, 31 Dec 9999 23:59:60 GMT",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 +0000",
        "Sun, 06 Nov 1994 08:49:37 gmt",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nov 1994 08:49:37.5 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun,  6 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 November 1994 08:49:37 GMT",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "06 Nov 1994 08:49:37 GMT",
        "Sun 06 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday, 31-Feb-94 08:49:37 GMT",
        "Sun Nov 06 08:49:37 94",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Feb 31 08:49:37 1994",
        "Sun, \u0660\u0666 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
        "1994-11-06T08:49:37Z",
        "2025-11-24 12:05:00",
    ],
)
def test_what_the_standard_does_not_know_says_nothing(text: str) -> None:
    assert parse_retry_after(text, NOW) is None


def test_wait_is_bounded() -> None:
    day = timedelta(days=1)

    assert bounded(NOW + timedelta(hours=1), NOW, day) == NOW + timedelta(hours=1)
    assert bounded(NOW + day, NOW, day) == NOW + day
    assert bounded(NOW + day + timedelta(seconds=1), NOW, day) == NOW + day
    assert bounded(END_OF_TIME, NOW, day) == NOW + day
    assert bounded(at(1994, 11, 6), NOW, day) == at(1994, 11, 6)
