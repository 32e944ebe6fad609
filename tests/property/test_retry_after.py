"""Laws of ``Retry-After``."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from consumer.core.retry_after import bounded, parse_retry_after

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

times = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - see timezones
whole_seconds = times.map(lambda time: time.replace(microsecond=0))
fifty_years_on = st.integers(-3 * 86_400, 3 * 86_400).map(lambda seconds: timedelta(days=50 * 365.25, seconds=seconds))
digits = st.one_of(st.text(st.characters(categories=["Nd"]), min_size=1, max_size=6), st.from_regex(r"[0-9_]{1,6}\Z"))
near_misses = st.text(st.sampled_from("0123456789 ,:-+._eGMTSunNov\u0660\uff11\n\t"), max_size=40)


def written(time: datetime) -> tuple[str, str, str]:
    """The three forms of one time."""
    day, month, clock = DAYS[time.weekday()], MONTHS[time.month - 1], f"{time:%H:%M:%S}"
    return (
        f"{day[:3]}, {time.day:02} {month} {time.year:04} {clock} GMT",
        f"{day}, {time.day:02}-{month}-{time.year % 100:02} {clock} GMT",
        f"{day[:3]} {month} {time.day:2} {clock} {time.year:04}",
    )


@given(whole_seconds, times)
def test_what_is_written_is_read(time: datetime, now: datetime) -> None:
    """Found: an asctime pattern of ``[0-9]{2}`` alone for the day lost the first nine days of every month."""
    fixdate, _rfc850, asctime = written(time)

    assert parse_retry_after(fixdate, now) == time
    assert parse_retry_after(asctime, now) == time


@given(times, st.one_of(fifty_years_on, st.timedeltas(timedelta(days=-70_000), timedelta(days=70_000))))
def test_year_of_two_digits_is_the_latest_within_fifty_years(now: datetime, away: timedelta) -> None:
    """Found: the century of *now* put before the digits; a year in 50 years taken, though its day is later."""
    time = (now + away).replace(microsecond=0)
    until = parse_retry_after(written(time)[1], now)

    if until is None:  # 29 February of a century that has none
        assert (time.month, time.day) == (2, 29)
        return
    assert until.replace(year=2000) == time.replace(year=2000)
    assert (until.year - time.year) % 100 == 0
    limit = (now.year + 50, now.month, now.day, now.hour, now.minute, now.second)
    parts = (until.year, until.month, until.day, until.hour, until.minute, until.second)
    assert parts <= limit < (until.year + 100, *parts[1:])


@given(st.one_of(st.text(), near_misses, digits), times)
def test_whatever_a_receiver_says_gives_a_time_or_nothing(text: str, now: datetime) -> None:
    """
    Only ASCII digits are seconds, and nothing raises.

    Found: ``\\d`` instead of ``[0-9]`` took Arabic-Indic digits; ``int()`` first, and the pattern left out, took 1_0.
    """
    until = parse_retry_after(text, now)

    bare = text.strip(" \t")
    if bare and set(bare) <= set("0123456789"):
        latest = datetime.max.replace(tzinfo=UTC)
        seconds = bare.lstrip("0") or "0"
        fits = len(seconds) < 20 and int(seconds) <= (latest - now).total_seconds()
        assert until == (now + timedelta(seconds=int(seconds)) if fits else latest)
    elif until is not None:
        assert "GMT" in bare or bare[:3] in {day[:3] for day in DAYS}


@given(st.datetimes(timezones=st.just(UTC)), times, st.timedeltas(timedelta(0), timedelta(days=365)))
def test_bound_never_lengthens_a_wait_and_never_exceeds_the_longest(
    until: datetime, now: datetime, longest: timedelta
) -> None:
    """Found: ``max`` for ``min``."""
    result = bounded(until, now, longest)

    assert result == min(until, now + longest)
