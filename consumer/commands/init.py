"""`postback init`: something to start from."""

import argparse
import json
import shlex
import sys
from importlib.resources import files
from pathlib import Path

from consumer.adapters.json_schema import FORMATS, json_schema
from consumer.commands import Subparsers
from consumer.core.errors import SettingsError


def add_parser(subparsers: Subparsers) -> None:
    """`postback init [DIR]`."""
    parser = subparsers.add_parser(
        "init",
        help="write a commented postback.yaml and a sample profile to start from",
        description="Writes postback.yaml, profiles/sample.yaml and JSON Schemas for editors. Overwrites nothing.",
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="DIR", help="where (default: here)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Write what is not there, and say what can be done with it."""
    for name, text in _contents().items():
        print(_write(args.folder / name, text))
    print(_next_steps(args.folder))
    return 0


def _contents() -> dict[str, str]:
    templates = files("consumer") / "templates"
    schemas = {
        f".postback/{name}.schema.json": json.dumps(json_schema(name), indent=2, ensure_ascii=False) + "\n"
        for name in FORMATS
    }
    return {
        "postback.yaml": (templates / "postback.yaml").read_text("utf-8"),
        "profiles/sample.yaml": (templates / "sample.yaml").read_text("utf-8"),
        **schemas,
    }


def _write(path: Path, text: str) -> str:
    if path.exists():
        return f"exists   {path} (left as it is)"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise SettingsError(f"{path}:1: cannot be written: {error.strerror}; choose another folder") from error
    return f"written  {path}"


def _next_steps(folder: Path) -> str:
    enter = "" if folder == Path() else f"  cd {shlex.quote(str(folder))}\n"
    return f"""
Next:
{enter}  postback check
      finds every mistake in the settings and profiles
  postback preview sample --sample order
      prints the request that an order would cause
  {shlex.quote(sys.executable)} -m consumer.demo.receiver
      in another terminal: a receiver of your own, which shows what arrives
  postback preview sample --sample order --send
      delivers a made-up order to it
  postback demo
      the whole flow on this machine, without a broker

Then put your receiver in profiles/sample.yaml and your brokers in postback.yaml:
  postback check --live
      also asks the brokers
  postback run
      the service"""
