"""What is put on the wire, and where it goes."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Request(NamedTuple):  # made for every delivery: a frozen dataclass takes three times as long to make
    """
    One HTTP request, complete but for what the connection needs (``Host``, ``Content-Length``).

    Attributes:
        method: GET, POST, PUT, PATCH or DELETE.
        url: Absolute ``http`` or ``https`` URL, percent-encoded, without a fragment.
        headers: Whole ``Name: value`` lines, in order; one tuple for all of a profile's requests.
        body: None sends no body (POST, PUT and PATCH then say ``Content-Length: 0``).
        ca_file: PEM file of the authorities that the receiver's certificate may come from; None: the public ones.
        endpoint: ``endpoint_of(url)``, worked out once per profile.
        key: What ``Idempotency-Key`` says; None where *headers* have that, or where there is none.
    """

    method: str
    url: str
    headers: tuple[str, ...]
    body: bytes | None
    ca_file: str | None
    endpoint: str
    key: str | None = None

    @property
    def lines(self) -> tuple[str, ...]:
        """All header lines."""
        return self.headers if self.key is None else (*self.headers, f"Idempotency-Key: {self.key}")


def endpoint_of(url: str) -> str:
    """
    Give ``scheme://host:port`` of *url* in one spelling: lower case, port filled in, IDNA, without user and password.

    Raises:
        ValueError: There is no host, the scheme is neither ``http`` nor ``https``, or the port is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError("not an absolute http or https URL")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{_host(unquote(parts.hostname))}:{port}"


def _host(name: str) -> str:
    if ":" in name:
        address, _, zone = name.partition("%")
        return f"[{IPv6Address(address).compressed}{'%' if zone else ''}{zone}]"
    if not name.isascii():
        name = name.encode("idna").decode("ascii")
    if not (name := name.lower().removesuffix(".")):
        raise ValueError("no host")
    return name
