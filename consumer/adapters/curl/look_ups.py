"""One look-up of a name at a time for each endpoint."""

from __future__ import annotations

import time
from typing import Final, Generic, TypeVar

from consumer.adapters.curl.transfer import LOOK_UP_KEPT_SECONDS
from consumer.core.request import Request

T = TypeVar("T")

_COLD_SECONDS: Final = LOOK_UP_KEPT_SECONDS + 1
"""Longer than libcurl keeps a look-up, so that the next one that we wait for is a real one."""


class Line(Generic[T]):
    """
    What goes to one endpoint.

    libcurl looks a name up for every new connection, in 20 threads that all endpoints share: the first burst to an
    endpoint whose name server is dead would occupy them all, and nothing could be sent to anybody else until they
    give up. So after a pause one request goes ahead, and the others wait until its look-up is over.

    Attributes:
        running: Transfers that libcurl has.
        waiting: Tokens and requests that wait for the look-up under way; None when there is none.
    """

    __slots__ = ("_looked_up_at", "running", "waiting")

    def __init__(self) -> None:
        self.running = 0
        self.waiting: list[tuple[T, Request]] | None = None
        self._looked_up_at = float("-inf")

    def is_cold(self) -> bool:
        """Whether the next transfer has to look the name up; what is running keeps connections that need none."""
        return not self.running and time.monotonic() - self._looked_up_at > _COLD_SECONDS

    def looked_up(self) -> None:
        """Remember that the name was looked up just now."""
        self._looked_up_at = time.monotonic()

    def released(self) -> list[tuple[T, Request]]:
        """Give what waited; nothing waits any more."""
        waiting, self.waiting = self.waiting or [], None
        return waiting
