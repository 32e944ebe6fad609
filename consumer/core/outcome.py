"""What became of a delivery, and what is done about it."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, assert_never

from consumer.core.answer import Answer, Answered, Unanswered


class Reason(StrEnum):
    """Why a delivery failed: low-cardinality, it is a metric label."""

    TIMEOUT = "timeout"
    NETWORK = "network"
    TLS = "tls"
    THROTTLED = "throttled"
    SERVER = "server"
    REJECTED = "rejected"
    REDIRECT = "redirect"
    REFUSED_ADDRESS = "refused_address"
    RENDER = "render"
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has it: 2xx."""

    status: int


@dataclass(frozen=True, slots=True)
class Failed:
    """
    It is attempted again in the next run.

    Attributes:
        status: Status code of the answer, if there was one.
        retry_after: The header's text, which only 429 and 503 are believed.
        detail: For people: what the network said.
    """

    reason: Reason
    status: int | None = None
    retry_after: str | None = None
    detail: str = ""

    @property
    def is_endpoints(self) -> bool:
        """Whether it tells of the endpoint as a whole, not of this one delivery."""
        return self.reason in _OF_THE_ENDPOINT


PAUSED: Final = "paused"
"""Why a delivery waits that no attempt was made of, and that did not fail: its profile is paused, or away."""

_OF_THE_ENDPOINT = frozenset(
    {Reason.TIMEOUT, Reason.NETWORK, Reason.TLS, Reason.THROTTLED, Reason.SERVER, Reason.REFUSED_ADDRESS}
)
OF_ONE_DELIVERY = frozenset(Reason) - _OF_THE_ENDPOINT - {Reason.HELD}
"""Reasons that say nothing of other deliveries."""

Outcome = Delivered | Failed


def outcome_of(answer: Answer) -> Outcome:
    """2xx is success; everything else is attempted again."""
    match answer:
        case Answered(status=status, retry_after=retry_after):
            return _of_status(status, retry_after)
        case Unanswered(kind=kind, detail=detail):
            return Failed(Reason(kind), detail=detail)
        case _:
            assert_never(answer)


@lru_cache(maxsize=256)  # one for each delivery otherwise, and nearly all are the same
def _of_status(status: int, retry_after: str | None) -> Outcome:
    if 200 <= status < 300:
        return Delivered(status)
    if status == 429 or (status == 503 and retry_after is not None):
        return Failed(Reason.THROTTLED, status, retry_after)
    if status >= 500:
        return Failed(Reason.SERVER, status)
    if 300 <= status < 400:
        return Failed(Reason.REDIRECT, status)
    if status >= 400:
        return Failed(Reason.REJECTED, status)
    return Failed(Reason.NETWORK, status, detail="an informational answer and no other")
