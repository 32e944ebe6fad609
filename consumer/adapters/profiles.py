"""The folder of profiles: read as a whole, and again where it changes."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from consumer.adapters.file_signature import HasStat, Signature, signature
from consumer.adapters.known_fields import KnownFields
from consumer.adapters.profile_rules import ReadProfile, Surroundings, entries_of, read_profile
from consumer.adapters.secret_text import SecretTexts
from consumer.adapters.yaml_file import read_yaml
from consumer.core.address import Network
from consumer.core.located import Node
from consumer.core.problem import Problem
from consumer.core.profile import Profile

_ENDINGS: Final = (".yaml", ".yml")
NO_PROFILE: Final = "there is no profile: write one as *.yaml, e.g. with `postback init`"
_NOT_OURS: Final = (".", "#", "~")  # hidden files, and the locks and backups of editors


@dataclass(frozen=True, slots=True)
class ProfileSet:
    """
    Attributes:
        profiles: In force, in the order of their files: also the last good version of one that does not load now.
        problems: Warnings too; a profile with nothing worse is in force.
        invalid: Files that do not load, or not whole.
        named: All that stand in the files, whether they load or not; None while one hides its names from the start on:
            there may be any in it.
        was_read: The folder could be read, now or before: if not, nothing is known of its profiles.
    """

    profiles: tuple[Profile, ...]
    problems: tuple[Problem, ...]
    invalid: int
    named: frozenset[str] | None
    was_read: bool

    @property
    def is_complete(self) -> bool:
        """Whether all profiles that there are do load."""
        return self.named is not None and self.named <= {profile.name for profile in self.profiles}


@dataclass(frozen=True, slots=True)
class _File:
    """
    One file as it was read last.

    Attributes:
        files: The secrets that it refers to.
        names: Of all its profiles, also of those that do not load, with their lines.
        tells_names: Each of its profiles has one that could be read.
    """

    seen: Signature
    files: Mapping[Path, Signature]
    names: tuple[tuple[str, int], ...]
    tells_names: bool
    in_force: tuple[ReadProfile, ...]
    problems: tuple[Problem, ...]
    is_whole: bool


class ProfileFolder:
    """
    The profiles of a folder, or of one file.

    A change is taken when two looks in a row find the same: what an editor is still writing, or has moved away to
    write anew, waits for the next look.
    """

    def __init__(
        self,
        path: Path,
        *,
        environ: Mapping[str, str],
        known_fields: KnownFields | None = None,
        allow_networks: Sequence[Network] | None = None,
    ) -> None:
        """
        Args:
            known_fields: None: every field may exist.
            allow_networks: As in the settings; None: every address may be sent to.
        """
        self._path = path
        self._environ = environ
        self._surroundings = Surroundings(known_fields, allow_networks)
        self._files: dict[str, _File] = {}
        self._last_look: dict[str, tuple[Signature, ...]] = {}
        self._folder_problem: Problem | None = None
        self._was_read = False
        self._nameless: set[str] = set()

    def load(self) -> ProfileSet:
        """All profiles, every file read anew."""
        listed, self._folder_problem = self._listed()
        if self._folder_problem is None:  # a folder that is gone says nothing about its profiles
            self._files = {path: self._read(path) for path in listed}
            self._last_look = {path: (file.seen, *file.files.values()) for path, file in self._files.items()}
            if not self._was_read:
                self._nameless = {path for path, file in self._files.items() if not file.tells_names}
            self._was_read = True
        return self._set()

    def reload_if_changed(self) -> ProfileSet | None:
        """All profiles when some changed, else None. Costs a look at each file's times; meant for once a second."""
        listed, folder_problem = self._listed()
        if folder_problem:
            return self._with_problem(folder_problem)
        look = {path: self._look(path, file) for path, file in listed.items()}
        changed = {path for path in look.keys() | self._files.keys() if look.get(path) != self._loaded(path)}
        settled = {path for path in changed if look.get(path) == self._last_look.get(path)}
        self._last_look = look
        if not settled and self._folder_problem is None:
            return None
        self._folder_problem = None
        for path in settled:
            if path in look:
                self._files[path] = self._read(path)
            else:
                del self._files[path]
        return self._set()

    def _with_problem(self, problem: Problem) -> ProfileSet | None:
        is_new = problem != self._folder_problem
        self._folder_problem = problem
        return self._set() if is_new else None

    def _look(self, path: str, listed: HasStat) -> tuple[Signature, ...]:
        file = self._files.get(path)
        return (signature(listed), *(signature(secret) for secret in file.files)) if file else (signature(listed),)

    def _loaded(self, path: str) -> tuple[Signature, ...] | None:
        file = self._files.get(path)
        return (file.seen, *file.files.values()) if file else None

    def _listed(self) -> tuple[Mapping[str, HasStat], Problem | None]:
        """The files by their paths, in order."""
        try:
            if not self._path.is_dir():
                self._path.stat()
                return {str(self._path): self._path}, None
            with os.scandir(self._path) as entries:
                ours = sorted((entry.path, entry) for entry in entries if _is_ours(entry.name))
            return dict(ours), None
        except OSError as error:
            text = (
                f"the profiles cannot be read: {error.strerror}; create the folder, or correct the settings' `profiles`"
            )
            return {}, Problem(str(self._path), 1, text)

    def _read(self, path: str) -> _File:
        file = Path(path)
        seen = signature(file)
        yaml_file = read_yaml(file)
        entries, problems = entries_of(yaml_file.root) if yaml_file.root else ((), [])
        files: dict[Path, Signature] = {}
        read = []
        for entry, is_broken in _with_problems_of_yaml(entries, yaml_file.problems):
            texts = SecretTexts(self._environ, file.parent, files=files)
            read.append(read_profile(entry, texts, self._surroundings, is_broken=is_broken))
        found = (*yaml_file.problems, *problems, *(problem for one in read for problem in one.problems))
        names = tuple((one.name, one.line) for one in read if one.name is not None)
        is_whole = bool(read) and all(one.profile for one in read) and len({name for name, _ in names}) == len(names)
        tells_names = bool(read) and len(names) == len(read)
        return _File(seen, files, names, tells_names, self._in_force(path, read), found, is_whole)

    def _in_force(self, path: str, read: Sequence[ReadProfile]) -> tuple[ReadProfile, ...]:
        """The profiles that load, and in place of those that do not their last good version."""
        good: dict[str | None, ReadProfile] = {}
        for one in read:
            if one.profile:
                good.setdefault(one.name, one)  # of two of a name the later one is refused
        broken = {one.name for one in read if not one.profile}
        before = {one.name: one for one in self._files[path].in_force} if path in self._files else {}
        if not read or not broken <= before.keys():  # which profile is broken cannot be told: none is taken away
            broken = set(before)
        return (*good.values(), *(one for name, one in before.items() if name in broken and name not in good))

    def _set(self) -> ProfileSet:
        profiles: dict[str, Profile] = {}
        invalid = {path for path, file in self._files.items() if not file.is_whole}
        for path, file in sorted(self._files.items()):
            for one in file.in_force:
                if one.profile is None:
                    continue
                if profiles.setdefault(one.profile.name, one.profile) is not one.profile:
                    invalid.add(path)
        return ProfileSet(
            tuple(profiles.values()),
            tuple(self._problems()),
            len(invalid),
            named=self._named(),
            was_read=self._was_read,
        )

    def _named(self) -> frozenset[str] | None:
        if not all(self._files[path].tells_names for path in self._nameless & self._files.keys()):
            return None
        return frozenset(name for file in self._files.values() for name, _ in file.names)

    def _problems(self) -> list[Problem]:
        if self._folder_problem:
            return [self._folder_problem]
        problems = [*_same_names(self._files), *_unread_folders(self._path)]
        if not self._files:
            problems.append(Problem(str(self._path), 1, NO_PROFILE, "warning"))
        for file in self._files.values():
            problems += file.problems
        return sorted(problems, key=lambda problem: (problem.file, problem.line))


def _same_names(files: Mapping[str, _File]) -> Iterator[Problem]:
    """A problem at every place of a name but its first."""
    places: dict[str, str] = {}
    for path, file in sorted(files.items()):
        for name, line in file.names:
            if name in places:
                text = f"another profile, at {places[name]}, is called `{name}`, too: give each its own name"
                yield Problem(path, line, text)
            places.setdefault(name, f"{path}:{line}")


def _unread_folders(path: Path) -> Iterator[Problem]:
    """Folders inside that hold profiles, as it looks."""
    try:
        folders = [inner for inner in path.iterdir() if inner.is_dir() and not inner.name.startswith(_NOT_OURS)]
        for folder in folders:
            if any(_is_ours(inner.name) for inner in folder.iterdir()):
                yield Problem(str(folder), 1, "a folder inside is not read: move its profiles up", "warning")
    except OSError:
        return  # one file instead of a folder, or nothing to be read: there is nothing inside


def _with_problems_of_yaml(entries: Sequence[Node], problems: Sequence[Problem]) -> list[tuple[Node, bool]]:
    """Each entry, and whether one of the YAML's own problems (a key twice) stands in it."""
    begins = [max((entry.line for entry in entries if entry.line <= one.line), default=0) for one in problems]
    return [(entry, entry.line in begins) for entry in entries]


def _is_ours(name: str) -> bool:
    return name.lower().endswith(_ENDINGS) and not name.startswith(_NOT_OURS)
