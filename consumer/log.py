"""Logging: one line per event, with a name that machines can count and keys that people can read."""

import json
import logging
import sys
from collections.abc import Hashable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from consumer.core.printable import printable

_ROOT: Final = "postback"
_MINUTE_MS: Final = 60_000


class EventLog:
    """
    Log lines of one part of the program: `log.warning("delivery.failed", profile=..., status=503)`.

    Values are ids, numbers and short texts of ours: never contents of events, never credentials.
    """

    def __init__(self, part: str) -> None:
        self._logger = logging.getLogger(f"{_ROOT}.{part}")

    def debug(self, event: str, **keys: object) -> None:
        """For whoever follows single deliveries."""
        if self._logger.isEnabledFor(logging.DEBUG):
            self._logger.debug(event, extra={"keys": keys})

    def info(self, event: str, **keys: object) -> None:
        """Expected."""
        self._logger.info(event, extra={"keys": keys})

    def warning(self, event: str, **keys: object) -> None:
        """The program goes on by itself; worth knowing."""
        self._logger.warning(event, extra={"keys": keys})

    def error(self, event: str, **keys: object) -> None:
        """A person must act."""
        self._logger.error(event, extra={"keys": keys})

    def exception(self, event: str, **keys: object) -> None:
        """A bug or a lost broker, with its traceback."""
        self._logger.exception(event, extra={"keys": keys})


class OnceAMinute:
    """Keeps what is met many times a second from filling the log: it is said at once, and again after a minute."""

    def __init__(self) -> None:
        self._said_ms: dict[Hashable, int] = {}

    def may_say(self, what: Hashable, now_ms: int) -> bool:
        """Whether *what* is to be said now; by any clock, if always by the same."""
        self._said_ms = {one: at_ms for one, at_ms in self._said_ms.items() if 0 <= now_ms - at_ms < _MINUTE_MS}
        if what in self._said_ms:
            return False
        self._said_ms[what] = now_ms
        return True


def _keys(record: logging.LogRecord) -> Mapping[str, Any]:
    return getattr(record, "keys", {})


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """`{"at", "level", "part", "event", ...keys}`."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": record.name.removeprefix(f"{_ROOT}."),
            "event": record.getMessage(),
            **_keys(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class TextFormatter(logging.Formatter):
    """For a person at a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """`04:01:11 warning dispatch delivery.failed profile=a status=503`."""
        at = datetime.fromtimestamp(record.created).astimezone()
        keys = "".join(f" {name}={printable(str(value))}" for name, value in _keys(record).items() if value is not None)
        part = record.name.removeprefix(f"{_ROOT}.")
        text = f"{at:%H:%M:%S} {record.levelname.lower():7} {part} {record.getMessage()}{keys}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


class _StdoutHandler(logging.StreamHandler[TextIO]):
    """A line that cannot be written stops no delivery; that there are such is said once, and not with a traceback."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)
        self._has_said = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the library's name
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._has_said:
            self._has_said = True
            print(f"log lines cannot be written: {error.strerror}", file=sys.stderr)


def set_up_logging(*, level: str, format_name: str) -> None:
    """Log lines of this program go to stdout, those of libraries too when they warn."""
    handler = _StdoutHandler()
    handler.setFormatter(JsonFormatter() if format_name == "json" else TextFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(_ROOT).setLevel(level.upper())
