"""What the outcomes topic says of the last hour, as far back as can be read in a moment."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from consumer.core.ports import Place, Record
from consumer.service.backlog import ReadsRecords

_SPAN_MS: Final = 3_600_000
_MOST_ROWS: Final = 200_000


class AsksTail(Protocol):
    """What is needed of the brokers here."""

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """The offset that the next committed record of each partition will have."""

    def first_since(self, places: Iterable[Place], at_ms: int) -> dict[Place, int]:
        """The first offset whose record has this timestamp or a later one; -1 where there is none."""


@dataclass(frozen=True, slots=True)
class LastFailure:
    """Of a profile; status None when there was no answer."""

    at_ms: int
    reason: str
    status: int | None
    order_id: str | None


@dataclass(slots=True)
class Recent:
    """
    Attributes:
        since_ms: What is counted happened then or later.
        counts: By profile and outcome.
        failures: The newest of each profile.
    """

    since_ms: int
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: dict[str, LastFailure] = field(default_factory=dict)


def read_recent(topics: AsksTail, reader: ReadsRecords, places: Sequence[Place], now_ms: int) -> Recent:
    """
    Count the outcomes of the last hour.

    When they are too many, less than an hour is read of some partitions; then only the time that was read of all of
    them counts.
    """
    spans, cut = _spans(topics, places, now_ms)
    by_second: Counter[tuple[str, str, int]] = Counter()
    recent = Recent(now_ms - _SPAN_MS)
    seen: set[Place] = set()
    for record in (one for batch in reader.read(spans) for one in batch):
        place, at_ms = (record.topic(), record.partition()), record.timestamp()[1]
        if place in cut and place not in seen:
            recent.since_ms = max(recent.since_ms, at_ms)
        seen.add(place)
        row = row_of(record)
        profile = row.get("profile")
        if isinstance(profile, str):
            outcome = "held" if row.get("reason") == "held" else str(row.get("outcome"))  # no attempt was made
            by_second[profile, outcome, at_ms // 1000] += 1
            _remember(recent, profile, row, at_ms)
    for (profile, outcome, second), count in by_second.items():
        if second >= recent.since_ms // 1000:
            recent.counts[profile, outcome] += count
    return recent


def row_of(record: Record) -> Mapping[str, Any]:
    """The outcome that a record holds; empty for what somebody else wrote."""
    try:
        row = json.loads(record.value() or b"")
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}


def _spans(
    topics: AsksTail, places: Sequence[Place], now_ms: int
) -> tuple[dict[Place, tuple[int, int]], frozenset[Place]]:
    """Where to read, and of which partitions that is less than the hour."""
    if not places:
        return {}, frozenset()
    ends, first = topics.ends(places), topics.first_since(places, now_ms - _SPAN_MS)
    most = _MOST_ROWS // len(places)
    starts = {place: first[place] if first[place] >= 0 else ends[place] for place in places}
    cut = frozenset(place for place in places if ends[place] - starts[place] > most)
    return {place: (ends[place] - most if place in cut else starts[place], ends[place]) for place in places}, cut


def _remember(recent: Recent, profile: str, row: Mapping[str, Any], at_ms: int) -> None:
    known = recent.failures.get(profile)
    if row.get("reason") == "held" and known is not None:
        return  # says less than why it is held
    if row.get("outcome") == "failed" and (known is None or known.reason == "held" or at_ms >= known.at_ms):
        recent.failures[profile] = LastFailure(at_ms, str(row.get("reason")), row.get("status"), row.get("order_id"))
