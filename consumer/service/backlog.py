"""What stands between the committed offsets and the ends of the topics, at one moment."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from consumer.adapters.kafka.committed import Committed
from consumer.core.errors import BrokerUnreachable
from consumer.core.offsets import open_in, open_test
from consumer.core.ports import Place, Record
from consumer.core.topics import TopicNames
from consumer.settings import Settings

_TRIES: Final = 8
_BETWEEN_TRIES_S: Final = 0.05


class AsksBacklog(Protocol):
    """What is needed of the brokers here."""

    def partitions(self) -> dict[str, int]:
        """All topics with their number of partitions."""

    def committed(self, group: str, places: Iterable[Place]) -> Mapping[Place, Committed]:
        """What a consumer group committed."""

    def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        """The first offset that is still kept."""

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """The offset that the next committed record of each partition will have."""

    def uncommitted_ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """The same with records of transactions that are still open."""


class ReadsRecords(Protocol):
    """What is needed of a reader here."""

    def read(self, spans: Mapping[Place, tuple[int, int]]) -> Iterator[Sequence[Record]]:
        """All records of these spans, from the first offset to before the second, in batches."""


@dataclass(frozen=True, slots=True)
class Open:
    """
    What of a partition is not settled.

    Attributes:
        position: Committed, or the beginning where nothing is.
        metadata: Committed with it: which behind it are settled all the same.
    """

    position: int
    metadata: str
    end: int

    @property
    def lag(self) -> int:
        """Offsets that are not settled; marks of transactions among them count as in Kafka's own tools."""
        return open_in(self.position, self.metadata, self.end)


@dataclass(frozen=True, slots=True)
class Backlog:
    """
    Attributes:
        partitions: Of every topic that is there.
        sources: Not yet routed.
        waiting: Of the windows and the retry topic.
    """

    partitions: Mapping[str, int]
    sources: Mapping[Place, Open]
    waiting: Mapping[Place, Open]

    def records(self, reader: ReadsRecords) -> Iterator[Record]:
        """Every record of the windows and the retry topic that is not settled."""
        tests = {place: open_test(one.position, one.metadata) for place, one in self.waiting.items()}
        for batch in reader.read({place: (one.position, one.end) for place, one in self.waiting.items()}):
            for record in batch:
                if tests[record.topic(), record.partition()](record.offset()):
                    yield record


def look(topics: AsksBacklog, settings: Settings, names: TopicNames) -> Backlog:
    """
    The backlog of the whole service.

    A delivery that is just being moved (from a window to the retry topic, and there to its end) would be seen twice
    or not at all; so it is looked until nothing moves between two looks, within reason.
    """
    there = topics.partitions()
    wanted = {source.topic for source in settings.sources}
    sources = _opened(topics, f"{settings.kafka.group_id}.ingest", places_of(there, wanted))
    places = places_of(there, (name for name in there if names.is_dispatched(name)))
    group = f"{settings.kafka.group_id}.dispatch"
    for _ in range(_TRIES):
        before = topics.committed(group, places)
        waiting = _opened(topics, group, places)
        retry = [place for place in places if place[0] == names.retry]
        is_still = topics.uncommitted_ends(retry) == {place: waiting[place].end for place in retry}
        if is_still and topics.committed(group, places) == before:
            break
        time.sleep(_BETWEEN_TRIES_S)
    return Backlog(there, sources, waiting)


def places_of(partitions: Mapping[str, int], topics: Iterable[str]) -> list[Place]:
    """The partitions of those topics that are there."""
    return [(topic, number) for topic in topics for number in range(partitions.get(topic, 0))]


def _opened(topics: AsksBacklog, group: str, places: Sequence[Place]) -> dict[Place, Open]:
    committed = topics.committed(group, places)
    beginnings, ends = topics.beginnings(places), topics.ends(places)
    opened = {}
    for place in places:
        found = committed.get(place)
        if found is None:
            raise BrokerUnreachable(f"the offset that {group} committed for {place[0]} cannot be read")
        begin = beginnings[place]
        is_kept = found.offset is not None and found.offset >= begin
        position = found.offset if is_kept and found.offset is not None else begin
        opened[place] = Open(position, found.metadata if is_kept else "", ends[place])
    return opened
