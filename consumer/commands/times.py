"""Times as people read them: of their own clock, and how long that is from now."""

from datetime import datetime
from typing import Final

_UNITS: Final = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


def local_time(at_ms: int, now_ms: int) -> str:
    """`04:01:11`, with the date when it is not today."""
    at, now = _local(at_ms), _local(now_ms)
    return f"{at:%H:%M:%S}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M:%S}"


def full_local_time(at_ms: int) -> str:
    """`2026-11-24 04:01:11`."""
    return f"{_local(at_ms):%Y-%m-%d %H:%M:%S}"


def span(length_ms: int) -> str:
    """`3 h`, `25 min`, `12 s`: the largest unit of which there is at least one."""
    return next((f"{length_ms // unit} {name}" for unit, name in _UNITS if length_ms >= unit), "0 s")


def _local(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000).astimezone()
