"""Which deliveries must not be sent yet, since earlier ones of their order and profile come later."""

from array import array
from bisect import bisect_left
from collections.abc import Set

from consumer.core.customer_type import converts
from consumer.core.waiting import Waiting


class Precedence:
    """
    What is known of the retry topic of one partition number, in which deliveries stand as they came: whatever a run
    moves there is read by the next run that reads it, before the windows are. There are three exceptions, and each is a
    thing to remember.

    - Until that next run, nothing may pass what was moved.
    - An owner that goes in the middle of a run leaves what it moved behind what it did not read. The next one looks
      through the topic first; what is found out of order keeps the later ones back, and may itself be moved behind them
      again, until it is settled.
    - When much waits there, the windows are read first, but for what must not pass it.

    Attributes:
        run_ms: Name of the newest run, in which is moved what is moved now: the newest boundary of any window when it
            began, whichever windows it reads.
        is_unwritten: Something was moved and is not in Kafka yet.
    """

    def __init__(self) -> None:
        self.run_ms = 0
        self.is_unwritten = False
        self._aside: set[str] = set()
        self._aside_before: set[str] = set()
        self._later = _numbers()
        self._moved_lines = _numbers()
        self._prepared = 0
        self._orders: set[int] = set()
        self._held: set[str] = set()
        self._paused: set[str] = set()
        self._seen = _numbers(), _numbers(), _numbers()
        self._lines: dict[int, list[int]] = {}

    def retries_are_read(self) -> None:
        """A run begins that reads all that was moved."""
        self._orders.clear()
        self._held.clear()
        self._paused.clear()
        self.prepare()
        self._later, self._moved_lines = self._moved_lines, _numbers()
        self._prepared = 0
        self._lines = {line: offsets for line, offsets in self._lines.items() if offsets}

    def prepare(self) -> None:
        """Do between runs what would delay the first delivery of the next one: a hundred thousand may have moved."""
        if len(self._moved_lines) > self._prepared:
            self._moved_lines = array("q", sorted(self._moved_lines))
            self._prepared = len(self._moved_lines)

    @property
    def waiting(self) -> int:
        """How much the current run has yet to read from the retry topic: deliveries and conversions."""
        return len(self._later)

    def retries_were_read(self) -> None:
        """The current run has read all that it was to read of the retry topic."""
        self._later = _numbers()

    def set_aside(self, profile: str) -> None:
        """The current run comes back to what waits for the profile."""
        self._aside.add(profile)

    @property
    def aside(self) -> Set[str]:
        """Profiles that were set aside in the current reading."""
        return self._aside

    @property
    def has_later(self) -> bool:
        """Whether the current run comes back to anything, or has yet to read the retry topic."""
        return bool(self._aside or self._later)

    def is_aside(self, profile: str) -> bool:
        """Whether it is one of them."""
        return profile in self._aside

    def aside_comes_again(self) -> None:
        """The current run comes back to what was set aside."""
        self._aside_before, self._aside = self._aside, set()

    @property
    def is_all_aside_again(self) -> bool:
        """Whether all profiles that were set aside in the reading before were so in this one, too."""
        return self._aside >= self._aside_before

    def comes_later(self, order: bytes, profile: str) -> bool:
        """Whether the current run will read a delivery of this order to this profile from the retry topic."""
        return bool(self._later) and self._reads_later(hash((order, profile)))

    def conversion_comes_later(self, order: bytes) -> bool:
        """Whether it will read there that the order was placed."""
        return bool(self._later) and self._reads_later(hash(order))

    def _reads_later(self, line: int) -> bool:
        place = bisect_left(self._later, line)
        return place < len(self._later) and self._later[place] == line

    def moved(self, order: bytes, waiting: Waiting) -> None:
        """It will stand in the retry topic, for the reason that it says."""
        self.is_unwritten = True
        self._moved_lines.append(hash((order, waiting.profile)))
        if converts(waiting.code):
            self._moved_lines.append(hash(order))
        if waiting.failed_alone:
            return
        if self._lines:
            line, offset = _line(order, waiting)
            if line in self._lines:
                self._lines[line].append(offset)
                return
        if waiting.profile not in self._held and waiting.profile not in self._paused:
            self._orders.add(hash((order, waiting.profile)))

    def hold(self, profile: str) -> None:
        """All that come for the profile will be moved: they need not be remembered one by one."""
        self._held.add(profile)

    def pause(self, profile: str) -> None:
        """The same, for a profile that is paused."""
        self._paused.add(profile)

    def is_paused(self, profile: str) -> bool:
        """Whether earlier deliveries of the profile were moved on while it was paused."""
        return profile in self._paused

    def keeps_back(self, order: bytes, waiting: Waiting) -> bool:
        """Whether an earlier delivery comes later than this one."""
        if self._lines and _line(order, waiting)[0] in self._lines:
            return self.is_out_of_order(order, waiting)
        return waiting.profile in self._held or (bool(self._orders) and hash((order, waiting.profile)) in self._orders)

    def is_out_of_order(self, order: bytes, waiting: Waiting) -> bool:
        """Whether an earlier one of its line stands, or will stand, behind it in the retry topic."""
        if not self._lines:
            return False
        line, offset = _line(order, waiting)
        return any(other < offset for other in self._lines.get(line, ()))

    def conversion_moved(self, order: bytes) -> None:
        """The retry topic will say, too, that the order was placed."""
        self.is_unwritten = True
        self._moved_lines.append(hash(order))

    def look_at_conversion(self, order: bytes, *, is_due: bool) -> None:
        """The topic says that the order was placed."""
        (self._later if is_due else self._moved_lines).append(hash(order))

    def look_at(self, order: bytes, waiting: Waiting, *, is_due: bool) -> None:
        """
        One of the records that wait in the topic, in the order in which they stand there.

        Args:
            is_due: The current run reads it.
        """
        line = hash((order, waiting.profile))
        (self._later if is_due else self._moved_lines).append(line)
        if waiting.failed_alone:
            return
        if not is_due:
            self._orders.add(line)
        for places, value in zip(self._seen, (*_line(order, waiting), is_due), strict=True):
            places.append(value)

    def looked_through(self) -> None:
        """That was all of them."""
        self._later = array("q", sorted(self._later))
        newest: dict[int, int] = {}
        for line, offset, is_due in zip(*self._seen, strict=True):
            known = newest.get(line)
            # What the current run reads would be moved behind what it does not.
            if known is not None and (known > offset or not is_due):
                self._lines[line] = []
            newest[line] = offset
        for line, offset, _ in zip(*self._seen, strict=True):
            if line in self._lines:
                self._lines[line].append(offset)
        self._seen = _numbers(), _numbers(), _numbers()

    def came(self, order: bytes, waiting: Waiting) -> None:
        """It was read from the topic, and is in memory now."""
        if self._lines:
            line, offset = _line(order, waiting)
            offsets = self._lines.get(line, [])
            if offset in offsets:
                offsets.remove(offset)

    def went_back(self, order: bytes, waiting: Waiting) -> None:
        """It came, and was set aside: it comes again."""
        if self._lines:
            line, offset = _line(order, waiting)
            if line in self._lines:
                self._lines[line].append(offset)


def _numbers() -> "array[int]":
    """Lines, or offsets in them, 8 bytes each: a million deliveries may wait."""
    return array("q")


def _line(order: bytes, waiting: Waiting) -> tuple[int, int]:
    """What came by one topic has an order: a hash of order, profile and topic, and the place in it."""
    place, offset = waiting.place
    return hash((order, waiting.profile, place)), offset
