"""Hides secrets in what is shown to people, in whatever encoding they stand there."""

import re
from collections.abc import Iterable
from typing import Final

from consumer.core.values import utf8

MASK: Final = "***"


class Mask:
    """Puts `***` for every occurrence of a secret: as it is, percent- or form-encoded, escaped in JSON, in any case."""

    def __init__(self, secrets: Iterable[str]) -> None:
        longest_first = sorted({secret for secret in secrets if secret}, key=lambda secret: (-len(secret), secret))
        self._pattern = re.compile("|".join(map(_pattern, longest_first)), re.IGNORECASE) if longest_first else None

    def __call__(self, text: str) -> str:
        """*text* without secrets."""
        return text if self._pattern is None else self._pattern.sub(MASK, text)


def _pattern(secret: str) -> str:
    return "".join(map(_any_spelling, secret))


def _any_spelling(letter: str) -> str:
    if letter.isascii() and letter.isalnum():
        return f"(?:{letter}|%{ord(letter):02X})"
    percent = "".join(f"%{byte:02X}" for byte in utf8(letter))
    units = letter.encode("utf-16-be", "surrogatepass")
    escaped = "".join(rf"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
    shown = re.escape(utf8(letter).decode())
    # The longer ones first: `%` is also the beginning of `%25`.
    spellings = [percent, escaped, *_SHORT.get(letter, ()), re.escape(letter), shown]
    return f"(?:{'|'.join(dict.fromkeys(spellings))})"


# A blank in a form, and JSON's two-letter escapes.
_SHORT: Final = {
    " ": (r"\+",),
    '"': (r'\\"',),
    "\\": (r"\\\\",),
    "/": (r"\\/",),
    "\n": (r"\\n",),
    "\r": (r"\\r",),
    "\t": (r"\\t",),
    "\b": (r"\\b",),
    "\f": (r"\\f",),
}
