"""
The outside world of the dispatch stage, in memory: a broker's log, a reader with librdkafka's manners, transactions.
Nothing waits: time is what the clock says.
"""

import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from consumer.core.errors import (
    NoLongerMember,
    OutcomeUnknown,
    SchemaUnavailable,
    TransactionAborted,
    UndecodableRecord,
)
from consumer.core.event import Fields
from consumer.core.ports import LogRecord, Place

Headers = list[tuple[str, bytes]]


class Clock:
    """Epoch milliseconds that move when they are told to."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record as the fake broker keeps it, and as the reader gives it."""

    place: Place
    at: int
    at_ms: int
    the_key: bytes | None
    the_value: bytes | None
    the_headers: Headers | None

    def topic(self) -> str:
        return self.place[0]

    def partition(self) -> int:
        return self.place[1]

    def offset(self) -> int:
        return self.at

    def timestamp(self) -> tuple[int, int]:
        return 2, self.at_ms

    def key(self) -> bytes | None:
        return self.the_key

    def value(self) -> bytes | None:
        return self.the_value

    def headers(self) -> Headers | None:
        return self.the_headers


@dataclass(slots=True)
class StoredPartition:
    records: list[StoredRecord] = field(default_factory=list)
    end: int = 0


class FakeBroker:
    """Partitions, stamped with the broker's time; a transaction leaves a mark, so offsets have gaps."""

    def __init__(self, clock: Clock, *, partitions: int = 1) -> None:
        self.clock = clock
        self.partitions = partitions
        self.logs: dict[Place, StoredPartition] = {}
        self.committed: dict[Place, tuple[int, str]] = {}

    def create(self, topic: str) -> None:
        for partition in range(self.partitions):
            self.logs.setdefault((topic, partition), StoredPartition())

    def append(self, record: LogRecord, *, at_ms: int | None = None) -> StoredRecord:
        topic, key, value, headers = record
        self.create(topic)
        place = topic, crc32(key or b"") % self.partitions
        log = self.logs[place]
        stored = StoredRecord(place, log.end, self.clock.now_ms if at_ms is None else at_ms, key, value, headers)
        log.records.append(stored)
        log.end += 1
        return stored

    def end_transaction(self, topics: Iterable[str]) -> None:
        for place, log in self.logs.items():
            if place[0] in topics:
                log.end += 1

    def drop_before(self, offsets: Mapping[Place, int]) -> None:
        """As it is asked to, once in a while."""
        for place, offset in offsets.items():
            log = self.logs[place]
            log.records = [record for record in log.records if record.at >= offset]

    def records(self, topic: str) -> list[StoredRecord]:
        return [record for place, log in self.logs.items() if place[0] == topic for record in log.records]


@dataclass(frozen=True, slots=True)
class CommittedAt:
    offset: int | None
    metadata: str


class FakeReader:
    """
    Gives what a member of the group would be given: what was fetched before a pause or a seek never comes, ends are
    told once they are reached, and again when more came.

    Attributes:
        at_once: Most records of one partition in one read.
        first: Topics whose records come before the others'; the rest in the order of assignment.
        silent: Places from which nothing arrives, as from a broker that is slow to answer.
        silent_from: Of a place, the offset from which on nothing arrives.
        on_read: Called once within the next read, as librdkafka calls back in a rebalance.
        on_start_over: Takes and gives all partitions anew.
        ends_late: Ends are told with the read after the one that reached them.
        moves: Records and ends given, pauses and seeks: as long as it grows, something is going on.
    """

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self._positions: dict[Place, int] = {}
        self._paused: set[Place] = set()
        self._ends_told: dict[Place, int] = {}
        self._late_ends: dict[Place, int] = {}
        self.at_once = 500
        self.first: tuple[str, ...] = ()
        self.silent: set[Place] = set()
        self.silent_from: dict[Place, int] = {}
        self.on_read: Callable[[], None] = lambda: None
        self.on_start_over: Callable[[], None] = lambda: None
        self.ends_late = False
        self.moves = 0

    def assign(self, places: Iterable[Place]) -> dict[Place, CommittedAt]:
        for of_before in (self._positions, self._paused, self._ends_told, self._late_ends):
            of_before.clear()
        found: dict[Place, CommittedAt] = {}
        for place in places:
            committed = self._broker.committed.get(place)
            found[place] = CommittedAt(*committed) if committed else CommittedAt(None, "")
            self._positions[place] = committed[0] if committed else 0
        return found

    def owned(self) -> set[Place]:
        return set(self._positions)

    def read(self, limit: int, timeout_seconds: float) -> tuple[Sequence[StoredRecord], Sequence[tuple[str, int, int]]]:
        del timeout_seconds
        records: list[StoredRecord] = []
        ends = [(*place, offset) for place, offset in self._late_ends.items()]
        self._late_ends.clear()
        for place in sorted(self._positions, key=lambda place: place[0] not in self.first):
            if place not in self._paused and place not in self.silent:
                records += self._fetch(place, min(self.at_once, limit - len(records)), ends)
        on_read, self.on_read = self.on_read, lambda: None
        on_read()
        self.moves += len(records) + len(ends) + len(self._late_ends)
        return records, ends

    def _fetch(self, place: Place, limit: int, ends: list[tuple[str, int, int]]) -> list[StoredRecord]:
        log = self._broker.logs[place]
        begin = bisect_left(log.records, self._positions[place], key=lambda record: record.at)
        given = log.records[begin : begin + limit]
        if place in self.silent_from:
            given = [record for record in given if record.at < self.silent_from[place]]
        if given:
            self._positions[place] = given[-1].at + 1
        if begin + len(given) == len(log.records) and self._ends_told.get(place) != log.end:
            self._positions[place] = self._ends_told[place] = log.end
            if self.ends_late:
                self._late_ends[place] = log.end
            else:
                ends.append((*place, log.end))
        return given

    def pause(self, topic: str, partition: int) -> None:
        self.moves += 1
        self._paused.add((topic, partition))
        self._late_ends.pop((topic, partition), None)

    def resume_at(self, topic: str, partition: int, offset: int) -> None:
        self.moves += 1
        place = topic, partition
        self._positions[place] = offset
        self._paused.discard(place)
        self._ends_told.pop(place, None)
        self._late_ends.pop(place, None)

    def first_since(self, topic: str, partition: int, at_ms: int) -> int | None:
        records = self._broker.logs[topic, partition].records
        return next((record.at for record in records if record.at_ms >= at_ms), None)

    def start_over(self) -> None:
        self.on_start_over()

    def group_metadata(self) -> str:
        return "the group"


class FakeLog:
    """
    Appends to the fake broker, all or nothing.

    Attributes:
        aborts: How many of the next transactions are aborted.
        unknown: How many of the next are written without the writer getting to know it.
        vanished: How many of the next are not written, without the writer getting to know it.
        has_no_member: The next transaction is refused: the group goes on without this member.
        on_commit: Called after each that was not.
    """

    def __init__(self, broker: FakeBroker) -> None:
        self._broker = broker
        self.aborts = 0
        self.unknown = 0
        self.vanished = 0
        self.has_no_member = False
        self.on_commit: Callable[[Sequence[StoredRecord]], None] = lambda _: None

    def make_ready(self, *, meanwhile: Callable[[], None]) -> bool:
        meanwhile()
        return True

    def decide(self, place: tuple[str, int], group: Any, *, meanwhile: Callable[[], None]) -> None: ...

    def commit(
        self,
        records: Iterable[LogRecord],
        offsets: Mapping[Place, tuple[int, str]],
        group: Any,
        *,
        meanwhile: Callable[[], None],
    ) -> None:
        meanwhile()
        if group != "the group":
            raise AssertionError("offsets are committed for the group that owns the partitions")
        if self.has_no_member:
            self.has_no_member = False
            raise NoLongerMember("as the test wants it")
        if self.aborts:
            self.aborts -= 1
            raise TransactionAborted("as the test wants it")
        if self.vanished:
            self.vanished -= 1
            raise OutcomeUnknown("as the test wants it")
        stored = [self._broker.append(record) for record in records]
        self._broker.end_transaction({record.place[0] for record in stored})
        self._broker.committed.update(offsets)
        self.on_commit(stored)
        if self.unknown:
            self.unknown -= 1
            raise OutcomeUnknown("as the test wants it")


class FakeDecoder:
    """
    Events are JSON here.

    Attributes:
        missing: The registry does not answer for events that hold this text; None when it answers for all.
    """

    def __init__(self) -> None:
        self.missing: bytes | None = None

    def want(self, names: frozenset[str]) -> None:
        """It leaves out nothing."""

    def decode(self, value: bytes) -> Fields:
        if self.missing is not None and self.missing in value:
            raise SchemaUnavailable("the registry does not answer")
        try:
            fields: Fields = json.loads(value)
        except ValueError as error:
            raise UndecodableRecord("no JSON") from error
        return fields
