"""Waiting for a condition with a deadline: what the tests do instead of sleeping."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(
    condition: Callable[[], T | None],
    *,
    timeout_seconds: float,
    what: str | Callable[[], str],
    every_seconds: float = 0.05,
) -> T:
    """
    Give the first truthy value of *condition*.

    Args:
        what: What was waited for; a callable is asked at the deadline, so that it can say what there was instead.

    Raises:
        TimeoutError: *condition* was still false at the deadline.
    """
    deadline = time.monotonic() + timeout_seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > deadline:
            text = what if isinstance(what, str) else what()
            raise TimeoutError(f"not within {timeout_seconds:g} s: {text}")
        time.sleep(every_seconds)


def wait_until(at: float) -> None:
    """Return at the Unix time *at*; for tests that must begin at a known point of a period."""
    while (left := at - time.time()) > 0:
        time.sleep(min(left, 0.1))
