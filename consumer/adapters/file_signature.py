"""Whether a file changed, without reading it."""

from pathlib import Path

Signature = tuple[int, ...] | None


def signature(path: Path) -> Signature:
    """Something that differs once the file at *path*, or the one its links lead to, is written or replaced."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev
