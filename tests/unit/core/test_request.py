"""One spelling for every endpoint."""

from __future__ import annotations

import pytest

from consumer.core.request import endpoint_of


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("http://example.com", "http://example.com:80"),
        ("https://example.com/", "https://example.com:443"),
        ("HTTPS://EXAMPLE.com:443/Path?Query=1", "https://example.com:443"),
        ("http://example.com:443/", "http://example.com:443"),
        ("http://example.com:08080/", "http://example.com:8080"),
        ("http://example.com:/", "http://example.com:80"),
        ("http://example.com./", "http://example.com:80"),
        ("http://user:secret@example.com/", "http://example.com:80"),
        ("http://user:p%40ss@example.com:81?a=b@c", "http://example.com:81"),
        ("http://ex%41mple.com/", "http://example.com:80"),
        ("http://bücher.example/", "http://xn--bcher-kva.example:80"),
        ("http://BÜCHER.example/", "http://xn--bcher-kva.example:80"),
        ("http://b%C3%BCcher.example/", "http://xn--bcher-kva.example:80"),
        ("http://xn--bcher-kva.example/", "http://xn--bcher-kva.example:80"),
        ("http://[2001:DB8:0:0::1]/", "http://[2001:db8::1]:80"),
        ("http://[2001:db8::1]:8080/", "http://[2001:db8::1]:8080"),
        ("http://[fe80::1%25eth0]/", "http://[fe80::1%eth0]:80"),
        ("http://127.0.0.1:9/", "http://127.0.0.1:9"),
    ],
)
def test_endpoint_has_one_spelling(url: str, endpoint: str) -> None:
    assert endpoint_of(url) == endpoint


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "/path",
        "//example.com/",
        "ftp://example.com/",
        "http://",
        "http:///path",
        "http://:80/",
        "http://./",
        "http://example.com:99999/",
        "http://example.com:x/",
        "http://example.com:-1/",
        "http://[::1/",
        "http://[::g]/",
        "http://" + "ü" * 64 + ".example/",
    ],
)
def test_url_without_an_endpoint_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        endpoint_of(url)
