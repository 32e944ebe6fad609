"""A delivery while it waits: what stands beside the event's bytes in the headers of a window or retry record."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consumer.core.errors import UndecodableRecord
from consumer.core.outcome import OF_ONE_DELIVERY
from consumer.core.ports import Record

DELIVERY_HEADER: Final = "postback-delivery"
RETRY_HEADER: Final = "postback-retry"
RUN_HEADER: Final = "postback-run"
MARKER_HEADER: Final = "postback-converted"

_LONGEST_NUMBER: Final = 20
"""Characters of a number of 64 bits with its sign: longer ones are too large for what is reckoned with them."""
_LONGEST_OFFSET: Final = 18
"""Digits: all of them fit into 64 bits, and no topic comes that far."""

Headers = Sequence[tuple[str, bytes | None]]


@dataclass(slots=True, kw_only=True)
class Waiting:
    """
    Not frozen, since one is made for each delivery on the hot path, where freezing costs as much as parsing.

    Attributes:
        profile: Name of the profile.
        source: `topic/partition/offset` of the event.
        occurred_at_ms: When the event says that it happened; 0 when it does not.
        arrived_at_ms: Timestamp of the source record.
        attempts: Requests made so far.
        due_at_ms: Boundary of the first run that it belonged to; 0 until then.
        first_failed_at_ms: 0 until it failed.
        hold_until_ms: What `Retry-After` said of *hold_endpoint*; 0 when nothing.
        attempted_at_ms: When the last request was begun; 0 until then.
        reason: Why it is not delivered yet; empty in a window.
    """

    delivery_id: str
    profile: str
    code: str
    source: str
    occurred_at_ms: int
    arrived_at_ms: int
    attempts: int = 0
    due_at_ms: int = 0
    first_failed_at_ms: int = 0
    hold_until_ms: int = 0
    hold_endpoint: str = ""
    attempted_at_ms: int = 0
    reason: str = ""

    @property
    def failed_alone(self) -> bool:
        """Whether its last failure was one of this delivery, which says nothing of others."""
        return self.reason in OF_ONE_DELIVERY

    @property
    def suspect(self) -> str | None:
        """Its id, if it failed before as if its destination had: it may be the delivery, all the same."""
        return self.delivery_id if self.attempts > 0 and not self.failed_alone else None

    @property
    def version(self) -> tuple[int, int, int]:
        """Orders the versions of one partial: by what the event says, then by arrival."""
        return self.occurred_at_ms, self.arrived_at_ms, self.place[1]

    @property
    def place(self) -> tuple[str, int]:
        """`topic/partition` of the event, and its offset there; 0 when *source* does not say."""
        place, _, offset = self.source.rpartition("/")
        return place, int(offset) if offset.isascii() and offset.isdigit() and len(offset) <= _LONGEST_OFFSET else 0


def window_header(waiting: Waiting) -> tuple[str, bytes]:
    """The header that a delivery has from its first record to its last."""
    w = waiting
    # The code comes last: it is the event's own text and may hold anything.
    text = f"{w.delivery_id}\t{w.profile}\t{w.source}\t{w.occurred_at_ms}\t{w.arrived_at_ms}\t{w.code}"
    return DELIVERY_HEADER, text.encode()


def retry_header(waiting: Waiting) -> tuple[str, bytes]:
    """The header that a delivery has in the retry topic beside the other."""
    w = waiting
    times = f"{w.due_at_ms}\t{w.first_failed_at_ms}\t{w.attempted_at_ms}\t{w.hold_until_ms}"
    return RETRY_HEADER, f"{w.attempts}\t{times}\t{w.hold_endpoint}\t{w.reason}".encode()


def run_header(run_ms: int) -> tuple[str, bytes]:
    """The header in the retry topic of the run in which a record was moved there: it is due in the next one."""
    return RUN_HEADER, b"%d" % run_ms


def run_of(headers: Headers | None) -> int | None:
    """Boundary of the run that moved a record to the retry topic; None when the record does not say."""
    for name, value in headers or ():
        if name == RUN_HEADER and value is not None and value.isdigit() and len(value) <= _LONGEST_NUMBER:
            return int(value)
    return None


def entered_ms(record: Record, period: int | None) -> int:
    """
    When a record entered: by the broker's time; in the retry topic the run that moved it there, so that a run that
    lasts beyond the next boundary leaves nothing of one order behind what it moved earlier.

    Args:
        period: Of the window; None for the retry topic.
    """
    moved_in_ms = run_of(record.headers()) if period is None else None
    return record.timestamp()[1] if moved_in_ms is None else moved_in_ms


def marker_header(source: str) -> tuple[str, bytes]:
    """The header of a record that only says: the order of this key was placed."""
    return MARKER_HEADER, source.encode()


def read_headers(headers: Headers | None) -> Waiting | None:
    """
    Returns:
        None for the marker of a placed order.

    Raises:
        UndecodableRecord: Something else was written to the topic by somebody else.
    """
    try:
        if headers is not None and len(headers) == 1 and headers[0][0] == DELIVERY_HEADER:  # all that are new
            return _delivery(headers[0][1] or b"")
        found = dict(headers or ())
        delivery = found.get(DELIVERY_HEADER)
        if delivery is None:
            if MARKER_HEADER in found:
                return None
            raise UndecodableRecord(f"the record has no header {DELIVERY_HEADER}")
        waiting = _delivery(delivery)
        retry = found.get(RETRY_HEADER)
        if retry is not None:
            _add_retry(waiting, retry)
    except (ValueError, UnicodeDecodeError) as error:
        raise UndecodableRecord(f"the headers of the record cannot be read: {error}") from error
    return waiting


def profile_and_code(headers: Headers | None) -> tuple[str, str]:
    """
    All that must be known of a delivery that is passed over, at a fraction of what `read_headers` costs.

    Returns:
        Both empty when the headers say something else, or nothing.
    """
    for name, value in headers or ():
        if name == DELIVERY_HEADER and value is not None:
            parts = value.split(b"\t", 5)
            if len(parts) == 6:
                return parts[1].decode("utf-8", "replace"), parts[5].decode("utf-8", "replace")
    return "", ""


def _delivery(value: bytes) -> Waiting:
    delivery_id, profile, source, occurred_at, arrived_at, code = value.decode().split("\t", 5)
    return Waiting(
        delivery_id=delivery_id,
        profile=profile,
        code=code,
        source=source,
        occurred_at_ms=_number(occurred_at),
        arrived_at_ms=_number(arrived_at),
    )


def _number(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise ValueError(f"a number of {len(text)} digits")
    return int(text)


def _add_retry(waiting: Waiting, value: bytes) -> None:
    attempts, due_at, first_failed_at, attempted_at, hold_until, hold_endpoint, reason = value.decode().split("\t")
    waiting.attempts = _number(attempts)
    waiting.due_at_ms = _number(due_at)
    waiting.first_failed_at_ms = _number(first_failed_at)
    waiting.attempted_at_ms = _number(attempted_at)
    waiting.hold_until_ms = _number(hold_until)
    waiting.hold_endpoint = hold_endpoint
    waiting.reason = reason


NOT_KEPT: Final = "; its bytes are not kept: the dead-letter topic takes no record of that size"
"""What is added to the error of such a dead letter."""


def dead_letter_headers(
    reason: str, *, source: str, profile: str = "", delivery_id: str = "", error: str = ""
) -> list[tuple[str, bytes]]:
    """The headers of a dead letter; what is not known is empty."""
    texts = {
        "postback-reason": reason,
        "postback-profile": profile,
        "postback-source": source,
        "postback-delivery-id": delivery_id,
        "postback-error": error,
    }
    return [(name, text.encode()) for name, text in texts.items()]
