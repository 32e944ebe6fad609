"""Header lines as libcurl wants them, which has its own meaning for a line that ends with its colon."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

_NO_DEFAULTS: Final = (b"Expect:", b"Accept:", b"Content-Type:")
"""Keep libcurl from adding these where the request has none; a line with a value comes before and counts."""
_EXPECT_BYTES: Final = 1024 * 1024
"""From this size on libcurl would ask for permission (``Expect: 100-continue``) to send a body."""


def for_libcurl(lines: tuple[str, ...], body: bytes | None, key: str | None = None) -> tuple[bytes, ...]:
    """
    Give *lines* and ``Idempotency-Key`` so that libcurl sends them all and adds none.

    Raises:
        ValueError: A control character would make more of a line than it says.
    """
    ready = _ready(lines, body is not None and len(body) >= _EXPECT_BYTES)
    if key is None:
        return ready
    if key.isalnum():  # every one of ours
        return (*ready, b"Idempotency-Key: " + key.encode())
    return (*ready, _line_for_libcurl(f"Idempotency-Key: {key}"))


@lru_cache(maxsize=1024)  # the same for all requests of a profile
def _ready(lines: tuple[str, ...], is_large: bool) -> tuple[bytes, ...]:  # noqa: FBT001 - a part of the cache's key
    parts = (line.partition(":") for line in lines)
    names = {name.lower() for name, _colon, value in parts if value.strip()}
    is_complete = not is_large and {"accept", "content-type"} <= names
    return (*map(_line_for_libcurl, lines), *(() if is_complete else _NO_DEFAULTS))


def _line_for_libcurl(line: str) -> bytes:
    if any(character < " " and character != "\t" for character in line) or "\x7f" in line:
        raise ValueError("a control character in a header")
    name, _colon, value = line.partition(":")
    return (line if value.strip() else f"{name};").encode()  # "Name:" takes the header away, "Name;" sends it empty
