"""How much may go from one profile to its endpoint now: its limit and its breaker."""

from enum import Enum
from typing import Final
from zlib import crc32

from consumer.core.endpoint import OPENS_AT, START_LIMIT, WEIGHT, Endpoint
from consumer.core.outcome import Failed

_MOST_HALVINGS: Final = 12


class Breaker(Enum):
    """CLOSED: deliveries go out. OPEN: none does in this run. PROBING: one does, and its outcome decides."""

    CLOSED = "closed"
    OPEN = "open"
    PROBING = "probing"


class Destination:
    """
    The state machine of one profile's receiver; times and boundaries in epoch milliseconds.

    Paths of one host fail each for itself, so each profile has its own. A few deliveries that fail whatever the state
    of the receiver stand first in every run. They are suspects: after a row of their failures they alone are held for
    the rest of the run; nor is one of them the probe when others wait. Which of them go is drawn anew in each run, and
    the fewer the more of them there seem to be, so that each has its turn.

    The limit grows by one with each answer, up to the one that the settings allow, and halves with each failure of
    the destination as a whole.

    Attributes:
        limit: Transfers at once, as far as it has shown that it bears them.
    """

    __slots__ = (
        "_asks_others",
        "_closed_in",
        "_failures",
        "_halvings",
        "_others_failed",
        "_others_wait",
        "_probed_in",
        "_run_ms",
        "_suspects_closed_in",
        "_suspects_failed",
        "breaker",
        "endpoint",
        "in_flight",
        "limit",
    )

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.limit = min(START_LIMIT, endpoint.highest_limit)
        self.in_flight = 0
        self.breaker = Breaker.CLOSED
        self._failures = self._suspects_failed = 0
        self._run_ms = 0
        self._closed_in = 0
        self._suspects_closed_in = 0
        self._probed_in = 0
        self._halvings = 0
        self._asks_others = self._others_wait = self._others_failed = False

    def admit(self, now_ms: int, run_ms: int, *, suspect: str | None = None) -> bool:
        """
        Whether a delivery of the run that began at *run_ms* may be sent here, now or when it is its turn; else it is
        held, which costs no attempt, and so are all others of that run that come after it: none overtakes another.
        The first one that a later run brings to an open breaker becomes its probe.

        Args:
            suspect: Id of the delivery, if it has failed before as if the destination had.
        """
        self.heed_hold(now_ms, run_ms)
        if self.is_closed(run_ms) or (suspect is not None and not self._is_drawn(suspect, run_ms)):
            return False
        if self.breaker is Breaker.OPEN:
            if run_ms > self._probed_in:
                self._choose_probe(run_ms)
            if suspect is not None and self._asks_others:
                return False
            self.breaker = Breaker.PROBING
        return True

    def heed_hold(self, now_ms: int, run_ms: int) -> None:
        """What its endpoint asks to wait ends the run for it, also when the run lasts longer."""
        if now_ms < self.endpoint.hold_until_ms:
            self._closed_in = max(self._closed_in, run_ms)

    def held(self, *, is_suspect: bool) -> None:
        """A delivery that came for it is not sent in this run, and comes again in a later one."""
        if not is_suspect:
            self._others_wait = True

    def _choose_probe(self, run_ms: int) -> None:
        """Not a suspect if others wait; but those may wait behind a suspect of their order, and never come."""
        in_vain = self._asks_others and not self._others_failed
        self._asks_others = self._others_wait and not in_vain
        self._others_wait = self._others_failed = False
        self._probed_in = run_ms

    def _is_drawn(self, suspect: str, run_ms: int) -> bool:
        self._begin(run_ms)
        if run_ms <= self._suspects_closed_in:
            return False
        return not self._halvings or crc32(f"{suspect}{run_ms}".encode()) % (1 << self._halvings) == 0

    def _begin(self, run_ms: int) -> None:
        """Of a later run: what always fails, once in every run, is no row of failures."""
        if run_ms <= self._run_ms:
            return
        were_closed = self._run_ms and self._suspects_closed_in >= self._run_ms
        self._halvings = min(self._halvings + 1, _MOST_HALVINGS) if were_closed else max(0, self._halvings - 1)
        self._run_ms, self._failures, self._suspects_failed = run_ms, 0, 0

    def is_closed(self, run_ms: int) -> bool:
        """Whether nothing more of the run that began at *run_ms* is sent here."""
        return run_ms <= self._closed_in or self.endpoint.is_closed(run_ms)

    def is_held(self, now_ms: int) -> bool:
        """Whether nothing is sent now: for the metric."""
        return now_ms < self.endpoint.hold_until_ms or self.breaker is Breaker.OPEN

    @property
    def is_probed(self) -> bool:
        """Whether all depends on one delivery that is out, or on its way out."""
        return self.breaker is Breaker.PROBING

    @property
    def has_room(self) -> bool:
        """Whether one more transfer may begin, if its endpoint has room, too."""
        return self.in_flight < (1 if self.breaker is Breaker.PROBING else self.limit)

    def answered(self, *, is_suspect: bool = False) -> None:
        """
        A transfer ended in an answer that says nothing against the destination as a whole.

        Args:
            is_suspect: It was of a delivery that had failed before: the others like it may do as well.
        """
        if is_suspect:
            self._halvings = 0
        self.endpoint.answered()
        self._failures = self._suspects_failed = 0
        self.breaker = Breaker.CLOSED
        if self.limit < self.endpoint.highest_limit:
            self.limit += 1

    def failed(self, failure: Failed, run_ms: int, *, is_suspect: bool = False) -> bool:
        """
        A transfer of the run *run_ms* ended in a failure of the destination as a whole.

        Args:
            is_suspect: The delivery had failed so before.

        Returns:
            Whether the breaker opened by it: what is queued for the destination is to be held.
        """
        self.endpoint.failed(failure, run_ms, is_suspect=is_suspect)
        self._begin(run_ms)
        weight = WEIGHT.get(failure.reason, 1)
        if is_suspect:
            if run_ms <= self._suspects_closed_in:
                return False
            if self.breaker is Breaker.CLOSED:
                self._suspects_failed += weight
                if self._suspects_failed >= OPENS_AT:
                    self._suspects_closed_in = run_ms
                return False
        else:
            self.limit = max(1, self.limit // 2)
            self._failures += weight
            if self.breaker is Breaker.CLOSED and self._failures < OPENS_AT:
                return False
            self._others_failed = True
        opens = self.breaker is not Breaker.OPEN
        self.breaker = Breaker.OPEN
        self._closed_in = max(self._closed_in, run_ms)
        return opens
