"""What profile files name, also where they do not load: for commands that are asked about one profile."""

from collections.abc import Iterable
from pathlib import Path

from consumer.adapters.profile_rules import entries_of
from consumer.adapters.profiles import ProfileSet
from consumer.adapters.yaml_file import read_yaml
from consumer.core.problem import Problem


def named_in(path: Path) -> list[tuple[str, int]]:
    """Names of the profiles in a file, with the line where each begins; its own name for one that is no YAML."""
    root = read_yaml(path).root
    entries = entries_of(root)[0] if root else ()
    named = [(name, entry.line) for entry in entries if (name := entry.text("name"))]
    return named or [(path.stem, 1)]


def problems_by_profile(profiles: ProfileSet) -> dict[str, list[Problem]]:
    """The problems of each profile that has some; one that is not among the loaded ones is invalid."""
    found: dict[str, list[Problem]] = {}
    for file, problems in _by_file(profiles.problems).items():
        named = named_in(Path(file)) if Path(file).is_file() else []
        for problem in problems:
            owner = _owner(named, problem.line)
            if owner is not None:
                found.setdefault(owner, []).append(problem)
    return found


def _by_file(problems: Iterable[Problem]) -> dict[str, list[Problem]]:
    files: dict[str, list[Problem]] = {}
    for problem in problems:
        files.setdefault(problem.file, []).append(problem)
    return files


def _owner(named: list[tuple[str, int]], line: int) -> str | None:
    before = [name for name, begin in named if begin <= line]
    return before[-1] if before else next((name for name, _ in named), None)
