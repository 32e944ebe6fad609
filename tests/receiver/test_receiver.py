"""The receiver of the tests itself: it records the bytes that came, and misbehaves as it was told."""

import ssl

import httpx
import pytest
import trustme

from tests.receiver import Answer, Fault, Receiver, always, in_turn, per_delivery


def test_it_records_the_line_the_headers_in_their_case_and_the_body() -> None:
    with Receiver() as receiver:
        httpx.post(receiver.url("/a?x=1%2B&x=2"), content=b"z=%C3%B6&y=", headers={"X-ToKen": "t"})

        (arrived,) = receiver.arrived("/a")

    assert arrived.line == b"POST /a?x=1%2B&x=2 HTTP/1.1"
    assert ("X-ToKen", "t") in arrived.headers
    assert arrived.body == b"z=%C3%B6&y="
    assert arrived.succeeded


def test_each_delivery_walks_through_the_answers_by_itself() -> None:
    with Receiver() as receiver, httpx.Client() as client:
        receiver.on("/a", per_delivery(Answer(status=500), Answer(status=200)))

        statuses = [
            client.get(receiver.url("/a"), headers={"Idempotency-Key": key}).status_code for key in ("k", "l", "k", "k")
        ]

    assert statuses == [500, 500, 200, 200]


def test_answers_in_turn_are_given_to_whoever_comes() -> None:
    with Receiver() as receiver, httpx.Client() as client:
        receiver.otherwise(in_turn(Answer(status=503, headers=(("Retry-After", "7"),)), Answer()))

        answers = [client.get(receiver.url("/a")) for _ in range(2)]

    assert [(a.status_code, a.headers.get("Retry-After")) for a in answers] == [(503, "7"), (200, None)]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.DROP, httpx.RemoteProtocolError),
        (Fault.RESET, httpx.ReadError),
        (Fault.HANG, httpx.ReadTimeout),
        (Fault.NOT_HTTP, httpx.RemoteProtocolError),
        (Fault.ENDLESS_HEADERS, httpx.RemoteProtocolError),
    ],
)
def test_a_fault_is_given_instead_of_an_answer(fault: Fault, error: type[Exception]) -> None:
    with Receiver() as receiver:
        receiver.otherwise(always(Answer(fault=fault)))

        with pytest.raises(error):
            httpx.get(receiver.url(), timeout=1)

        assert [a.status for a in receiver.arrived()] == [None]


def test_a_dripping_answer_comes_byte_by_byte() -> None:
    with Receiver() as receiver, httpx.Client() as client:
        receiver.otherwise(always(Answer(fault=Fault.DRIP, body=b"slow")))

        with pytest.raises(httpx.ReadTimeout):
            client.get(receiver.url(), timeout=0.5)


def test_an_endless_body_does_not_end() -> None:
    with Receiver() as receiver:
        receiver.otherwise(always(Answer(fault=Fault.ENDLESS_BODY)))

        with httpx.stream("GET", receiver.url()) as answer:
            read = 0
            for piece in answer.iter_raw():
                read += len(piece)
                if read > 10_000_000:
                    break

    assert read > 10_000_000


def test_a_closed_receiver_refuses_and_comes_back_on_its_port() -> None:
    with Receiver() as receiver:
        receiver.close()
        with pytest.raises(httpx.ConnectError):
            httpx.get(receiver.url())

        receiver.open()

        assert httpx.get(receiver.url()).status_code == 200


def test_an_untrusted_certificate_is_shown_on_a_tls_receiver() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    with Receiver(tls=context) as receiver:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(receiver.url())

        assert receiver.arrived() == []
