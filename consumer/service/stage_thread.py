"""A thread of its own for each stage."""

from collections.abc import Callable
from threading import Event, Thread
from typing import Protocol

from consumer.adapters.kafka.consumer import GroupConsumer


class Stage(Protocol):
    """What runs on a thread."""

    beat_ms: int

    def begin(self) -> bool:
        """Whether all is ready for the first turn; takes seconds while it is not."""

    def turn(self) -> None:
        """Once round; comes back within a second or so."""


class StageThread:
    """One stage going round until it is told to stop."""

    def __init__(self, name: str, stage: Stage, reader: GroupConsumer, finish: Callable[[], None]) -> None:
        self.name = name
        self.stage = stage
        self.reader = reader
        self.failure: BaseException | None = None
        self._finish = finish
        self._stopping = Event()
        self._thread = Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to go round."""
        self._thread.start()

    def stop(self) -> None:
        """Take nothing new; does not wait."""
        self._stopping.set()

    def join(self, timeout_seconds: float) -> bool:
        """Whether it ended within the time."""
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    @property
    def has_ended(self) -> bool:
        """By itself, or because it was told to."""
        return self._thread.ident is not None and not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set() and not self.stage.begin():
                pass
            while not self._stopping.is_set():
                self.stage.turn()
            self._finish()
            self.reader.close()
        except BaseException as error:  # noqa: BLE001 - a thread has no caller: `Supervisor.run` raises it there
            self.failure = error
