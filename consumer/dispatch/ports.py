"""What the stage needs of the outside world, beside what both need."""

from collections.abc import Sequence, Set
from typing import Any, Protocol

from consumer.core.answer import Answer
from consumer.core.ports import Place, Record
from consumer.core.request import Request


class Reader(Protocol):
    """A member of the group that owns partitions of windows and of the retry topic."""

    def read(self, limit: int, timeout_seconds: float) -> tuple[Sequence[Record], Sequence[tuple[str, int, int]]]:
        """Records, and reached ends as topic, partition and next offset; waits for the first of them at most."""

    def pause(self, topic: str, partition: int) -> None:
        """Give no more records of it until it is resumed."""

    def resume_at(self, topic: str, partition: int, offset: int) -> None:
        """Give its records from *offset* on."""

    def first_since(self, topic: str, partition: int, at_ms: int) -> int | None:
        """Offset of the first record that was appended at *at_ms* or later, if any; 0 if the brokers do not say."""

    def owned(self) -> Set[Place]:
        """The partitions that the client has."""

    def start_over(self) -> None:
        """Lose all partitions, and have them assigned anew from what is committed."""

    def group_metadata(self) -> Any:
        """What a transaction needs to commit offsets for the group."""


class Sender(Protocol):
    """Makes requests, many at once."""

    def start(self, token: Any, request: Request) -> None:
        """Begin a transfer; what becomes of it comes from `wait` with the token."""

    def wait(self, timeout_seconds: float) -> list[tuple[Any, Answer]]:
        """Drive the transfers until one has ended or the time is over, and return those that ended."""

    @property
    def in_flight(self) -> int:
        """Transfers under way."""
