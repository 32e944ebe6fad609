"""`postback run`: the service."""

import argparse
import gc
import signal
from types import FrameType
from typing import Final

from consumer.commands import Subparsers, add_config_option, settings_of
from consumer.core.errors import ConsumerError, SettingsError
from consumer.log import EventLog, set_up_logging
from consumer.service.assembly import Parts
from consumer.service.supervisor import Supervisor

_COLLECT_EVERY: Final = 100_000
"""Containers made and not freed, before Python looks for cycles: as many as the deliveries in memory have. At its own
700 the search was a third of all CPU time, and found nothing: deliveries make no cycles."""

_log = EventLog("service")


def add_parser(subparsers: Subparsers) -> None:
    """`postback run [--config FILE] [--role ROLE]`."""
    parser = subparsers.add_parser("run", help="the service: from Kafka to the receivers, until SIGTERM")
    add_config_option(parser)
    parser.add_argument(
        "--role",
        choices=("all", "ingest", "dispatch"),
        default="all",
        help="ingest: source topics to windows; dispatch: windows to receivers (default: all)",
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Until SIGTERM or SIGINT."""
    settings = settings_of(args)
    set_up_logging(level=settings.log.level, format_name=settings.log.format)
    supervisor = Supervisor(Parts.of(settings), role=args.role)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        supervisor.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    gc.freeze()
    gc.set_threshold(_COLLECT_EVERY)
    try:
        supervisor.run()
    except ConsumerError as error:
        is_wrong = isinstance(error, SettingsError)
        advice = "correct the setting" if is_wrong else "a restart continues from the committed offsets"
        _log.error("service.failed", error=str(error), advice=advice)
        return 1
    return 0
