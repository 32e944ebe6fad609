"""
Whatever bytes stand in a file, the answer is sentences.

Each law found a planted bug: decoding before the encoding is looked at (found: b"\\x80"), idna's errors let through
(found by the URL's law), the URL in its own refusal (found: `${env:A}`), a path joined without
looking whether it is a text (found: `profiles: []`), a file without a profile that counts as whole (found: b"").
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from consumer.adapters.postback_url import checked_url
from consumer.adapters.profile_file import ProfileFile
from consumer.adapters.profiles import ProfileFolder
from consumer.adapters.settings_file import read_settings
from consumer.adapters.yaml_file import parse_yaml
from consumer.settings import Settings

LINE = re.compile(r"[^\n]+?:[1-9][0-9]*: [^\n]{10,}")

MARKS = [
    ":",
    ": ",
    "\n",
    "\n  ",
    "\n- ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ",",
    "&a ",
    "*a",
    "!!str ",
    "!",
    "|",
    ">",
    "?",
    "<<",
]
WORDS = ["a", "name", "fields", '"', "'", "#", "---", "...", "%", "@", "\t", "\\", "~", "null", "é", "${", "${env:A}"]
pieces = st.sampled_from([*MARKS, *WORDS, "\ud800", "\0", "\ufeff"])
yaml_like = st.lists(pieces, max_size=60).map("".join).map(lambda text: text.encode("utf-8", "surrogatepass"))
contents = st.one_of(st.binary(max_size=200), yaml_like, st.text(max_size=200).map(str.encode))

values = st.recursive(
    st.sampled_from(
        ["x", "", "null", "All", "-1", "1e999", "true", '"${env:A}"', '"${file:/}"', '"a\\nb"', "https://a/"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(
            st.sampled_from(
                ["export_name", "field", "static", "customer_type", "campaign", "latest_only", "topic", "x"]
            ),
            inner,
            max_size=3,
        ).map(lambda entries: "{" + ", ".join(f"{key}: {value}" for key, value in entries.items()) + "}"),
    ),
    max_leaves=6,
)
PROFILE_KEYS = (*ProfileFile.model_fields, "other")
SETTINGS_KEYS = (*Settings.model_fields, "other")


def files_of(keys: Sequence[str]) -> st.SearchStrategy[bytes]:
    entries = st.fixed_dictionaries({}, optional=dict.fromkeys(keys, values))
    return entries.map(lambda found: "".join(f"{key}: {value}\n" for key, value in found.items()).encode())


@given(contents)
def test_no_bytes_raise_anything_and_every_refusal_is_a_line_that_says_what_to_do(content: bytes) -> None:
    read = parse_yaml(content, "a.yaml")

    assert read.root is not None or read.problems
    for problem in read.problems:
        assert LINE.fullmatch(str(problem))
        assert 1 <= problem.line <= content.count(b"\n") + content.count(b"\r") + 1


@given(st.one_of(contents, files_of(PROFILE_KEYS)))
def test_no_profile_raises_anything_and_one_that_is_not_in_force_is_explained(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        Path(folder, "a.yaml").write_bytes(content)

        found = ProfileFolder(Path(folder), environ={"A": "s3cret"}).load()

    assert bool(found.invalid) == any(problem.severity == "error" for problem in found.problems)
    assert found.profiles or found.invalid
    assert all(LINE.fullmatch(str(problem)) and "s3cret" not in str(problem) for problem in found.problems)


secret_texts = st.text(st.sampled_from(" :/@[]?#\\.\n\0aé"), max_size=6).flatmap(
    lambda text: st.sampled_from([f"{text}${{env:A}}", f"https://{text}${{env:A}}{text}", f"${{env:A}}{text}"])
)
header_names = st.sampled_from(
    ["header:X", "header:httpMethod", "header:HTTPMETHODTYPE", "header:Host", "header:", "a"]
)


@given(secret_texts, header_names, secret_texts)
def test_no_refusal_shows_a_secret(url: str, name: str, value: str) -> None:
    row = {"export_name": name, "static": value}
    text = json.dumps({"name": "a", "postback_url": url, "fields": [row, row], "routing": [{"customer_type": "All"}]})
    with TemporaryDirectory() as folder:
        Path(folder, "a.yaml").write_text(text)

        found = ProfileFolder(Path(folder), environ={"A": "s3cret"}).load()

    assert "s3cret" not in repr(found)


@given(
    st.one_of(contents, files_of(SETTINGS_KEYS)), st.dictionaries(st.sampled_from(SETTINGS_KEYS), values, max_size=3)
)
def test_no_settings_raise_anything(content: bytes, overrides: dict[str, str]) -> None:
    environ = {f"POSTBACK_{key.upper()}": value for key, value in overrides.items()} | {"A": "s3cret"}
    with TemporaryDirectory() as folder:
        path = Path(folder, "postback.yaml")
        path.write_bytes(content)

        found = read_settings(path, environ)

    assert (found.settings is None) == any(problem.severity == "error" for problem in found.problems)
    assert all(LINE.fullmatch(str(problem)) and "s3cret" not in str(problem) for problem in found.problems)


@given(st.one_of(st.text(), st.text().map("https://".__add__), st.text().map("https://example.com/".__add__)))
def test_url_is_refused_or_plain_ascii_that_stays_the_same(text: str) -> None:
    try:
        url = checked_url(text)
    except ValueError as refused:
        assert type(refused) is ValueError  # noqa: PT017 - UnicodeError is one, too
        return

    assert re.fullmatch(r"https?://[!-~]+", url)
    assert checked_url(url) == url
