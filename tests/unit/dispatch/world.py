"""The dispatch stage in its fake world, and builders of what waits in it."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry

from consumer.core.event import EventNames, EventReader
from consumer.core.profile import FieldMapping, Profile, Route, StaticMapping
from consumer.core.render import Renderer
from consumer.core.routing import delivery_id
from consumer.core.schedule import period_seconds
from consumer.core.topics import Sizes, TopicNames
from consumer.core.waiting import Waiting, marker_header, window_header
from consumer.dispatch.admission import Admission
from consumer.dispatch.deferral import Deferral
from consumer.dispatch.lanes import Lanes
from consumer.dispatch.orders import Orders
from consumer.dispatch.sending import Sending
from consumer.dispatch.service import Dispatch
from consumer.dispatch.settling import Settling
from consumer.dispatch.targets import Targets
from consumer.metrics import Metrics
from tests.unit.dispatch.fakes import Clock, FakeBroker, FakeDecoder, FakeLog, FakeReader, StoredRecord
from tests.unit.dispatch.receivers import FakeSender

NAMES = TopicNames("t")
TICK = timedelta(seconds=4)
START_MS = 1_760_000_000_000 - 1_760_000_000_000 % 12_000
"""A boundary of the periods 4 and 6."""

STEP_MS = 250
SLOTS = 512


def profile(name: str = "p", *, host: str = "r.example", delay: float = 0, **overrides: Any) -> Profile:
    """A profile whose requests say which delivery they are."""
    plain = Profile(
        name=name,
        url=f"https://{host}/hook",
        delay=timedelta(seconds=delay),
        mappings=(
            StaticMapping("profile", name),
            FieldMapping("event", "eventId"),
            FieldMapping("order", "orderId"),
            FieldMapping("type", "customerType"),
        ),
        routes=(Route(code=None),),
    )
    return replace(plain, **overrides)


class World:
    """
    One instance of the stage at a time; `crash` drops it, `start` begins anew from the committed offsets.

    Attributes:
        stage: None after a crash.
    """

    def __init__(
        self,
        *profiles: Profile,
        partitions: int = 1,
        periods: Iterable[int] = (4, 6),
        give_up_after: timedelta | None = None,
        limit: int = 32,
        test_card: str | None = "isTestCard",
    ) -> None:
        self.clock = Clock(START_MS + 100)
        self.broker = FakeBroker(self.clock, partitions=partitions)
        for topic in (*map(NAMES.window, periods), NAMES.retry):
            self.broker.create(topic)
        self.profiles = list(profiles) or [profile()]
        self.sender = FakeSender(self.clock)
        self.log = FakeLog(self.broker)
        self.decoder = FakeDecoder()
        self.metrics = Metrics(CollectorRegistry())
        self.sizes = Sizes()
        self.stage: Dispatch | None = None
        self.prepare_reader: Callable[[FakeReader], None] = lambda _: None
        self._give_up_after = give_up_after
        self._limit = limit
        self._test_card = test_card
        self._events = 0
        self.start()

    @property
    def dispatch(self) -> Dispatch:
        assert self.stage is not None
        return self.stage

    @property
    def reader(self) -> FakeReader:
        assert isinstance(self.dispatch.reader, FakeReader)
        return self.dispatch.reader

    def start(self) -> None:
        """Begin from the committed offsets."""
        stage = self.stage = self._joined()
        reader = stage.reader = FakeReader(self.broker)
        reader.on_start_over = self.start_over
        self.prepare_reader(reader)
        stage.use(self.profiles)
        stage.turn()
        self.give_all()

    def start_over(self) -> None:
        """Take all partitions from the stage, and give them back."""
        assert self.stage is not None
        self.stage.lost(self.owned)
        self.give_all()

    def give_all(self) -> None:
        """Assign every partition to the stage."""
        assert self.stage is not None
        self.stage.assigned(self.reader.assign(self.owned))

    @property
    def owned(self) -> list[tuple[str, int]]:
        """What dispatch reads."""
        return [place for place in self.broker.logs if place[0] == NAMES.retry or NAMES.period(place[0])]

    def crash(self) -> None:
        """What was under way or not committed is gone."""
        self.stage = None
        self.sender.forget_under_way()

    def use(self, *profiles: Profile) -> None:
        """The files changed."""
        self.profiles = list(profiles)
        assert self.stage is not None
        self.stage.use(profiles)

    def advance(self, seconds: float) -> None:
        """Let time pass, the loop going round."""
        until_ms = self.clock.now_ms + round(seconds * 1000)
        while self.clock.now_ms < until_ms:
            self.clock.now_ms = min(until_ms, self.clock.now_ms + STEP_MS)
            self.go_round()

    def go_round(self) -> None:
        """Let the loop go round until nothing more comes of it at this moment."""
        assert self.stage is not None
        quiet = 0
        while quiet < 2:
            before = self.reader.moves + len(self.sender.sent) + self.sender.ended
            self.stage.turn()
            quiet = quiet + 1 if before == self.reader.moves + len(self.sender.sent) + self.sender.ended else 0

    def to_boundary(self, period: int = 4, *, plus: float = 0.5) -> None:
        """Up to a little after the next run."""
        ms = period * 1000
        self.advance((ms - self.clock.now_ms % ms) / 1000 + plus)

    def wait(
        self,
        *,
        order: int = 1,
        to: str = "p",
        code: str = "SALE",
        occurred: int = 0,
        event: str | None = None,
        at_ms: int | None = None,
        period: int | None = None,
        value: bytes | None = None,
        **fields: Any,
    ) -> str:
        """
        Put a delivery into its window, as ingest does.

        Returns:
            Its event's id.
        """
        self._events += 1
        event = event or f"e{self._events}"
        known = {"eventId": event, "orderId": order, "isTestCard": False} | fields
        waiting = Waiting(
            delivery_id=delivery_id(event, to, code),
            profile=to,
            code=code,
            source=f"orders/0/{self._events}",
            occurred_at_ms=occurred,
            arrived_at_ms=self.clock.now_ms,
        )
        topic = NAMES.window(period or self._period(to))
        body = json.dumps(known).encode() if value is None else value
        self.broker.append((topic, str(order).encode(), body, [window_header(waiting)]), at_ms=at_ms)
        return event

    def mark_placed(self, order: int = 1, *, period: int = 4) -> None:
        """Put the marker of a placed order into a window, as ingest does."""
        self.broker.append((NAMES.window(period), str(order).encode(), b"", [marker_header("orders/0/9")]))

    @property
    def sent_events(self) -> list[str]:
        """Events of all requests made, in their order."""
        return [sent.event for sent in self.sender.sent]

    def outcomes(self) -> list[dict[str, Any]]:
        """All rows of the outcomes topic."""
        return [json.loads(record.the_value or b"") for record in self.broker.records(NAMES.outcomes)]

    def retries(self) -> list[StoredRecord]:
        """All records ever written to the retry topic."""
        return self.broker.records(NAMES.retry)

    def dead_letters(self) -> list[dict[str, str]]:
        """The headers of all dead letters."""
        dead = self.broker.records(NAMES.dead_letter)
        return [{name: value.decode() for name, value in record.the_headers or ()} for record in dead]

    def metric(self, name: str, **labels: str) -> float:
        """The value of a metric; 0 when nobody touched it."""
        return self.metrics.registry.get_sample_value(name, labels) or 0

    def open_places(self) -> list[tuple[str, int]]:
        """Places where not everything is settled and committed."""
        found = []
        for place in self.owned:
            end = self.broker.logs[place].end
            offset, metadata = self.broker.committed.get(place, (0, ""))
            if offset != end or metadata:
                found.append(place)
        return found

    def _period(self, name: str) -> int:
        known = next((one for one in self.profiles if one.name == name), None)
        return period_seconds(TICK, known.delay if known else timedelta())

    def _joined(self) -> Dispatch:
        lanes, orders = Lanes(self._limit, slots=SLOTS), Orders()
        give_up = self._give_up_after
        give_up_ms = None if give_up is None else int(give_up.total_seconds() * 1000)
        settling = Settling(names=NAMES, sizes=self.sizes, metrics=self.metrics, give_up_after_ms=give_up_ms)
        targets = Targets(tick=TICK, render=_renderer, counts=self.metrics.by_profile.counts, now_ms=self.clock())
        deferral = Deferral(orders=orders, settling=settling)
        admission = Admission(targets=targets, lanes=lanes, orders=orders, deferral=deferral, settling=settling)
        sending = Sending(
            sender=self.sender,
            decoder=self.decoder,
            events=EventReader(EventNames(test_card=self._test_card)),
            lanes=lanes,
            orders=orders,
            admission=admission,
            deferral=deferral,
            settling=settling,
            max_in_flight=SLOTS,
            longest_retry_after=timedelta(minutes=10),
        )
        return Dispatch(
            log=self.log,
            sender=self.sender,
            targets=targets,
            lanes=lanes,
            orders=orders,
            admission=admission,
            deferral=deferral,
            sending=sending,
            settling=settling,
            names=NAMES,
            metrics=self.metrics,
            commit_interval_ms=1000,
            clock_ms=self.clock,
        )


def _renderer(one: Profile) -> Renderer:
    return Renderer(one, zone=ZoneInfo("UTC"), user_agent="test")
