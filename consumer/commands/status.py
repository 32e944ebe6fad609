"""`postback status`: where everything stands, from the brokers alone."""

import argparse
import json
import sys
import time
from typing import Final

from rich.console import Console

from consumer.adapters.profiles import ProfileFolder
from consumer.commands import Subparsers, add_config_option, settings_of
from consumer.commands.progress import Progress
from consumer.commands.status_text import status_json, status_tables
from consumer.core.errors import BrokerUnreachable
from consumer.service.asking import Brokers, asking
from consumer.service.assembly import Parts, clock_ms
from consumer.service.status import Status, read_status
from consumer.settings import Settings

_EVERY_S: Final = 2.0


def add_parser(subparsers: Subparsers) -> None:
    """`postback status [--json] [--watch]`."""
    parser = subparsers.add_parser(
        "status",
        help="what waits, what is due, what is retried, from the brokers alone",
        description="Looks at every delivery that waits, and counts it. A running service is not affected.",
    )
    parser.add_argument("--json", action="store_true", help="for machines; with --watch one object per line")
    parser.add_argument("--watch", action="store_true", help="repeat every 2 seconds, until Ctrl-C")
    add_config_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Look, and show."""
    settings = settings_of(args)
    folder = Parts.of(settings).profile_folder()
    progress = Progress()
    with asking(settings, on_read=progress) as brokers:
        if not args.watch:
            show(_look(brokers, settings, folder, progress), as_json=args.json, is_one_of_many=False)
            return 0
        return _watch(brokers, settings, folder, progress, as_json=args.json)


def _watch(brokers: Brokers, settings: Settings, folder: ProfileFolder, progress: Progress, *, as_json: bool) -> int:
    """Until Ctrl-C, which is how it is meant to end."""
    try:
        while True:
            try:
                show(_look(brokers, settings, folder, progress), as_json=as_json, is_one_of_many=True)
            except BrokerUnreachable as error:  # they come back: who watches wants to see it
                print(error, file=sys.stderr)
            time.sleep(_EVERY_S)
    except KeyboardInterrupt:
        return 0


def _look(brokers: Brokers, settings: Settings, folder: ProfileFolder, progress: Progress) -> Status:
    progress.begin()
    try:
        return read_status(brokers, settings, folder.load(), clock_ms())
    finally:
        progress.end()


def show(status: Status, *, as_json: bool, is_one_of_many: bool) -> None:
    """On stdout, as wide as that is."""
    if as_json:
        print(json.dumps(status_json(status), indent=None if is_one_of_many else 2), flush=True)
        return
    is_terminal = sys.stdout.isatty()
    # In a pipe nothing is wrapped, coloured or cut; on a terminal Rich asks NO_COLOR.
    console = Console(width=None if is_terminal else 10_000, no_color=None if is_terminal else True, highlight=False)
    if is_one_of_many and is_terminal:
        console.clear()
    console.print(*status_tables(status, width=console.width, is_terminal=is_terminal), sep="\n", crop=False)
    if is_one_of_many and not is_terminal:
        console.print()
    sys.stdout.flush()
