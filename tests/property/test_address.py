"""Laws of the address rules."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

from hypothesis import given
from hypothesis import strategies as st

from consumer.core.address import why_not_public, why_refused

ipv4 = st.integers(0, 2**32 - 1).map(IPv4Address)
ipv6 = st.integers(0, 2**128 - 1).map(IPv6Address)
special_ipv4 = st.sampled_from(
    ["0.0.0.0", "10.1.2.3", "100.64.1.1", "127.0.0.1", "169.254.169.254", "172.16.9.9", "192.168.1.1", "224.0.0.1"]
).map(IPv4Address)
any_ipv4 = st.one_of(ipv4, special_ipv4)


def spellings(address: IPv4Address) -> list[IPv6Address]:
    """IPv6 addresses that something on the way may turn into *address*."""
    bits = int(address)
    routed = int(IPv6Address("2a00:1450:4001:81b::"))
    return [
        IPv6Address(0xFFFF << 32 | bits),
        IPv6Address(0x64FF9B << 96 | bits),
        IPv6Address(0x2002 << 112 | bits << 80),
        *(IPv6Address(routed | mark << 32 | bits) for mark in (0x5EFE, 0x2005EFE)),
    ]


@given(any_ipv4)
def test_embedding_makes_no_address_more_public_and_no_public_one_less(address: IPv4Address) -> None:
    """
    An IPv6 spelling is judged as its IPv4 address is.

    Found: 6to4 read 16 bits too low (``>> 64``) let 2002:a9fe:a9fe:: through; 200:5efe missing among the ISATAP marks.
    """
    public = why_not_public(address) is None

    assert [why_not_public(spelling) is None for spelling in spellings(address)] == [public] * 5


@given(any_ipv4)
def test_forms_that_nothing_public_uses_are_refused_whatever_they_embed(address: IPv4Address) -> None:
    """Found: looking into IPv4-translated addresses, instead of refusing them, let ::ffff:0:8.8.8.8 through."""
    bits = int(address)

    for prefix in (0, 0xFFFF << 48, 0x64FF9B0001 << 80, 0x20010000 << 96, 0xFE80 << 112):
        assert why_not_public(IPv6Address(prefix | bits)) is not None


def test_we_refuse_all_that_the_standard_library_calls_private_in_ipv4() -> None:
    """Looks at the first address of every /16. Found: a table without 198.18.0.0/15."""
    for first in range(0, 2**32, 2**16):
        address = IPv4Address(first)
        if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
            assert why_not_public(address) is not None


@given(ipv6)
def test_only_global_unicast_and_two_embeddings_can_be_public(address: IPv6Address) -> None:
    """Found: ending in ``return None`` instead of "reserved" let 4000::1 through."""
    if why_not_public(address) is None:
        assert any(address in ip_network(block) for block in ("2000::/3", "::ffff:0:0/96", "64:ff9b::/96"))


@given(st.one_of(any_ipv4, ipv6), any_ipv4, st.integers(0, 32))
def test_allowing_a_network_changes_nothing_outside_it(
    address: IPv4Address | IPv6Address, base: IPv4Address, length: int
) -> None:
    """Found: unwrapping ``ipv4_mapped`` before asking *allow_networks* opened ::ffff:127.0.0.1 with 127.0.0.0/8."""
    network = ip_network((int(base), length), strict=False)

    for spelling in (address, *(spellings(address) if isinstance(address, IPv4Address) else ())):
        allowed = isinstance(spelling, IPv4Address) and spelling in network
        assert why_refused(spelling, [network]) == (None if allowed else why_not_public(spelling))
