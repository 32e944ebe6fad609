"""Secrets are hidden in whatever encoding they stand."""

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.masking import Mask
from consumer.core.values import form_encode, json_text


@pytest.mark.parametrize("secret", ["s3cret", "a b&c=d", 'q"uo\\te/', "zoë💩", "tab\tline\n", "100%", "***"])
def test_every_encoding_of_a_secret_is_hidden(secret: str) -> None:
    mask = Mask([secret])
    encodings = [secret, form_encode(secret), quote(secret), quote_plus(secret), quote(secret, safe="").lower()]
    encodings += [json_text(secret)[1:-1], json.dumps(secret)[1:-1], secret.upper()]

    shown = [mask(f"<{encoding}>") for encoding in encodings]

    assert shown == ["<***>"] * len(encodings)


def test_the_longer_of_two_secrets_is_hidden_as_a_whole() -> None:
    assert Mask(["abc", "abcdef"])("x abcdef abc y") == "x *** *** y"


def test_without_secrets_a_text_stays_as_it_is() -> None:
    assert Mask([])("a*b") == "a*b"
    assert Mask([""])("a*b") == "a*b"


@given(secret=st.text(min_size=1), before=st.text(), after=st.text())
def test_a_masked_form_never_holds_the_encoded_secret(secret: str, before: str, after: str) -> None:
    shown = Mask([secret])(form_encode(before + secret + after))

    assert form_encode(secret) not in shown.replace("***", "")
