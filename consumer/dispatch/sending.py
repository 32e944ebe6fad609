"""From a lane to the receiver, and what the answer means for the delivery, its order and its endpoint."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import assert_never

from consumer.core.answer import Answer
from consumer.core.customer_type import PARTIAL
from consumer.core.errors import NoTestCardField, RenderError, SchemaUnavailable, UndecodableRecord
from consumer.core.event import Decoder, EventReader, Fields
from consumer.core.masking import Mask
from consumer.core.outcome import PAUSED, Delivered, Failed, Reason, outcome_of
from consumer.core.profile import Profile
from consumer.core.retry_after import bounded, parse_retry_after
from consumer.dispatch.admission import Admission
from consumer.dispatch.deferral import Deferral
from consumer.dispatch.lanes import Job, Lane, Lanes
from consumer.dispatch.orders import Orders
from consumer.dispatch.ports import Sender
from consumer.dispatch.settling import Settling
from consumer.log import EventLog

_log = EventLog("dispatch")


class Sending:
    """Feeds the sender from the lanes and settles what comes back."""

    def __init__(
        self,
        *,
        sender: Sender,
        decoder: Decoder,
        events: EventReader,
        lanes: Lanes,
        orders: Orders,
        admission: Admission,
        deferral: Deferral,
        settling: Settling,
        max_in_flight: int,
        longest_retry_after: timedelta,
    ) -> None:
        self._sender = sender
        self._decoder = decoder
        self._events = events
        self._lanes = lanes
        self._orders = orders
        self._admission = admission
        self._deferral = deferral
        self._settling = settling
        self._max_in_flight = max_in_flight
        self._longest_retry_after = longest_retry_after
        self._last_value: bytes | None = None
        self._last_fields: Fields = {}
        self._refused: dict[str, Profile] = {}

    def use(self, fields: frozenset[str]) -> None:
        """Requests are made of these fields of the events from now on."""
        self._decoder.want(fields | self._events.test_card_fields)
        self._last_value = None

    def feed(self, now_ms: int) -> None:
        """Start transfers as long as the limits allow."""
        for free in range(self._max_in_flight - self._sender.in_flight, 0, -1):
            job = self._lanes.take(free)
            if job is None:
                return
            self._send(job, now_ms)

    def _send(self, job: Job, now_ms: int) -> None:
        waiting = job.waiting
        if not self._admission.is_up_to_date(job):
            self._move_on(job, now_ms)
            return
        if job.had_its_attempt:
            self._settling.again(job)
            self._next(job)
            return
        if not job.lane.destination.admit(now_ms, job.run_ms, suspect=waiting.suspect):
            self._deferral.hold_line(job, now_ms)
            self._done(job.lane)
            return
        try:
            fields = self._fields(job.value)
            if self._events.is_test_card(fields):
                self._settling.suppressed(job, "test_card", now_ms)
                self._next(job)
                return
            request = job.target.renderer.render(fields, code=waiting.code, delivery_id=waiting.delivery_id)
        except SchemaUnavailable:
            self._deferral.hold_line(job, now_ms)
            self._done(job.lane)
            return
        except (UndecodableRecord, NoTestCardField) as error:
            self._settling.dead_letter(job, error.reason, now_ms, error=str(error))
        except RenderError as error:
            failure = Failed(Reason.RENDER, detail=str(error))
            self._settling.failed(job, failure, None, now_ms, moved_past=self._moved_past(job))
        else:
            if not waiting.attempted_at_ms:
                late_ms = now_ms - (waiting.due_at_ms or job.due_ms)
                job.target.counts.lateness.observe(max(0, late_ms) / 1000)
            waiting.attempted_at_ms = now_ms
            self._sender.start(job, request)
            return
        self._next(job)

    def _move_on(self, job: Job, now_ms: int) -> None:
        """With all that follow it: they would stay in memory, before it, when it comes again."""
        for one in (job, *(job.followers or ())):
            moved_past = self._moved_past(one)
            if moved_past is None:
                self._settling.kept(one, PAUSED, now_ms)
            else:
                self._settling.suppressed(one, moved_past, now_ms)
        self._orders.leave_with_followers(job)
        self._done(job.lane)

    def _fields(self, value: bytes) -> Fields:
        # The deliveries of one event to several profiles stand side by side.
        if value != self._last_value:
            self._last_fields = self._decoder.decode(value)
            self._last_value = value
        return self._last_fields

    def finished(self, job: Job, answer: Answer, now_ms: int) -> None:
        """A transfer has ended."""
        outcome = outcome_of(answer)
        lane = job.lane
        lane.speed.answered(answer.duration_ms)
        match outcome:
            case Delivered():
                lane.destination.answered(is_suspect=job.waiting.suspect is not None)
                job.waiting.attempts += 1
                self._settling.delivered(job, outcome, answer.duration_ms, now_ms)
                self._next(job)
            case Failed():
                self._failed(job, outcome, answer.duration_ms, now_ms)
            case _:
                assert_never(outcome)

    def too_late(self, job: Job) -> None:
        """It was answered after its partition went to somebody else, who attempts it again."""
        self._done(job.lane)

    def _failed(self, job: Job, failure: Failed, duration_ms: float, now_ms: int) -> None:
        if job.target.profile.secrets and failure.detail:
            failure = replace(failure, detail=Mask(job.target.profile.secrets)(failure.detail))
        destination = job.lane.destination
        is_suspect = job.waiting.suspect is not None
        if failure.reason is Reason.REFUSED_ADDRESS:
            self._report_refusal(job, failure)
        else:
            job.waiting.attempts += 1
        if failure.reason is Reason.THROTTLED:
            self._hold_as_asked(job, failure, now_ms)
        opened = False
        if failure.is_endpoints:
            opened = destination.failed(failure, job.run_ms, is_suspect=is_suspect)
        else:
            destination.answered()
        self._settling.failed(job, failure, duration_ms, now_ms, moved_past=self._moved_past(job))
        if failure.is_endpoints:
            for follower in job.followers or ():
                self._deferral.hold(follower, now_ms)
            self._orders.leave_with_followers(job)
            self._done(job.lane)
        else:
            self._next(job)
        destination.heed_hold(now_ms, job.run_ms)
        if opened or destination.is_closed(job.run_ms):
            self._deferral.hold_all(job.lane, now_ms)

    def _moved_past(self, job: Job) -> str | None:
        """Why a partial that was not delivered does not come round again."""
        if job.waiting.code != PARTIAL:
            return None
        if self._orders.is_converted(job):
            return "converted"
        newer = (f.waiting for f in job.followers or () if f.waiting.code == PARTIAL)
        if job.target.profile.latest_only and any(w.version > job.waiting.version for w in newer):
            return "superseded"
        return None

    def _hold_as_asked(self, job: Job, failure: Failed, now_ms: int) -> None:
        if failure.retry_after is None:
            return
        now = datetime.fromtimestamp(now_ms / 1000, UTC)
        until = parse_retry_after(failure.retry_after, now)
        if until is None:
            return
        until_ms = int(bounded(until, now, self._longest_retry_after).timestamp() * 1000)
        endpoint = job.lane.endpoint
        if now_ms >= endpoint.hold_until_ms:  # once a hold: what is in flight is answered in the same way
            _log.warning("endpoint.asks_to_wait", endpoint=endpoint.shown, until_ms=until_ms)
        endpoint.hold(until_ms)
        job.waiting.hold_until_ms, job.waiting.hold_endpoint = endpoint.hold_until_ms, endpoint.name

    def _report_refusal(self, job: Job, failure: Failed) -> None:
        profile = job.target.profile
        if self._refused.get(profile.name) is not profile:  # once for each that is typed in
            self._refused[profile.name] = profile
            _log.error(
                "address.refused",
                profile=profile.name,
                endpoint=job.lane.endpoint.shown,
                detail=failure.detail,
                advice="a private address is sent to only when http.allow_networks names its network",
            )

    def _next(self, job: Job) -> None:
        following = self._orders.leave(job)
        if following is not None:
            self._lanes.put(following)
        self._done(job.lane)

    def _done(self, lane: Lane) -> None:
        self._lanes.done(lane)
