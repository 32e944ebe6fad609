"""When the runs are that attempt what waits of an order, as dispatch reckons it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from consumer.core.ports import Place
from consumer.core.profile import Profile
from consumer.core.topics import TopicNames
from consumer.core.waiting import Waiting, retry_header, run_header, window_header
from consumer.service.open_deliveries import open_deliveries
from tests.unit.dispatch.fakes import StoredRecord

NAMES = TopicNames("t")
MINUTE_MS = 60_000
HOUR_MS = 1_764_000_000_000


class Brokers:
    """One partition of each topic, with nothing committed."""

    def __init__(self, *records: StoredRecord) -> None:
        self._records = records
        self.topics = self.reader = self

    def partitions(self) -> dict[str, int]:
        return dict.fromkeys((NAMES.window(900), NAMES.window(1200), NAMES.retry), 1)

    def committed(self, _group: str, places: Iterable[Place]) -> dict[Place, Any]:
        return {place: SimpleNamespace(offset=None, metadata="") for place in places}

    def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        return dict.fromkeys(places, 0)

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        return {place: sum(record.place == place for record in self._records) for place in places}

    uncommitted_ends = ends

    def read(self, spans: Mapping[Place, tuple[int, int]]) -> Iterator[list[StoredRecord]]:
        yield [record for record in self._records if record.place in spans]


def record(topic: str, at_ms: int, *, key: bytes = b"1001", moved_in_ms: int | None = None) -> StoredRecord:
    waiting = Waiting(delivery_id="d", profile="p", code="SALE", source="", occurred_at_ms=0, arrived_at_ms=0)
    headers = [window_header(waiting)]
    if moved_in_ms is not None:
        headers += [retry_header(waiting), run_header(moved_in_ms)]
    return StoredRecord((topic, 0), 0, at_ms, key, b"event", headers)


@pytest.mark.parametrize(
    ("one", "run_minute"),
    [
        (record(NAMES.window(900), HOUR_MS + 14 * MINUTE_MS), 15),
        (record(NAMES.window(1200), HOUR_MS + 14 * MINUTE_MS), 20),
        (record(NAMES.retry, HOUR_MS + 16 * MINUTE_MS, moved_in_ms=HOUR_MS + 15 * MINUTE_MS), 20),
        (record(NAMES.retry, HOUR_MS + 21 * MINUTE_MS, moved_in_ms=HOUR_MS + 20 * MINUTE_MS), 30),
        (record(NAMES.retry, HOUR_MS + 21 * MINUTE_MS, moved_in_ms=HOUR_MS), 15),
    ],
    ids=["its window", "a longer window", "a retry, at any window's run", "the next", "a run that lasts"],
)
def test_the_run_that_attempts_it_next(one: StoredRecord, run_minute: int) -> None:
    brokers: Any = Brokers(one)
    settings: Any = SimpleNamespace(
        kafka=SimpleNamespace(topic_prefix="t", group_id="t"), sources=[], tick=timedelta(minutes=15)
    )
    delayed: Any = SimpleNamespace(delay=timedelta(minutes=5))
    profiles: list[Profile] = [delayed]

    (found,) = open_deliveries(brokers, settings, profiles, "1001")
    others = list(open_deliveries(brokers, settings, profiles, "1002"))

    assert found.run_at_ms == HOUR_MS + run_minute * MINUTE_MS
    assert others == []
