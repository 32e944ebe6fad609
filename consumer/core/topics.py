"""The program's own topics: their names, and what they carry."""

from dataclasses import dataclass
from datetime import timedelta

from consumer.core.schedule import period_seconds, window_name, window_period


@dataclass(frozen=True, slots=True)
class Carries:
    """
    Largest values that the program's topics take, what is added on the way already taken off.

    Attributes:
        window_bytes: Of the window and retry topics.
        batch_bytes: What each of them takes at once, outcomes too: of several records as of one.
        raised_ms: When it was tried last to have them take more; 0 where it was not.
    """

    window_bytes: int
    dead_letter_bytes: int
    batch_bytes: int = 1_000_000
    raised_ms: int = 0

    def as_dead_letter(self, key: bytes | None, value: bytes) -> tuple[bytes | None, bytes]:
        """What of a key and a value its topic takes: both, or the key alone, or nothing."""
        key_bytes = len(key or b"")
        if key_bytes + len(value) <= self.dead_letter_bytes:
            return key, value
        return key if key_bytes <= self.dead_letter_bytes else None, b""


@dataclass(slots=True)
class Sizes:
    """
    What the topics carry, shared by the stages and by whoever asks the brokers.

    Attributes:
        carries: None until it is known.
        are_asked_for: Something waits for the brokers to be asked, and for topics that carry more if that can be.
    """

    carries: Carries | None = None
    are_asked_for: bool = False

    def as_dead_letter(self, key: bytes | None, value: bytes) -> tuple[bytes | None, bytes]:
        """What of a dead letter's key and value its topic takes, as far as is known."""
        return (key, value) if self.carries is None else self.carries.as_dead_letter(key, value)


@dataclass(frozen=True, slots=True)
class TopicNames:
    """All begin with the settings' `kafka.topic_prefix`."""

    prefix: str

    @property
    def retry(self) -> str:
        """What failed, and what is held or paused."""
        return f"{self.prefix}.retry"

    @property
    def dead_letter(self) -> str:
        """What can never be delivered, with the reason."""
        return f"{self.prefix}.dead-letter"

    @property
    def outcomes(self) -> str:
        """A JSON object for each attempt and each suppression."""
        return f"{self.prefix}.outcomes"

    def window(self, period: int) -> str:
        """What waits for the runs of this period (seconds)."""
        return f"{self.prefix}.window.{window_name(period)}"

    def window_of(self, delay: timedelta, tick: timedelta) -> str:
        """Where deliveries of a profile with this delay wait."""
        return self.window(period_seconds(tick, delay))

    def period(self, topic: str) -> int | None:
        """Seconds of a window topic's period; None for every other topic."""
        start = f"{self.prefix}.window."
        return window_period(topic.removeprefix(start)) if topic.startswith(start) else None

    def is_dispatched(self, topic: str) -> bool:
        """Whether it is a window or the retry topic, in which deliveries wait."""
        return topic == self.retry or self.period(topic) is not None

    @property
    def dispatched(self) -> str:
        """A pattern of the topics that dispatch reads; those that are not `is_dispatched` may match it, too."""
        escaped = "".join(f"\\{letter}" if letter in ".-" else letter for letter in self.prefix)
        return f"^{escaped}\\.(window\\.[0-9]+[ms]|retry)$"
