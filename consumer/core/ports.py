"""What both stages need of Kafka; the adapters have it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

Place = tuple[str, int]
"""Topic and partition."""

LogRecord = tuple[str, bytes | None, bytes | None, list[tuple[str, bytes]] | None]
"""Topic, key, value, headers."""


class Record(Protocol):
    """A record as it was read."""

    def topic(self) -> str:
        """Where it stands."""

    def partition(self) -> int:
        """Where it stands."""

    def offset(self) -> int:
        """Where it stands."""

    def timestamp(self) -> tuple[int, int]:
        """Its kind, and epoch milliseconds."""

    def key(self) -> bytes | None:
        """The order id as text."""

    def value(self) -> bytes | None:
        """The event's bytes."""

    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        """What the program wrote beside the event."""


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
            OutcomeUnknown: The committed offsets tell.
        """
