"""Certificates are checked, against the authorities that the request names."""

from __future__ import annotations

import datetime
import pathlib
import ssl

import pytest
import trustme

from consumer.core.answer import Answered, Unanswered
from tests.integration.conftest import Sender, answer_to, request_to
from tests.integration.raw_server import OK, Connection, RawServer, answer_with

YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)


class Authority:
    """A certificate authority and the file that a profile would name."""

    def __init__(self, folder: pathlib.Path, name: str) -> None:
        self._ca = trustme.CA(organization_name=name)
        self.file = str(folder / f"{name}.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def server_context(self, host: str = "127.0.0.1", *, not_after: datetime.datetime | None = None) -> ssl.SSLContext:
        """TLS as a server with a certificate for *host*."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(host, not_after=not_after).configure_cert(context)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "ours")


@pytest.fixture(scope="module")
def other_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "another")


def test_receiver_with_a_certificate_of_the_named_authority_is_sent_to(sender: Sender, authority: Authority) -> None:
    with RawServer(answer_with(OK), tls=authority.server_context()) as server:
        answers = [answer_to(sender, request_to(server.url(), ca_file=authority.file)) for _ in range(3)]

    assert [isinstance(one, Answered) and one.status for one in answers] == [200] * 3
    assert server.connections == 1


def test_name_in_the_url_is_what_the_certificate_has_to_say(sender: Sender, authority: Authority) -> None:
    with RawServer(answer_with(OK), tls=authority.server_context("localhost")) as server:
        by_name = answer_to(sender, request_to(server.url(host="localhost"), ca_file=authority.file))
        by_address = answer_to(sender, request_to(server.url(), ca_file=authority.file))

    assert isinstance(by_name, Answered)
    assert isinstance(by_address, Unanswered)
    assert by_address.kind == "tls"
    assert len(server.requests) == 1


def test_authority_that_nobody_named_is_not_trusted(sender: Sender, authority: Authority) -> None:
    with RawServer(answer_with(OK), tls=authority.server_context()) as server:
        unanswered = answer_to(sender, request_to(server.url()))

    assert isinstance(unanswered, Unanswered)
    assert unanswered.kind == "tls"
    assert server.requests == []


def test_certificate_that_has_expired_is_refused(sender: Sender, authority: Authority) -> None:
    with RawServer(answer_with(OK), tls=authority.server_context(not_after=YESTERDAY)) as server:
        unanswered = answer_to(sender, request_to(server.url(), ca_file=authority.file))

    assert isinstance(unanswered, Unanswered)
    assert unanswered.kind == "tls"
    assert "expired" in unanswered.detail


def test_connection_that_one_authority_vouches_for_is_not_used_for_another(
    sender: Sender, authority: Authority, other_authority: Authority
) -> None:
    with RawServer(answer_with(OK), tls=authority.server_context()) as server:
        files = (authority.file, other_authority.file, None, authority.file)
        answers = [answer_to(sender, request_to(server.url(), ca_file=file)) for file in files]

    assert [type(one) for one in answers] == [Answered, Unanswered, Unanswered, Answered]
    assert len(server.requests) == 2


@pytest.mark.parametrize("content", [None, b"", b"not PEM"])
def test_authority_file_that_cannot_be_read_is_a_tls_failure(
    sender: Sender, authority: Authority, tmp_path: pathlib.Path, content: bytes | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with RawServer(answer_with(OK), tls=authority.server_context()) as server:
        unanswered = answer_to(sender, request_to(server.url(), ca_file=str(file)))

    assert isinstance(unanswered, Unanswered)
    assert unanswered.kind == "tls"


def test_receiver_that_speaks_no_tls_is_a_tls_failure(sender: Sender, authority: Authority) -> None:
    def script(connection: Connection) -> None:
        connection.plain.recv(1)
        connection.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with RawServer(script) as server:
        url = server.url().replace("http:", "https:")
        unanswered = answer_to(sender, request_to(url, ca_file=authority.file))

    assert isinstance(unanswered, Unanswered)
    assert unanswered.kind == "tls"


def test_http_2_is_not_asked_for(sender: Sender, authority: Authority) -> None:
    context = authority.server_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with RawServer(answer_with(OK), tls=context) as server:
        answered = answer_to(sender, request_to(server.url(), ca_file=authority.file))

    assert isinstance(answered, Answered)
    assert server.protocols == ["http/1.1"]


def test_old_versions_of_tls_are_not_spoken(sender: Sender, authority: Authority) -> None:
    context = authority.server_context()
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with RawServer(answer_with(OK), tls=context) as server:
        unanswered = answer_to(sender, request_to(server.url(), ca_file=authority.file))

    assert isinstance(unanswered, Unanswered)
    assert unanswered.kind == "tls"
