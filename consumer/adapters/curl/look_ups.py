"""One look-up of a name at a time for each endpoint, and few at a time in all."""

from __future__ import annotations

import time
from collections import deque
from ipaddress import ip_address
from typing import Final, Generic, TypeVar
from urllib.parse import urlsplit

from consumer.adapters.curl.transfer import LOOK_UP_KEPT_SECONDS
from consumer.core.request import Request

T = TypeVar("T")

_AT_ONCE: Final = 8
_DOUBTFUL_AT_ONCE: Final = 4

_COLD_SECONDS: Final = LOOK_UP_KEPT_SECONDS + 1
"""Longer than libcurl keeps a look-up, so that the next one that we wait for is a real one."""


class EndpointQueue(Generic[T]):
    """
    What goes to one endpoint.

    libcurl looks a name up for every new connection, in 20 threads that all endpoints share: the first burst to an
    endpoint whose name server is dead would occupy them all, and nothing could be sent to anybody else until they
    give up. So after a pause one request goes ahead, and the others wait until its look-up is over.

    Attributes:
        running: Transfers that libcurl has.
        waiting: Tokens and requests that wait for the look-up under way, or for their turn to have one; None when
            there is none.
        has_name: Whether there is anything to look up: an address needs nobody.
        is_doubtful: The last look-up did not come to an end.
    """

    __slots__ = ("_looked_up_at", "has_name", "is_doubtful", "running", "waiting")

    def __init__(self, endpoint: str) -> None:
        self.has_name = not _is_address(endpoint)
        self.is_doubtful = False
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


class Turns(Generic[T]):
    """
    Whose names are looked up now: so few at once that there are threads left, and of those whose last look-up came to
    no end fewer still. Ten dead names (two threads each, for both kinds of address) would keep everybody waiting.
    """

    def __init__(self) -> None:
        self._count = 0
        self._doubtful = 0
        self._known: deque[EndpointQueue[T]] = deque()
        self._unknown: deque[EndpointQueue[T]] = deque()

    def begin(self, queue: EndpointQueue[T]) -> bool:
        """Whether it has its turn now; else `next` gives it when it has."""
        if not queue.has_name:
            return True
        if self._has_room_for(queue):
            self._count += 1
            self._doubtful += queue.is_doubtful
            return True
        (self._unknown if queue.is_doubtful else self._known).append(queue)
        return False

    def end(self, queue: EndpointQueue[T], *, found: bool) -> None:
        """Its look-up is over."""
        if queue.has_name:
            self._count -= 1
            self._doubtful -= queue.is_doubtful
            queue.is_doubtful = not found

    def next(self) -> EndpointQueue[T] | None:
        """One that waited and has its turn now; counted as `begin` counts."""
        for those in (self._known, self._unknown):
            if those and self._has_room_for(those[0]):
                queue = those.popleft()
                self.begin(queue)
                return queue
        return None

    def clear(self) -> None:
        """Nothing is looked up, and nobody waits."""
        self._count = self._doubtful = 0
        self._known.clear()
        self._unknown.clear()

    def _has_room_for(self, queue: EndpointQueue[T]) -> bool:
        return self._count < _AT_ONCE and (not queue.is_doubtful or self._doubtful < _DOUBTFUL_AT_ONCE)


def _is_address(endpoint: str) -> bool:
    host = urlsplit(endpoint).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
