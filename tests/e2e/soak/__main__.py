"""`python -m tests.e2e.soak --minutes 30 --seed 7`: exit code 1 when a promise broke."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests import compiled
from tests.broker.kafka import KafkaBroker
from tests.e2e.soak.run import Run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.e2e.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", default="random", help="a number repeats the same faults; random: another each time")
    parser.add_argument("--rate", type=float, default=40, help="events a second")
    parser.add_argument("--compiled", action="store_true", help="the program as the image has it, built first")
    given = parser.parse_args()
    seed = random.randrange(1_000_000) if given.seed == "random" else int(given.seed)
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", flush=True)

    folder = Path(tempfile.mkdtemp(prefix="postback-soak-"))
    tell(f"seed {seed}; logs and data in {folder}")
    if given.compiled:
        compiled.use(folder / "build")
    with KafkaBroker(folder / "broker") as broker:
        run = Run(folder / "service", broker, seed=seed, events_per_second=given.rate, tell=tell)
        verdict = run.go(seconds=given.minutes * 60)
    for broken in verdict.broken:
        print(broken)
    tell(verdict.summary)
    tell(
        f"{len(verdict.broken)} broken promises, seed {seed}" if verdict.broken else f"every promise kept, seed {seed}"
    )
    return 1 if verdict.broken else 0


if __name__ == "__main__":
    sys.exit(main())
