"""Who receives, by which rules, and how badly: the destinations of a fault run and what their receivers do."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.soak.ledger import Destination
from tests.receiver import Answer, Arrived, Fault, Rule

TICK_SECONDS = 2.0
REQUEST_TIMEOUT_SECONDS = 2.0
COMMIT_INTERVAL_SECONDS = 1.0

_OK = Answer(after_seconds=0.005)
_PARTIAL = frozenset({"PARTIAL"})
_ORDERS = frozenset({"SALE", "UPSELL", "DECLINE"})

Behaviour = Callable[[Arrived, random.Random], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """
    A destination and its receiver's ways.

    Attributes:
        behaviour: What it answers until it is healed.
        delay_seconds: The profile's export delay.
        is_down: Nobody listens until it is healed.
    """

    destination: Destination
    behaviour: Behaviour
    delay_seconds: float = 0
    is_down: bool = False

    def rule(self, chance: random.Random, is_healed: Callable[[], bool]) -> Rule:
        """Its receiver's rule: bad until it is healed, then good to everybody."""
        return lambda arrived: _OK if is_healed() else self.behaviour(arrived, chance)


def _good(_: Arrived, __: random.Random) -> Answer:
    return _OK


def _outages(arrived: Arrived, _: random.Random) -> Answer:
    """Five seconds of every fifteen it fails as a whole."""
    return Answer(status=503) if int(arrived.at) % 15 < 5 else _OK


def _hangs(arrived: Arrived, _: random.Random) -> Answer:
    """Four seconds of every sixteen it takes requests and does not answer."""
    return Answer(fault=Fault.HANG) if int(arrived.at) % 16 < 4 else _OK


def _drops(_: Arrived, chance: random.Random) -> Answer:
    drawn = chance.random()
    if drawn < 0.1:
        return Answer(fault=Fault.DROP)
    return Answer(fault=Fault.RESET) if drawn < 0.2 else _OK


def _rejects(arrived: Arrived, _: random.Random) -> Answer:
    """A tenth of the deliveries is rejected twice."""
    return Answer(status=422) if arrived.nth <= 2 and arrived.key[:1] in "0a" else _OK


def _throttles(arrived: Arrived, _: random.Random) -> Answer:
    """Three seconds of every twelve it asks for two seconds of rest."""
    busy = int(arrived.at) % 12 < 3
    return Answer(status=429, headers=(("Retry-After", "2"),)) if busy else _OK


def _slow_answers(_: Arrived, chance: random.Random) -> Answer:
    return Answer(after_seconds=chance.uniform(0.1, 0.8))


def _to(name: str, *, delay: float = 0, types: frozenset[str] | None = None, rejects: bool = False) -> Destination:
    return Destination(name=name, period_seconds=TICK_SECONDS + delay, types=types, rejects=rejects)


def characters() -> list[Character]:
    """Everybody of a fault run."""
    return [
        Character(destination=_to("steady"), behaviour=_good),
        Character(destination=_to("delayed", delay=3, types=_ORDERS), behaviour=_good, delay_seconds=3),
        Character(destination=_to("outages"), behaviour=_outages),
        Character(destination=_to("hangs", types=_ORDERS), behaviour=_hangs),
        Character(destination=_to("drops", types=_ORDERS), behaviour=_drops),
        Character(destination=_to("rejects", types=_ORDERS, rejects=True), behaviour=_rejects),
        Character(destination=_to("throttles", types=_ORDERS), behaviour=_throttles),
        Character(destination=_to("slow", types=_ORDERS), behaviour=_slow_answers),
        Character(destination=_to("down", types=frozenset({"UPSELL"})), behaviour=_good, is_down=True),
        Character(destination=_to("calls", delay=3, types=_PARTIAL), behaviour=_good, delay_seconds=3),
        Character(destination=_to("calls-at-once", types=_PARTIAL), behaviour=_outages),
    ]


class Healing:
    """Whether the bad receivers have become good, for all of them at once."""

    def __init__(self) -> None:
        self._at: float | None = None

    def __call__(self) -> bool:
        return self._at is not None

    def begin(self) -> None:
        self._at = time.time()
