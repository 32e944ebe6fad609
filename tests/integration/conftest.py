"""Senders that may send to loopback, and the way to send one request with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from ipaddress import ip_network
from typing import TypeAlias

import pytest

from consumer.adapters.curl import CurlSender
from consumer.core.answer import Answer
from consumer.core.request import Request, endpoint_of

Sender: TypeAlias = CurlSender[object]
MakeSender: TypeAlias = Callable[..., Sender]

LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


@pytest.fixture
def make_sender() -> Iterator[MakeSender]:
    """Make senders that may send to loopback; they are closed after the test."""
    with ExitStack() as stack:

        def make(*, timeout_seconds: float = 10, allow: tuple[str, ...] | None = None) -> Sender:
            networks = LOOPBACK if allow is None else tuple(map(ip_network, allow))
            timeout = timedelta(seconds=timeout_seconds)
            return stack.enter_context(
                closing(CurlSender[object](timeout=timeout, allow_networks=networks, max_connections=8))
            )

        yield make


@pytest.fixture
def sender(make_sender: MakeSender) -> Sender:
    """A sender whose timeout no test reaches."""
    return make_sender()


def request_to(
    url: str,
    method: str = "POST",
    *,
    body: bytes | None = b"{}",
    headers: tuple[str, ...] = ("Content-Type: application/json", "User-Agent: test", "Accept: */*"),
    ca_file: str | None = None,
) -> Request:
    """Build a request; where the URL is none, so is the endpoint."""
    try:
        endpoint = endpoint_of(url)
    except ValueError:
        endpoint = ""
    return Request(method, url, headers, body, ca_file, endpoint)


def answer_to(sender: Sender, request: Request) -> Answer:
    """Send one request and wait for what comes of it."""
    sender.start("only", request)
    finished = sender.wait(60)
    assert [token for token, _answer in finished] == ["only"]
    return finished[0][1]
