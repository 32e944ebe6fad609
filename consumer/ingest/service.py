"""The loop of stage 1."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any, Final

from consumer.core.customer_type import converts
from consumer.core.errors import OutcomeUnknown, RecordError, SchemaUnavailable, TransactionAborted
from consumer.core.event import Decoder, Event, EventReader, Fields
from consumer.core.ports import Log, Place, Record
from consumer.core.profile import Profile
from consumer.core.report import outcome_row
from consumer.core.routing import Delivery
from consumer.core.topics import Sizes, TopicNames
from consumer.core.waiting import NOT_KEPT, Waiting, dead_letter_headers, marker_header, window_header
from consumer.ingest.batch import Batch
from consumer.ingest.ports import Reader
from consumer.ingest.routing import Routing
from consumer.log import EventLog
from consumer.metrics import EVENT_RESULTS, Metrics

_READ_AT_ONCE: Final = 2_000
_WRITTEN_AT_ONCE: Final = 20_000
_READ_AT_FIRST: Final = 100
"""Events, and records that they become, about: hundreds of profiles may want each, and a transaction has 10 s."""

_IDLE_S: Final = 0.5
_RESTS_S: Final = (0.1, 0.2, 0.5, 1.0)
"""After turns that got nowhere, the last one for all that follow: what the brokers refuse is the same at once again."""

_CARRIES_HOLD_MS: Final = 5_000
"""For so long nobody tries again to raise the topics: a flood of what is too large must not stop the rest."""

_log = EventLog("ingest")


class _Unsure(Exception):
    """The event is larger than the topics carry, which may be made to take more."""


class Ingest:
    """
    `turn` is called over and over; `reader` is set by whoever makes it, since it calls back.

    Attributes:
        beat_ms: When the loop last went round, for the health of the process.
        committed: What was committed last for each owned partition, replaced as a whole: others may read it.
    """

    reader: Reader

    def __init__(
        self,
        *,
        log: Log,
        decoder: Decoder,
        events: EventReader,
        default_types: Mapping[str, str | None],
        names: TopicNames,
        sizes: Sizes,
        tick: timedelta,
        metrics: Metrics,
        clock_ms: Callable[[], int],
        sleep: Callable[[float], None],
    ) -> None:
        self._log = log
        self._decoder = decoder
        self._events = events
        decoder.want(events.fields)
        self._default_types = default_types
        self._names = names
        self._sizes = sizes
        self._tick = tick
        self._metrics = metrics
        for topic, result in product(default_types, EVENT_RESULTS):
            metrics.events.labels(topic, result)
        self._clock_ms = clock_ms
        self._sleep = sleep
        self._turns_in_vain = 0
        self._routing = Routing.of((), tick=tick, names=names)
        self._waits_for_schema = False
        self._read_at_once = _READ_AT_FIRST
        self.beat_ms = clock_ms()
        self.committed: Mapping[Place, tuple[int, str]] = {}

    def use(self, profiles: Iterable[Profile]) -> None:
        """Put these profiles in force with the next batch; may be called from another thread."""
        self._routing = Routing.of(
            profiles, tick=self._tick, names=self._names, marked_before=self._routing.marked_windows
        )
        self._read_at_once = _READ_AT_FIRST

    def mark(self, windows: frozenset[str]) -> None:
        """Partials may wait in these, too, since before this process: before the first turn."""
        self._routing = replace(self._routing, marked_windows=self._routing.marked_windows | windows)

    def unmark(self, windows: frozenset[str]) -> None:
        """Nothing waits in these any more, since they are gone; may be called from another thread."""
        self._routing = replace(self._routing, marked_windows=self._routing.marked_windows - windows)

    def begin(self) -> bool:
        """Before the first turn, until it is true."""
        return self._log.make_ready(meanwhile=self.meanwhile)

    def turn(self) -> None:
        """Read a batch, if there is one, and write what it becomes."""
        self.beat_ms = self._clock_ms()
        records, ends = self.reader.read(self._read_at_once, _IDLE_S)
        batch = Batch()
        blocked = self._take(records, batch)
        for topic, partition, offset in ends:
            place = topic, partition
            if place in self.committed and place not in blocked and offset > self._position(batch, place):
                batch.offsets[place] = (offset, "")
        got_on = self._write(batch) if batch.offsets else not blocked
        self._turns_in_vain = 0 if got_on else self._turns_in_vain + 1
        if self._turns_in_vain:
            self._sleep(_RESTS_S[min(self._turns_in_vain, len(_RESTS_S)) - 1])
        if batch.records:
            self._read_at_once = min(_READ_AT_ONCE, len(records) * _WRITTEN_AT_ONCE // len(batch.records) + 1)

    def undecided(self, place: Place, group: Any) -> None:
        """The committed offsets cannot be had, and it may be this writer's doing."""
        self._log.decide(place, group, meanwhile=self.meanwhile)

    def meanwhile(self) -> None:
        """The brokers keep it waiting, and the loop is well."""
        self.beat_ms = self._clock_ms()

    def assigned(self, partitions: Mapping[Place, Any]) -> None:
        """These are ours from now on."""
        self.committed = {**self.committed, **{place: (c.offset or 0, "") for place, c in partitions.items()}}
        _log.info("partitions.assigned", count=len(partitions))

    def revoked(self, partitions: Sequence[Place]) -> None:
        """Nothing is open between two turns."""
        self.lost(partitions)

    def lost(self, partitions: Sequence[Place]) -> None:
        """Others have them."""
        self.committed = {place: value for place, value in self.committed.items() if place not in set(partitions)}
        _log.info("partitions.given_up", count=len(partitions))

    def _position(self, batch: Batch, place: Place) -> int:
        return batch.offsets.get(place, self.committed.get(place, (0, "")))[0]

    def _take(self, records: Sequence[Record], batch: Batch) -> Mapping[Place, int]:
        """The places that have to wait, and the offsets from which they are read again."""
        routing = self._routing
        blocked: dict[Place, int] = {}
        owned = self.committed
        for record in records:
            place = record.topic(), record.partition()
            # A rebalance within the read may have given it to somebody else.
            if place in blocked or place not in owned:
                continue
            try:
                result = self._take_one(record, batch, routing)
            except (SchemaUnavailable, _Unsure) as error:
                # What stands behind it would overtake it: its partition waits, the others go on.
                blocked[place] = record.offset()
                if isinstance(error, SchemaUnavailable):
                    self._report_schema(error)
                else:
                    self._sizes.are_asked_for = True
                continue
            batch.results[place[0], result] += 1
            batch.passed(place, record.offset())
        if blocked:
            self.reader.rewind(blocked)
        elif records:
            self._waits_for_schema = False
        return blocked

    def _take_one(self, record: Record, batch: Batch, routing: Routing) -> str:
        """What became of the event: a value of the metric's `result`."""
        value = record.value()
        if value is None:
            return "tombstone"
        topic = record.topic()
        place = f"{topic}/{record.partition()}/{record.offset()}"
        carries = self._sizes.carries
        if carries is not None and len(value) > carries.window_bytes:
            self._check_sizes()
            why = f"{len(value)} bytes are more than the window and retry topics carry"
            return self._dead(batch, record, "too_large", place, why)
        fields: Fields | None = None
        try:
            fields = self._decoder.decode(value)
            event = self._events.read(fields, place=place, default_type=self._default_types.get(topic))
        except RecordError as error:
            order_id = None if fields is None else self._events.order_id(fields)
            return self._dead(batch, record, error.reason, place, str(error), order_id=order_id)
        if event.test_card:
            return self._suppressed(batch, event, "test_card")
        return self._route(event, batch, routing, value, (place, record.timestamp()[1]))

    def _route(self, event: Event, batch: Batch, routing: Routing, value: bytes, source: tuple[str, int]) -> str:
        key = event.order_id.encode()
        deliveries = routing.router.route(event)
        is_marked = bool(routing.marked_windows) and any(converts(code) for code in event.customer_types)
        unmarked = set(routing.marked_windows) if is_marked else set()
        for delivery in deliveries:
            window = routing.window_of[delivery.profile.name]
            batch.records.append((window, key, value, [window_header(_waiting(event, delivery, source))]))
            if unmarked and converts(delivery.code):
                unmarked.discard(window)  # the delivery itself says there that the order was placed
        for window in unmarked:
            batch.records.append((window, key, b"", [marker_header(source[0])]))
        return "routed" if deliveries else self._suppressed(batch, event, "no_route")

    def _suppressed(self, batch: Batch, event: Event, reason: str) -> str:
        row = outcome_row(
            delivery_id=None,
            profile=None,
            order_id=event.order_id,
            code=",".join(event.customer_types) or None,
            attempt=0,
            outcome="suppressed",
            reason=reason,
            status=None,
            duration_ms=None,
            at_ms=self.beat_ms,
            due_at_ms=0,
        )
        batch.records.append((self._names.outcomes, event.order_id.encode(), row, None))
        return reason

    def _dead(
        self, batch: Batch, record: Record, reason: str, place: str, error: str, *, order_id: str | None = None
    ) -> str:
        whole = order_id.encode() if order_id else record.key(), record.value() or b""
        kept = self._sizes.as_dead_letter(*whole)
        if kept != whole:
            self._check_sizes()
            error += NOT_KEPT
        headers = dead_letter_headers(reason, source=place, error=error)
        batch.records.append((self._names.dead_letter, *kept, headers))
        batch.dead[reason] += 1
        _log.error("record.dead_letter", reason=reason, source=place, error=error)
        return reason

    def _check_sizes(self) -> None:
        """Before anything is given up because a topic does not carry it, that topic is made larger if it may be."""
        carries = self._sizes.carries
        if carries is None or carries.raised_ms < self.beat_ms - _CARRIES_HOLD_MS:
            raise _Unsure

    def _report_schema(self, error: SchemaUnavailable) -> None:
        if not self._waits_for_schema:
            _log.warning("schema.unavailable", error=str(error), advice="its events wait until the registry answers")
        self._waits_for_schema = True

    def _write(self, batch: Batch) -> bool:
        """Whether it is written now."""
        try:
            self._log.commit(batch.records, batch.offsets, self.reader.group_metadata(), meanwhile=self.meanwhile)
        except OutcomeUnknown:
            self.reader.start_over()
            return False
        except TransactionAborted:
            self.reader.rewind(batch.begins)
            return False
        self.committed = {**self.committed, **batch.offsets}
        for (topic, result), count in batch.results.items():
            self._metrics.events.labels(topic, result).inc(count)
        for reason, count in batch.dead.items():
            self._metrics.dead_letters.labels(reason).inc(count)
        if batch.results:
            _log.debug("batch.written", records=len(batch.records), events=sum(batch.results.values()))
        return True


def _waiting(event: Event, delivery: Delivery, source: tuple[str, int]) -> Waiting:
    place, arrived_at_ms = source
    return Waiting(
        delivery_id=delivery.id,
        profile=delivery.profile.name,
        code=delivery.code,
        source=place,
        occurred_at_ms=event.occurred_at_ms,
        arrived_at_ms=arrived_at_ms,
    )
