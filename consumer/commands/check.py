"""`postback check`: every problem of the settings and profiles in one pass."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from consumer.adapters.known_fields import KnownFields
from consumer.adapters.profiles import ProfileFolder, ProfileSet
from consumer.adapters.settings_check import SettingsCheck, check_settings
from consumer.adapters.settings_file import read_settings
from consumer.commands import Subparsers, add_config_option
from consumer.core.problem import Problem
from consumer.core.profile import Profile
from consumer.service.profile_files import problems_by_profile
from consumer.settings import Settings


def add_parser(subparsers: Subparsers) -> None:
    """`postback check [--config FILE] [--live]`."""
    parser = subparsers.add_parser(
        "check",
        help="find every problem in the settings and profiles",
        description="Prints every problem as FILE:LINE: what is wrong, and what to do. Exit code 1 for an error.",
    )
    add_config_option(parser)
    parser.add_argument(
        "--live", action="store_true", help="also ask the brokers and the registry: topics, retention, schemas"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check, print, and sum up."""
    checked = check_settings(args.config, os.environ)
    if args.live and checked.settings is not None:
        profiles, problems = _live(args.config, checked, checked.settings)
    else:
        profiles = _profiles(checked, checked.known_fields)
        problems = [*checked.problems, *profiles.problems]
    for problem in problems:
        print(problem)
    errors = sum(problem.severity == "error" for problem in problems)
    of_bad = {
        name for name, found in problems_by_profile(profiles).items() if any(p.severity == "error" for p in found)
    }
    fit = [profile for profile in profiles.profiles if profile.name not in of_bad]
    good = _good(fit, with_settings=checked.settings is not None)
    print(f"{_found(errors, len(problems) - errors)}good: {', '.join(good) or 'nothing yet'}")
    return 1 if errors else 0


def _profiles(checked: SettingsCheck, known_fields: KnownFields | None) -> ProfileSet:
    if not checked.has_file and not checked.profiles.exists():
        return ProfileSet((), (), 0, named=None, was_read=False)
    folder = ProfileFolder(
        checked.profiles,
        environ=os.environ,
        known_fields=known_fields,
        allow_networks=checked.settings.http.allow_networks if checked.settings else None,
    )
    return folder.load()


def _live(config: Path | None, checked: SettingsCheck, settings: Settings) -> tuple[ProfileSet, list[Problem]]:
    """The profiles, judged by the registry's schemas too; and all problems, in the order of what they depend on."""
    from consumer.service.live_check import (  # noqa: PLC0415 - no Kafka client without --live
        broker_problems,
        registry_problems,
    )

    file = read_settings(config, os.environ)
    of_registry, known_fields = registry_problems(file, settings, checked.known_fields)
    profiles = _profiles(checked, known_fields)
    of_brokers = broker_problems(file, settings, profiles.profiles)
    return profiles, [*checked.problems, *profiles.problems, *of_registry, *of_brokers]


def _good(profiles: Sequence[Profile], *, with_settings: bool) -> list[str]:
    good = ["the settings"] if with_settings else []
    if profiles:
        good.append(f"{_counted(len(profiles), 'profile')}: {', '.join(_named(profile) for profile in profiles)}")
    return good


def _found(errors: int, warnings: int) -> str:
    found = [_counted(number, what) for number, what in ((errors, "error"), (warnings, "warning")) if number]
    return f"found: {', '.join(found)}; " if found else ""


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _named(profile: Profile) -> str:
    state = " (disabled)" if not profile.enabled else " (paused)" if profile.paused else ""
    return f"{profile.name}{state}"
