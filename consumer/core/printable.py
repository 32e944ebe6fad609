"""Texts from outside, fit for a line of a log or a terminal."""


def printable(text: str) -> str:
    """Order ids, types and receivers' words: none of them begins a line of its own or moves a terminal's cursor."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)
