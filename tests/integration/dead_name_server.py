"""
Sends where no name server answers, and prints what came of it; for a network namespace of its own.

What is called ``slow.example`` is asked of a name server that is silent; ``good.example`` stands in the hosts file.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_network

from consumer.adapters.curl import CurlSender
from consumer.core.answer import Answer, Answered
from consumer.core.request import Request
from tests.integration.raw_server import OK, RawServer, answer_with


def _all(sender: CurlSender[str]) -> Iterator[tuple[str, Answer]]:
    while sender.in_flight:
        yield from sender.wait(1)


def main() -> None:
    """Start a burst to the endpoint without a name server, and then one request to the other."""
    loopback = [ip_network("127.0.0.0/8")]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, RawServer(answer_with(OK)) as server:
        silent.bind(("127.0.0.1", 53))
        sender = CurlSender[str](timeout=timedelta(seconds=30), allow_networks=loopback, max_connections=64)
        for _ in range(64):
            sender.start("slow", Request("GET", "http://slow.example/", (), None, None, "http://slow.example:80"))
        for _ in range(10):
            sender.wait(0.02)
        good = f"http://good.example:{server.port}"
        sender.start("good", Request("GET", f"{good}/", (), None, None, good))
        first = [token for token, _answer in sender.wait(60)]
        for number in range(12):
            dead = f"http://slow{number}.example"
            sender.start("slow", Request("GET", f"{dead}/", (), None, None, f"{dead}:80"))
        better = f"http://better.example:{server.port}"
        sender.start("better", Request("GET", f"{better}/", (), None, None, better))
        came = [answer for token, answer in _all(sender) if token == "better"]
        sender.start("slow", Request("GET", "http://slower.example/", (), None, None, "http://slower.example:80"))
        for _ in range(10):
            sender.wait(0.02)
        sender.close()
        is_looking_up = any(thread.name == "curl-close" for thread in threading.enumerate())
    statuses = [answer.status for answer in came if isinstance(answer, Answered)]
    print(json.dumps({"first": first, "better": statuses, "is_looking_up": is_looking_up}), flush=True)


if __name__ == "__main__":
    main()
