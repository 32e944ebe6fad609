"""The partitions that this instance owns: as tracks, and as the shards that these make up."""

from collections import defaultdict
from collections.abc import Iterable

from consumer.core.offsets import Ledger
from consumer.core.ports import Record
from consumer.dispatch.admission import Admission
from consumer.dispatch.run import Run
from consumer.dispatch.shard import Shard
from consumer.dispatch.track import Cursor, Track


class Owned:
    """
    Attributes:
        shards: By the partitions' number.
        tracks: With the shard of each, by topic and partition.
        windows: The tracks of each window, by its period in seconds.
    """

    def __init__(self, admission: Admission) -> None:
        self.shards: dict[int, Shard] = {}
        self.tracks: dict[tuple[str, int], tuple[Shard, Track]] = {}
        self.windows: dict[int, list[Track]] = defaultdict(list)
        self._admission = admission

    def add(self, place: tuple[str, int], period: int | None, ledger: Ledger, cursor: Cursor, now_ms: int) -> None:
        """
        A partition was assigned.

        Args:
            period: Seconds; None for the retry topic.
        """
        shard = self.shards.setdefault(place[1], Shard(cursor, self._admission.learn))
        track = shard.add(place, period, ledger, now_ms)
        self.tracks[place] = (shard, track)
        if period is not None:
            self.windows[period].append(track)

    def oldest_first(self, records: Iterable[Record]) -> list[tuple[tuple[Shard, Track], Record, int]]:
        """
        Records with their track, and when they entered: of several tracks by that, of each as they stand there. The
        brokers give one partition after the other.
        """
        found: list[tuple[tuple[Shard, Track], Record, int]] = []
        newest: dict[Track, int] = {}
        entered_ms: list[int] = []
        for record in records:
            known = self.tracks.get((record.topic(), record.partition()))
            if known is None:
                continue
            track = known[1]
            at_ms = track.at_ms(record)
            before = newest.get(track, 0)
            if at_ms > before:
                before = newest[track] = at_ms
            entered_ms.append(before)
            found.append((known, record, at_ms))
        if len(newest) <= 1:
            return found
        return [found[place] for place in sorted(range(len(found)), key=entered_ms.__getitem__)]

    def clear(self) -> None:
        """Nothing is owned."""
        self.shards.clear()
        self.tracks.clear()
        self.windows.clear()

    @property
    def runs(self) -> list[Run]:
        """Those that are going on."""
        return [shard.run for shard in self.shards.values() if shard.run is not None]

    @property
    def is_dirty(self) -> bool:
        """Whether something was read or settled since the last commit."""
        return any(track.dirty for _, track in self.tracks.values())

    @property
    def can_be_told(self) -> bool:
        """Whether a commit tells of all that was settled: not when what is open is scattered too far."""
        ledgers = [track.ledger for _, track in self.tracks.values()]
        return all(ledger.is_told_by(ledger.committable()) for ledger in ledgers)
