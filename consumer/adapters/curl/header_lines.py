"""Header lines as libcurl wants them, which has its own meaning for a line that ends with its colon."""

from __future__ import annotations

from typing import Final

_NO_DEFAULTS: Final = ("Expect:", "Accept:", "Content-Type:")
"""Keep libcurl from adding these where the request has none; a line with a value comes before and counts."""
_EXPECT_BYTES: Final = 1024 * 1024
"""From this size on libcurl would ask for permission (``Expect: 100-continue``) to send a body."""


def for_libcurl(lines: tuple[str, ...], body: bytes | None) -> tuple[str | bytes, ...]:
    """
    Give *lines* so that libcurl sends them all and adds none.

    Raises:
        ValueError: A control character would make more of a line than it says.
    """
    joined = f"|{'|'.join(lines)}|"
    if not joined.isascii() or "\n" in joined or "\r" in joined or ": |" in joined or ":|" in joined:
        return (*map(_line_for_libcurl, lines), *_NO_DEFAULTS)
    if "|Accept:" in joined and "|Content-Type:" in joined and (body is None or len(body) < _EXPECT_BYTES):
        return lines
    return lines + _NO_DEFAULTS


def _line_for_libcurl(line: str) -> bytes:
    if any(character < " " and character != "\t" for character in line) or "\x7f" in line:
        raise ValueError("a control character in a header")
    name, _colon, value = line.partition(":")
    return (line if value.strip() else f"{name};").encode()  # "Name:" takes the header away, "Name;" sends it empty
