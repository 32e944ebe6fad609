"""What the stage needs of the outside world."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from consumer.core.answer import Answer
from consumer.core.request import Request

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


class Reader(Protocol):
    """A member of the group that owns partitions of windows and of the retry topic."""

    def read(self, limit: int, timeout_seconds: float) -> tuple[Sequence[Record], Sequence[tuple[str, int, int]]]:
        """Records, and reached ends as topic, partition and next offset; waits for the first of them at most."""

    def pause(self, topic: str, partition: int) -> None:
        """Give no more records of it until it is resumed."""

    def resume_at(self, topic: str, partition: int, offset: int) -> None:
        """Give its records from *offset* on."""

    def start_over(self) -> None:
        """Lose all partitions, and have them assigned anew from what is committed."""

    def group_metadata(self) -> Any:
        """What a transaction needs to commit offsets for the group."""


class Log(Protocol):
    """Where the stage writes."""

    def make_ready(self, *, meanwhile: Callable[[], None]) -> bool:
        """End what a process that was killed left open; whether that is done."""

    def decide(self, place: tuple[str, int], group: Any, *, meanwhile: Callable[[], None]) -> None:
        """End what is open of this writer though it believes it ended: offsets of *place* are not told."""

    def commit(
        self,
        records: Iterable[LogRecord],
        offsets: Mapping[tuple[str, int], tuple[int, str]],
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


class Sender(Protocol):
    """Makes requests, many at once."""

    def start(self, token: Any, request: Request) -> None:
        """Begin a transfer; what becomes of it comes from `wait` with the token."""

    def wait(self, timeout_seconds: float) -> list[tuple[Any, Answer]]:
        """Drive the transfers until one has ended or the time is over, and return those that ended."""

    @property
    def in_flight(self) -> int:
        """Transfers under way."""
