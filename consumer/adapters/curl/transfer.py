"""One transfer: what is set on a libcurl handle, and what is made of the answer."""

from __future__ import annotations

import socket
from datetime import timedelta
from typing import Any, Final

import certifi
import pycurl

from consumer.adapters.curl.errors import in_short, kind_of
from consumer.adapters.curl.gate import Gate
from consumer.adapters.curl.header_lines import for_libcurl
from consumer.core.answer import Answer, Answered, Unanswered
from consumer.core.request import Request

BODY_KEPT_BYTES: Final = 512
BODY_READ_BYTES: Final = 256 * 1024
"""A longer body ends the transfer and its connection: reading on would cost more than a new connection."""
LOOK_UP_KEPT_SECONDS: Final = 60

_RETRY_AFTER_KEPT: Final = 128
"""Characters: no date is longer, and so many digits are as good as more."""
_LONGEST_CONNECT: Final = timedelta(seconds=10)
_CA_CACHE_SECONDS: Final = 300
_CURLOPT_CA_CACHE_TIMEOUT: Final = 321  # pycurl has no name for it
_CLOSED: Final = frozenset({pycurl.E_GOT_NOTHING, pycurl.E_RECV_ERROR, pycurl.E_SEND_ERROR})
_SCHEME_ENDS: Final = len("https://")
_BLANK: Final = frozenset({b"\r\n", b"\n"})
_METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


def _target(url: str) -> str:
    """What stands in the request's first line: libcurl would leave out dots, and write `%2f` as `%2F`."""
    path, query = url.find("/", _SCHEME_ENDS), url.find("?", _SCHEME_ENDS)
    if path < 0 or 0 <= query < path:
        return "/" + (url[query:] if query >= 0 else "")
    return url[path:]


class Transfer:
    """One reusable libcurl handle and what it gathers of the answer that is under way."""

    __slots__ = (
        "_body_bytes",
        "_body_start",
        "_ca_file",
        "_fresh",
        "_gate",
        "_head",
        "_opened",
        "_refusal",
        "_shape",
        "_timeout_ms",
        "_url",
        "curl",
    )

    def __init__(self, gate: Gate, timeout: timedelta) -> None:
        self.curl = pycurl.Curl()
        self._gate = gate
        self._url = ""
        self._fresh: bool | None = False
        self._timeout_ms = max(1, round(timeout / timedelta(milliseconds=1)))
        self._shape: tuple[str, bool] | None = None
        self._ca_file: str | None = None
        self._head: list[bytes] = []
        self._body_start = b""
        self._body_bytes = 0
        self._refusal: str | None = None
        self._opened = False
        self._set_once()

    @property
    def is_looked_up(self) -> bool:
        """Whether an address is known by now."""
        return self._opened or self._refusal is not None

    def prepare(self, request: Request, *, fresh: bool) -> None:
        """
        Set what differs from request to request, and forget the last answer.

        Args:
            fresh: Open a connection, even if one is kept.
        """
        curl = self.curl
        self.forget()
        if request.url != self._url:
            curl.setopt(pycurl.URL, request.url)
            curl.setopt(pycurl.REQUEST_TARGET, _target(request.url))
            self._url = request.url
        body = b"" if request.body is None and request.method in _METHODS_WITH_BODY else request.body
        curl.setopt(pycurl.HTTPHEADER, for_libcurl(request.headers, body, request.key))
        shape = (request.method, body is not None)
        if shape != self._shape:
            self._set_method(*shape)
        if body is not None:
            curl.setopt(pycurl.POSTFIELDS, body)
        self._set_fresh(fresh=fresh)
        if request.ca_file != self._ca_file:
            curl.setopt(pycurl.CAINFO, request.ca_file or certifi.where())
            self._ca_file = request.ca_file

    def forget(self) -> None:
        """Drop what came of the last request: a flood of headers is 2 MB."""
        self._head.clear()
        self._body_start = b""
        self._body_bytes = 0
        self._refusal = None
        self._opened = False

    def came_to_a_closed_connection(self, code: int) -> bool:
        """Whether the transfer ended on a kept connection, without a byte of an answer."""
        return code in _CLOSED and not self._head and self.curl.getinfo(pycurl.NUM_CONNECTS) == 0

    def repeat(self) -> None:
        """Have the same request go out on a connection of its own, in the time that is left."""
        self._set_fresh(fresh=True)
        spent_ms = round(self.curl.getinfo(pycurl.TOTAL_TIME) * 1000)
        self.curl.setopt(pycurl.TIMEOUT_MS, max(1, self._timeout_ms - spent_ms))
        self._fresh = None  # the next request sets both anew

    def _set_fresh(self, *, fresh: bool) -> None:
        if fresh != self._fresh:
            self.curl.setopt(pycurl.FRESH_CONNECT, fresh)
            self.curl.setopt(pycurl.TIMEOUT_MS, self._timeout_ms)
            self._fresh = fresh

    def answer(self, code: int, message: str) -> Answer:
        """Say what came of the transfer that libcurl ended with *code*."""
        ask = self.curl.getinfo
        duration_ms, status = ask(pycurl.TOTAL_TIME) * 1000, ask(pycurl.RESPONSE_CODE)
        if status >= 200 and self._head_is_whole():  # not E_OK: libcurl says it of a head that was cut off, too
            retry_after = self._retry_after() if status in {429, 503} else None
            return Answered(status, retry_after, duration_ms, self._body_start)
        if self._refusal is not None and not self._opened:
            return Unanswered("refused_address", self._refusal, duration_ms)
        detail = in_short(message) or ("no whole head" if code == pycurl.E_OK else pycurl.easy_strerror(code))
        return Unanswered(kind_of(code, message), detail, duration_ms)

    def _set_once(self) -> None:
        connect_ms = min(self._timeout_ms, round(_LONGEST_CONNECT / timedelta(milliseconds=1)))
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (pycurl.TCP_NODELAY, 1),
            (pycurl.UPLOAD_BUFFERSIZE, 16 * 1024),  # 64 KB took 32 KB more for a connection, 54 KB with TLS
            (pycurl.TIMEOUT_MS, self._timeout_ms),
            (pycurl.CONNECTTIMEOUT_MS, connect_ms),
            (pycurl.DNS_CACHE_TIMEOUT, LOOK_UP_KEPT_SECONDS),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.FOLLOWLOCATION, 0),
            # Not 2: its streams share one connection, and where a server ends that after so many requests, as many
            # deliveries as are in flight fail (tried: 1 in 4), while 1.1 repeats them; nor is it cheaper.
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
            (pycurl.HTTP_CONTENT_DECODING, 0),
            (pycurl.PROXY, ""),
            (pycurl.NETRC, pycurl.NETRC_IGNORED),
            (pycurl.USERAGENT, ""),
            (pycurl.SSL_VERIFYPEER, 1),
            (pycurl.SSL_VERIFYHOST, 2),
            (pycurl.CAINFO, certifi.where()),
            (_CURLOPT_CA_CACHE_TIMEOUT, _CA_CACHE_SECONDS),
            (pycurl.HEADERFUNCTION, self._head.append),  # no Python frame per header line
            (pycurl.WRITEFUNCTION, self._take),
            (pycurl.OPENSOCKETFUNCTION, self._open_socket),
        ):
            self.curl.setopt(option, value)
        self.curl.unsetopt(pycurl.CAPATH)

    def _set_method(self, method: str, has_body: bool) -> None:  # noqa: FBT001 - a pair that is kept as one value
        self.curl.setopt(pycurl.POST if has_body else pycurl.HTTPGET, 1)
        if method == ("POST" if has_body else "GET"):
            self.curl.unsetopt(pycurl.CUSTOMREQUEST)
        else:
            self.curl.setopt(pycurl.CUSTOMREQUEST, method)
        self._shape = (method, has_body)

    def _open_socket(self, _purpose: int, address: tuple[Any, ...]) -> socket.socket | int:
        family, kind, protocol, (host, *_port) = address
        refusal = self._gate.why_refused(family, kind, host)
        if refusal is not None:
            self._refusal = f"{host} is not public: {refusal}"
            return pycurl.SOCKET_BAD
        try:
            opened = self._gate.open(family, kind, protocol)
        except OSError:  # libcurl says that it could not connect
            return pycurl.SOCKET_BAD
        self._opened = True
        return opened

    def _take(self, chunk: bytes) -> int | None:
        self._body_bytes += len(chunk)
        if len(self._body_start) < BODY_KEPT_BYTES:
            self._body_start = (self._body_start + chunk)[:BODY_KEPT_BYTES]
        return None if self._body_bytes <= BODY_READ_BYTES else 0  # nothing taken: libcurl ends the transfer

    def _final_head(self) -> list[bytes]:
        starts = [at for at, line in enumerate(self._head) if line.startswith(b"HTTP/")]
        return self._head[starts[-1] :] if starts else []

    def _head_is_whole(self) -> bool:
        return self._head[-1] in _BLANK or not _BLANK.isdisjoint(self._final_head())

    def _retry_after(self) -> str | None:
        for line in self._final_head():
            if line in _BLANK:  # what follows are trailers
                return None
            name, _colon, value = line.partition(b":")
            if name.strip().lower() == b"retry-after":
                return value.strip()[:_RETRY_AFTER_KEPT].decode("latin-1")
        return None
