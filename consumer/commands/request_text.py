"""A request as text: as it goes over the wire, and as a command for curl."""

import shlex

from consumer.core.masking import Mask
from consumer.core.request import Request

_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def masked(request: Request, mask: Mask) -> Request:
    """*request* without secrets, to be shown."""
    return request._replace(
        url=mask(request.url),
        endpoint=mask(request.endpoint),
        headers=tuple(name + mask(colon + value) for name, colon, value in (h.partition(":") for h in request.headers)),
        body=None if request.body is None else mask(request.body.decode()).encode(),
    )


def http_text(request: Request) -> str:
    """`METHOD URL`, the headers, an empty line, and the body to its last byte."""
    body = request.body.decode() if request.body else ""
    return "\n".join((f"{request.method} {request.url}", *request.lines, "", body))


def curl_text(request: Request, *, timeout_seconds: float) -> str:
    """A command line that makes the same request from a shell."""
    words = ["curl", "--globoff", "--path-as-is", "--include", "--max-time", f"{timeout_seconds:g}"]
    words += ["--request", request.method, request.url]
    for line in request.lines:
        words += ["--header", _for_curl(line)]
    if request.body is not None or request.method in _WITH_BODY:
        words += ["--data-raw", (request.body or b"").decode(), *_no_added_type(request)]
    if request.ca_file:
        words += ["--cacert", request.ca_file]
    return shlex.join(words)


def _for_curl(line: str) -> str:
    """In curl's spelling: `Name;` sends an empty value, `Name:` would take the header away."""
    name, _, value = line.partition(":")
    return line if value.strip() else f"{name};"


def _no_added_type(request: Request) -> list[str]:
    has_type = any(line.lower().startswith("content-type:") for line in request.lines)
    return [] if has_type else ["--header", "Content-Type:"]
