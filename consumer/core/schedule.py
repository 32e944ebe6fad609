"""
When runs begin. No clock here: times come in as epoch milliseconds, as Kafka stamps its records.

A profile's period is the tick plus its export delay, in whole seconds, and runs are aligned to the Unix epoch:
period 15 min runs at :00, :15, :30, :45; period 20 min at :00, :20, :40.
"""

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

_NAME: Final = re.compile(r"([1-9][0-9]{0,8})([ms])")


def period_seconds(tick: timedelta, delay: timedelta) -> int:
    """Whole seconds between two runs of a profile, at least one."""
    return max(1, round((tick + delay).total_seconds()))


def periods_in_use(tick: timedelta, delays: Iterable[timedelta]) -> frozenset[int]:
    """Periods of the windows of profiles with these delays, and the tick itself, at which there is always a run."""
    return frozenset(period_seconds(tick, delay) for delay in (timedelta(), *delays))


def window_name(period: int) -> str:
    """`15m` for whole minutes, else `Ns`: the last part of a window topic's name, and the metrics' `window`."""
    return f"{period // 60}m" if period % 60 == 0 else f"{period}s"


def window_period(name: str) -> int | None:
    """Seconds of a window's period by its name, None when it is no such name."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    period = int(found[1]) * (60 if found[2] == "m" else 1)
    return period if window_name(period) == name else None


def last_boundary_ms(now_ms: int, period: int) -> int:
    """The newest boundary that is not after *now_ms*: the run that is on."""
    return now_ms - now_ms % (period * 1000)


def next_boundary_ms(at_ms: int, period: int) -> int:
    """The first boundary after *at_ms*: when what was appended then is due."""
    return at_ms - at_ms % (period * 1000) + period * 1000


def due_ms(entered_ms: int, period: int | None, periods: frozenset[int]) -> int:
    """
    Boundary of the run to which what entered then belongs.

    Args:
        period: Of its window; None for the retry topic.
        periods: Of all windows in use: the retry topic is read at each of their boundaries.
    """
    if period is not None:
        return next_boundary_ms(entered_ms, period)
    return min(next_boundary_ms(entered_ms, one) for one in periods)
