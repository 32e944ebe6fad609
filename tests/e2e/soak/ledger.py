"""What happened: what was produced, what arrived where, and what was broken meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.receiver import Arrived


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """
    An event on a source topic.

    Attributes:
        number: Its place in the order of production.
        at: Unix time just before it was given to the broker.
        acknowledged_at: Unix time at which the broker had it for certain.
    """

    number: int
    event_id: str
    order_id: int
    types: tuple[str, ...]
    at: float
    acknowledged_at: float
    is_test_card: bool = False

    @property
    def is_partial(self) -> bool:
        return "PARTIAL" in self.types

    @property
    def is_conversion(self) -> bool:
        return not self.is_test_card and any(code not in {"PARTIAL", "DECLINE"} for code in self.types)


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """
    A profile, as far as its promises go.

    Attributes:
        types: Codes that are routed to it; None: all.
        rejects: Its receiver answers 4xx to single deliveries, which later ones of the order may pass.
    """

    name: str
    period_seconds: float
    types: frozenset[str] | None = None
    rejects: bool = False

    def codes(self, event: Produced) -> list[str]:
        """The types of *event* that make a delivery to this profile."""
        if event.is_test_card:
            return []
        return [code for code in event.types if self.types is None or code in self.types]


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakage:
    """
    Something that was done to the service or its broker.

    Attributes:
        repeats: After it, what was in flight or not committed yet may be sent again.
        doubles: After it, what a stage was writing may stand in the log twice. A node that restarts with an open
            transaction ends it without telling partitions whose leader it does not know yet ("likely deleted", Kafka
            4.3), and so the writer's next transaction commits those records with its own.
    """

    what: str
    began_at: float
    ended_at: float
    repeats: bool
    doubles: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """
    What no schema reads, on a source topic.

    Attributes:
        at: Unix time at which it was produced.
    """

    value: bytes
    at: float


@dataclass(slots=True, kw_only=True)
class History:
    """All that the checker looks at."""

    produced: Sequence[Produced]
    destinations: Sequence[Destination]
    arrived: Mapping[str, Sequence[Arrived]]
    breakages: Sequence[Breakage]
    commit_interval_seconds: float
    garbage: Sequence[Garbage] = ()
    dead_letters: Sequence[bytes] = ()
    suppressed_test_cards: int = 0
    ended_badly: Sequence[str] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one delivery is known by: at the receiver, these are the parameters of its request."""

    profile: str
    order_id: int
    event_id: str
    code: str

    def __str__(self) -> str:
        return f"{self.profile}: {self.code} of event {self.event_id}, order {self.order_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A promise that was not kept, and for what."""

    promise: str
    what: str
    detail: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.what}: {self.detail}"
