"""Brokers that commands look at, and records as a service left them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from consumer.core.ports import Place
from consumer.core.topics import TopicNames
from consumer.core.waiting import Waiting, retry_header, run_header, window_header
from consumer.service.asking import Brokers
from consumer.settings import Settings
from tests.unit.dispatch.fakes import StoredRecord

NAMES = TopicNames("t")
MINUTE_MS = 60_000
HOUR_MS = 1_764_000_000_000
"""A full hour: boundary of every period in use here."""

SETTINGS = Settings.model_validate(
    {"kafka": {"bootstrap_servers": "broker:9092", "topic_prefix": "t"}, "sources": [{"topic": "orders"}]}
)


class Stored:
    """One partition of each topic, with nothing committed; offsets that no record has were deleted."""

    def __init__(self, *records: StoredRecord) -> None:
        self._records = records

    def partitions(self) -> dict[str, int]:
        own = (NAMES.window(900), NAMES.window(1200), NAMES.retry, NAMES.dead_letter, NAMES.outcomes)
        return dict.fromkeys(("orders", *own), 1)

    def committed(self, _group: str, places: Iterable[Place]) -> dict[Place, Any]:
        return {place: SimpleNamespace(offset=None, metadata="") for place in places}

    def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        return dict.fromkeys(places, 0)

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        return {place: 1 + max((record.at for record in self._of(place)), default=-1) for place in places}

    uncommitted_ends = ends

    def first_since(self, places: Iterable[Place], at_ms: int) -> dict[Place, int]:
        return {
            place: min((record.at for record in self._of(place) if record.at_ms >= at_ms), default=-1)
            for place in places
        }

    def read(self, spans: Mapping[Place, tuple[int, int]]) -> Iterator[Sequence[StoredRecord]]:
        for place, (begin, end) in spans.items():
            yield [record for record in self._of(place) if begin <= record.at < end]

    def _of(self, place: Place) -> Iterator[StoredRecord]:
        return (record for record in self._records if record.place == place)


def brokers_with(*records: StoredRecord) -> Brokers:
    """As `asking` gives them."""
    stored: Any = Stored(*records)
    return Brokers(stored, stored, stored.partitions())


def record(  # its arguments are what a record has
    topic: str, at_ms: int, *headers: tuple[str, bytes], offset: int = 0, partition: int = 0, key: bytes = b"1001",
    value: bytes = b"event",
) -> StoredRecord:  # fmt: skip
    """Anything that stands in a topic."""
    return StoredRecord((topic, partition), offset, at_ms, key, value, list(headers))


def in_window(period: int, at_ms: int, *, offset: int = 0, key: bytes = b"1001", profile: str = "p") -> StoredRecord:
    """A delivery that waits for its first run."""
    return record(NAMES.window(period), at_ms, window_header(_waiting(profile)), offset=offset, key=key)


def in_retry(
    at_ms: int, *, moved_in_ms: int | None = None, offset: int = 0, profile: str = "p", **more: int | str
) -> StoredRecord:
    """A delivery that was moved to the retry topic, in a run that the record names or does not."""
    waiting = _waiting(profile, **more)
    run = [] if moved_in_ms is None else [run_header(moved_in_ms)]
    return record(NAMES.retry, at_ms, window_header(waiting), retry_header(waiting), *run, offset=offset)


def _waiting(profile: str, **more: int | str) -> Waiting:
    waiting = Waiting(delivery_id="d", profile=profile, code="SALE", source="", occurred_at_ms=0, arrived_at_ms=0)
    for name, value in more.items():
        setattr(waiting, name, value)
    return waiting
