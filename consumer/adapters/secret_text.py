"""`${env:NAME}` and `${file:PATH}` in texts: what they stand for is a secret."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from consumer.adapters.yaml_file import read_bytes

_PLACE: Final = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_LARGEST_SECRET: Final = 1 << 16


class SecretError(Exception):
    """A text refers to what is not there; says what to do, never a value."""


@dataclass(slots=True)
class SecretTexts:
    """
    Fills texts in, and remembers what came from where.

    Attributes:
        folder: Relative paths start here.
        secrets: Every text that was filled in so far.
        files: Every file that was asked for so far.
    """

    environ: Mapping[str, str] = field(repr=False)
    folder: Path
    secrets: set[str] = field(default_factory=set, repr=False)
    files: set[Path] = field(default_factory=set)

    def fill(self, text: str) -> str:
        """
        *text* with its secrets in it, and `$${` as `${`.

        Raises:
            SecretError: A variable or file is missing, or the reference is mistyped.
        """
        return _PLACE.sub(self._stand_in, text) if "${" in text else text

    def _stand_in(self, found: re.Match[str]) -> str:
        if found[0] == "$${":
            return "${"
        if not found[2]:
            raise SecretError("`${` is not closed: write ${env:NAME} or ${file:PATH}, or `$${` for a plain `${`")
        kind, _, name = found[1].partition(":")
        if kind not in {"env", "file"} or not name:
            raise SecretError("only ${env:NAME} and ${file:PATH} can be filled in: write `$${` for a plain `${`")
        value = self._variable(name) if kind == "env" else self._content(name)
        self.secrets.update({value, value.strip()} - {""})
        return value

    def _variable(self, name: str) -> str:
        value = self.environ.get(name)
        if value is None:
            raise SecretError(f"the environment variable {name} is not set: set it where the program starts")
        if not value:
            raise SecretError(f"the environment variable {name} is empty: set it where the program starts")
        return value

    def _content(self, name: str) -> str:
        path = self.folder / name
        self.files.add(path)
        try:
            text = read_bytes(path, limit=_LARGEST_SECRET).decode()
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
            raise SecretError(f"the file {path} cannot be read: {reason}; put the secret there as text") from error
        value = text.rstrip("\r\n")  # `echo secret > file` ends with one
        if not value:
            raise SecretError(f"the file {path} is empty: put the secret there as text")
        return value
