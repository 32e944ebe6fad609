"""How long the oldest failed delivery has been waiting for success: each run reads the retry topic anew."""

from consumer.dispatch.track import Track

_NONE = 1 << 62


class OldestFailure:
    """First failures in one partition of the retry topic, in epoch milliseconds."""

    def __init__(self) -> None:
        self._before = _NONE
        self._now = _NONE
        self._is_reading = False

    def note(self, first_failed_at_ms: int) -> None:
        """A delivery waits in the retry topic (again)."""
        if first_failed_at_ms:
            self._now = min(self._now, first_failed_at_ms)

    def begin_run(self) -> None:
        """A run begins to read the retry topic: what it moves there again is noted anew."""
        self._before, self._now = min(self._before, self._now), _NONE
        self._is_reading = True

    def look_at(self, track: Track) -> None:
        """Called often: a run that has read the retry topic makes what was known before it out of date."""
        if self._is_reading and not track.is_to_be_read and not track.ledger.open_count:
            self._before = _NONE
            self._is_reading = False

    @property
    def at_ms(self) -> int | None:
        """None when nothing waits."""
        oldest = min(self._before, self._now)
        return None if oldest == _NONE else oldest
