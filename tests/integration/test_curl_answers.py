"""What goes over the wire, and what is made of an answer that is proper HTTP."""

from __future__ import annotations

import os
import pathlib

import pytest

from consumer.adapters.curl.transfer import BODY_KEPT_BYTES, BODY_READ_BYTES
from consumer.core.answer import Answered, Unanswered
from tests.integration.conftest import MakeSender, Sender, answer_to, request_to
from tests.integration.raw_server import OK, Connection, RawServer, answer_with


def answer(head: str, body: bytes = b"") -> bytes:
    return f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("body", [b'{"a": "\xc3\xa9"}', b"", None])
def test_request_arrives_with_exactly_its_method_headers_and_body(
    sender: Sender, method: str, body: bytes | None
) -> None:
    headers = ("X-Token: secret", "User-Agent: postback-consumer/1", "Accept: */*")
    with RawServer(answer_with(OK)) as server:
        answered = answer_to(sender, request_to(server.url("/p?a=1&b=%2B"), method, body=body, headers=headers))

    head, _, sent_body = server.requests[0].partition(b"\r\n\r\n")
    length = [] if body is None and method in {"GET", "DELETE"} else [f"Content-Length: {len(body or b'')}"]
    first, *lines = head.decode().split("\r\n")
    assert first == f"{method} /p?a=1&b=%2B HTTP/1.1"
    assert sorted(lines) == sorted([f"Host: 127.0.0.1:{server.port}", *headers, *length])
    assert sent_body == (body or b"")
    assert isinstance(answered, Answered)
    assert (answered.status, answered.body_start) == (200, b"ok")


def test_nothing_is_left_over_from_the_request_before(sender: Sender) -> None:
    with RawServer(answer_with(OK)) as server:
        for method, body in (("PUT", b"body"), ("GET", None), ("POST", b"x"), ("DELETE", None), ("POST", None)):
            answer_to(sender, request_to(server.url(), method, body=body, headers=("Accept: */*", f"X-Of: {method}")))

    assert [request.split(b" ", 1)[0] for request in server.requests] == [b"PUT", b"GET", b"POST", b"DELETE", b"POST"]
    assert [b"X-Of: " + request.split(b" ", 1)[0] in request for request in server.requests] == [True] * 5
    assert [request.partition(b"\r\n\r\n")[2] for request in server.requests] == [b"body", b"", b"x", b"", b""]


@pytest.mark.parametrize(
    "path", ["/hooks/../v1/./x?q&o=1", "/a/%2E%2E/b", "/..", "/a%2fb%c3%a9?c=%2f", "/a?b=/c?d", "/"]
)
def test_the_path_is_sent_as_it_was_typed_in_and_shown(sender: Sender, path: str) -> None:
    with RawServer(answer_with(OK)) as server:
        answer_to(sender, request_to(server.url(path)))

    assert server.requests[0].startswith(f"POST {path} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize("query", ["", "?a=b/c"])
def test_an_address_without_a_path_is_asked_for_its_root(sender: Sender, query: str) -> None:
    with RawServer(answer_with(OK)) as server:
        answer_to(sender, request_to(server.url("") + query))
        answer_to(sender, request_to(server.url("/x")))

    assert [request.split(b"\r\n")[0] for request in server.requests] == [
        f"POST /{query} HTTP/1.1".encode(),
        b"POST /x HTTP/1.1",
    ]


def test_header_with_an_empty_value_is_sent_empty(sender: Sender) -> None:
    with RawServer(answer_with(OK)) as server:
        answer_to(sender, request_to(server.url(), headers=("X-Empty: ", "X-Full: 1")))

    assert b"\r\nX-Empty:\r\n" in server.requests[0]
    assert b"\r\nX-Full: 1\r\n" in server.requests[0]


def test_header_beyond_ascii_is_sent_as_utf8(sender: Sender) -> None:
    with RawServer(answer_with(OK)) as server:
        answer_to(sender, request_to(server.url(), headers=("X-Name: Zoë",)))

    assert "\r\nX-Name: Zoë\r\n".encode() in server.requests[0]


@pytest.mark.parametrize("line", ["X-A: 1\r\nX-B: 2", "X-A: 1\nX-B: 2", "X-A: 1\rX-B: 2", "X-A: 1\0", "X-A: é\n"])
def test_header_that_would_become_two_is_not_sent(sender: Sender, line: str) -> None:
    with RawServer(answer_with(OK)) as server:
        unanswered = answer_to(sender, request_to(server.url(), headers=(line,)))

    assert isinstance(unanswered, Unanswered)
    assert unanswered.kind == "network"
    assert server.requests == []


@pytest.mark.parametrize(
    "url", ["", "x", "http://", "http://a b/", "http://127.0.0.1:99999/", "ftp://127.0.0.1/", "file:///etc/hosts"]
)
def test_url_that_cannot_be_sent_to_is_a_network_failure_that_says_so(sender: Sender, url: str) -> None:
    unanswered = answer_to(sender, request_to(url))

    assert isinstance(unanswered, Unanswered)
    assert unanswered.kind == "network"
    assert unanswered.detail


def test_detail_quotes_nothing_of_path_query_or_headers(sender: Sender) -> None:
    with RawServer(Connection.reset) as server:
        urls = [server.url("/sesame?key=sesame"), "http://127.0.0.1:99999/?sesame", "http://[::1/?sesame"]
        details = [answer_to(sender, request_to(url, headers=("X-Token: sesame",))) for url in urls]
        details.append(answer_to(sender, request_to(server.url("/sesame\u00e9"))))
        details.append(answer_to(sender, request_to(server.url(), headers=("X-Token: sesame\0",))))

    assert all(isinstance(one, Unanswered) and "sesame" not in one.detail for one in details)


def test_large_body_is_sent_without_asking_first(sender: Sender) -> None:
    body = b"x" * (3 * 1024 * 1024)
    with RawServer(answer_with(OK)) as server:
        answer_to(sender, request_to(server.url(), body=body))

    assert server.requests[0].endswith(body)
    assert b"expect" not in server.requests[0][:500].lower()


@pytest.mark.parametrize("status", [200, 201, 204, 299, 301, 302, 304, 307, 308, 400, 404, 429, 500, 503, 599])
def test_status_is_reported_and_redirects_are_not_followed(sender: Sender, status: int) -> None:
    with RawServer(answer_with(answer(f"{status} x\r\nLocation: /elsewhere"))) as server:
        answered = answer_to(sender, request_to(server.url()))

    assert isinstance(answered, Answered)
    assert answered.status == status
    assert len(server.requests) == 1


def test_informational_answers_come_before_the_final_one(sender: Sender) -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\n\r\n"
    with RawServer(answer_with(early * 3 + answer("503 x\r\nRetry-After: 120"))) as server:
        answered = answer_to(sender, request_to(server.url()))

    assert isinstance(answered, Answered)
    assert (answered.status, answered.retry_after) == (503, "120")


@pytest.mark.parametrize(
    ("head", "retry_after"),
    [
        ("429 x\r\nRetry-After: 120", "120"),
        ("503 x\r\nretry-AFTER:\t 120 \t", "120"),
        ("503 x\r\nRetry-After: Sun, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("503 x\r\nRetry-After: 1e3", "1e3"),
        ("503 x\r\nRetry-After: " + "0" * 90_000 + "x", "0" * 128),
        ("503 x\r\nRetry-After: \xff", "Ã¿"),
        ("429 x\r\nRetry-After:", ""),
        ("429 x\r\nX-Retry-After: 120", None),
        ("429 x", None),
        ("500 x\r\nRetry-After: 120", None),
        ("302 x\r\nRetry-After: 120", None),
        ("200 x\r\nRetry-After: 120", None),
    ],
)
def test_retry_after_is_handed_on_as_it_came_and_only_with_429_and_503(
    sender: Sender, head: str, retry_after: str | None
) -> None:
    with RawServer(answer_with(answer(head))) as server:
        answered = answer_to(sender, request_to(server.url()))

    assert isinstance(answered, Answered)
    assert answered.retry_after == retry_after


def test_retry_after_among_the_trailers_does_not_count(sender: Sender) -> None:
    chunked = b"HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nRetry-After: 5\r\n\r\n"
    with RawServer(answer_with(chunked)) as server:
        answered = answer_to(sender, request_to(server.url()))

    assert isinstance(answered, Answered)
    assert answered.retry_after is None


def test_body_is_kept_up_to_a_few_bytes(sender: Sender) -> None:
    with RawServer(answer_with(answer("200 OK", b"0123456789" * 1000))) as server:
        answered = answer_to(sender, request_to(server.url()))

    assert isinstance(answered, Answered)
    assert answered.body_start == (b"0123456789" * 1000)[:BODY_KEPT_BYTES]


def test_body_of_the_longest_size_that_is_read_keeps_the_connection(sender: Sender) -> None:
    with RawServer(answer_with(answer("200 OK", b"x" * BODY_READ_BYTES))) as server:
        answers = [answer_to(sender, request_to(server.url())) for _ in range(3)]

    assert [isinstance(one, Answered) and one.status for one in answers] == [200] * 3
    assert server.connections == 1


def test_body_is_not_decompressed_and_nothing_offers_it(sender: Sender) -> None:
    with RawServer(answer_with(answer("200 OK\r\nContent-Encoding: gzip", b"not gzip"))) as server:
        answered = answer_to(sender, request_to(server.url()))

    assert isinstance(answered, Answered)
    assert answered.body_start == b"not gzip"
    assert b"accept-encoding" not in server.requests[0].lower()


def test_cookies_are_neither_kept_nor_sent(sender: Sender) -> None:
    with RawServer(answer_with(answer("200 OK\r\nSet-Cookie: a=b; Path=/"))) as server:
        answer_to(sender, request_to(server.url()))
        answer_to(sender, request_to(server.url()))

    assert b"cookie" not in server.requests[1].lower()


def test_environment_gives_neither_proxy_nor_password(
    make_sender: MakeSender, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password sesame\n")
    for name, value in {
        "HOME": str(tmp_path),
        "NETRC": str(tmp_path / ".netrc"),
        "http_proxy": "http://127.0.0.1:1",
        "all_proxy": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    assert os.environ["http_proxy"]

    with RawServer(answer_with(OK)) as server:
        answered = answer_to(make_sender(), request_to(server.url()))

    assert isinstance(answered, Answered)
    assert b"authorization" not in server.requests[0].lower()


def test_http_1_0_answer_that_ends_with_the_connection_is_an_answer(sender: Sender) -> None:
    def script(connection: Connection) -> None:
        connection.request()
        connection.say(b"HTTP/1.0 200 OK\r\n\r\nold")

    with RawServer(script) as server:
        answered = answer_to(sender, request_to(server.url()))

    assert isinstance(answered, Answered)
    assert (answered.status, answered.body_start) == (200, b"old")
