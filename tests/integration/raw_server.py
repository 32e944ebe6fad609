"""A loopback server that says over a plain socket exactly what a test wants said, right or wrong."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Connection:
    """One accepted connection; *number* counts from 0."""

    def __init__(self, plain: socket.socket, number: int, server: RawServer) -> None:
        self.plain = plain
        self.number = number
        self._server = server
        self._buffer = b""

    def request(self) -> bytes:
        """Read one request, head and body; empty when the client closed."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return b""
        head, _, _ = self._buffer.partition(b"\r\n\r\n")
        length = next((int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")), 0)
        end = len(head) + 4 + length
        while len(self._buffer) < end:
            if not self._more():
                return b""
        request, self._buffer = self._buffer[:end], self._buffer[end:]
        self._server.requests.append(request)
        return request

    def say(self, data: bytes) -> None:
        """Send all of *data*."""
        self.plain.sendall(data)

    def say_until_closed(self, data: bytes, *, every_seconds: float = 0) -> None:
        """Send *data* again and again until the client goes away or the test ends."""
        while not self._server.ended.wait(every_seconds):
            self.say(data)

    def hold(self) -> None:
        """Keep the connection open, silently, until the test ends."""
        self._server.ended.wait(60)

    def reset(self) -> None:
        """Close with a TCP reset."""
        self.plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.plain.close()

    def _more(self) -> bool:
        data = self.plain.recv(65536)
        self._buffer += data
        return bool(data)


Script = Callable[[Connection], None]


def answer_with(answer: bytes) -> Script:
    """Give *answer* to every request of a connection."""

    def script(connection: Connection) -> None:
        while connection.request():
            connection.say(answer)

    return script


class RawServer:
    """
    Plays *script* on every connection, each in a thread of its own. Use it as a context manager.

    Attributes:
        requests: What was read by ``Connection.request``.
        connections: How many connections were accepted.
        protocols: What was agreed on by ALPN, for each connection with TLS.
    """

    def __init__(self, script: Script, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self._script = script
        self._tls = tls
        self._listener = socket.create_server((host, 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self.requests: list[bytes] = []
        self.connections = 0
        self.protocols: list[str | None] = []
        self.ended = threading.Event()
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join(10)
        for plain in self._open:
            with suppress(OSError):
                plain.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join(10)

    def url(self, path: str = "/", *, host: str = "127.0.0.1") -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                plain, _address = self._listener.accept()
            except OSError:  # the listener is closed, or a test left the process without a free file
                continue
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open.append(plain)
            thread = threading.Thread(target=self._play, args=(plain, self.connections))
            self.connections += 1
            self._threads.append(thread)
            thread.start()

    def _play(self, plain: socket.socket, number: int) -> None:
        with suppress(OSError):  # the client went away, as many of the tests mean it to
            if self._tls:
                secured = self._tls.wrap_socket(plain, server_side=True)
                self.protocols.append(secured.selected_alpn_protocol())
                self._open.append(secured)
                plain = secured
            self._script(Connection(plain, number, self))
        plain.close()
