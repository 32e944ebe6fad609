"""`postback schema`: the two YAML formats as JSON Schema, for completion and checking in editors."""

import argparse
import json

from consumer.adapters.json_schema import FORMATS, json_schema
from consumer.commands import Subparsers


def add_parser(subparsers: Subparsers) -> None:
    """`postback schema settings|profile`."""
    parser = subparsers.add_parser(
        "schema",
        help="JSON Schema of the settings or of a profile, for editors",
        description="Prints the JSON Schema of postback.yaml or of a profile's file.",
        epilog="Editors use it by a first line such as `# yaml-language-server: $schema=profile.schema.json`.",
    )
    parser.add_argument("format", choices=sorted(FORMATS), metavar="settings|profile")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the schema."""
    print(json.dumps(json_schema(args.format), indent=2, ensure_ascii=False))
    return 0
