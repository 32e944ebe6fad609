"""What the socket would be opened to decides, however the URL spells it; the lists are in the unit tests."""

from __future__ import annotations

import socket

import pytest

from consumer.core.answer import Answered, Unanswered
from tests.integration.conftest import MakeSender, answer_to, request_to
from tests.integration.raw_server import OK, RawServer, answer_with

SPELLINGS_OF_LOOPBACK = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "0x7f.0x0.0x0.0x1",
    "0300.0250.0.1",
    "%31%32%37.0.0.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "sub.localhost",
    "user:password@127.0.0.1",
    "0",
    "0.0.0.0",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
]
PRIVATE = [
    "10.0.0.1",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fec0::1]",
    "[ff02::1]",
    "[::ffff:169.254.169.254]",
    "[2001:db8::1]",
]


@pytest.mark.parametrize("host", SPELLINGS_OF_LOOPBACK + PRIVATE)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_address_that_is_not_public_is_refused_before_a_socket_is_opened(
    make_sender: MakeSender, monkeypatch: pytest.MonkeyPatch, scheme: str, host: str
) -> None:
    opened: list[object] = []
    monkeypatch.setattr(socket, "socket", lambda *arguments: opened.append(arguments))

    unanswered = answer_to(make_sender(allow=()), request_to(f"{scheme}://{host}:9/"))

    assert isinstance(unanswered, Unanswered)
    assert (unanswered.kind, "is not public" in unanswered.detail) == ("refused_address", True)
    assert opened == []


HOSTS_THAT_BECOME_LOOPBACK = [
    "\uff11\uff12\uff17.0.0.1",  # full-width digits
    "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460",  # circled digits
    "127\u30020\u30020\u30021",  # ideographic full stops
    "loc\u00adalhost",  # soft hyphen
    "127.0.0.1\0.example.com",
    "127.0.0.1%00.example.com",
    "%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1",
    "%E2%91%A0%E2%91%A1%E2%91%A6.0.0.1",
    "127%E3%80%820%E3%80%820%E3%80%821",
    "loc%C2%ADalhost",
]


@pytest.mark.parametrize("host", HOSTS_THAT_BECOME_LOOPBACK)
def test_host_beyond_ascii_never_reaches_a_socket(make_sender: MakeSender, host: str) -> None:
    with RawServer(answer_with(OK)) as server:
        unanswered = answer_to(make_sender(allow=()), request_to(server.url(host=host)))

    assert isinstance(unanswered, Unanswered)
    assert server.connections == 0


def test_allowed_network_opens_exactly_what_it_says(make_sender: MakeSender) -> None:
    sender = make_sender(allow=("127.0.0.1/32",))
    with RawServer(answer_with(OK), host="0.0.0.0") as server:
        answers = {
            host: type(answer_to(sender, request_to(server.url(host=host))))
            for host in ("127.0.0.1", "127.1", "localhost", "127.0.0.2", "0.0.0.0", "[::ffff:127.0.0.1]")
        }

    assert answers == {
        "127.0.0.1": Answered,
        "127.1": Answered,
        "localhost": Answered,
        "127.0.0.2": Unanswered,
        "0.0.0.0": Unanswered,
        "[::ffff:127.0.0.1]": Unanswered,
    }


def test_address_is_judged_again_for_every_new_connection(make_sender: MakeSender) -> None:
    with RawServer(answer_with(OK)) as server:
        allowed = answer_to(make_sender(), request_to(server.url()))
        refused = answer_to(make_sender(allow=()), request_to(server.url()))

    assert isinstance(allowed, Answered)
    assert isinstance(refused, Unanswered)
    assert server.connections == 1


def test_refusal_does_not_stick_to_the_handle(make_sender: MakeSender) -> None:
    sender = make_sender(allow=("127.0.0.1/32",))
    with RawServer(answer_with(OK)) as server:
        hosts = ["127.0.0.2", "127.0.0.1", "10.0.0.1", "127.0.0.1"]
        answers = [answer_to(sender, request_to(server.url(host=host))) for host in hosts]

    assert [type(one) for one in answers] == [Unanswered, Answered] * 2
