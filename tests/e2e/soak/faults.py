"""What is done to the service, its brokers and its profiles in a fault run, and when: for the checker to know."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.broker.kafka import KafkaBroker
from tests.e2e.instance import Instance
from tests.e2e.service import Service
from tests.e2e.soak.ledger import Breakage

_MOST_INSTANCES = 3


class Faults:
    """
    One fault at a time, drawn by chance.

    Attributes:
        breakages: All so far.
        ended_badly: Instances that ended without being told to, or not in good order.
    """

    def __init__(
        self, service: Service, broker: KafkaBroker, chance: random.Random, *, rewrite_profiles: Callable[[int], None]
    ) -> None:
        self.breakages: list[Breakage] = []
        self.ended_badly: list[str] = []
        self._service = service
        self._broker = broker
        self._chance = chance
        self._rewrite_profiles = rewrite_profiles
        self._running: list[Instance] = []
        self._reloads = 0
        self._most_memory = 0.0

    def start(self) -> None:
        self._running.append(self._service.start())

    def one(self) -> str:
        """Do one of them; gives its name."""
        self.look()
        weighted = {
            self._kill_instance: 5,
            self._kill_instance_and_start_it_later: 2,
            self._stop_instance: 3,
            self._add_instance: 3,
            self._kill_broker: 2,
            self._hang_broker: 1,
            self._reload_profiles: 3,
            self._lose_profiles: 2,
        }
        (fault,) = self._chance.choices(list(weighted), list(weighted.values()))
        fault()
        return str(fault.__name__).strip("_").replace("_", " ")

    def look(self) -> None:
        """See whether all that should run does, and how much memory it has."""
        for instance in [i for i in self._running if not i.is_running]:
            self._running.remove(instance)
            self.ended_badly.append(f"{instance.log_file.name} ended by itself:\n{instance.log_tail(15)}")
        if not self._running:
            self.start()
        self._most_memory = max(self._most_memory, *(i.most_memory_megabytes() for i in self._running))

    @property
    def most_memory_megabytes(self) -> float:
        return self._most_memory

    @property
    def instances(self) -> int:
        return len(self._running)

    def stop_all(self) -> None:
        """SIGTERM to all, which must end in good order."""
        while self._running:
            self._stop(self._running.pop())

    @contextmanager
    def _broken(self, what: str, *, repeats: bool, doubles: bool = False) -> Iterator[None]:
        began_at = time.time()
        try:
            yield
        finally:
            ended_at = time.time()
            self.breakages.append(
                Breakage(what=what, began_at=began_at, ended_at=ended_at, repeats=repeats, doubles=doubles)
            )

    def _kill_instance(self) -> None:
        with self._broken("instance killed", repeats=True):
            self._running.pop(self._chance.randrange(len(self._running))).kill()
            self.start()

    def _kill_instance_and_start_it_later(self) -> None:
        with self._broken("instance killed", repeats=True):
            self._running.pop(self._chance.randrange(len(self._running))).kill()
            time.sleep(self._chance.uniform(0.5, 6))
            if not self._running:
                self.start()

    def _stop_instance(self) -> None:
        with self._broken("instance stopped", repeats=False):
            self._stop(self._running.pop(self._chance.randrange(len(self._running))))
            if not self._running:
                self.start()

    def _stop(self, instance: Instance) -> None:
        code = instance.stop(timeout_seconds=90)
        if code != 0:
            self.ended_badly.append(f"{instance.log_file.name} ended with {code} on SIGTERM:\n{instance.log_tail(15)}")

    def _add_instance(self) -> None:
        if len(self._running) < _MOST_INSTANCES:
            with self._broken("instance added", repeats=False):
                self.start()

    def _kill_broker(self) -> None:
        with self._broken("broker killed", repeats=True, doubles=True):
            self._broker.kill()
            time.sleep(self._chance.uniform(0, 3))
            self._broker.start()
            self._wait_ready()

    def _hang_broker(self) -> None:
        with self._broken("broker hung", repeats=True):
            self._broker.nodes[0].pause()
            time.sleep(self._chance.uniform(2, 8))
            self._broker.nodes[0].resume()
            self._wait_ready()

    def _reload_profiles(self) -> None:
        self._reloads += 1
        self._rewrite_profiles(self._reloads)

    def _lose_profiles(self) -> None:
        """The volume with the profiles is away while one instance is killed and its successor starts."""
        with self._broken("profiles away, instance killed", repeats=True), self._service.profiles_away():
            self._running.pop(self._chance.randrange(len(self._running))).kill()
            self._running.append(self._service.start(wait_ready=False))
            time.sleep(self._chance.uniform(0.5, 6))
        self._wait_ready()

    def _wait_ready(self) -> None:
        for instance in self._running:
            if instance.is_running:
                instance.wait_ready(timeout_seconds=120)
