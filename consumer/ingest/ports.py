"""What the stage needs of Kafka, beside what both need."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from consumer.core.ports import Place, Record


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
