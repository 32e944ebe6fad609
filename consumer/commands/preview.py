"""`postback preview`: the exact request that an event would cause, or why it would cause none."""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from importlib.resources import as_file, files
from pathlib import Path

from consumer.adapters.avro.decoder import AvroDecoder
from consumer.adapters.event_file import FileEvent, read_event
from consumer.adapters.profiles import NO_PROFILE, ProfileFolder, ProfileSet
from consumer.adapters.settings_check import SettingsCheck, check_settings
from consumer.commands import Subparsers, add_config_option
from consumer.commands.preview_text import PreviewOutput, json_output, text_output
from consumer.core.errors import RecordError, SchemaUnavailable, SettingsError
from consumer.core.event import Event
from consumer.core.masking import Mask
from consumer.core.problem import Problem, did_you_mean
from consumer.core.profile import Profile
from consumer.service.assembly import schemas_of
from consumer.service.preview import event_schemas, plan, read_preview_event
from consumer.service.profile_files import problems_by_profile
from consumer.settings import Settings


def add_parser(subparsers: Subparsers) -> None:
    """`postback preview PROFILE --event FILE`."""
    parser = subparsers.add_parser(
        "preview",
        help="the exact request that an event would cause, or why there is none",
        description="Prints METHOD URL, the headers, an empty line and the body, or says why nothing would be sent.",
        epilog="In JSON, times are ISO 8601 or epoch milliseconds, and what is left out is null.",
    )
    parser.add_argument("profile", nargs="?", metavar="PROFILE", help="name of the profile; or use --all")
    parser.add_argument("--all", action="store_true", help="every profile")
    event = parser.add_mutually_exclusive_group(required=True)
    event.add_argument(
        "--event", type=Path, metavar="FILE", help="JSON with the fields of the event, or one Avro-encoded record"
    )
    event.add_argument("--sample", choices=("order", "partial"), help="an event that comes with the program")
    parser.add_argument("--source", metavar="TOPIC", help="treat it as from this source, for its customer_type")
    parser.add_argument("--send", action="store_true", help="send it, with the same sender and address rules as `run`")
    parser.add_argument("--show-secrets", action="store_true", help="show secrets instead of ***")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="for machines")
    shape.add_argument("--curl", action="store_true", help="as a curl command")
    add_config_option(parser)
    parser.set_defaults(run=run, usage_error=parser.error)


def run(args: argparse.Namespace) -> int:
    """Plan, show, and send if asked to."""
    if bool(args.profile) == args.all:
        args.usage_error("name one profile, or use --all for every one")
    checked = check_settings(args.config, os.environ)
    if checked.settings is None:
        raise SettingsError(*(str(problem) for problem in checked.problems if problem.severity == "error"))
    settings = checked.settings
    loaded = _folder(checked, settings).load()
    chosen = _chosen(loaded, args.profile, settings.profiles)
    mask = Mask(() if args.show_secrets else frozenset[str]().union(*(profile.secrets for profile in chosen)))
    output = PreviewOutput(settings, mask, as_curl=args.curl, sends=args.send)
    show = json_output if args.json else text_output
    try:
        found = _event(args, settings)
        event = read_preview_event(found, settings, args.source)
        _check_texts(args.event, event)
    except RecordError as error:
        return show(output, error, [])
    except SchemaUnavailable as error:
        raise SettingsError(f"{args.event}:1: its schema cannot be fetched: {error}; try again later") from error
    _whisper([*_problems_of(loaded, chosen), *found.doubts])
    return max(show(output, event, [plan(event, profile, settings) for profile in chosen]), _broken(args, loaded))


def _folder(checked: SettingsCheck, settings: Settings) -> ProfileFolder:
    return ProfileFolder(
        checked.profiles,
        environ=os.environ,
        known_fields=checked.known_fields,
        allow_networks=settings.http.allow_networks,
    )


def _chosen(loaded: ProfileSet, name: str | None, folder: Path) -> Sequence[Profile]:
    """
    Raises:
        SettingsError: There is no profile of that name that loads; says why.
    """
    if name is None:
        if not loaded.profiles and all(problem.severity != "error" for problem in loaded.problems):
            raise SettingsError(f"{folder}:1: {NO_PROFILE}")
        return loaded.profiles
    found = [profile for profile in loaded.profiles if profile.name == name]
    if found:
        return found
    by_profile = problems_by_profile(loaded)
    if name in by_profile:
        raise SettingsError(*map(str, by_profile[name]))
    known = sorted({*(profile.name for profile in loaded.profiles), *by_profile})
    close = did_you_mean(name, known, closeness=0.5)
    text = f"there is no profile `{name}`{close or '; there are ' + (', '.join(known) or 'none yet')}"
    raise SettingsError(f"{folder}:1: {text}", *(str(problem) for problem in loaded.problems if not loaded.profiles))


def _event(args: argparse.Namespace, settings: Settings) -> FileEvent:
    decoder, schemas = AvroDecoder(schemas_of(settings)), event_schemas(settings)
    if args.event is not None:
        return read_event(args.event, decoder, schemas)
    with as_file(files("consumer") / "templates" / f"{args.sample}.json") as path:
        return read_event(path, decoder, schemas)


def _check_texts(file: Path | None, event: Event) -> None:
    """
    What names a delivery must be text that an event in Avro can have; other values are sent with U+FFFD, as any.

    Raises:
        SettingsError: JSON can write half a character, Avro cannot.
    """
    texts = {"event id": event.event_id, "order id": event.order_id, "customer type": " ".join(event.customer_types)}
    for what, text in texts.items():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(text[error.start]):04x}"
            why = f"the {what} has {half}, half a character, which no event in Avro can have"
            raise SettingsError(f"{file}:1: {why}: correct the escape") from error


def _problems_of(loaded: ProfileSet, chosen: Iterable[Profile]) -> list[Problem]:
    by_profile = problems_by_profile(loaded)
    return [problem for profile in chosen for problem in by_profile.get(profile.name, ())]


def _whisper(problems: Iterable[Problem]) -> None:
    """Beside the request, which is all that stands on stdout."""
    for problem in problems:
        print(problem, file=sys.stderr)


def _broken(args: argparse.Namespace, loaded: ProfileSet) -> int:
    """With --all, profiles that do not load are a problem; of them there is no preview."""
    names = {profile.name for profile in loaded.profiles}
    broken = [one for name, found in problems_by_profile(loaded).items() if name not in names for one in found]
    if not args.all or args.json:
        return 0
    for problem in broken:
        print(problem)
    return 1 if broken else 0
