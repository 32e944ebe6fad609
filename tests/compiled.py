"""The program compiled by mypyc, as the image has it: built here, and found before the source by PYTHONPATH."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_PIP = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")

NEEDS = "apt-get install gcc libc6-dev python3-dev"


def missing() -> list[str]:
    """What a build needs and this machine has not."""
    compiler = str(sysconfig.get_config_var("CC")).split()[0]
    headers = Path(sysconfig.get_path("include")) / "Python.h"
    return [str(what) for what, there in ((compiler, shutil.which(compiler)), (headers, headers.exists())) if not there]


def install(work: Path) -> Path:
    """
    Build it in *work*, in less than a minute; to be put into PYTHONPATH.

    Raises:
        RuntimeError: With all that the build printed.
    """
    source = copy_of_project(("pyproject.toml", "README.md", "LICENSE", "schemas", "consumer"), work / "source")
    wheel = (*_PIP, "wheel", "--no-deps", "--wheel-dir", str(work), ".")
    run(wheel, cwd=source, HATCH_BUILD_HOOK_ENABLE_MYPYC="true")
    (made,) = work.glob("*.whl")
    run((*_PIP, "install", "--no-deps", "--no-index", "--target", str(work / "installed"), str(made)), cwd=work)
    return work / "installed"


def use(work: Path) -> None:
    """Build it in *work*, and have every process that is started from now on be the compiled program."""
    work.mkdir()
    os.environ["PYTHONPATH"] = str(install(work))


def copy_of_project(names: Sequence[str], folder: Path) -> Path:
    """Some of its files and folders: a build writes beside its sources, and what is compiled must not see them."""
    folder.mkdir()
    for name in names:
        if (_ROOT / name).is_dir():
            shutil.copytree(_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
        else:
            shutil.copy(_ROOT / name, folder)
    return folder


def run(command: Sequence[str], *, cwd: Path, **environment: str) -> str:
    """
    What the command printed.

    Raises:
        RuntimeError: With all that it printed, when it has failed.
    """
    done = subprocess.run(
        command, cwd=cwd, env=os.environ | environment, capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(f"exit code {done.returncode}\n{done.stdout[-6000:]}{done.stderr[-6000:]}")
    return done.stdout
