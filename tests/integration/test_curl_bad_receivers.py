"""Receivers that hang, drip, reset, lie or never stop: each costs one slot, at most for the timeout."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

from consumer.adapters.curl.transfer import BODY_READ_BYTES
from consumer.core.answer import Answered, Unanswered
from tests.integration.conftest import MakeSender, Sender, answer_to, request_to
from tests.integration.raw_server import OK, Connection, RawServer, Script, answer_with
from tests.ports import free_ports

HEAD = b"HTTP/1.1 200 OK\r\n"


def after_request(say: bytes) -> Script:
    """Read a request, say something and close."""

    def script(connection: Connection) -> None:
        connection.request()
        connection.say(say)

    return script


def leave(_connection: Connection) -> None:
    """Close without a word."""


def then_hold(say: bytes) -> Script:
    """Read a request, say something, and then nothing any more."""

    def script(connection: Connection) -> None:
        connection.request()
        connection.say(say)
        connection.hold()

    return script


def then_repeat(say: bytes, again: bytes, *, every_seconds: float = 0) -> Script:
    """Read a request, say something, and then the same again and again."""

    def script(connection: Connection) -> None:
        connection.request()
        connection.say(say)
        connection.say_until_closed(again, every_seconds=every_seconds)

    return script


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(Connection.hold, id="never reads"),
        pytest.param(then_hold(b""), id="never answers"),
        pytest.param(then_hold(b"HTTP/1.1 100 Continue\r\n\r\n"), id="only says continue"),
        pytest.param(then_hold(HEAD + b"X-Half: "), id="stops within the head"),
        pytest.param(then_repeat(HEAD, b"X-Drip: 1\r\n", every_seconds=0.02), id="drips headers"),
    ],
)
def test_receiver_without_a_whole_head_times_out(make_sender: MakeSender, script: Script) -> None:
    with RawServer(script) as server:
        unanswered = answer_to(make_sender(timeout_seconds=0.3), request_to(server.url()))

    assert isinstance(unanswered, Unanswered)
    assert unanswered.kind == "timeout"
    assert unanswered.duration_ms >= 299


def test_receiver_that_does_not_accept_times_out(make_sender: MakeSender) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        port = full.getsockname()[1]
        waiting = [socket.socket() for _ in range(8)]
        for one in waiting:  # the kernel answers no further handshake once the queue is full
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))

        unanswered = answer_to(make_sender(timeout_seconds=0.3), request_to(f"http://127.0.0.1:{port}/"))

        for one in waiting:
            one.close()
    assert isinstance(unanswered, Unanswered)
    assert unanswered.kind == "timeout"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(leave, id="closes at once"),
        pytest.param(Connection.reset, id="resets at once"),
        pytest.param(after_request(b""), id="closes without an answer"),
        pytest.param(lambda connection: (connection.request(), connection.reset()), id="resets after the request"),
        pytest.param(after_request(HEAD), id="closes after the status"),
        pytest.param(after_request(HEAD + b"X-Half: "), id="closes within the head"),
        pytest.param(after_request(HEAD + b"X-Whole: 1\r\n"), id="closes before the head ends"),
        pytest.param(after_request(b"HTTP/1.1 103 x\r\n\r\n" + HEAD), id="closes after a hint and a status"),
        pytest.param(after_request(b"SSH-2.0-OpenSSH_9.6\r\n"), id="speaks another protocol"),
        pytest.param(then_repeat(b"", b"\r\n", every_seconds=0.02), id="drips blank lines"),
        pytest.param(after_request(b"HTTP/1.1 abc\r\n\r\n"), id="has no status"),
        pytest.param(after_request(b"HTTP/1.1 099 x\r\n\r\n"), id="has no such status"),
        pytest.param(then_repeat(HEAD, b"X-Endless: " + b"x" * 1000 + b"\r\n"), id="endless headers"),
        pytest.param(then_repeat(HEAD + b"X-Endless: ", b"x" * 1000), id="endless header"),
        pytest.param(then_repeat(b"HTTP/1.1 200 ", b"x" * 1000), id="endless status line"),
        pytest.param(then_repeat(b"", b"HTTP/1.1 103 x\r\nX-A: " + b"x" * 9000 + b"\r\n\r\n"), id="endless hints"),
        pytest.param(after_request(HEAD + b"Content-Length: -1\r\n\r\n"), id="negative length"),
        pytest.param(after_request(HEAD + b"Content-Length: x\r\n\r\n"), id="length that is none"),
    ],
)
def test_receiver_that_gives_no_proper_head_is_a_network_failure(sender: Sender, script: Script) -> None:
    with RawServer(script) as server:
        unanswered = answer_to(sender, request_to(server.url()))

    assert isinstance(unanswered, Unanswered)
    assert unanswered.kind == "network"
    assert unanswered.detail


def test_receiver_that_does_not_listen_is_a_network_failure(sender: Sender) -> None:
    unanswered = answer_to(sender, request_to(f"http://127.0.0.1:{free_ports(1)[0]}/"))

    assert isinstance(unanswered, Unanswered)
    assert unanswered.kind == "network"


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(then_hold(HEAD + b"Content-Length: 10\r\n\r\nhalf"), id="stops within the body"),
        pytest.param(then_hold(HEAD + b"\r\n"), id="body that ends with the connection, which stays"),
        pytest.param(then_repeat(HEAD + b"\r\n", b"x", every_seconds=0.02), id="drips the body"),
    ],
)
def test_status_counts_when_the_body_outlasts_the_timeout(make_sender: MakeSender, script: Script) -> None:
    with RawServer(script) as server:
        answered = answer_to(make_sender(timeout_seconds=0.3), request_to(server.url()))

    assert isinstance(answered, Answered)
    assert answered.status == 200
    assert answered.duration_ms >= 299


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(after_request(HEAD + b"Content-Length: 10\r\n\r\nhalf"), id="closes within the body"),
        pytest.param(after_request(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nhalf"), id="broken chunk"),
        pytest.param(then_repeat(HEAD + b"Content-Length: 10737418240\r\n\r\n", b"x" * 65536), id="10 GB"),
        pytest.param(then_repeat(HEAD + b"\r\n", b"x" * 65536), id="endless"),
        pytest.param(
            then_repeat(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1000\r\n" + b"x" * 4096 + b"\r\n"),
            id="endless chunks",
        ),
        pytest.param(
            then_repeat(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n", b"X-Trailer: 1\r\n" * 100),
            id="endless trailers",
        ),
    ],
)
def test_status_counts_whatever_becomes_of_the_body(sender: Sender, script: Script) -> None:
    with RawServer(script) as server:
        answered = answer_to(sender, request_to(server.url()))

    assert isinstance(answered, Answered)
    assert answered.status == 200


def test_connection_is_given_up_when_the_body_is_too_long(sender: Sender) -> None:
    body = b"x" * (BODY_READ_BYTES + 1)
    long_answer = HEAD + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    with RawServer(answer_with(long_answer)) as server:
        answers = [answer_to(sender, request_to(server.url())) for _ in range(2)]

    assert [isinstance(one, Answered) and one.status for one in answers] == [200, 200]
    assert server.connections == 2


@pytest.mark.parametrize("end", [leave, Connection.reset], ids=["closed", "reset"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
def test_kept_connection_that_turns_out_to_be_closed_is_repeated_on_a_fresh_one(
    sender: Sender, end: Callable[[Connection], None], method: str
) -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.say(OK)
        if connection.number == 0:
            connection.request()  # the second one is read, and the connection closed without a byte of an answer
            end(connection)
        else:
            connection.hold()

    with RawServer(script) as server:
        answers = [answer_to(sender, request_to(server.url(), method, body=b"{}")) for _ in range(2)]

    assert [isinstance(one, Answered) and one.status for one in answers] == [200, 200]
    assert [request.partition(b"\r\n\r\n")[2] for request in server.requests] == [b"{}"] * 3
    assert server.connections == 2


def test_connection_that_was_closed_while_it_was_idle_is_replaced(sender: Sender) -> None:
    with RawServer(after_request(OK)) as server:
        answers = [answer_to(sender, request_to(server.url())) for _ in range(5)]

    assert [isinstance(one, Answered) and one.status for one in answers] == [200] * 5
    assert len(server.requests) == 5


def test_fresh_connection_that_fails_is_not_repeated(sender: Sender) -> None:
    with RawServer(after_request(b"")) as server:
        answer_to(sender, request_to(server.url()))

    assert server.connections == 1


def test_bad_receivers_do_not_delay_the_others(make_sender: MakeSender) -> None:
    sender = make_sender(timeout_seconds=30)
    scripts = [Connection.hold, then_hold(HEAD), then_repeat(HEAD + b"\r\n", b"x", every_seconds=0.02)]
    with (
        RawServer(answer_with(OK)) as good,
        RawServer(scripts[0]) as a,
        RawServer(scripts[1]) as b,
        RawServer(scripts[2]) as c,
    ):
        for number, server in enumerate([a, b, c] * 5):
            sender.start(f"bad {number}", request_to(server.url()))
        for number in range(50):
            sender.start(f"good {number}", request_to(good.url()))
        finished: list[object] = []
        while len(finished) < 50:
            finished += [token for token, _answer in sender.wait(10)]

        assert sorted(map(str, finished)) == sorted(f"good {number}" for number in range(50))
        assert sender.in_flight == 15
        sender.cancel_all()
