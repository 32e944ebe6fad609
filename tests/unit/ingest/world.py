"""The ingest stage in its fake world, and builders of what it reads."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from consumer.core.errors import TransactionAborted
from consumer.core.event import EventNames, EventReader
from consumer.core.ports import LogRecord, Place
from consumer.core.profile import Profile, Route
from consumer.core.topics import Carries, Sizes, TopicNames
from consumer.core.waiting import MARKER_HEADER, Waiting, read_headers
from consumer.ingest.service import Ingest
from consumer.metrics import Metrics
from tests.unit.dispatch.fakes import Clock, CommittedAt, FakeDecoder, StoredRecord

NAMES = TopicNames("t")
ARRIVED_MS = 1_760_000_000_123
NOW_MS = ARRIVED_MS + 5_000


def profile(name: str = "p", *routes: Route, delay: float = 0, **overrides: Any) -> Profile:
    """A profile that takes everything, with a tick of 4 s."""
    return Profile(
        name=name,
        url="https://r.example/hook",
        routes=routes or (Route(code=None),),
        delay=timedelta(seconds=delay),
        **overrides,
    )


class FakeSource:
    """
    Source topics and their reader.

    Attributes:
        on_read: Called within the next read, as librdkafka calls back in a rebalance.
        on_start_over: Takes and gives all partitions anew.
        marks: Of transactions, behind the records of each partition.
    """

    def __init__(self) -> None:
        self.records: dict[Place, list[StoredRecord]] = {}
        self.positions: dict[Place, int] = {}
        self.on_read: Callable[[], None] = lambda: None
        self.on_start_over: Callable[[], None] = lambda: None
        self.marks = 0
        self._ends_told: dict[Place, int] = {}

    def add(self, value: bytes | None, *, topic: str = "orders", partition: int = 0) -> int:
        there = self.records.setdefault((topic, partition), [])
        there.append(StoredRecord((topic, partition), len(there), ARRIVED_MS, b"the emitter's key", value, None))
        return len(there) - 1

    def read(self, limit: int, timeout_seconds: float) -> tuple[Sequence[StoredRecord], list[tuple[str, int, int]]]:
        del timeout_seconds
        given: list[StoredRecord] = []
        ends: list[tuple[str, int, int]] = []
        for place, records in self.records.items():
            position = self.positions.get(place, 0)
            given += records[position : position + limit]
            self.positions[place] = min(position + limit, len(records))
            end = len(records) + self.marks
            if self.positions[place] == len(records) and self._ends_told.get(place) != end:
                self._ends_told[place] = end
                ends.append((*place, end))
        on_read, self.on_read = self.on_read, lambda: None
        on_read()
        return given, ends

    def rewind(self, offsets: Mapping[Place, int]) -> None:
        self.positions.update(offsets)
        for place in offsets:
            self._ends_told.pop(place, None)

    def start_over(self) -> None:
        self.on_start_over()

    def group_metadata(self) -> str:
        return "the group"


class KeptLog:
    """What was written, and how many of the next transactions are aborted."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []
        self.offsets: dict[Place, int] = {}
        self.aborts = 0

    def make_ready(self, *, meanwhile: Any) -> bool:
        meanwhile()
        return True

    def decide(self, place: tuple[str, int], group: Any, *, meanwhile: Callable[[], None]) -> None: ...

    def commit(
        self, records: Iterable[LogRecord], offsets: Mapping[Place, tuple[int, str]], group: Any, *, meanwhile: Any
    ) -> None:
        assert group == "the group"
        meanwhile()
        if self.aborts:
            self.aborts -= 1
            raise TransactionAborted("as the test wants it")
        self.records += records
        self.offsets.update({place: offset for place, (offset, _) in offsets.items()})


class IngestWorld:
    """One instance of the stage that owns `orders` and `partials`, two partitions each."""

    def __init__(
        self, *profiles: Profile, carries: Carries | None = None, test_card: str | None = "isTestCard"
    ) -> None:
        self.source = FakeSource()
        self.log = KeptLog()
        self.decoder = FakeDecoder()
        self.metrics = Metrics(CollectorRegistry())
        self.rests: list[float] = []
        self.sizes = Sizes(carries)
        self.stage = Ingest(
            log=self.log,
            decoder=self.decoder,
            events=EventReader(EventNames(test_card=test_card)),
            default_types={"orders": None, "partials": "PARTIAL"},
            names=NAMES,
            sizes=self.sizes,
            tick=timedelta(seconds=4),
            metrics=self.metrics,
            clock_ms=Clock(NOW_MS),
            sleep=self.rests.append,
        )
        self.stage.reader = self.source
        self.stage.use(profiles or (profile(),))
        self.places = [(topic, partition) for topic in ("orders", "partials") for partition in (0, 1)]
        self.stage.assigned({place: CommittedAt(None, "") for place in self.places})

    def add(self, *, topic: str = "orders", partition: int = 0, **fields: Any) -> int:
        """Put an event into a source topic; returns its offset."""
        return self.source.add(event(**fields), topic=topic, partition=partition)

    def turn(self) -> None:
        self.stage.turn()

    def of(self, topic: str) -> list[LogRecord]:
        """What was written to one of the program's topics."""
        return [record for record in self.log.records if record[0] == topic]

    def deliveries(self, period: int = 4) -> list[tuple[str, str]]:
        """Profile and code of what waits in a window."""
        return [(waiting.profile, waiting.code) for waiting in map(_waiting, self.of(NAMES.window(period))) if waiting]

    def markers(self, period: int = 4) -> int:
        return sum(MARKER_HEADER in dict(record[3] or ()) for record in self.of(NAMES.window(period)))

    def dead_letters(self) -> list[dict[str, str]]:
        dead = self.of(NAMES.dead_letter)
        return [{name: value.decode() for name, value in record[3] or ()} for record in dead]

    def outcomes(self) -> list[dict[str, Any]]:
        return [json.loads(record[2] or b"") for record in self.of(NAMES.outcomes)]

    def counted(self, result: str, topic: str = "orders") -> float:
        labels = {"topic": topic, "result": result}
        return self.metrics.registry.get_sample_value("postback_events_total", labels) or 0


def _waiting(record: LogRecord) -> Waiting | None:
    return read_headers(record[3])


def event(**fields: Any) -> bytes:
    """An event in the fake decoder's format."""
    known = {"eventId": "e1", "orderId": 1, "isTestCard": False, "customerTypes": ["SALE"], "occurredAt": 77}
    return json.dumps(known | fields).encode()
