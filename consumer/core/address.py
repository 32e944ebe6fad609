"""
Which addresses a request may be sent to.

The tables are our own, because what ``ipaddress`` calls global changes with the Python version and lets IPv6
spellings of private IPv4 addresses through.

Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries (both as of 2025-10-09), IANA IPv6 Global Unicast
space (RFC 4291: 2000::/3), IANA multicast registries.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network

_IPV4: Final = tuple(
    (IPv4Network(block), name)
    for block, name in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        # No registry lists it: Azure's platform service, the same address in every virtual network.
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.169.254/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        # The registry calls 192.0.0.9 and .10 globally reachable; they are anycast protocol services, no receivers.
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("255.255.255.255/32", "broadcast"),
        ("240.0.0.0/4", "reserved"),
    )
)

_IPV6: Final = tuple(
    (IPv6Network(block), name)
    for block, name in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("::ffff:0:0:0/96", "IPv4-translated"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard-only"),
        ("100:0:0:1::/64", "dummy prefix"),
        ("2001::/32", "Teredo"),
        ("2001:2::/48", "benchmarking"),
        # Some blocks inside are globally reachable by name (anycast services, ORCHIDv2, DRIP): no receivers.
        ("2001::/23", "protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("3fff::/20", "documentation"),
        ("5f00::/16", "segment routing"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
    )
)

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
_MAPPED: Final = IPv6Network("::ffff:0:0/96")
_NAT64: Final = IPv6Network("64:ff9b::/96")
_6TO4: Final = IPv6Network("2002::/16")
_ISATAP_MARKS: Final = (0x00005EFE, 0x02005EFE, 0x01005EFE, 0x03005EFE)
"""RFC 5214, 6.1, with the universal/local and the group bit either way."""


def why_refused(address: Address, allow_networks: Iterable[Network]) -> str | None:
    """
    Say why nothing may be sent to *address*; None when it may.

    *allow_networks* opens exactly the addresses that it names: ``127.0.0.0/8`` does not open ``::ffff:127.0.0.1``.
    """
    if any(address in network for network in allow_networks):
        return None
    return why_not_public(address)


def why_not_public(address: Address) -> str | None:
    """
    Name the special purpose of *address*; None when it is an ordinary public one.

    An IPv6 address that embeds an IPv4 address is no more public than that one is.
    """
    if isinstance(address, IPv4Address):
        return _purpose(address, _IPV4)
    if purpose := _purpose(address, _IPV6):
        return purpose
    for form, embedded in _embedded(address):
        if inner := why_not_public(embedded):
            return f"{inner} ({form} of {embedded})"
    if address in _GLOBAL_UNICAST or address in _MAPPED or address in _NAT64:
        return None
    return "reserved"


def _purpose(address: Address, table: Iterable[tuple[Network, str]]) -> str | None:
    return next((name for block, name in table if address in block), None)


def _embedded(address: IPv6Address) -> Iterable[tuple[str, IPv4Address]]:
    bits = int(address)
    low = IPv4Address(bits & 0xFFFFFFFF)
    if address in _MAPPED:
        yield "IPv4-mapped form", low
    if address in _NAT64:
        yield "NAT64 form", low
    if address in _6TO4:
        yield "6to4 form", IPv4Address((bits >> 80) & 0xFFFFFFFF)
    if (bits >> 32) & 0xFFFFFFFF in _ISATAP_MARKS:
        yield "ISATAP form", low
