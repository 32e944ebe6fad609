"""Tools that pip cannot give, the chart, and a Prometheus."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.chart import Chart
from tests.ops.prometheus import Prometheus

ROOT = Path(__file__).parents[2]
TOOLS = ROOT / ".cache" / "tools"


def require_tool(name: str) -> Path:
    """
    Give the path of a program, the project's own one before the machine's.

    Where it is missing the test is skipped, and in CI it fails: nothing may go untested there unnoticed.
    """
    found = shutil.which(name, path=f"{TOOLS / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if found:
        return Path(found)
    missing = f"{name} is missing: run .ci/install-ops-tools"
    if os.environ.get("CI"):
        pytest.fail(f"CI requires it: {missing}")
    pytest.skip(f"NOT TESTED: {missing}")


@pytest.fixture(scope="session")
def chart() -> Chart:
    """The chart, rendered by the real Helm."""
    return Chart(folder=ROOT / "helm", helm=require_tool("helm"))


@pytest.fixture(scope="session")
def promtool() -> Path:
    """Prometheus's own checker."""
    return require_tool("promtool")


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus of the test's own; not yet started."""
    server = Prometheus(require_tool("prometheus"), tmp_path / "prometheus")
    yield server
    server.stop()
