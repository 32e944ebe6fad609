"""`header:` mappings: they choose the method and where the parameters go, as in the CRM."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from consumer.adapters.profile_file import MappingRow
from consumer.core.located import Node
from consumer.core.problem import Problem, did_you_mean
from consumer.core.profile import Header
from consumer.core.render import media_type

_HEADER: Final = re.compile(r"\s*header:(.*)", re.IGNORECASE | re.DOTALL)
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_CHOICES: Final = {"httpmethod": _METHODS, "httpmethodtype": ("GET", "POST")}

# They belong to the connection, which is the sender's: a receiver would misread the request.
_FORBIDDEN: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "expect"}
)

LocatedRow = tuple[Node, MappingRow]


@dataclass(frozen=True, slots=True)
class RequestShape:
    """
    Attributes:
        parameters: The mappings that are no headers.
    """

    method: str
    in_body: bool
    headers: tuple[Header, ...]
    parameters: Sequence[LocatedRow]

    @property
    def is_json(self) -> bool:
        """Whether the media type that the headers name is JSON's."""
        return any(h.name.lower() == "content-type" and media_type(h.value) == "application/json" for h in self.headers)


@dataclass(slots=True)
class _Headers:
    """What was read so far."""

    lines: dict[str, int] = field(default_factory=dict)
    sent: list[Header] = field(default_factory=list)
    choices: dict[str, str] = field(default_factory=dict)


def read_headers(rows: Iterable[LocatedRow]) -> tuple[RequestShape, list[Problem]]:
    """The shape that the rows give a request, and what is wrong with the headers among them."""
    headers, parameters, problems = _Headers(), list[LocatedRow](), list[Problem]()
    for node, row in rows:
        found = _HEADER.fullmatch(row.export_name)
        if found is None:
            parameters.append((node, row))
            continue
        wrong = _wrong(found[1].strip(), row, headers)
        if wrong:
            problems.append(node.problem(wrong, "static" if row.static is not None else "field"))
            continue
        _take(found[1].strip(), row.static or "", headers)
        headers.lines[found[1].strip().lower()] = node.line
    return _shape(headers, parameters), problems


def _take(name: str, value: str, headers: _Headers) -> None:
    if name.lower() in _CHOICES:
        headers.choices[name.lower()] = value.strip().upper()
    else:
        headers.sent.append(Header(name, value.strip(" ")))


def _wrong(name: str, row: MappingRow, headers: _Headers) -> str | None:
    """What makes this a header that cannot be sent; its value may be a secret and is not shown."""
    if not name:
        return "`header:` names no header: write e.g. `header:X-Token`"
    if row.static is None:
        return f"`header:{name}` must be static, not a field: a header is the same in every request"
    return _wrong_name(name, headers) or _wrong_value(name, row.static)


def _wrong_name(name: str, headers: _Headers) -> str | None:
    key = name.lower()
    if _TOKEN.fullmatch(name) is None:
        return f"`header:{name[:60]}` is not a header name: use letters, digits and `-`"
    if key in _FORBIDDEN:
        return f"`header:{name}` cannot be set: it belongs to the connection; remove the mapping"
    if key in headers.lines:
        return f"`header:{name}` appears twice, here and on line {headers.lines[key]}: keep one of them"
    return None


def _wrong_value(name: str, value: str) -> str | None:
    if _CONTROL.search(value):
        return f"the value of `header:{name}` has a line break or control character in it: write it on one line"
    choices = _CHOICES.get(name.lower())
    if choices and value.strip().upper() not in choices:
        return f"`header:{name}` must be one of {', '.join(choices)}{did_you_mean(value, choices)}"
    return None


def _shape(headers: _Headers, parameters: Sequence[LocatedRow]) -> RequestShape:
    """The contract's table of methods."""
    method, kind = headers.choices.get("httpmethod"), headers.choices.get("httpmethodtype")
    if kind:
        in_body = kind == "POST"
        method = method or kind
    elif method:
        in_body = method == "POST"
    else:
        in_body = bool(headers.sent)
        method = "POST" if in_body else "GET"
    return RequestShape(method, in_body, tuple(headers.sent), parameters)
