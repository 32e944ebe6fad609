"""What came of one HTTP request, as the sender saw it; what it means for the delivery is decided in ``outcome``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

NoAnswer: TypeAlias = Literal["timeout", "network", "tls", "refused_address"]


class Answered(NamedTuple):  # made for every delivery: a frozen dataclass takes three times as long to make
    """
    The receiver's status and headers arrived whole.

    The status decides, whatever became of the body: a body that is cut off, drips past the timeout or exceeds
    what is read of it does not make an answered request unanswered.

    Attributes:
        status: Final status code, 200 to 999.
        retry_after: Raw text of ``Retry-After``, on 429 and 503 only.
        body_start: The first 512 bytes, undecoded.
    """

    status: int
    retry_after: str | None
    duration_ms: float
    body_start: bytes


@dataclass(frozen=True, slots=True)
class Unanswered:
    """
    No whole answer arrived; the receiver may have acted on the request all the same.

    Attributes:
        detail: For people; without path, query, headers or body of the request, so that it may be logged.
    """

    kind: NoAnswer
    detail: str
    duration_ms: float


Answer: TypeAlias = Answered | Unanswered
