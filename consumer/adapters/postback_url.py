"""A postback URL as a person types it -> as it is sent, by the rules of the URL Standard."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address
from typing import Final
from urllib.parse import urlsplit

import idna

# https://url.spec.whatwg.org/#path-percent-encode-set and #special-query-percent-encode-set, without blanks and
# control characters, which are refused: in a typed URL they are mistakes.
_ENCODED_IN_PATH: Final = frozenset('"<>^`{}')
_ENCODED_IN_QUERY: Final = frozenset("\"<>'")

_URL: Final = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.IGNORECASE | re.DOTALL)
_HOST: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_PORT: Final = re.compile(r"[0-9]{1,5}")
_QUOTES: Final = frozenset("\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb")
_CONTROL_OR_BLANK: Final = re.compile(r"[\x00-\x20\x7f-\x9f]")


def checked_url(text: str) -> str:
    """
    *text* with its host in ASCII, its path and query percent-encoded, and without its fragment.

    Raises:
        ValueError: It is no address that can be posted to; says what to do, and nothing of the text: it may be secret.
    """
    if _CONTROL_OR_BLANK.search(text):
        raise ValueError("has a space, a line break or a control character in it: remove it, or write a space as %20")
    if text[:1] in _QUOTES:
        raise ValueError("has typographic quotation marks around it: remove them")
    found = _URL.fullmatch(text)
    if found is None:
        raise ValueError("must begin with https:// or http://, e.g. https://example.com/partials.php")
    scheme, authority, path, query = found[1].lower(), found[2], found[3] or "/", found[4] or ""
    if "\\" in authority + path:
        raise ValueError("has a backslash in it: write / between the parts of an address")
    return f"{scheme}://{_authority(authority)}{_encode(path, _ENCODED_IN_PATH)}{_encode(query, _ENCODED_IN_QUERY)}"


def spellings(secret: str) -> frozenset[str]:
    """*secret* as it can stand in a checked URL, and the host alone of one that is a whole URL."""
    found = {secret, secret.partition("#")[0]}
    for before in ("", "https://"):
        try:
            url = checked_url(before + secret)
        except ValueError:
            continue
        tidied = url.removeprefix(before)
        found.add(tidied if secret.endswith("/") else tidied.removesuffix("/"))
        if not before:
            found.add(urlsplit(url).hostname or "")
    return frozenset(found - {""})


def _authority(text: str) -> str:
    if "@" in text:
        raise ValueError("has credentials before an @, which would show in logs: send them in a `header:Authorization`")
    host, colon, port = text.rpartition(":") if re.search(r":[^\]]*$", text) else (text, "", "")
    if colon and port and not (_PORT.fullmatch(port) and 0 < int(port) < 65_536):
        raise ValueError("has a port that is not a number from 1 to 65535: correct it, or remove it with its colon")
    if not host:
        raise ValueError("has no host after its //: write e.g. https://example.com/partials.php")
    return _host(host) + (f":{int(port)}" if port else "")


def _host(text: str) -> str:
    if text.startswith("["):
        inner = text.removeprefix("[").removesuffix("]")
        try:
            if text.endswith("]") and "%" not in inner:  # a zone means something on one machine only
                return f"[{IPv6Address(inner).compressed}]"
        except ValueError:
            pass
        raise ValueError("has no IPv6 address between [ and ]: correct the host")
    host = text if text.isascii() else _punycode(text)
    if _HOST.fullmatch(host) is None or len(host) > 253:
        raise ValueError("has no valid host: it may have letters, digits, `-` and `.`, e.g. example.com")
    rooted = host.removesuffix(".")
    return _ipv4(rooted) if _NUMBER.fullmatch(rooted.rpartition(".")[2]) else host.lower()


def _ipv4(text: str) -> str:
    """What ends in a number is an address, in any of the spellings that `inet_aton` knows."""
    try:
        return str(IPv4Address(socket.inet_aton(text)))
    except OSError:
        raise ValueError("has a host that ends in a number and is not an IPv4 address: correct it") from None


def _punycode(text: str) -> str:
    """As browsers have it: UTS 46, without the old rules for ß and its like."""
    try:
        return idna.encode(text, uts46=True, transitional=False).decode()
    except (idna.IDNAError, UnicodeError):
        raise ValueError("has a host that is not a valid international name: correct it, or write xn--...") from None


def _encode(text: str, encoded: frozenset[str]) -> str:
    if text.isascii() and encoded.isdisjoint(text):
        return text
    return "".join(_percent(letter) if letter in encoded or ord(letter) > 0x7E else letter for letter in text)


def _percent(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "replace"))
