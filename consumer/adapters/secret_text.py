"""`${env:NAME}` and `${file:PATH}` in texts: what they stand for is a secret."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from consumer.adapters.file_signature import Signature, signature
from consumer.adapters.yaml_file import read_bytes

_PLACE: Final = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_LARGEST_FILE: Final = 1 << 20


class SecretError(Exception):
    """A text refers to what is not there; says what to do, never a value."""


@dataclass(slots=True)
class SecretTexts:
    """
    Fills texts in, and remembers what came from where.

    Attributes:
        folder: Relative paths start here.
        secrets: Every text that was filled in so far.
        files: Every file that was asked for so far, as it was just before it was read.
    """

    environ: Mapping[str, str] = field(repr=False)
    folder: Path
    secrets: set[str] = field(default_factory=set, repr=False)
    files: dict[Path, Signature] = field(default_factory=dict)

    def fill(self, text: str) -> str:
        """
        *text* with its secrets in it, and `$${` as `${`.

        Raises:
            SecretError: A variable or file is missing, or the reference is mistyped.
        """
        return _PLACE.sub(self._stand_in, text) if "${" in text else text

    def read(self, path: Path) -> bytes:
        """
        The content of a file that belongs to the texts.

        Raises:
            OSError: It cannot be read.
            ValueError: There can be no such path.
        """
        self.files[path] = signature(path)
        return read_bytes(path, limit=_LARGEST_FILE)

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
        try:
            text = self.read(path).decode("utf-8-sig")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
            raise SecretError(f"the file {path} cannot be read: {reason}; put the secret there as text") from error
        value = text.rstrip("\r\n")  # `echo secret > file` ends with one
        if not value:
            raise SecretError(f"the file {path} is empty: put the secret there as text")
        return value
