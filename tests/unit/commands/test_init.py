"""`postback init`: a start that is right, shows every default, and overwrites nothing."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from consumer.__main__ import main
from consumer.adapters.profiles import ProfileFolder
from consumer.adapters.settings_file import load_settings
from consumer.adapters.yaml_file import parse_yaml
from consumer.settings import parse_settings

FILES = [".postback/profile.schema.json", ".postback/settings.schema.json", "postback.yaml", "profiles/sample.yaml"]


@pytest.fixture
def start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["init", str(tmp_path / "new")]) == 0
    capsys.readouterr()
    return tmp_path / "new"


def test_what_it_writes_passes_the_check(start: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", "--config", str(start / "postback.yaml")])

    assert (code, capsys.readouterr().out) == (0, "good: the settings, 1 profile: sample\n")


def test_it_says_what_it_wrote_and_what_can_be_done_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["init", str(tmp_path / "my start")])

    out = capsys.readouterr().out
    assert all(f"written  {tmp_path}/my start/{name}\n" in out for name in FILES)
    assert f"  cd '{tmp_path}/my start'\n" in out
    assert {"check", "preview", "demo", "run"} <= set(re.findall(r"^  postback (\w+)", out, re.MULTILINE))


def test_without_a_folder_it_writes_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    main(["init"])

    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()) == FILES


def test_nothing_is_overwritten(start: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in FILES:
        (start / name).write_text("mine")

    code = main(["init", str(start)])

    assert code == 0
    assert all((start / name).read_text() == "mine" for name in FILES)
    assert capsys.readouterr().out.count("(left as it is)") == len(FILES)


def test_folder_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")

    code = main(["init", str(tmp_path / "file")])

    assert code == 1
    assert re.search(r"file/postback\.yaml:1: cannot be written: .*; choose another folder\n$", capsys.readouterr().out)


def test_first_line_gives_editors_a_schema_that_the_file_obeys(start: Path) -> None:
    for name in ("postback.yaml", "profiles/sample.yaml"):
        path = start / name
        first, _, rest = path.read_text().partition("\n")
        found = re.fullmatch(r"# yaml-language-server: \$schema=(.+)", first)
        assert found
        schema = json.loads((path.parent / found[1]).read_text())
        jsonschema.validate(yaml.safe_load(rest), schema, jsonschema.Draft202012Validator)


def test_comments_of_the_settings_show_every_key_with_its_default(start: Path) -> None:
    """What is commented out is switched on line by line; the samples of a client's properties are left out."""
    text = (start / "postback.yaml").read_text()
    lines = [re.sub(r"^( *)# (?=( *)[a-z_]+:)", r"\1", line) for line in text.splitlines()]
    shown = "\n".join(line for line in lines if not re.match(r"  (client|  s(asl|ecurity)\.)", line))

    root = parse_yaml(shown.encode(), "shown").root
    assert root is not None
    settings, problems = parse_settings(root)

    assert problems == []
    assert settings is not None
    keys = settings.model_dump(exclude={"kafka": {"client"}})
    plain = root.plain()
    assert isinstance(plain, dict)
    assert list(plain) == list(keys)
    for section, values in keys.items():
        inner = plain[section]
        assert not isinstance(values, dict) or (isinstance(inner, dict) and list(inner) == list(values))
    as_it_is = load_settings(start / "postback.yaml", {})
    assert settings.model_dump(exclude={"profiles"}) == as_it_is.model_dump(exclude={"profiles"})


def test_commented_rows_of_the_sample_are_right_too(start: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = start / "profiles/sample.yaml"
    switched_on = r"^( *)# (?=( *)(- \{|partials:|latest_only:|skip_converted:))"
    path.write_text(re.sub(switched_on, r"\1", path.read_text(), flags=re.MULTILINE))

    found = ProfileFolder(path.parent, environ={"RECEIVER_TOKEN": "x"}).load()

    assert found.problems == ()
    assert [header.name for header in found.profiles[0].headers] == ["Content-Type", "X-Token"]
    assert len(found.profiles[0].routes) == 2
