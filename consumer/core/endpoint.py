"""How much may go to one endpoint (scheme, host, port) now, whoever sends there: its limit, its Retry-After."""

from typing import Final

from consumer.core.outcome import Failed, Reason

START_LIMIT: Final = 4
"""Transfers at once to what has not answered yet: many dead ones together do not use up the slots."""

OPENS_AT: Final = 20
"""Failures in a row, after which nothing more is sent in this run."""

WEIGHT: Final = {Reason.TIMEOUT: 5, Reason.REFUSED_ADDRESS: OPENS_AT}
"""A time-out costs a slot for half a minute: four of them are enough. A refused address is refused again."""

_SILENCE: Final = frozenset({Reason.TIMEOUT, Reason.NETWORK})


class Endpoint:
    """
    What its destinations have in common; times and boundaries in epoch milliseconds.

    An answer proves that it lives, whatever its status. The limit grows by one with each answer, up to the one that
    the settings allow, and halves whenever none comes.

    Attributes:
        limit: Transfers at once, as far as it has shown that it bears them.
        highest_limit: The one that the settings allow.
        shown: Its name without secrets, for logs and metrics.
    """

    __slots__ = (
        "_closed_in",
        "_failures",
        "_run_ms",
        "highest_limit",
        "hold_until_ms",
        "in_flight",
        "limit",
        "name",
        "shown",
    )

    def __init__(self, name: str, highest_limit: int) -> None:
        self.name = self.shown = name
        self.limit = min(START_LIMIT, highest_limit)
        self.in_flight = 0
        self.hold_until_ms = 0
        self.highest_limit = highest_limit
        self._failures = 0
        self._run_ms = 0
        self._closed_in = 0

    @property
    def has_room(self) -> bool:
        """Whether one more transfer may begin."""
        return self.in_flight < self.limit

    def is_closed(self, run_ms: int) -> bool:
        """Whether nothing more of the run that began at *run_ms* is sent here, since nobody answered in it."""
        return run_ms <= self._closed_in

    def hold(self, until_ms: int) -> None:
        """Send nothing new before *until_ms*."""
        self.hold_until_ms = max(self.hold_until_ms, until_ms)

    def answered(self) -> None:
        """A transfer ended in an answer."""
        self._failures = 0
        if self.limit < self.highest_limit:
            self.limit += 1

    def failed(self, failure: Failed, run_ms: int, *, is_suspect: bool) -> None:
        """
        A transfer of the run *run_ms* ended in a failure that is not of one delivery alone.

        Args:
            is_suspect: The delivery failed so before: a few that always hang must not close the endpoint for all.
        """
        if failure.status is not None:
            self.answered()
            return
        if failure.reason not in _SILENCE:
            return  # it is the destination's: its certificates, its address
        if run_ms > self._run_ms:  # a later run asks anew: one path that hangs must not close the others for good
            self._run_ms, self._failures = run_ms, 0
        if is_suspect:
            self._failures += failure.reason is Reason.TIMEOUT
        else:
            self._failures += WEIGHT.get(failure.reason, 1)
            self.limit = max(1, self.limit // 2)
        if self._failures >= OPENS_AT:
            self._closed_in = max(self._closed_in, run_ms)
