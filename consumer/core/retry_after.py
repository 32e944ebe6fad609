"""``Retry-After``: RFC 9110, 10.2.3, and dates by 5.6.7; read to the letter, because what is misread is waited for."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Final

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY_NAME: Final = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_LONG_DAY_NAME: Final = "(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)"
_MONTH: Final = f"(?P<month>{'|'.join(_MONTHS)})"
_TIME: Final = r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"

_DATE_FORMS: Final = (
    re.compile(rf"{_DAY_NAME}, (?P<day>[0-9]{{2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_TIME} GMT"),
    re.compile(rf"{_LONG_DAY_NAME}, (?P<day>[0-9]{{2}})-{_MONTH}-(?P<short_year>[0-9]{{2}}) {_TIME} GMT"),
    re.compile(rf"{_DAY_NAME} {_MONTH} (?P<day>[0-9]{{2}}| [0-9]) {_TIME} (?P<year>[0-9]{{4}})"),
)
_SECONDS: Final = re.compile("[0-9]+")  # without "0*" before it, which takes n² steps for n zeros and a letter
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


def parse_retry_after(text: str, now: datetime) -> datetime | None:
    """
    Give the time that *text* asks to wait for; None when it says nothing that the standard knows.

    A date may lie in the past. The name of the weekday has to be one, but is not compared with the date: it adds
    nothing. What lies beyond the year 9999 becomes its end.
    """
    text = text.strip(" \t")
    if _SECONDS.fullmatch(text):
        return _later(now, text.lstrip("0") or "0")
    for form in _DATE_FORMS:
        if match := form.fullmatch(text):
            return _date(match.groupdict(), now)
    return None


def bounded(until: datetime, now: datetime, longest: timedelta) -> datetime:
    """Give *until*, but not later than *longest* from *now*: a date sent by mistake may ask for decades."""
    return now + longest if until - now > longest else until


def _later(now: datetime, digits: str) -> datetime:
    left = _LATEST - now
    if len(digits) > 12 or timedelta(seconds=int(digits)) > left:
        return _LATEST
    return now + timedelta(seconds=int(digits))


def _date(parts: dict[str, str], now: datetime) -> datetime | None:
    leap = timedelta(seconds=parts["second"] == "60")
    numbers = (
        _MONTHS.index(parts["month"]) + 1,
        int(parts["day"]),
        int(parts["hour"]),
        int(parts["minute"]),
        int(parts["second"]) - leap.seconds,
    )
    year = int(parts["year"]) if "year" in parts else _full_year(int(parts["short_year"]), numbers, now)
    try:
        return datetime(year, *numbers, tzinfo=UTC) + leap
    except (ValueError, OverflowError):  # no such day, no such hour
        return None


def _full_year(short_year: int, rest: tuple[int, ...], now: datetime) -> int:
    """Give the last year with these two digits that is not more than 50 years ahead."""
    now = now.astimezone(UTC)
    limit = now.year + 50
    year = limit - (limit - short_year) % 100
    too_far = year == limit and rest > (now.month, now.day, now.hour, now.minute, now.second)
    return year - 100 if too_far else year
