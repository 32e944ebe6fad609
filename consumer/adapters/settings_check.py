"""The settings with all that can be known about them without a network: also their schemas, and the names of events."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

from consumer.adapters.avro.schema import Schema, field_names, whole_numbers
from consumer.adapters.known_fields import KnownFields
from consumer.adapters.schemas import load_schemas, shipped_schemas
from consumer.adapters.settings_file import SettingsFile, read_settings
from consumer.core.errors import SettingsError
from consumer.core.event import EventNames
from consumer.core.located import Node
from consumer.core.problem import Problem, Severity
from consumer.settings import Settings

_NEEDED: Final = frozenset({"id", "order_id", "test_card"})
"""Without these an event goes to the dead letters; without the others it only says less."""


@dataclass(frozen=True, slots=True)
class SettingsCheck:
    """
    Attributes:
        settings: None when they cannot be used.
        has_file: Whether there is a settings file that is YAML.
        profiles: Where the profiles are, also when other settings are wrong.
        known_fields: None when the schemas cannot be read.
    """

    settings: Settings | None
    problems: tuple[Problem, ...]
    has_file: bool
    profiles: Path
    known_fields: KnownFields | None


def check_settings(path: Path | None, environ: Mapping[str, str]) -> SettingsCheck:
    """Everything that is wrong with the settings, in one pass."""
    file = read_settings(path, environ)
    known, problems = known_fields(file)
    if known:
        problems += _unknown_names(file.root, known)
    return SettingsCheck(file.settings, (*file.problems, *problems), file.has_file, file.profiles, known)


def known_fields(file: SettingsFile) -> tuple[KnownFields | None, list[Problem]]:
    """The fields of the folder's schemas, or of those that are shipped; a registry may have more."""
    folder = file.schema_folder or shipped_schemas()
    try:
        schemas = load_schemas(folder)
    except SettingsError as error:
        return None, [_schema_problem(folder, text) for text in error.problems]
    event = file.settings.event.names if file.settings else EventNames()
    return known_in(schemas, event, "warning" if file.has_registry else "error"), []


def known_in(schemas: Collection[Schema], event: EventNames, severity: Severity) -> KnownFields:
    """What these schemas tell of events; what ids look like only where no others can come."""
    numbers = whole_numbers(schemas) if severity == "error" else frozenset()
    campaign, product = (name if name in numbers else None for name in (event.campaign, event.products))
    return KnownFields(field_names(schemas), severity, campaign=campaign, product=product)


def _schema_problem(folder: Path, text: str) -> Problem:
    found = re.fullmatch(r"(.+?\.avsc|.+?)(?::(\d+))?: (.*)", text, re.DOTALL)
    return Problem(found[1], int(found[2] or 1), found[3]) if found else Problem(str(folder), 1, text)


def _unknown_names(root: Node, known: KnownFields) -> list[Problem]:
    """Names of the `event` section that no schema has."""
    problems = []
    section, defaults = root.get("event") or root, EventNames()
    for key in (field.name for field in fields(EventNames)):
        node = root.get("event", key)
        name = getattr(defaults, key) if node is None else node.value
        if not isinstance(name, str) or (wrong := known.why_unknown(name.removesuffix("[]"))) is None:
            continue
        severity: Severity = known.severity if key in _NEEDED else "warning"
        advice = "" if "did you mean" in wrong else ": name the field that has it"
        text = f"`event.{key}`: {wrong}{advice}"
        problems.append(section.problem(text, key, severity=severity))
    return problems
