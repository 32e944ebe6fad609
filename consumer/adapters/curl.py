"""The sender: HTTP over libcurl's multi interface, in one thread, without asyncio."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Sequence
from datetime import timedelta
from ipaddress import ip_address
from typing import Any, Final, Generic, TypeVar

import certifi
import pycurl

from consumer.adapters.curl_errors import kind_of
from consumer.core.address import Network, why_refused
from consumer.core.answer import Answer, Answered, Unanswered
from consumer.core.request import Request

T = TypeVar("T")

BODY_KEPT_BYTES: Final = 512
BODY_READ_BYTES: Final = 256 * 1024
"""A longer body ends the transfer and its connection: reading on would cost more than a new connection."""

_LONGEST_CONNECT: Final = timedelta(seconds=10)
_TICK_SECONDS: Final = 0.01
_GATHER_SECONDS: Final = float(__import__("os").environ.get("G", "2e-6"))
"""Driving costs about 0.2 µs for each transfer in flight, stirring or not: ten times that lets answers gather."""
_SHORTEST_SLEEP: Final = 200e-6
_CA_CACHE_SECONDS: Final = 300
_CURLOPT_CA_CACHE_TIMEOUT: Final = 321  # pycurl has no name for it
_BLANK: Final = frozenset({b"\r\n", b"\n"})
_KIND_FLAGS: Final = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
_METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_NO_DEFAULTS: Final = ("Expect:", "Accept:", "Content-Type:")
"""Keep libcurl from adding these where the request has none; a line with a value comes before and counts."""
_EXPECT_BYTES: Final = 1024 * 1024
"""From this size on libcurl would ask for permission (``Expect: 100-continue``) to send a body."""

_EDGES: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


class CurlSender(Generic[T]):
    """
    Sends requests side by side and says what came of each.

    Nothing in here retries, but for libcurl's own repeat on a fresh connection when a kept one turns out to be closed
    without a byte of an answer. Connections are kept; each was checked when it was opened, against networks that
    cannot change in the lifetime of a sender.

    Waiting is done with an edge-triggered epoll of our own that every socket joins when it is opened: libcurl's
    ``select`` cannot see descriptors above 1,023, and its socket callbacks cost half as much again per request
    (tests/benchmarks). An edge only means "drive the transfers"; whatever no edge tells of (a name that was resolved,
    a rest that libcurl left in a socket) waits for one tick at most.

    Args:
        timeout: For a whole attempt, from ``start`` to the end of the answer.
        max_connections: Kept at most when idle; no limit on what is in flight, which the caller bounds.
    """

    def __init__(self, *, timeout: timedelta, allow_networks: Sequence[Network], max_connections: int) -> None:
        self._timeout = timeout
        self._gate = _Gate(allow_networks)
        self._max_connections = max_connections
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_connections)
        self._running: dict[pycurl.Curl, tuple[T, _Transfer]] = {}
        self._idle: list[_Transfer] = []
        self._finished: list[tuple[T, Answer]] = []

    @property
    def in_flight(self) -> int:
        """Requests that were started and not yet handed back."""
        return len(self._running) + len(self._finished)

    def start(self, token: T, request: Request) -> None:
        """Begin to send; never blocks. What libcurl refuses outright is handed back by ``wait`` like everything."""
        transfer = self._idle.pop() if self._idle else _Transfer(self._gate, self._timeout)
        try:
            transfer.prepare(request)
            self._multi.add_handle(transfer.curl)
        except (pycurl.error, ValueError, TypeError) as error:
            transfer.curl.close()
            self._finished.append((token, Unanswered("network", _why_impossible(error), 0.0)))
            return
        self._running[transfer.curl] = (token, transfer)

    def wait(self, timeout_seconds: float) -> list[tuple[T, Answer]]:
        """Drive what is in flight until something finished or the time is over; give what finished."""
        until = time.monotonic() + timeout_seconds
        while True:
            self._drive()
            if self._finished:
                finished, self._finished = self._finished, []
                return finished
            left = until - time.monotonic()
            if left <= 0:
                return []
            self._gate.epoll.poll(self._bounded(left))
            self._gather()

    def cancel_all(self) -> list[T]:
        """Break off what is in flight and give its tokens: whether it arrived is unknown."""
        tokens = [token for token, _transfer in self._running.values()]
        for curl, (_token, transfer) in self._running.items():
            self._multi.remove_handle(curl)
            self._idle.append(transfer)
        self._running.clear()
        return tokens

    def close(self) -> None:
        """Break off what is in flight and close every connection."""
        self.cancel_all()
        self._multi.close()
        for transfer in self._idle:
            transfer.curl.close()
        self._idle.clear()
        self._gate.close()

    def _bounded(self, seconds: float) -> float:
        if not self._running:
            return seconds
        timer_ms = self._multi.timeout()
        return min(seconds, _TICK_SECONDS, timer_ms / 1000) if timer_ms >= 0 else min(seconds, _TICK_SECONDS)

    def _gather(self) -> None:
        pause_seconds = len(self._running) * _GATHER_SECONDS
        if pause_seconds > _SHORTEST_SLEEP:
            time.sleep(min(pause_seconds, _TICK_SECONDS))

    def _drive(self) -> None:
        self._multi.perform()
        self._gate.settle()
        queued = 1
        while queued:
            queued, done, failed = self._multi.info_read()
            for curl in done:
                self._finish(curl, pycurl.E_OK, "")
            for curl, code, message in failed:
                self._finish(curl, code, message)

    def _finish(self, curl: pycurl.Curl, code: int, message: str) -> None:
        token, transfer = self._running.pop(curl)
        self._finished.append((token, transfer.answer(code, message)))
        self._multi.remove_handle(curl)
        self._idle.append(transfer)


class _Gate:
    """Opens the sockets that libcurl asks for, if their address may be sent to, and tells when they stir."""

    def __init__(self, allow_networks: Sequence[Network]) -> None:
        self._allow_networks = tuple(allow_networks)
        self._copied: list[socket.socket] = []
        self.epoll = select.epoll()

    def why_refused(self, family: int, kind: int, host: str) -> str | None:
        """Judge one socket before it is opened."""
        if family not in {socket.AF_INET, socket.AF_INET6} or kind & ~_KIND_FLAGS != socket.SOCK_STREAM:
            return "not an internet stream"
        return why_refused(ip_address(host), self._allow_networks)

    def open(self, family: int, kind: int, protocol: int) -> socket.socket:
        """Open a socket for libcurl, which goes on with a duplicate of its descriptor."""
        opened = socket.socket(family, kind, protocol)
        self._copied.append(opened)
        self.epoll.register(opened, _EDGES)  # belongs to the open file: it lasts as long as the duplicate
        return opened

    def settle(self) -> None:
        """Close our own descriptors of sockets that libcurl has duplicated by now."""
        for opened in self._copied:
            opened.close()
        self._copied.clear()

    def close(self) -> None:
        """Close what is open here."""
        self.settle()
        self.epoll.close()


class _Transfer:
    """One reusable libcurl handle and what it gathers of the answer that is under way."""

    __slots__ = (
        "_body_bytes",
        "_body_start",
        "_ca_file",
        "_gate",
        "_head",
        "_opened",
        "_refusal",
        "_shape",
        "_url",
        "curl",
    )

    def __init__(self, gate: _Gate, timeout: timedelta) -> None:
        self.curl = pycurl.Curl()
        self._gate = gate
        self._url = ""
        self._shape: tuple[str, bool] | None = None
        self._ca_file: str | None = None
        self._head: list[bytes] = []
        self._body_start = b""
        self._body_bytes = 0
        self._refusal: str | None = None
        self._opened = False
        self._set_once(timeout)

    def prepare(self, request: Request) -> None:
        """Set what differs from request to request, and forget the last answer."""
        curl = self.curl
        self._head.clear()
        self._body_start = b""
        self._body_bytes = 0
        self._refusal = None
        self._opened = False
        if request.url != self._url:
            curl.setopt(pycurl.URL, request.url)
            self._url = request.url
        body = b"" if request.body is None and request.method in _METHODS_WITH_BODY else request.body
        curl.setopt(pycurl.HTTPHEADER, _for_libcurl(request.headers, body))
        shape = (request.method, body is not None)
        if shape != self._shape:
            self._set_method(*shape)
        if body is not None:
            curl.setopt(pycurl.POSTFIELDS, body)
        if request.ca_file != self._ca_file:
            curl.setopt(pycurl.CAINFO, request.ca_file or certifi.where())
            self._ca_file = request.ca_file

    def answer(self, code: int, message: str) -> Answer:
        """Say what came of the transfer that libcurl ended with *code*."""
        duration_ms = self.curl.getinfo(pycurl.TOTAL_TIME) * 1000
        status = self.curl.getinfo(pycurl.RESPONSE_CODE)
        if status >= 200 and self._head_is_whole():  # not E_OK: libcurl says it of a head that was cut off, too
            retry_after = self._retry_after() if status in {429, 503} else None
            return Answered(status, retry_after, duration_ms, self._body_start)
        if self._refusal is not None and not self._opened:
            return Unanswered("refused_address", self._refusal, duration_ms)
        detail = _printable(message) or ("no whole head" if code == pycurl.E_OK else pycurl.easy_strerror(code))
        return Unanswered(kind_of(code), detail, duration_ms)

    def _set_once(self, timeout: timedelta) -> None:
        timeout_ms = max(1, round(timeout / timedelta(milliseconds=1)))
        connect_ms = min(timeout_ms, round(_LONGEST_CONNECT / timedelta(milliseconds=1)))
        for option, value in (
            (pycurl.NOSIGNAL, 1),
            (pycurl.TCP_NODELAY, 1),
            (pycurl.TIMEOUT_MS, timeout_ms),
            (pycurl.CONNECTTIMEOUT_MS, connect_ms),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
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
                return value.strip().decode("latin-1")
        return None


def _for_libcurl(lines: tuple[str, ...], body: bytes | None) -> tuple[str | bytes, ...]:
    joined = "|".join(("", *lines, ""))
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


def _why_impossible(error: Exception) -> str:
    match error:
        case UnicodeError():  # its text would quote what was to be sent
            return "not a request that can be sent: only ASCII can"
        case pycurl.error(args=(_code, str(message))):
            return f"not a request that can be sent: {_printable(message)}"
        case _:
            return f"not a request that can be sent: {_printable(str(error))}"


def _printable(message: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in message)[:200]
