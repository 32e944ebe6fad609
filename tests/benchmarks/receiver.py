"""
A loopback receiver that costs as little as Python can: ``python -m tests.benchmarks.receiver --delay-ms 20``.

It prints its port and then answers every request with 200 and a two-byte body, keeping connections alive. It reads
just enough of HTTP/1.1 to find where a request ends (``Content-Length`` only), because it must not be what a
benchmark measures. For each line of its standard input it prints what it counted, as JSON (and counts anew after
"reset"); at the end of it, it does so once more and stops.
"""

from __future__ import annotations

import argparse
import json
import resource
import select
import socket
import ssl
import sys
import time
from array import array
from collections import deque
from pathlib import Path

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


def whole_requests(data: bytes) -> tuple[int, bytes]:
    """How many whole requests *data* begins with, and the bytes that are left over."""
    count = 0
    while (head_end := data.find(b"\r\n\r\n")) >= 0:
        at = data.find(b"Content-Length: ", 0, head_end + 2)
        length = int(data[at + 16 : data.index(b"\r", at)]) if at >= 0 else 0
        end = head_end + 4 + length
        if len(data) < end:
            break
        count += 1
        data = data[end:]
    return count, data


class Receiver:
    """One epoll loop; answers wait in a queue when there is a delay."""

    def __init__(self, *, delay_seconds: float, certificate: Path | None) -> None:
        self._delay = delay_seconds
        self._tls = _tls_context(certificate) if certificate else None
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self._listener.setblocking(False)
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._epoll.register(sys.stdin, select.EPOLLIN)
        self._connections: dict[int, socket.socket] = {}
        self._partial: dict[int, bytes] = {}
        self._answers: deque[tuple[float, int, int]] = deque()
        self._arrived = array("d")
        self._connections_made = 0

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    def run(self) -> None:
        """Answer until standard input ends."""
        while True:
            for fd, _events in self._epoll.poll(self._wait_seconds()):
                if fd == self._listener.fileno():
                    self._accept()
                elif fd == sys.stdin.fileno():
                    line = sys.stdin.readline()
                    self._say(reset=line == "reset\n")
                    if not line:
                        return
                else:
                    self._read(fd)
            self._answer_due()

    def _say(self, *, reset: bool) -> None:
        usage = resource.getrusage(resource.RUSAGE_SELF)
        counted = {
            "requests": len(self._arrived),
            "connections": self._connections_made,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "first_at": self._arrived[0] if self._arrived else 0.0,
            "last_at": self._arrived[-1] if self._arrived else 0.0,
            "p99_at": self._arrived[len(self._arrived) * 99 // 100] if self._arrived else 0.0,
        }
        print(json.dumps(counted), flush=True)
        if reset:
            self._connections_made = 0
            self._arrived = array("d")

    def _wait_seconds(self) -> float | None:
        return max(0.0, self._answers[0][0] - time.monotonic()) if self._answers else None

    def _accept(self) -> None:
        connection, _address = self._listener.accept()
        self._connections_made += 1
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls:
            connection.setblocking(True)  # the handshake alone: it is not what is measured
            connection = self._tls.wrap_socket(connection, server_side=True)
        connection.setblocking(False)
        self._connections[connection.fileno()] = connection
        self._epoll.register(connection, select.EPOLLIN)

    def _read(self, fd: int) -> None:
        try:
            data = self._connections[fd].recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        except OSError:
            data = b""
        if not data:
            self._forget(fd)
            return
        count, rest = whole_requests(self._partial.pop(fd, b"") + data)
        if rest:
            self._partial[fd] = rest
        if count:
            self._arrived.extend([time.time()] * count)
            self._answer(fd, count)

    def _answer(self, fd: int, count: int) -> None:
        if self._delay:
            self._answers.append((time.monotonic() + self._delay, fd, count))
        else:
            self._connections[fd].send(ANSWER * count)

    def _answer_due(self) -> None:
        while self._answers and self._answers[0][0] <= time.monotonic():
            _due, fd, count = self._answers.popleft()
            if fd in self._connections:
                self._connections[fd].send(ANSWER * count)

    def _forget(self, fd: int) -> None:
        self._partial.pop(fd, None)
        self._epoll.unregister(fd)
        self._connections.pop(fd).close()


def _tls_context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def main() -> None:
    """Serve until standard input ends, then say what was counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--certificate", type=Path, help="PEM file with key and chain: serve https")
    arguments = parser.parse_args()
    receiver = Receiver(delay_seconds=arguments.delay_ms / 1000, certificate=arguments.certificate)
    print(receiver.port, flush=True)
    receiver.run()


if __name__ == "__main__":
    main()
