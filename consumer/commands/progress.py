"""One line on a terminal while a long topic is read."""

import sys
import time
from typing import Final

_PATIENCE_S: Final = 2.0
_BETWEEN_S: Final = 0.2


class Progress:
    """Silent in a pipe, and for the first two seconds."""

    def __init__(self) -> None:
        self._is_shown = False
        self.begin()

    def begin(self) -> None:
        """The two seconds begin anew."""
        self._next = time.monotonic() + _PATIENCE_S

    def __call__(self, passed: int, of: int) -> None:
        """So many records are read, of so many."""
        now = time.monotonic()
        if now >= self._next and sys.stderr.isatty():
            self._next = now + _BETWEEN_S
            self._is_shown = True
            print(f"\r\x1b[2Kreading: {passed:,} of {of:,} records", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Take the line away."""
        if self._is_shown:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)
        self._is_shown = False
