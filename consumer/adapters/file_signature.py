"""Whether a file changed, without reading it."""

import os
from typing import Protocol

Signature = tuple[int, ...] | None


class HasStat(Protocol):
    """A path, or an entry of a folder that was listed, which costs a third of that."""

    def stat(self) -> os.stat_result:
        """Of the file that its links lead to."""


def signature(file: HasStat) -> Signature:
    """Something that differs once *file*, or the one its links lead to, is written or replaced."""
    try:
        found = file.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev
