"""What is wrong with a file that a person wrote, and where."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """
    Attributes:
        file: Path as the user gave it, or the name of an environment variable.
        text: What is wrong, and what to do. Never the value of a secret.
    """

    file: str
    line: int
    text: str
    severity: Severity = "error"

    def __str__(self) -> str:
        mark = "warning: " if self.severity == "warning" else ""
        return f"{self.file}:{self.line}: {mark}{' '.join(self.text.split())}"


def did_you_mean(word: str, known: Iterable[str], *, closeness: float = 0.7) -> str:
    """`; did you mean `x`?` for a near miss of a known word in any case, else nothing."""
    by_folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), by_folded, n=1, cutoff=closeness)
    return f"; did you mean `{by_folded[close[0]]}`?" if close else ""
