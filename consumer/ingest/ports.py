"""What the stage needs of Kafka; the adapters have it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

LogRecord = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]] | None]
Place = tuple[str, int]


class Record(Protocol):
    """A record of a source topic."""

    def topic(self) -> str:
        """Where it stands."""

    def partition(self) -> int:
        """Where it stands."""

    def offset(self) -> int:
        """Where it stands."""

    def timestamp(self) -> tuple[int, int]:
        """Its kind, and epoch milliseconds."""

    def key(self) -> bytes | None:
        """The order id as text, if the emitter is kind."""

    def value(self) -> bytes | None:
        """The event's bytes."""


class Reader(Protocol):
    """A member of the group that owns partitions of the source topics."""

    def read(self, limit: int, timeout_seconds: float) -> tuple[Sequence[Record], Sequence[tuple[str, int, int]]]:
        """Records, and reached ends as topic, partition and next offset; waits for the first of them at most."""

    def rewind(self, offsets: Mapping[Place, int]) -> None:
        """Give the records from these offsets on once more."""

    def start_over(self) -> None:
        """Lose all partitions, and have them assigned anew from what is committed."""

    def group_metadata(self) -> Any:
        """What a transaction needs to commit offsets for the group."""


class Log(Protocol):
    """Where the stage writes."""

    def make_ready(self, *, meanwhile: Callable[[], None]) -> bool:
        """End what a process that was killed left open; whether that is done."""

    def decide(self, place: Place, group: Any, *, meanwhile: Callable[[], None]) -> None:
        """End what is open of this writer though it believes it ended: offsets of *place* are not told."""

    def commit(
        self,
        records: Iterable[LogRecord],
        offsets: Mapping[Place, tuple[int, str]],
        group: Any,
        *,
        meanwhile: Callable[[], None],
    ) -> None:
        """
        Write records and offsets, all or nothing.

        Raises:
            TransactionAborted: Nothing was written.
        """
