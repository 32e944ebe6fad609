"""
What a change in the folder does: what is still being written waits for the next look, a broken version leaves the last
good one in force. Nothing sleeps: a look is a call.
"""

import os
from pathlib import Path

import pytest

from consumer.adapters.profiles import ProfileFolder, ProfileSet
from tests.profile_texts import profile

BROKEN = "name: a\npostback_url: [\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "a.yaml", profile(name="a", url="https://example.com/1"))
    write(tmp_path / "b.yaml", profile(name="b"))
    return tmp_path


def write(path: Path, text: str) -> None:
    """Writes with a time of its own: file systems stamp by the tick of a clock that two writes of a test may share."""
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, "utf-8")
    os.utime(path, ns=(before + 1_000_000, before + 1_000_000))


def opened(folder: Path) -> ProfileFolder:
    profiles = ProfileFolder(folder, environ={})
    profiles.load()
    return profiles


def taken(profiles: ProfileFolder) -> ProfileSet | None:
    """What two looks give: the first sees the change, the second that nobody is at it any more."""
    first = profiles.reload_if_changed()
    assert first is None
    return profiles.reload_if_changed()


def names(found: ProfileSet | None) -> list[str]:
    assert found is not None
    return [one.name for one in found.profiles]


def test_nothing_is_read_while_nothing_changes(folder: Path) -> None:
    profiles = opened(folder)

    assert [profiles.reload_if_changed() for _ in range(3)] == [None, None, None]


def test_changed_file_is_in_force_after_two_looks(folder: Path) -> None:
    profiles = opened(folder)
    write(folder / "a.yaml", profile(name="a", url="https://example.com/2"))

    found = taken(profiles)

    assert found is not None
    assert [one.url for one in found.profiles] == ["https://example.com/2", "https://example.com/partials.php"]
    assert profiles.reload_if_changed() is None


def test_file_that_is_still_being_written_is_not_taken(folder: Path) -> None:
    profiles = opened(folder)

    for size in range(3):
        write(folder / "a.yaml", profile(name="a", more="# " + "x" * size))
        assert profiles.reload_if_changed() is None
    assert profiles.reload_if_changed() is not None


def test_file_that_changes_all_the_time_does_not_hold_up_the_others(folder: Path) -> None:
    profiles = opened(folder)
    write(folder / "c.yaml", profile(name="c"))
    write(folder / "a.yaml", profile(name="a", more="# 1"))
    profiles.reload_if_changed()

    write(folder / "a.yaml", profile(name="a", more="# 2"))

    assert names(profiles.reload_if_changed()) == ["a", "b", "c"]


@pytest.mark.parametrize("text", [BROKEN, "", "- 5\n", profile(name="a b"), profile(name="a", url="nowhere"), "\0"])
def test_version_that_does_not_load_leaves_the_last_good_one_in_force(folder: Path, text: str) -> None:
    profiles = opened(folder)
    write(folder / "a.yaml", text)

    found = taken(profiles)

    assert found is not None
    assert {one.name: one.url for one in found.profiles}["a"] == "https://example.com/1"
    assert found.invalid == 1
    assert any(problem.severity == "error" and problem.file.endswith("a.yaml") for problem in found.problems)


def test_file_that_is_mended_is_taken(folder: Path) -> None:
    profiles = opened(folder)
    write(folder / "a.yaml", BROKEN)
    taken(profiles)
    write(folder / "a.yaml", profile(name="a", url="https://example.com/3"))

    found = taken(profiles)

    assert found is not None
    assert found.profiles[0].url == "https://example.com/3"
    assert found.invalid == 0


def test_broken_profile_of_a_list_keeps_its_own_last_good_version_and_the_others_change(tmp_path: Path) -> None:
    path = tmp_path / "list.yaml"
    one = "- name: {}\n  postback_url: https://example.com/{}\n  routing: [{{customer_type: All}}]\n"
    write(path, one.format("a", 1) + one.format("b", 1))
    profiles = opened(tmp_path)
    write(path, one.format("a", "%zz x") + one.format("b", 2))

    found = taken(profiles)

    assert found is not None
    assert {p.name: p.url for p in found.profiles} == {"a": "https://example.com/1", "b": "https://example.com/2"}


def test_load_keeps_the_last_good_version_too(folder: Path) -> None:
    profiles = opened(folder)
    write(folder / "a.yaml", BROKEN)

    found = profiles.load()

    assert (names(found), found.invalid) == (["a", "b"], 1)


def test_deleted_file_takes_its_profile_with_it(folder: Path) -> None:
    profiles = opened(folder)
    (folder / "a.yaml").unlink()

    assert names(taken(profiles)) == ["b"]


def test_deleted_file_that_was_broken_takes_its_last_good_version_with_it(folder: Path) -> None:
    profiles = opened(folder)
    write(folder / "a.yaml", BROKEN)
    taken(profiles)
    (folder / "a.yaml").unlink()

    assert names(taken(profiles)) == ["b"]


def test_editor_that_writes_a_new_file_and_renames_it_changes_the_profile_and_drops_none(folder: Path) -> None:
    profiles = opened(folder)
    (folder / "a.yaml").rename(folder / "a.yaml~")
    assert profiles.reload_if_changed() is None
    write(folder / ".a.tmp", profile(name="a", url="https://example.com/2"))
    (folder / ".a.tmp").rename(folder / "a.yaml")

    found = taken(profiles)

    assert found is not None
    assert [one.url for one in found.profiles] == ["https://example.com/2", "https://example.com/partials.php"]


def test_renamed_file_keeps_its_profile(folder: Path) -> None:
    profiles = opened(folder)
    (folder / "a.yaml").rename(folder / "z.yaml")

    assert names(taken(profiles)) == ["b", "a"]


def test_file_of_a_secret_that_changes_changes_the_profile(tmp_path: Path) -> None:
    write(tmp_path / "token", "first")
    write(tmp_path / "a.yaml", profile(url="https://example.com/${file:token}"))
    profiles = opened(tmp_path)
    write(tmp_path / "token", "second")

    found = taken(profiles)

    assert found is not None
    assert found.profiles[0].url == "https://example.com/second"


def test_secret_that_comes_later_lets_the_profile_load(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml", profile(name="a", url="https://example.com/${file:token}"))
    profiles = opened(tmp_path)
    write(tmp_path / "token", "there")

    assert names(taken(profiles)) == ["a"]


def test_mounted_config_map_is_followed_when_its_link_is_switched(tmp_path: Path) -> None:
    for version in ("1", "2"):
        (tmp_path / f"..{version}").mkdir()
        write(tmp_path / f"..{version}" / "a.yaml", profile(name="a", url=f"https://example.com/{version}"))
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "a.yaml").symlink_to("..data/a.yaml")
    profiles = opened(tmp_path)
    (tmp_path / "..new").symlink_to("..2")
    (tmp_path / "..new").rename(tmp_path / "..data")

    found = taken(profiles)

    assert found is not None
    assert [one.url for one in found.profiles] == ["https://example.com/2"]


def test_folder_that_is_gone_takes_no_profile_with_it_and_is_reported_once(folder: Path) -> None:
    profiles = opened(folder)
    folder.rename(folder.with_name("moved"))

    found = profiles.reload_if_changed()

    assert names(found) == ["a", "b"]
    assert found is not None
    assert "cannot be read" in str(found.problems[0])
    assert profiles.reload_if_changed() is None

    folder.with_name("moved").rename(folder)
    back = profiles.reload_if_changed()
    assert names(back) == ["a", "b"]
    assert back is not None
    assert all("cannot be read" not in str(problem) for problem in back.problems)
    folder.rename(folder.with_name("moved"))
    folder.with_name("moved").rename(folder)


def test_file_that_nobody_may_read_leaves_the_last_good_version_in_force(folder: Path) -> None:
    profiles = opened(folder)
    (folder / "a.yaml").unlink()
    (folder / "a.yaml").symlink_to(folder / "nowhere")

    assert names(taken(profiles)) == ["a", "b"]
