"""A short fault run for CI; `make soak MINUTES=30` runs a long one."""

import os
from pathlib import Path

import pytest

from tests.conftest import BrokerStarter
from tests.e2e.soak.run import Run

pytestmark = pytest.mark.broker

SECONDS = 40
SEED = int(os.environ.get("SOAK_SEED", "2"))


def test_every_promise_is_kept_while_things_break(start_broker: BrokerStarter, tmp_path: Path) -> None:
    run = Run(tmp_path / "service", start_broker(), seed=SEED, events_per_second=30, tell=print)

    verdict = run.go(seconds=SECONDS)

    assert [str(broken) for broken in verdict.broken] == []
    assert verdict.events > 300
    assert verdict.faults >= 3
    assert verdict.most_memory_megabytes < 300
