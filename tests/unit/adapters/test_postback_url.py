"""Postback URLs as people type them; expected forms by the URL Standard."""

import pytest

from consumer.adapters.postback_url import checked_url


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("https://example.com/partials.php", "https://example.com/partials.php"),
        ("https://example.com", "https://example.com/"),
        ("https://example.com?a=1", "https://example.com/?a=1"),
        ("HTTPS://EXAMPLE.com/A", "https://example.com/A"),
        ("https://example.com/?a=1&b=%20#part", "https://example.com/?a=1&b=%20"),
        ("https://example.com/#?a", "https://example.com/"),
        ("https://example.com:8443/a", "https://example.com:8443/a"),
        ("https://example.com:/a", "https://example.com/a"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
        ("http://0x7F.1:8080/", "http://127.0.0.1:8080/"),
        ("http://2130706433/", "http://127.0.0.1/"),
        ("http://017700000001/", "http://127.0.0.1/"),
        ("http://10.1.2.3./", "http://10.1.2.3/"),
        ("http://1.2.3.example/", "http://1.2.3.example/"),
        ("http://[2001:DB8::0:1]:80/", "http://[2001:db8::1]:80/"),
        ("http://my_service.svc/", "http://my_service.svc/"),
        ("http://example.com./", "http://example.com./"),
        ("https://exämple.com/", "https://xn--exmple-cua.com/"),
        ("https://EXÄMPLE.com/", "https://xn--exmple-cua.com/"),
        ("https://faß.example/", "https://xn--fa-hia.example/"),
        ("https://日本。example/", "https://xn--wgv71a.example/"),
        ("https://xn--exmple-cua.com/", "https://xn--exmple-cua.com/"),
        ("https://example.com/ä/é?ü=ß", "https://example.com/%C3%A4/%C3%A9?%C3%BC=%C3%9F"),
        ("https://example.com/%C3%A4", "https://example.com/%C3%A4"),
        (
            'https://example.com/{a}|[b]`^"<>?{a}|[b]`^"<>\'',
            "https://example.com/%7Ba%7D|[b]%60%5E%22%3C%3E?{a}|[b]`^%22%3C%3E%27",
        ),
        ("https://example.com/a/../b;c=1,2:3@4", "https://example.com/a/../b;c=1,2:3@4"),
        ("https://example.com/?x=a@b", "https://example.com/?x=a@b"),
        ("https://example.com/\N{PILE OF POO}", "https://example.com/%F0%9F%92%A9"),
    ],
)
def test_typed_url_is_sent_as_browsers_would(typed: str, sent: str) -> None:
    assert checked_url(typed) == sent
    assert checked_url(sent) == sent


@pytest.mark.parametrize("letter", [*map(chr, range(0x21)), *map(chr, range(0x7F, 0xA0))])
def test_blanks_and_control_characters_are_refused_wherever_they_stand(letter: str) -> None:
    for text in (f"{letter}https://example.com/", f"https://exa{letter}mple.com/", f"https://example.com/?a={letter}"):
        with pytest.raises(ValueError, match="control character"):
            checked_url(text)
