"""`postback log`: what became of deliveries, attempt by attempt: the answer to "why did nothing arrive?"."""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from consumer.adapters.profiles import ProfileSet
from consumer.commands import Subparsers, add_config_option, settings_of
from consumer.commands.absent_text import absent_lines, unfit_text
from consumer.commands.log_text import LogLines, open_line
from consumer.commands.progress import Progress
from consumer.core.printable import printable
from consumer.core.topics import TopicNames
from consumer.service.asking import Brokers, asking
from consumer.service.assembly import Parts, clock_ms
from consumer.service.history import Past, Question, Row, coming_rows, ends, past_rows
from consumer.service.open_deliveries import open_deliveries
from consumer.settings import Settings

_LENGTH: Final = re.compile(r"([0-9]{1,6})(s|m|min|h|d)")
_UNITS: Final = {"s": "seconds", "m": "minutes", "min": "minutes", "h": "hours", "d": "days"}


def _length(text: str) -> timedelta:
    found = _LENGTH.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a length of time: write 30m, 2h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= 1_000_000:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to 1000000")
    return int(text)


def add_parser(subparsers: Subparsers) -> None:
    """`postback log [--order ID] [--profile P] [--since 2h] [--failed] [--follow] [--json]`."""
    parser = subparsers.add_parser(
        "log",
        help="what became of an order's deliveries, attempt by attempt",
        description="Every attempt, every suppression with its reason, and events that could not be used.",
        epilog="Events that no profile took, or that were paid with the test card, have no profile: use --order.",
    )
    parser.add_argument("--order", metavar="ID", help="of one order, as far back as is kept, and what still waits")
    parser.add_argument("--profile", metavar="NAME", help="of one profile")
    parser.add_argument("--since", type=_length, metavar="LENGTH", help="30m, 2h, 7d; default 24h, or all with --order")
    parser.add_argument("--failed", action="store_true", help="only what failed or went to the dead letters")
    parser.add_argument("--follow", action="store_true", help="then show new ones, until Ctrl-C")
    parser.add_argument("--limit", type=_count, default=1_000, metavar="N", help="only the newest N (default 1000)")
    parser.add_argument("--json", action="store_true", help="for machines: one object per line")
    add_config_option(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read, and show."""
    settings = settings_of(args)
    names = TopicNames(settings.kafka.topic_prefix)
    since = args.since or (None if args.order else timedelta(days=1))
    question = Question(
        order=args.order,
        profile=args.profile,
        since_ms=None if since is None else clock_ms() - int(since.total_seconds() * 1000),
        only_failed=args.failed,
    )
    progress = Progress()
    with asking(settings, on_read=progress) as brokers:
        starts = ends(brokers, names)
        past = past_rows(brokers, names, question, limit=args.limit)
        progress.end()
        lines = LogLines(past.rows)
        _print(past.rows, lines, as_json=args.json)
        if past.left_out:
            print(f"{past.left_out} older ones are left out: see --limit", file=sys.stderr)
        if args.order and not args.json:
            _print_rest(brokers, settings, question, past)
        elif not past.rows and not args.follow:
            print(f"no entries {_asked(args)}", file=sys.stderr)
            unfit = args.profile and unfit_text(_profiles(settings), args.profile)
            if unfit:
                print(printable(unfit), file=sys.stderr)
        if args.follow:
            return _follow(brokers, names, question, starts, lines=lines, as_json=args.json)
    return 0


def _print(rows: Sequence[Row], lines: LogLines, *, as_json: bool) -> None:
    for row in rows:
        print(json.dumps(row, ensure_ascii=False) if as_json else lines.line(row), flush=True)


def _follow(  # the arguments are one question and one way to show
    brokers: Brokers, names: TopicNames, question: Question, starts: dict[tuple[str, int], int], *, lines: LogLines,
    as_json: bool,
) -> int:  # fmt: skip
    try:
        for row in coming_rows(brokers, names, question, starts):
            _print([row], lines, as_json=as_json)
    except KeyboardInterrupt:
        pass
    return 0


def _print_rest(brokers: Brokers, settings: Settings, question: Question, past: Past) -> None:
    """
    What of the order is still to come, and who gets nothing of it; and what may be the matter when nothing at all is
    known of it.
    """
    order = question.order or ""
    profiles = _profiles(settings)
    waiting = list(open_deliveries(brokers, settings, profiles.profiles, order))
    now_ms = clock_ms()
    for one in waiting:
        if question.takes_waiting(one.waiting):
            print(open_line(one, now_ms))
    if not waiting and not past.rows and not past.told and not past.is_unrouted:
        print(
            f"Nothing is known of order {order}: its event has not arrived, waits on a source topic (see `postback"
            " status`), cannot be decoded and has no key (see `postback log --failed`), or is older than the outcomes"
            " that are kept."
        )
        return
    told = past.told.union(one.waiting.profile for one in waiting)
    if question.since_ms is None and (told or past.is_unrouted):
        for line in absent_lines(profiles, told, only=question.profile):
            print(printable(line))


def _profiles(settings: Settings) -> ProfileSet:
    return Parts.of(settings).profile_folder().load()


def _asked(args: argparse.Namespace) -> str:
    words = [f"for {args.profile}"] if args.profile else []
    words += ["that failed"] if args.failed else []
    return " ".join([*words, "in that period; widen --since"])
