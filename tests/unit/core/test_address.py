"""Addresses by the table, each spelled as the socket would be opened to it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from consumer.core.address import why_not_public, why_refused

NOT_PUBLIC_IPV4 = {
    "this network": "0.0.0.0 0.0.0.1 0.255.255.255",
    "private": "10.0.0.0 10.0.0.1 10.255.255.255 172.16.0.0 172.16.0.1 172.31.255.255 192.168.0.0 192.168.1.1 "
    "192.168.255.255",
    "carrier-grade NAT": "100.64.0.0 100.64.0.1 100.100.100.200 100.127.255.255",
    "loopback": "127.0.0.0 127.0.0.1 127.0.1.3 127.127.127.127 127.255.255.255",
    "link-local": "169.254.0.0 169.254.0.1 169.254.0.23 169.254.170.2 169.254.169.253 169.254.255.255",
    "cloud metadata": "169.254.169.254 168.63.129.16",
    "protocol assignments": "192.0.0.0 192.0.0.1 192.0.0.8 192.0.0.9 192.0.0.170 192.0.0.192 192.0.0.255",
    "documentation": "192.0.2.0 192.0.2.255 198.51.100.0 198.51.100.255 203.0.113.0 203.0.113.255",
    "6to4 relay": "192.88.99.0 192.88.99.1 192.88.99.255",
    "benchmarking": "198.18.0.0 198.18.0.1 198.19.255.255",
    "multicast": "224.0.0.0 224.0.0.1 224.0.0.251 232.0.0.1 239.255.255.255",
    "reserved": "240.0.0.0 240.0.0.1 255.255.255.254",
    "broadcast": "255.255.255.255",
}
NOT_PUBLIC_IPV6 = {
    "unspecified": "::",
    "loopback": "::1",
    "IPv4-compatible": "::2 ::127.0.0.1 ::10.0.0.1 ::169.254.169.254 ::8.8.8.8 ::ffff:ffff",
    "IPv4-translated": "::ffff:0:127.0.0.1 ::ffff:0:10.0.0.1 ::ffff:0:8.8.8.8",
    "local NAT64": "64:ff9b:1:: 64:ff9b:1::7f00:1 64:ff9b:1::8.8.8.8 64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
    "discard-only": "100:: 100::1 100::ffff:ffff:ffff:ffff",
    "dummy prefix": "100:0:0:1:: 100:0:0:1::1",
    "Teredo": "2001:: 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:0:ffff:ffff:ffff:ffff:80ff:fffe",
    "benchmarking": "2001:2:: 2001:2:0:ffff::1",
    "protocol assignments": "2001:1::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:1ff:ffff::1",
    "documentation": "2001:db8:: 2001:db8::1 2001:db8:ffff:ffff::1 3fff:: 3fff:fff:ffff::1",
    "segment routing": "5f00:: 5f00::1 5f00:ffff::1",
    "private": "fc00:: fc00::1 fd00::1 fd00:ec2::254 fd20:ce::254 fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "link-local": "fe80:: fe80::1 fe80::1%eth0 fe80::a9fe:a9fe febf:ffff::1 fe80::5efe:8.8.8.8",
    "site-local": "fec0:: fec0::1 feff:ffff::1",
    "multicast": "ff00:: ff01::1 ff02::1 ff02::2 ff05::1:3 ff0e::1 ffff:ffff::1",
    "reserved": "100:0:0:2::1 1::1 200::1 400::1 4000::1 6000::1 8000::1 a000::1 e000::1 fe00::1 "
    "64:ff9b::1:0:0:0 64:ff9b:0:1::1 64:ff9c::1 0:0:0:1::1 1fff:ffff::1 ::1:ffff:0:0",
}
EMBEDDED = {
    "IPv4-mapped": ["::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:172.16.0.1", "::ffff:192.168.0.1"],
    "IPv4-mapped form": ["::ffff:169.254.169.254", "::ffff:0.0.0.0", "::ffff:100.64.0.1", "::ffff:224.0.0.1"],
    "NAT64": ["64:ff9b::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::192.168.1.1", "64:ff9b::"],
    "6to4": ["2002:7f00:1::", "2002:7f00:1::1", "2002:a00:1::", "2002:a9fe:a9fe::", "2002:c0a8:101::1", "2002::"],
    "ISATAP": [
        "2a00:1450:4001:81b::5efe:127.0.0.1",
        "2a00:1450:4001:81b:0:5efe:10.0.0.1",
        "2a00:1450:4001:81b:200:5efe:169.254.169.254",
        "2a00:1450:4001:81b:100:5efe:10.0.0.1",
        "2a00:1450:4001:81b:300:5efe:10.0.0.1",
        "2002:808:808::5efe:192.168.0.1",
    ],
}
PUBLIC = {
    "ordinary": (
        "1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15 "
        "168.63.129.17 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 "
        "192.88.98.255 192.88.100.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 "
        "203.0.112.255 203.0.114.0 223.255.255.255 1.0.0.0 2000:: 2001:200::1 2001:4860:4860::8888 "
        "2606:4700:4700::1111 2001:db7:ffff::1 2001:db9::1 2003::1 2a00:1450:4001:81b::200e 3ffe:ffff::1 3fff:1000::1 "
        "::ffff:8.8.8.8 64:ff9b::8.8.8.8 64:ff9b::808:808 2002:808:808::1 2a00:1450:4001:81b::5efe:8.8.8.8"
    )
}


def _cases(table: dict[str, str]) -> list[tuple[str, str]]:
    return [(text, purpose) for purpose, texts in table.items() for text in texts.split()]


@pytest.mark.parametrize(("text", "purpose"), _cases(NOT_PUBLIC_IPV4) + _cases(NOT_PUBLIC_IPV6))
def test_special_purpose_address_is_refused_by_its_name(text: str, purpose: str) -> None:
    assert why_refused(ip_address(text), ()) == purpose


@pytest.mark.parametrize(("form", "text"), [(form, text) for form, texts in EMBEDDED.items() for text in texts])
def test_address_that_embeds_one_that_is_not_public_is_refused(form: str, text: str) -> None:
    reason = why_not_public(ip_address(text))

    assert reason is not None
    assert form in reason


@pytest.mark.parametrize("text", [text for text, _ in _cases(PUBLIC)])
def test_public_address_is_not_refused(text: str) -> None:
    assert why_refused(ip_address(text), ()) is None


def test_tables_together_hold_more_than_a_hundred_refusals() -> None:
    refused = {text for text, _purpose in _cases(NOT_PUBLIC_IPV4) + _cases(NOT_PUBLIC_IPV6)}

    assert len(refused) + sum(map(len, EMBEDDED.values())) >= 150


@pytest.mark.parametrize(
    ("network", "opened", "still_refused"),
    [
        ("127.0.0.0/8", ["127.0.0.1", "127.255.255.255"], ["10.0.0.1", "::1", "::ffff:127.0.0.1"]),
        ("10.1.2.3/32", ["10.1.2.3"], ["10.1.2.2", "10.1.2.4", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3"]),
        ("169.254.169.254/32", ["169.254.169.254"], ["169.254.169.253", "2002:a9fe:a9fe::"]),
        ("::1/128", ["::1"], ["::", "127.0.0.1"]),
        ("fd00::/8", ["fd00::1", "fd00:ec2::254"], ["fc00::1", "fe80::1"]),
        ("::ffff:10.0.0.0/104", ["::ffff:10.0.0.1"], ["10.0.0.1", "::ffff:127.0.0.1"]),
        ("64:ff9b:1::/48", ["64:ff9b:1::8.8.8.8"], ["64:ff9b::10.0.0.1"]),
    ],
)
def test_allowed_network_opens_exactly_what_it_says(network: str, opened: list[str], still_refused: list[str]) -> None:
    networks = [ip_network(network)]

    assert [why_refused(ip_address(text), networks) for text in opened] == [None] * len(opened)
    assert all(why_refused(ip_address(text), networks) for text in still_refused)


def test_allowed_networks_add_up_and_leave_public_addresses_alone() -> None:
    networks = [ip_network("10.0.0.0/8"), ip_network("::1/128")]

    assert why_refused(ip_address("10.0.0.1"), networks) is None
    assert why_refused(ip_address("::1"), networks) is None
    assert why_refused(ip_address("8.8.8.8"), networks) is None
    assert why_refused(ip_address("192.168.0.1"), networks) == "private"
