"""The demo shows the whole job on a machine where nothing else is installed."""

import os
import subprocess

from tests.e2e.instance import POSTBACK


def test_the_demo_needs_no_java_and_shows_a_failure_that_comes_round(tmp_path: os.PathLike[str]) -> None:
    bare = {name: value for name, value in os.environ.items() if not name.startswith(("JAVA", "POSTBACK"))}
    bare["PATH"] = str(tmp_path)

    done = subprocess.run(
        [POSTBACK, "demo", "--seconds", "20"],
        env=bare, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=90, stdin=subprocess.DEVNULL,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert any("failed" in line and "attempt 1" in line for line in lines)
    assert any("delivered" in line and "attempt 2" in line for line in lines)
