"""A fault run from start to verdict."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.broker.kafka import KafkaBroker
from tests.broker.topics import Topics
from tests.e2e.crm import Crm
from tests.e2e.service import IDENTITY, Service
from tests.e2e.soak.checker import check
from tests.e2e.soak.faults import Faults
from tests.e2e.soak.ledger import Broken, History
from tests.e2e.soak.plan import (
    COMMIT_INTERVAL_SECONDS,
    REQUEST_TIMEOUT_SECONDS,
    TICK_SECONDS,
    Character,
    Healing,
    characters,
)
from tests.e2e.soak.traffic import Traffic
from tests.receiver import Arrived, Receiver

_NAME = "soak"
_NO_PROGRESS_SECONDS = 60.0
_QUIET_SECONDS = 6.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    Attributes:
        summary: One line of numbers.
    """

    broken: Sequence[Broken]
    summary: str
    events: int
    faults: int
    most_memory_megabytes: float


class Run:
    """Traffic and faults for a while, then healing, then the check."""

    def __init__(
        self, folder: Path, broker: KafkaBroker, *, seed: int, events_per_second: float, tell: Callable[[str], None]
    ) -> None:
        self._chance = random.Random(seed)
        self._tell = tell
        self._broker = broker
        self._topics = Topics(broker.bootstrap_servers)
        self._service = Service(folder, broker, _NAME)
        self._characters = characters()
        self._receivers: dict[str, Receiver] = {}
        self._healing = Healing()
        crm = Crm(self._topics, _NAME)
        self._traffic = Traffic(crm, random.Random(seed + 1), events_per_second=events_per_second)
        self._faults = Faults(self._service, broker, random.Random(seed + 2), rewrite_profiles=self._write_profiles)

    def go(self, *, seconds: float) -> Verdict:
        """Run for so long, and judge."""
        with self._listening(), self._ending():
            self._prepare()
            self._faults.start()
            with self._traffic:
                self._break_things(until=time.monotonic() + seconds)
            self._heal()
            self._settle()
            self._faults.stop_all()
            return self._judge()

    @contextmanager
    def _listening(self) -> Iterator[None]:
        with ExitStack() as stack:
            for character in self._characters:
                receiver = stack.enter_context(Receiver())
                receiver.otherwise(character.rule(self._chance, self._healing))
                self._receivers[character.destination.name] = receiver
            yield

    @contextmanager
    def _ending(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._service.kill_all()

    def _prepare(self) -> None:
        self._service.set_tick(seconds=TICK_SECONDS)
        self._service.set("http", timeout_seconds=REQUEST_TIMEOUT_SECONDS)
        self._service.set_top(commit_interval_seconds=COMMIT_INTERVAL_SECONDS)
        self._write_profiles(0)
        for character in self._characters:
            if character.is_down:
                self._receivers[character.destination.name].close()

    def _write_profiles(self, version: int) -> None:
        """Every profile anew, with another static value; and each second time a broken file beside them."""
        for character in self._characters:
            self._service.profile(
                character.destination.name,
                self._receivers[character.destination.name].url("/"),
                delay_seconds=character.delay_seconds,
                fields=[*IDENTITY, {"export_name": "version", "static": str(version)}],
                routing=_routing(character),
            )
        good = "name: broken\npostback_url: http://127.0.0.1:9/\nrouting: [{customer_type: QA Pending}]\n"
        self._service.profile_text("broken", "name: [" if version % 2 else good)

    def _break_things(self, *, until: float) -> None:
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, self._chance.uniform(2, 7)))
            if time.monotonic() < until:
                did = self._faults.one()
                self._tell(f"{did}; {self._numbers()}")
            if self._traffic.failure is not None:
                raise RuntimeError("the traffic has stopped") from self._traffic.failure

    def _numbers(self) -> str:
        arrived = sum(len(r.arrived()) for r in self._receivers.values())
        memory = self._faults.most_memory_megabytes
        return (
            f"{len(self._traffic.produced)} events, {arrived} requests, "
            f"{self._faults.instances} instances, {memory:.0f} MB"
        )

    def _heal(self) -> None:
        self._tell(f"all is healed; {self._numbers()}")
        self._healing.begin()
        self._faults.look()
        for character in self._characters:
            if character.is_down:
                self._receivers[character.destination.name].open()

    def _settle(self) -> None:
        """Return once nothing is lost any more and nothing comes, or when nothing comes for a long time."""
        last_count, last_at = -1, time.monotonic()
        while True:
            time.sleep(1)
            self._faults.look()
            count = sum(len(r.arrived()) for r in self._receivers.values())
            if count != last_count:
                last_count, last_at = count, time.monotonic()
            quiet = time.monotonic() - last_at
            nothing_lost = quiet > _QUIET_SECONDS and not any(b.promise == "lost" for b in check(self._history()))
            if nothing_lost or quiet > _NO_PROGRESS_SECONDS:
                return

    def _history(self) -> History:
        return History(
            produced=self._traffic.produced,
            destinations=[c.destination for c in self._characters],
            arrived={name: receiver.arrived("/") for name, receiver in self._receivers.items()},
            breakages=self._faults.breakages,
            commit_interval_seconds=COMMIT_INTERVAL_SECONDS,
            garbage=self._traffic.garbage,
            ended_badly=self._faults.ended_badly,
        )

    def _judge(self) -> Verdict:
        history = self._history()
        history.dead_letters = [r.value or b"" for r in self._topics.read(self._service.topic("dead-letter"))]
        outcomes = self._topics.read_json(self._service.topic("outcomes"))
        history.suppressed_test_cards = sum(o["reason"] == "test_card" for o in outcomes)
        repeats = _repeats(history.arrived.values())
        return Verdict(
            broken=check(history),
            summary=f"{self._numbers()}, {repeats} repeated after faults, {len(history.breakages)} faults",
            events=len(history.produced),
            faults=len(history.breakages),
            most_memory_megabytes=self._faults.most_memory_megabytes,
        )


def _routing(character: Character) -> list[dict[str, str]]:
    types = character.destination.types
    return [{"customer_type": code} for code in sorted(types)] if types is not None else [{"customer_type": "All"}]


def _repeats(requests: Iterable[Sequence[Arrived]]) -> int:
    keys = [request.key for some in requests for request in some if request.succeeded]
    return len(keys) - len(set(keys))
