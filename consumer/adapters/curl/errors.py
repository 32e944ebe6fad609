"""libcurl's errors in our words."""

from __future__ import annotations

from typing import Final

import pycurl

from consumer.core.answer import NoAnswer
from consumer.core.printable import printable

_KIND_BY_NAME: Final[dict[str, NoAnswer]] = {
    "E_OPERATION_TIMEDOUT": "timeout",
    "E_OPERATION_TIMEOUTED": "timeout",
    "E_PEER_FAILED_VERIFICATION": "tls",
    "E_SSL_CACERT": "tls",
    "E_SSL_CACERT_BADFILE": "tls",
    "E_SSL_CERTPROBLEM": "tls",
    "E_SSL_CIPHER": "tls",
    "E_SSL_CONNECT_ERROR": "tls",
    "E_SSL_CRL_BADFILE": "tls",
    "E_SSL_ENGINE_INITFAILED": "tls",
    "E_SSL_ENGINE_NOTFOUND": "tls",
    "E_SSL_ENGINE_SETFAILED": "tls",
    "E_SSL_INVALIDCERTSTATUS": "tls",
    "E_SSL_ISSUER_ERROR": "tls",
    "E_SSL_PEER_CERTIFICATE": "tls",
    "E_SSL_PINNEDPUBKEYNOTMATCH": "tls",
    "E_SSL_SHUTDOWN_FAILED": "tls",
    "E_USE_SSL_FAILED": "tls",
}
"""Everything else that can go wrong in a transfer is the network, or an answer that is not HTTP."""

_KIND_BY_CODE: Final[dict[int, NoAnswer]] = {
    getattr(pycurl, name): kind for name, kind in _KIND_BY_NAME.items() if hasattr(pycurl, name)
}


def kind_of(code: int, message: str) -> NoAnswer:
    """
    The kind of failure behind libcurl's *code* and *message*.

    With TLS 1.3 a receiver that wants a certificate of us says so when the handshake is over for libcurl, which takes
    it for a failure to read. A refused address has no code of its own: libcurl reports that it could not connect.
    """
    if code == pycurl.E_RECV_ERROR and "alert" in message and "SSL" in message:
        return "tls"
    return _KIND_BY_CODE.get(code, "network")


def why_impossible(error: Exception) -> str:
    """Say why pycurl or libcurl would not even begin, without quoting what was to be sent."""
    match error:
        case UnicodeError():  # its text would quote what was to be sent
            return "not a request that can be sent: only ASCII can"
        case pycurl.error(args=(_code, str(message))):
            return f"not a request that can be sent: {in_short(message)}"
        case _:
            return f"not a request that can be sent: {in_short(str(error))}"


def in_short(message: str) -> str:
    """Give libcurl's message, which may quote the receiver, fit for a line of a log."""
    return printable(message)[:200]
