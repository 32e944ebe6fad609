"""Prometheus's own tester of rules and expressions."""

import subprocess
from pathlib import Path
from typing import Any

import yaml


def promtool_test(promtool: Path, folder: Path, test: dict[str, Any], *rules: Path) -> subprocess.CompletedProcess[str]:
    """Give what promtool says of a test as it reads them, with the step of its series in minutes."""
    path = folder / "test.yml"
    minutes = f"{test.pop('step')}m"
    path.write_text(
        yaml.safe_dump(
            {
                "rule_files": [str(each) for each in rules],
                "evaluation_interval": minutes,
                "tests": [{"interval": minutes} | test],
            }
        )
    )
    return subprocess.run([str(promtool), "test", "rules", str(path)], capture_output=True, text=True, check=False)
