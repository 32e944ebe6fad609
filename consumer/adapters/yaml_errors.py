"""What YAML's own errors mean for somebody who has never read its specification."""

import codecs
from typing import Final

import yaml

_UTF16_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_NOT_UTF8: Final = "save it as UTF-8 (in the editor: Save with Encoding)"

# part of the parser's own words: what to say instead. The first that fits is taken.
_SENTENCES: Final = {
    "quoted scalar found unexpected end": "the quote that begins here is never closed: add the closing quote",
    "unknown escape character": 'a backslash in "..." begins an escape: write \\\\, or use single quotes',
    "escape code": 'this escape in "..." is not a Unicode character: write the character itself',
    "mapping values are not allowed": (
        "a `:` is where none can be: put the value in quotes, or give the line the same indentation as its neighbours"
    ),
    "expected ',' or ']'": "a list that begins with [ is not closed before this line: add the missing , or ]",
    "expected ',' or '}'": (
        "a mapping that begins with { is not closed before this line, or a text has { in it: "
        'add the missing , or }, or write "${env:NAME}" with its quotes'
    ),
    "maximum nesting depth": "too many levels are nested here: nothing in this file goes that deep",
    "scanning an alias": "put a text that begins with * in quotes: '*...'",
    "scanning an anchor": "put a text that begins with & in quotes: '&...'",
    "tag handle": "put a text that begins with ! in quotes: '!...'",
    "a tag": "put a text that begins with ! in quotes: '!...'",
    "directive": "a line that begins with % is read as a directive: put the text in quotes, or remove the line",
    "block scalar": "after | or > only + or - and a number may follow: put the text on the next line, indented",
    "find expected ':'": "this line is not `key: value`: add the colon, and a space after it",
    "'-' indicator": "a line among the items of a list does not begin with `- `: indent it, or end the list",
    "entries are not allowed": "an item of a list (`- `) cannot be here: put it on a line of its own, indented",
    "expected key": "the indentation of this line fits none before it: align it with the keys that it belongs to",
    "node content": "a value is missing here: put a text with [ ] { } or , in quotes",
    "tab character": "a tab indents this line: YAML takes spaces only",
    "incompatible yaml document": "this file asks for another version of YAML: remove the %YAML line",
    "document start": "there is something after the end of the YAML document: remove it",
}
_AFTER_A_VALUE: Final = "something follows the end of the value: put the whole value in one pair of quotes"


def encoding_error(content: bytes) -> tuple[int, str] | None:
    """Line and sentence, when *content* is no UTF-8 text."""
    if content.startswith(_UTF16_MARKS) or _looks_like_utf16(content):
        return 1, f"the file is UTF-16 or UTF-32 text: {_NOT_UTF8}"
    zero = content.find(b"\0")
    if zero >= 0:
        return _line_at(content, zero), "there is a NUL byte here: the file is damaged or not text; write it again"
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        byte = content[error.start]
        text = f"the byte 0x{byte:02X} is not UTF-8 (an older encoding such as Latin-1?): {_NOT_UTF8}"
        return _line_at(content, error.start), text
    return None


def sentence_of(error: yaml.YAMLError, content: bytes) -> tuple[int, str]:
    """Line and sentence of what the parser says about *content*."""
    if isinstance(error, yaml.reader.ReaderError):
        return _unprintable(error, content)
    if not isinstance(error, yaml.MarkedYAMLError):
        return 1, "this is not YAML: compare it with a sample that `postback init` writes"
    words = f"{error.context or ''} {error.problem or ''}".lower()
    in_quote = "quoted scalar" in words
    mark = (error.context_mark if in_quote else None) or error.problem_mark or error.context_mark
    line = min(mark.line + 1, content.count(b"\n") + 1) if mark else 1
    if "cannot start any token" in words:
        return line, _token_sentence(content, line)
    if "expected key" in words and _is_inside_line(error, content):
        return line, _AFTER_A_VALUE
    for part, sentence in _SENTENCES.items():
        if part in words:
            return line, sentence
    return line, f"this is not YAML ({error.problem}): check quotes and indentation here and on the line before"


def _is_inside_line(error: yaml.MarkedYAMLError, content: bytes) -> bool:
    mark = error.problem_mark
    return mark is not None and bool(_text_of(content, mark.line + 1)[: mark.column].strip())


def _text_of(content: bytes, line: int) -> str:
    lines = content.decode("utf-8-sig").splitlines()
    return lines[line - 1] if line <= len(lines) else ""


def _token_sentence(content: bytes, line: int) -> str:
    text = _text_of(content, line)
    if "\t" in text[: len(text) - len(text.lstrip())]:
        return "a tab indents this line: YAML takes spaces only"
    return "put a text that begins with @, `, % or a tab in quotes"


def _unprintable(error: "yaml.reader.ReaderError", content: bytes) -> tuple[int, str]:
    text = content.decode("utf-8-sig")
    line = text.count("\n", 0, error.position) + 1
    code = ord(error.character) if isinstance(error.character, str) else error.character
    return line, f"the control character U+{code:04X} is here: remove it"


def _looks_like_utf16(content: bytes) -> bool:
    head = content[:200]
    return len(head) >= 4 and (not any(head[1::2]) or not any(head[::2]))


def _line_at(content: bytes, position: int) -> int:
    return content.count(b"\n", 0, position) + 1
