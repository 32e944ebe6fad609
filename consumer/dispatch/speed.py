"""How fast a destination answers, judged from one look to the next."""

from math import inf
from typing import Final

from consumer.core.destination import Destination

_SOON_MS: Final = 1_000
_WEIGHT: Final = 1 / 8
"""Of one answer in their mean."""


class Speed:
    """
    Of one destination.

    Attributes:
        silent_ms: For how long it has not answered, while something was in flight.
        per_second: Answers; what they will be as soon as its limit is reached, while that still grows.
    """

    __slots__ = ("_answered", "_answering_ms", "_destination", "_limit", "_mean_ms", "per_second", "silent_ms")

    def __init__(self, destination: Destination) -> None:
        self.silent_ms = 0
        self.per_second = inf
        self._destination = destination
        self._limit = destination.limit
        self._answered = 0
        self._answering_ms = 0.0
        self._mean_ms = inf

    @property
    def answers_soon(self) -> bool:
        """Whether a slot comes back from it within a second or so."""
        return self._mean_ms < _SOON_MS and self.silent_ms < _SOON_MS

    @property
    def steady_per_second(self) -> float:
        """Answers at its full limit, by the mean time of one: it does not jump as `per_second` does."""
        return self._at_full_limit(self._mean_ms)

    def answered(self, duration_ms: float) -> None:
        """A transfer ended after so long, well or not."""
        self._answered += 1
        self._answering_ms += duration_ms
        known_ms = duration_ms if self._mean_ms == inf else self._mean_ms
        self._mean_ms = known_ms + (duration_ms - known_ms) * _WEIGHT

    def look(self, passed_ms: int, *, is_blamed: bool) -> None:
        """
        Judge what came since the last look.

        Args:
            passed_ms: Since that.
            is_blamed: Whether the time was the receiver's; else it says nothing of it.
        """
        destination, answered = self._destination, self._answered
        if answered or not destination.in_flight:
            self.silent_ms = 0
        elif is_blamed:
            self.silent_ms += passed_ms
        if not is_blamed:
            self.per_second = inf
        elif answered:
            self.per_second = answered * 1000 / passed_ms
            limit = destination.limit
            grows = limit < destination.endpoint.highest_limit and limit == self._limit + answered
            if grows:
                self.per_second = max(self.per_second, self._at_full_limit(self._answering_ms / answered))
        else:
            self.per_second = self._at_full_limit(self.silent_ms)
        self._answered, self._answering_ms, self._limit = 0, 0.0, destination.limit

    def _at_full_limit(self, answer_ms: float) -> float:
        return self._destination.endpoint.highest_limit * 1000 / answer_ms if answer_ms else inf
