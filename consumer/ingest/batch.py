"""What one transaction will write."""

from collections import Counter

from consumer.core.ports import LogRecord, Place


class Batch:
    """What one transaction will write."""

    def __init__(self) -> None:
        self.records: list[LogRecord] = []
        self.offsets: dict[Place, tuple[int, str]] = {}
        self.begins: dict[Place, int] = {}
        self.results: Counter[tuple[str, str]] = Counter()
        self.dead: Counter[str] = Counter()

    def passed(self, place: Place, offset: int) -> None:
        """The record at *offset* is dealt with by this batch."""
        self.begins.setdefault(place, offset)
        self.offsets[place] = (offset + 1, "")
