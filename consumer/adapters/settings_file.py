"""From `postback.yaml` and the environment to `Settings`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from consumer.adapters.environment import overridden
from consumer.adapters.secret_text import SecretError, SecretTexts
from consumer.adapters.yaml_file import YamlFile, read_yaml
from consumer.core.errors import SettingsError
from consumer.core.located import Node
from consumer.core.problem import Problem
from consumer.settings import Settings, parse_settings

_DEFAULT: Final = Path("postback.yaml")
_NO_FILE: Final = "there is no such settings file: write one with `postback init`, or name yours with --config"
_NO_PATHS: Final = frozenset({"", "probe"})  # librdkafka looks for the system's certificates at `probe`


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """
    Attributes:
        settings: None when there is an error among the problems.
        root: The merged tree, as far as there is one.
        has_file: There is a YAML file, or the environment stands in for one.
        profiles: Where the profiles are, also when other settings are wrong.
        schema_folder: The same of `schemas.folder`.
    """

    settings: Settings | None
    problems: tuple[Problem, ...]
    root: Node
    has_file: bool
    profiles: Path
    schema_folder: Path | None
    has_registry: bool


def load_settings(path: Path | None, environ: Mapping[str, str]) -> Settings:
    """
    Args:
        path: From `--config`; None: `POSTBACK_CONFIG`, else `./postback.yaml`.

    Raises:
        SettingsError: Names every problem at once.
    """
    found = read_settings(path, environ)
    if found.settings is None:
        raise SettingsError(*(str(problem) for problem in found.problems if problem.severity == "error"))
    return found.settings


def read_settings(path: Path | None, environ: Mapping[str, str]) -> SettingsFile:
    """The settings with all their problems, warnings too."""
    chosen = path or (Path(environ["POSTBACK_CONFIG"]) if environ.get("POSTBACK_CONFIG") else None)
    # A file that nobody asked for may be absent: the environment may have everything.
    is_absent = chosen is None and not _DEFAULT.exists()
    file = YamlFile(Node(str(_DEFAULT), 1, None)) if is_absent else read_yaml(chosen or _DEFAULT)
    base = file.root or Node(str(chosen or _DEFAULT), 1, None)
    folder = Path(base.file).parent
    root, problems = overridden(replace(base, value=base.entries()), environ)
    if is_absent and not root.value and not problems:
        file = YamlFile(None, (Problem(base.file, 1, _NO_FILE),))
    root, wrong_secrets = _filled(root, SecretTexts(environ, folder))
    return _checked(file, _rooted(root, folder), [*problems, *wrong_secrets])


def _checked(file: YamlFile, root: Node, problems: list[Problem]) -> SettingsFile:
    settings = None
    found = [*file.problems, *problems]
    if file.root is not None:
        is_mapping = isinstance(file.root.value, Mapping | None)
        settings, wrong_values = parse_settings(root if is_mapping else file.root)
        found += wrong_values
    if settings is not None and settings.kafka.client:
        found += _wrong_client(root, settings)
    schema_folder = root.text("schemas", "folder")
    return SettingsFile(
        None if any(problem.severity == "error" for problem in found) else settings,
        tuple(sorted(found, key=lambda problem: (problem.file, problem.line))),
        root=root,
        has_file=file.root is not None,
        profiles=Path(root.text("profiles") or "profiles"),
        schema_folder=Path(schema_folder) if schema_folder else None,
        has_registry=root.text("schemas", "registry_url") is not None,
    )


def _wrong_client(root: Node, settings: Settings) -> list[Problem]:
    from consumer.adapters.kafka.client_check import wrong_properties  # noqa: PLC0415 - no Kafka client without need

    return [
        root.key_problem(
            f"`kafka.client`: {why}: correct or remove the property", "kafka", "client", *filter(None, [name])
        )
        for name, why in wrong_properties(settings.kafka.client)
    ]


def _filled(root: Node, texts: SecretTexts) -> tuple[Node, list[Problem]]:
    """*root* with secrets in those settings that may refer to some."""
    problems: list[Problem] = []
    paths = [("schemas", f"registry_{name}") for name in ("url", "username", "password")]
    for path in (*paths, *(("kafka", "client", name) for name in root.entries("kafka", "client"))):
        node = root.get(*path)
        if node is None or not isinstance(node.value, str):
            continue
        try:
            root = root.put(replace(node, value=texts.fill(node.value)), *path)
        except SecretError as error:
            problems.append(node.problem(f"`{'.'.join(path)}`: {error}"))
    return root, problems


def _rooted(root: Node, folder: Path) -> Node:
    """*root* with its relative paths starting at *folder*."""
    if "profiles" not in root.entries():
        root = root.put(replace(root, value="profiles", keys={}), "profiles")
    locations = [("kafka", "client", name) for name in root.entries("kafka", "client") if name.endswith(".location")]
    for path in (("profiles",), ("schemas", "folder"), *locations):
        node = root.get(*path)
        if node and isinstance(node.value, str) and node.value not in _NO_PATHS:
            root = root.put(replace(node, value=str(folder / node.value)), *path)
    return root
