"""When runs begin: the contract's examples, and the names of windows."""

from datetime import UTC, datetime, timedelta

import pytest

from consumer.core.schedule import (
    last_boundary_ms,
    next_boundary_ms,
    period_seconds,
    window_name,
    window_period,
)

MINUTE = 60


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"2026-03-01T{text}").replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("tick", "delay", "period"),
    [
        (15, 0, 900),
        (15, 5, 1200),
        (15, 1440, 87_300),
        (4 / 60, 0, 4),
        (4 / 60, 2 / 60, 6),
        (4 / 60, 8 / 60, 12),
        (0.5, 0.25, 45),
        (0.001, 0, 1),
        (0.02, 0, 1),
        (1.51 / 60, 0, 2),
    ],
)
def test_a_period_is_tick_and_delay_in_whole_seconds_at_least_one(tick: float, delay: float, period: int) -> None:
    assert period_seconds(timedelta(minutes=tick), timedelta(minutes=delay)) == period


@pytest.mark.parametrize(
    ("period", "appended", "run"),
    [
        (15 * MINUTE, "12:00:00", "12:15:00"),
        (15 * MINUTE, "12:14:59.999", "12:15:00"),
        (15 * MINUTE, "12:15:00", "12:30:00"),
        (20 * MINUTE, "12:00:00", "12:20:00"),
        (20 * MINUTE, "12:39:59.999", "12:40:00"),
        (20 * MINUTE, "12:41:00", "13:00:00"),
        (4, "12:00:03", "12:00:04"),
        (6, "12:00:07", "12:00:12"),
        (7, "00:00:00", "00:00:07"),
    ],
)
def test_what_is_appended_belongs_to_the_first_boundary_after_it(period: int, appended: str, run: str) -> None:
    offset_ms = at("00:00:00") % (period * 1000)

    assert next_boundary_ms(at(appended), period) == at(run) - (offset_ms if period == 7 else 0)


@pytest.mark.parametrize(
    ("period", "now", "run"),
    [
        (15 * MINUTE, "12:15:00", "12:15:00"),
        (15 * MINUTE, "12:14:59.999", "12:00:00"),
        (20 * MINUTE, "12:59:00", "12:40:00"),
    ],
)
def test_the_run_that_is_on(period: int, now: str, run: str) -> None:
    assert last_boundary_ms(at(now), period) == at(run)


@pytest.mark.parametrize(
    ("period", "name"), [(900, "15m"), (1200, "20m"), (60, "1m"), (4, "4s"), (90, "90s"), (1, "1s"), (86_400, "1440m")]
)
def test_names_of_windows(period: int, name: str) -> None:
    assert window_name(period) == name
    assert window_period(name) == period


@pytest.mark.parametrize(
    "name",
    [
        "",
        "m",
        "60s",
        "120s",
        "0m",
        "0s",
        "00m",
        "-1s",
        "1h",
        "15",
        "1.5m",
        " 4s",
        "4s ",
        "4S",
        "\u0661s",
        "1234567890s",
    ],
)
def test_what_is_no_name_of_a_window(name: str) -> None:
    assert window_period(name) is None
