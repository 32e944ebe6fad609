"""`postback`: finds the command, runs it, and turns what it raises into lines and an exit code."""

import argparse
import errno
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from consumer import __version__
from consumer.core.errors import BrokerUnreachable, ConsumerError
from consumer.core.problem import did_you_mean
from consumer.log import EventLog

# The help line of each command; its module has the same name.
_COMMANDS: Final = {
    "run": "the service: from Kafka to the receivers, until SIGTERM",
    "demo": "the whole flow on this machine, with nothing else installed",
    "init": "write a commented postback.yaml and a sample profile to start from",
    "check": "find every problem in the settings and profiles",
    "preview": "the exact request that an event would cause, or why there is none",
    "status": "what waits, what is due, what is retried, from the brokers alone",
    "log": "what became of an order's deliveries, attempt by attempt",
    "topics": "create the program's own topics",
    "schema": "JSON Schema of the settings or of a profile, for editors",
}
_INTERRUPTED: Final = 130
_STDOUT_ENDS: Final = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT})


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one command.

    Returns:
        The exit code.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    if sys.stdout is None:  # as Python has it where it was closed
        print("the output cannot be written: stdout is closed", file=sys.stderr)
        return 1
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without UTF-8 is no reason to fail
    try:
        try:
            return _called(given)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return _INTERRUPTED
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the flush at exit fails once more
        if not isinstance(error, BrokenPipeError):
            print(f"the output cannot be written: {error.strerror}", file=sys.stderr)
        return 1


def _called(arguments: Sequence[str]) -> int:
    """
    Raises:
        KeyboardInterrupt: Also while the modules of the command are imported.
        OSError: Nothing more can be written to stdout.
    """
    parser = _parser(arguments)
    args = parser.parse_args(arguments)
    if not hasattr(args, "run"):
        parser.print_help(sys.stderr)
        return 2
    return _outcome(args)


def _outcome(args: argparse.Namespace) -> int:
    try:
        return int(args.run(args))
    except BrokerUnreachable as error:
        print(_with_its_line(args, error))
        return 1
    except ConsumerError as error:
        print(*(getattr(error, "problems", None) or [str(error)]), sep="\n")
        return 1
    except Exception as error:  # the one place where what nobody expected ends
        if isinstance(error, OSError) and error.errno in _STDOUT_ENDS:
            raise
        EventLog("main").exception("program.failed")
        return 1


def _with_its_line(args: argparse.Namespace, error: BrokerUnreachable) -> str:
    """As every problem: with the place that says where the brokers are."""
    if not hasattr(args, "config"):
        return str(error)
    root = import_module("consumer.adapters.settings_file").read_settings(args.config, os.environ).root
    return str(root.problem(str(error), "kafka", "bootstrap_servers"))


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the usage of the command that was asked for, not of the program; its commands do, too."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        found, left = super().parse_known_args(args, namespace)
        if left:
            option = next((word.partition("=")[0] for word in left if word.startswith("-")), "")
            self.error(f"unrecognized arguments: {' '.join(left)}{did_you_mean(option, self._option_string_actions)}")
        return found, left

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += did_you_mean(str(value), map(str, action.choices or ()))
            raise


def _parser(arguments: Sequence[str]) -> argparse.ArgumentParser:
    """Knows all commands by name; only the module of the one that is asked for is imported."""
    parser = _Parser(prog="postback", description="Turns a CRM's events on Kafka into webhooks.")
    parser.add_argument("--version", action="version", version=f"postback {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND")
    asked_for = next((word for word in arguments if not word.startswith("-")), None)
    for name, line in _COMMANDS.items():
        if name == asked_for:
            import_module(f"consumer.commands.{name}").add_parser(subparsers)
        else:
            subparsers.add_parser(name, help=line)
    return parser


if __name__ == "__main__":
    sys.exit(main())
