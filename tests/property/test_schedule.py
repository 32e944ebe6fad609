"""Laws of runs."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from consumer.core.schedule import last_boundary_ms, next_boundary_ms, period_seconds, window_name, window_period

periods = st.integers(1, 40 * 86_400)
times = st.integers(0, 1 << 44)


@given(times, periods)
def test_every_moment_lies_between_two_boundaries_one_period_apart(at_ms: int, period: int) -> None:
    """Found: `>=` instead of `>` for the next boundary; boundaries counted from the start of the process."""
    before, after = last_boundary_ms(at_ms, period), next_boundary_ms(at_ms, period)

    assert before <= at_ms < after
    assert after - before == period * 1000
    assert before % (period * 1000) == 0


@given(times, st.integers(0, 1 << 30), periods)
def test_what_comes_later_is_never_due_earlier(at_ms: int, later_ms: int, period: int) -> None:
    """Found: rounding to the nearest boundary."""
    assert next_boundary_ms(at_ms, period) <= next_boundary_ms(at_ms + later_ms, period)


@given(times, periods)
def test_a_run_takes_exactly_what_is_due_at_its_boundary(at_ms: int, period: int) -> None:
    """Found: a cut-off one millisecond late."""
    due_ms = next_boundary_ms(at_ms, period)

    assert at_ms < last_boundary_ms(due_ms, period)
    assert at_ms >= last_boundary_ms(due_ms - 1, period)


@given(periods)
def test_names_of_windows_come_back(period: int) -> None:
    """Found: minutes for every period above a minute (90 s became `1m`)."""
    assert window_period(window_name(period)) == period


@given(st.integers(1, 86_400_000), st.integers(0, 86_400_000), st.integers(0, 86_400_000))
def test_a_longer_delay_never_has_a_shorter_period(tick_ms: int, delay_ms: int, more_ms: int) -> None:
    """Found: a delay rounded apart from the tick."""
    tick, delay, more = (timedelta(milliseconds=ms) for ms in (tick_ms, delay_ms, more_ms))

    period = period_seconds(tick, delay)

    assert period >= 1
    assert period <= period_seconds(tick, delay + more)
    assert abs(period - (tick + delay).total_seconds()) <= 0.5 or period == 1
