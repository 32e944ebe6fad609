"""Every code that libcurl can end a transfer with has its kind."""

from __future__ import annotations

import pycurl
import pytest

from consumer.adapters.curl.errors import kind_of

CODES = {name: getattr(pycurl, name) for name in dir(pycurl) if name.startswith("E_") and "MULTI" not in name}


def test_every_code_has_a_kind() -> None:
    assert {kind_of(code, "") for code in CODES.values()} == {"timeout", "network", "tls"}
    assert len(CODES) > 100


@pytest.mark.parametrize("name", [name for name in CODES if "TIMEDOUT" in name or "TIMEOUTED" in name])
def test_codes_that_speak_of_time_are_timeouts(name: str) -> None:
    assert kind_of(CODES[name], "") == "timeout"


@pytest.mark.parametrize(
    "name", [name for name in CODES if ("SSL" in name or "CERT" in name or "PEER" in name) and "FTP" not in name]
)
def test_codes_that_speak_of_certificates_are_tls(name: str) -> None:
    assert kind_of(CODES[name], "") == "tls"


@pytest.mark.parametrize(
    "name",
    [
        "E_COULDNT_RESOLVE_HOST",
        "E_COULDNT_CONNECT",
        "E_GOT_NOTHING",
        "E_SEND_ERROR",
        "E_RECV_ERROR",
        "E_URL_MALFORMAT",
        "E_HTTP2",
        "E_UNSUPPORTED_PROTOCOL",
        "E_PARTIAL_FILE",
        "E_TOO_MANY_REDIRECTS",
        "E_OUT_OF_MEMORY",
    ],
)
def test_everything_else_is_the_network(name: str) -> None:
    assert kind_of(CODES[name], "") == "network"


def test_code_of_a_newer_libcurl_is_the_network() -> None:
    assert kind_of(9999, "") == "network"


def test_a_receiver_that_wants_a_certificate_of_us_is_no_fault_of_the_network() -> None:
    alert = "OpenSSL SSL_read: OpenSSL/3.0: error:0A00045C:SSL routines::tlsv13 alert certificate required, errno 0"

    assert kind_of(CODES["E_RECV_ERROR"], alert) == "tls"
    assert kind_of(CODES["E_RECV_ERROR"], "Recv failure: Connection reset by peer") == "network"
