"""What became of events: rows of the outcomes topic, and dead letters that never became a delivery."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from consumer.core.ports import Place, Record
from consumer.core.report import iso_utc
from consumer.core.topics import TopicNames
from consumer.core.waiting import Waiting
from consumer.service.asking import Brokers
from consumer.service.backlog import places_of
from consumer.service.recent import row_of

_FAILED: Final = frozenset({"failed", "dead_lettered"})
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """
    Which rows are wanted.

    Attributes:
        order: Id of an order.
        profile: Name of a profile; rows of events that were suppressed before routing have none.
        since_ms: None: all that is kept.
    """

    order: str | None = None
    profile: str | None = None
    since_ms: int | None = None
    only_failed: bool = False

    def takes(self, row: Row) -> bool:
        """Whether a row answers it. What was suppressed before routing answers the question after its order, too."""
        if self.order is not None and row.get("order_id") != self.order:
            return False
        if self.only_failed and row.get("outcome") not in _FAILED:
            return False
        profile = row.get("profile")
        return self.profile is None or profile == self.profile or (profile is None and self.order is not None)

    def takes_waiting(self, waiting: Waiting) -> bool:
        """Whether a delivery of the order that waits answers it."""
        return self.profile in {None, waiting.profile} and not (self.only_failed and not waiting.first_failed_at_ms)


@dataclass(frozen=True, slots=True)
class Past:
    """
    Attributes:
        rows: The newest that answer the question, oldest first.
        left_out: How many older ones there are.
        told: Profiles of all rows of the order, whether they answer the rest of the question or not.
        is_unrouted: One of them says that no profile took the event.
    """

    rows: Sequence[Row]
    left_out: int
    told: frozenset[str]
    is_unrouted: bool


def past_rows(brokers: Brokers, names: TopicNames, question: Question, *, limit: int) -> Past:
    """At most *limit* rows."""
    places = places_of(brokers.there, (names.outcomes, names.dead_letter))
    wide = question if question.order is None else replace(question, profile=None, only_failed=False)
    told: set[str] = set()
    is_unrouted = False
    newest: list[tuple[int, int, Row]] = []
    count = 0
    for at_ms, row in _rows(brokers.reader.read(_spans(brokers, places, question.since_ms)), names, wide):
        if question.order is not None:
            told.update(filter(None, [row.get("profile")]))
            is_unrouted = is_unrouted or row.get("reason") == "no_route"
            if not question.takes(row):
                continue
        count += 1
        item = (at_ms, count, row)
        if len(newest) < limit:
            heapq.heappush(newest, item)
        else:
            heapq.heappushpop(newest, item)
    rows = [row for _, _, row in sorted(newest, key=lambda item: item[:2])]
    return Past(rows, count - len(newest), frozenset(told), is_unrouted)


def coming_rows(brokers: Brokers, names: TopicNames, question: Question, starts: Mapping[Place, int]) -> Iterator[Row]:
    """What comes from *starts* on, for ever."""
    for _, row in _rows(brokers.reader.follow(starts), names, question):
        yield row


def ends(brokers: Brokers, names: TopicNames) -> dict[Place, int]:
    """Where what is yet to come begins."""
    return brokers.topics.ends(places_of(brokers.there, (names.outcomes, names.dead_letter)))


def _rows(batches: Iterator[Sequence[Record]], names: TopicNames, question: Question) -> Iterator[tuple[int, Row]]:
    key = None if question.order is None else question.order.encode()
    for record in (one for batch in batches for one in batch):
        if key is not None and record.key() != key:
            continue
        at_ms = record.timestamp()[1]
        row = row_of(record) if record.topic() == names.outcomes else letter_row(record, at_ms)
        if row and question.takes(row):
            yield _at_ms(row, at_ms), row


def letter_row(record: Record, at_ms: int) -> Row:
    """
    A dead letter in the form of an outcome; empty for one of a delivery, which has an outcome of its own.

    The order id is the record's key, which emitters are only asked to set.
    """
    headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers() or ()}
    if headers.get("postback-profile"):
        return {}
    key = record.key()
    return {
        "delivery_id": None,
        "profile": None,
        "order_id": None if key is None else key.decode(errors="replace"),
        "customer_type": None,
        "attempt": 0,
        "outcome": "dead_lettered",
        "reason": headers.get("postback-reason"),
        "status": None,
        "duration_ms": None,
        "at": iso_utc(at_ms),
        "due_at": None,
        "source": headers.get("postback-source"),
        "error": headers.get("postback-error"),
    }


def _at_ms(row: Row, otherwise: int) -> int:
    try:
        return int(datetime.fromisoformat(str(row.get("at"))).timestamp() * 1000)
    except ValueError:
        return otherwise


def _spans(brokers: Brokers, places: Sequence[Place], since_ms: int | None) -> dict[Place, tuple[int, int]]:
    reached = brokers.topics.ends(places)
    begins = brokers.topics.beginnings(places) if since_ms is None else brokers.topics.first_since(places, since_ms)
    return {place: (begins[place] if begins[place] >= 0 else reached[place], reached[place]) for place in places}
