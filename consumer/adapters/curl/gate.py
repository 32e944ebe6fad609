"""Sockets: which may be opened, and which of them stir."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Final

from consumer.core.address import Network, why_refused

_KIND_FLAGS: Final = socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
_EDGES: Final = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET


class Gate:
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
