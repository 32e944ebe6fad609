"""
The commands: each module has `add_parser(subparsers)` and, as the parser's `run` default, `run(args) -> exit code`.

Exit codes: 0 good, 1 a problem found, 2 wrong usage.
"""

import argparse
import os
from pathlib import Path
from typing import TypeAlias

from consumer.adapters.settings_file import load_settings
from consumer.settings import Settings

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """`--config FILE`, for every command that needs settings."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="settings file (default: $POSTBACK_CONFIG, else ./postback.yaml)",
    )


def settings_of(args: argparse.Namespace) -> Settings:
    """
    The settings that a command was called with.

    Raises:
        SettingsError: Names every problem at once.
    """
    return load_settings(args.config, os.environ)
