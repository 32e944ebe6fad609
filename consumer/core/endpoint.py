"""How much may go to one endpoint (scheme, host, port) now: its limit, its breaker, its Retry-After."""

from enum import Enum
from typing import Final

from consumer.core.outcome import Failed, Reason

_START_LIMIT: Final = 4
"""Transfers at once to an endpoint that has not answered yet: many dead ones together do not use up the slots."""

_OPENS_AT: Final = 20
"""Endpoint-level failures in a row, after which it is left alone until a later run."""

_WEIGHT: Final = {Reason.TIMEOUT: 5, Reason.REFUSED_ADDRESS: _OPENS_AT}
"""A time-out costs a slot for half a minute: four of them are enough. A refused address is refused again."""


class Breaker(Enum):
    """CLOSED: deliveries go out. OPEN: none does in this run. PROBING: one does, and its outcome decides."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class Endpoint:
    """
    The state machine of one endpoint; times and boundaries in epoch milliseconds.

    The limit grows by one with each answer, up to the one that the settings allow, and halves with each failure of
    the endpoint as a whole.

    Attributes:
        limit: Transfers at once, as far as it has shown that it bears them.
        highest_limit: The one that the settings allow.
    """

    __slots__ = ("_closed_in", "_failures", "breaker", "highest_limit", "hold_until_ms", "in_flight", "limit", "name")

    def __init__(self, name: str, highest_limit: int) -> None:
        self.name = name
        self.limit = min(_START_LIMIT, highest_limit)
        self.in_flight = 0
        self.hold_until_ms = 0
        self.breaker = Breaker.CLOSED
        self.highest_limit = highest_limit
        self._failures = 0
        self._closed_in = 0

    def accepts(self, now_ms: int, run_ms: int) -> bool:
        """
        Whether a delivery of the run that began at *run_ms* may be sent here, now or when it is its turn; else it is
        held, which costs no attempt, and so are all others of that run that come after it: none overtakes another.
        The first one that a later run brings to an open breaker becomes its probe.
        """
        if now_ms < self.hold_until_ms:
            self._closed_in = max(self._closed_in, run_ms)
        if self.is_closed(run_ms):
            return False
        if self.breaker is Breaker.OPEN:
            self.breaker = Breaker.PROBING
        return True

    def is_closed(self, run_ms: int) -> bool:
        """Whether nothing more of the run that began at *run_ms* is sent here."""
        return run_ms <= self._closed_in

    def is_held(self, now_ms: int) -> bool:
        """Whether nothing is sent now: for the metric."""
        return now_ms < self.hold_until_ms or self.breaker is Breaker.OPEN

    @property
    def is_probed(self) -> bool:
        """Whether all depends on one delivery that is out, or on its way out."""
        return self.breaker is Breaker.PROBING

    @property
    def has_room(self) -> bool:
        """Whether one more transfer may begin."""
        return self.in_flight < (1 if self.breaker is Breaker.PROBING else self.limit)

    def hold(self, until_ms: int) -> None:
        """Send nothing new before *until_ms*."""
        self.hold_until_ms = max(self.hold_until_ms, until_ms)

    def answered(self) -> None:
        """A transfer ended in an answer that says nothing against the endpoint as a whole."""
        self._failures = 0
        self.breaker = Breaker.CLOSED
        if self.limit < self.highest_limit:
            self.limit += 1

    def failed(self, failure: Failed, run_ms: int) -> bool:
        """
        A transfer of the run *run_ms* ended in a failure of the endpoint as a whole.

        Returns:
            Whether the breaker opened by it: what is queued for the endpoint is to be held.
        """
        self._failures += _WEIGHT.get(failure.reason, 1)
        self.limit = max(1, self.limit // 2)
        if self.breaker is Breaker.CLOSED and self._failures < _OPENS_AT:
            return False
        opens = self.breaker is not Breaker.OPEN
        self.breaker = Breaker.OPEN
        self._closed_in = max(self._closed_in, run_ms)
        return opens
