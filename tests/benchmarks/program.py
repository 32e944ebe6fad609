"""Which form of the program is measured: compiled, as the image has it, or its source."""

import argparse
from pathlib import Path

from tests import compiled


def add_option(parser: argparse.ArgumentParser) -> None:
    """`--source`; without it what is measured is compiled first."""
    parser.add_argument("--source", action="store_true", help="the program as `pip install .` has it, not compiled")


def check(parser: argparse.ArgumentParser, *, source: bool) -> None:
    """Ends the process with usage where it cannot be compiled."""
    if not source and (missing := compiled.missing()):
        parser.error(f"compiling needs {', '.join(missing)}: {compiled.NEEDS}; or take --source")


def use(folder: Path, *, source: bool) -> None:
    """Have every process that is started from now on be of that form."""
    if source:
        print("the program's source", flush=True)
        return
    print("the program compiled, as in the image; building it ...", flush=True)
    compiled.use(folder / "build")
