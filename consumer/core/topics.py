"""Names of the program's own topics."""

from dataclasses import dataclass
from datetime import timedelta

from consumer.core.schedule import period_seconds, window_name, window_period


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

    @property
    def dispatched(self) -> str:
        """A pattern of the topics that dispatch reads."""
        escaped = "".join(f"\\{letter}" if letter in ".-" else letter for letter in self.prefix)
        return f"^{escaped}\\.(window\\.[0-9]+[ms]|retry)$"
