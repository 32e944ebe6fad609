"""What YAML gives: texts as they were typed, each with its line."""

from pathlib import Path

import pytest

from consumer.adapters.yaml_file import parse_yaml, read_yaml
from consumer.core.located import Plain


def plain(text: str) -> Plain:
    read = parse_yaml(text.encode(), "a.yaml")
    assert read.problems == ()
    assert read.root is not None
    return read.root.plain()


@pytest.mark.parametrize(
    "typed",
    ["0400", "1.10", "NO", "yes", "on", "true", "0x10", "0o17", "1e3", ".nan", "2026-01-01", "12:30", "1_0", "<="],
)
def test_plain_scalars_stay_the_text_that_was_typed(typed: str) -> None:
    assert plain(f"a: {typed}") == {"a": typed}


@pytest.mark.parametrize("typed", ["", "~", "null", "Null", "NULL", "!!null x"])
def test_only_null_is_no_text(typed: str) -> None:
    assert plain(f"a: {typed}") == {"a": None}
    assert plain('a: "null"\nb: !!str null\nc: ""') == {"a": "null", "b": "null", "c": ""}


def test_all_ways_to_write_a_text_give_it() -> None:
    assert plain("a: >-\n  b\n  c\nd: |-\n  e\n  f\ng: 'h'\ni: \"\\u006a\\n\"") == {
        "a": "b c",
        "d": "e\nf",
        "g": "h",
        "i": "j\n",
    }


def test_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    assert parse_yaml("\ufeffa: 1\r\nb: 2\r\n".encode(), "a").root == parse_yaml(b"a: 1\nb: 2\n", "a").root


def test_aliases_stand_for_what_they_name() -> None:
    assert plain("a: &x [1, {b: 2}]\nc: *x") == {"a": ["1", {"b": "2"}], "c": ["1", {"b": "2"}]}


def test_every_node_and_key_knows_its_line() -> None:
    root = parse_yaml(b"a:\n  - b\n  - c:\n      d\ne: f\n", "x.yaml").root
    assert root is not None

    places = [str(root.problem("x", *path)) for path in [("a", 0), ("a", 1, "c"), ("e",), ("a", 7), ("nothing",)]]

    assert places == ["x.yaml:2: x", "x.yaml:4: x", "x.yaml:5: x", "x.yaml:2: x", "x.yaml:1: x"]
    assert str(root.key_problem("x", "a", 1, "c")) == "x.yaml:3: x"


def test_all_keys_that_stand_twice_are_named_and_the_first_counts() -> None:
    read = parse_yaml(b"a: 1\na: 2\nb: {c: 1, c: 2}\n", "x.yaml")

    assert [str(problem).split(":")[1] for problem in read.problems] == ["2", "3"]
    assert read.root is not None
    assert read.root.plain() == {"a": "1", "b": {"c": "1"}}


@pytest.mark.parametrize("name", ["", "/dev/zero", "/dev/stdin"])
def test_what_is_no_ordinary_file_is_refused_at_once(name: str, tmp_path: Path) -> None:
    read = read_yaml(tmp_path / name)

    assert read.root is None
    assert "cannot be read" in str(read.problems[0])
