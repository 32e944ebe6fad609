"""Probes and scrapes as they come, and as they go away."""

import logging
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from prometheus_client import CollectorRegistry

from consumer.adapters.web import WebServer
from tests.waiting import wait_for

RESET = struct.pack("ii", 1, 0)


@contextmanager
def asked(check: Callable[[socket.socket], None]) -> Iterator[socket.socket]:
    """The connection of a client that has asked for /healthz, which *check* is given when it is looked at."""
    with ExitStack() as stack:
        client = stack.enter_context(socket.socket())
        server = WebServer(
            "127.0.0.1", 0, registry=CollectorRegistry(), healthy=lambda: check(client), ready=lambda: None
        )
        stack.callback(server.close)
        client.settimeout(10)
        client.connect(("127.0.0.1", server.port))
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        yield client


def test_a_client_that_goes_away_before_its_answer_is_no_error(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def client_goes(client: socket.socket) -> None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        client.close()

    with caplog.at_level(logging.DEBUG, logger="postback.web"), asked(client_goes):
        wait_for(lambda: caplog.records, timeout_seconds=10, what="a line of the log")

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("DEBUG", "client.gone")]
    assert capfd.readouterr().err == ""


def test_a_check_that_fails_is_logged_as_everything_is(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def fails(_: socket.socket) -> None:
        raise ValueError("a bug")

    with asked(fails) as client:
        assert client.recv(100) == b""
        wait_for(lambda: caplog.records, timeout_seconds=10, what="a line of the log")

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("ERROR", "web.failed")]
    assert "Traceback" not in capfd.readouterr().err
