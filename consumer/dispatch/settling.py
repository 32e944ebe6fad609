"""What became of deliveries: the records of the next transaction, the settled offsets, the counts."""

from collections import defaultdict
from typing import Final

from consumer.core.customer_type import PARTIAL
from consumer.core.outcome import PAUSED, Delivered, Failed, Reason
from consumer.core.ports import LogRecord
from consumer.core.report import outcome_row
from consumer.core.topics import Sizes, TopicNames
from consumer.core.waiting import Waiting, dead_letter_headers, marker_header, retry_header, run_header, window_header
from consumer.core.window import LatelyNoted
from consumer.dispatch.lanes import Job
from consumer.dispatch.oldest import OldestFailure
from consumer.dispatch.track import Taken, Track
from consumer.log import EventLog
from consumer.metrics import Metrics

COMMITTED_AT_ONCE: Final = 8_000
_BYTES_COMMITTED_AT_ONCE: Final = 32 << 20
"""Records, and of those the bytes of events: so much is written before the commit interval is over."""

_LOGGED_FAILURES: Final = 5
"""Of a profile between two summaries; the rest is in the outcomes topic."""

_log = EventLog("dispatch")


class Settling:
    """
    Attributes:
        records: Of the next transaction.
        moved_partials: Orders of partials that were moved to the retry topic lately, or set aside.
        oldest: First failures of what waits in the retry topic, by partition.
    """

    def __init__(self, *, names: TopicNames, sizes: Sizes, metrics: Metrics, give_up_after_ms: int | None) -> None:
        self.records: list[LogRecord] = []
        self.moved_partials = LatelyNoted()
        self.oldest: defaultdict[int, OldestFailure] = defaultdict(OldestFailure)
        self._names = names
        self._sizes = sizes
        self._outcomes_topic = names.outcomes
        self._metrics = metrics
        self._counts = metrics.by_profile.counts
        self._give_up_after_ms = give_up_after_ms
        self._logged: dict[str, int] = {}
        self._bytes = 0

    @property
    def has_much(self) -> bool:
        """Whether it is time to write it."""
        return len(self.records) >= COMMITTED_AT_ONCE or self._bytes >= _BYTES_COMMITTED_AT_ONCE

    def delivered(self, job: Job, outcome: Delivered, duration_ms: float, now_ms: int) -> None:
        """The receiver has it."""
        waiting = job.waiting
        counts = job.target.counts
        counts.delivered += 1
        counts.duration.observe(duration_ms / 1000)
        self._report(job, "delivered", now_ms, status=outcome.status, duration_ms=duration_ms)
        job.track.tally["delivered"] += 1
        job.settle()
        _log.debug("delivery.delivered", profile=waiting.profile, id=waiting.delivery_id, status=outcome.status)

    def failed(
        self, taken: Taken, failure: Failed, duration_ms: float | None, now_ms: int, *, moved_past: str | None = None
    ) -> None:
        """
        It goes to the retry topic, or to the dead letters when it has been failing for too long.

        Args:
            moved_past: Why it does not come round again, when a partial rule says so.
        """
        waiting = taken.waiting
        counts = self._counts(waiting.profile)
        counts.failed += 1
        counts.failures[failure.reason] += 1
        if duration_ms is not None:
            counts.duration.observe(duration_ms / 1000)
        waiting.first_failed_at_ms = waiting.first_failed_at_ms or now_ms
        reason = failure.reason.value
        self._report(taken, "failed", now_ms, reason=reason, status=failure.status, duration_ms=duration_ms)
        self._log_failure(taken, failure)
        taken.track.tally["failed"] += 1
        if moved_past is not None:
            self.suppressed(taken, moved_past, now_ms)
        elif self._is_to_be_given_up(waiting, now_ms):
            self._give_up(taken, f"{reason} {failure.status or failure.detail}".strip(), now_ms)
        else:
            self._to_retry(taken, reason)

    def kept(self, taken: Taken, reason: str, now_ms: int) -> bool:
        """
        It is not attempted: its profile is paused, or its endpoint is left alone.

        Returns:
            Whether it is moved to the retry topic; else it was given up.
        """
        if reason == Reason.HELD:
            waiting = taken.waiting
            self._counts(waiting.profile).failures[Reason.HELD] += 1
            waiting.first_failed_at_ms = waiting.first_failed_at_ms or now_ms
            if self._is_to_be_given_up(waiting, now_ms):
                self._give_up(taken, waiting.reason or reason, now_ms)
                return False
            if waiting.reason != Reason.HELD:
                self._report(taken, "failed", now_ms, reason=reason)
        else:
            taken.track.precedence.pause(taken.waiting.profile)
        taken.track.tally[reason] += 1
        self._to_retry(taken, reason)
        return True

    def suppressed(self, taken: Taken, reason: str, now_ms: int) -> None:
        """It is not sent, for good, and the outcome says why."""
        self._counts(taken.waiting.profile).suppressed[reason] += 1
        self._report(taken, "suppressed", now_ms, reason=reason)
        taken.track.tally["suppressed"] += 1
        taken.settle()

    def dead_letter(self, taken: Taken, reason: str, now_ms: int, *, error: str = "") -> None:
        """It can never be delivered: kept with its bytes and the reason, in the retry topic if nowhere else."""
        waiting = taken.waiting
        if self._sizes.as_dead_letter(taken.key, taken.value) != (taken.key, taken.value):
            self._sizes.are_asked_for = True
            _log.error(
                "dead_letter.too_large",
                reason=reason,
                source=waiting.source,
                profile=waiting.profile,
                bytes=len(taken.value),
                advice=f"it stays in the retry topic: raise max.message.bytes of {self._names.dead_letter}",
            )
            self._to_retry(taken, waiting.reason)
            return
        headers = dead_letter_headers(
            reason, source=waiting.source, profile=waiting.profile, delivery_id=waiting.delivery_id, error=error
        )
        self.records.append((self._names.dead_letter, taken.key, taken.value, headers))
        self._bytes += len(taken.value)
        self._metrics.dead_letters.labels(reason).inc()
        if waiting.profile:
            self._counts(waiting.profile).dead_lettered += 1
            self._report(taken, "dead_lettered", now_ms, reason=reason)
        taken.track.tally["dead_lettered"] += 1
        taken.settle()
        _log.error("record.dead_letter", reason=reason, source=waiting.source, profile=waiting.profile, error=error)

    def note_failure(self, track: Track, waiting: Waiting) -> None:
        """Since when it has failed. What is paused is nobody's to correct, and has been waiting for other reasons."""
        if waiting.reason != PAUSED:
            self.oldest[track.place[1]].note(waiting.first_failed_at_ms)

    def forget_logged(self) -> None:
        """A summary was logged: failures may be logged one by one again."""
        self._logged.clear()

    def again(self, taken: Taken) -> None:
        """It had its attempt of this run before the run began, in the one that took too long: it is moved on as it
        is."""
        taken.track.tally[Reason.HELD] += 1
        self._to_retry(taken, taken.waiting.reason)

    def written(self) -> None:
        """The records are in Kafka."""
        self.records.clear()
        self._bytes = 0

    def clear(self) -> None:
        """Forget what was not written: the partitions went to somebody else."""
        self.written()
        self.oldest.clear()

    def remind(self, order: bytes, track: Track, offset: int) -> None:
        """Say to later runs in the retry topic, too, that an order was placed: *track* has it at *offset*."""
        source = f"{track.topic}/{track.place[1]}/{offset}"
        track.precedence.conversion_moved(order)
        headers = [marker_header(source), run_header(track.precedence.run_ms)]
        self.records.append((self._names.retry, order, b"", headers))

    def _is_to_be_given_up(self, waiting: Waiting, now_ms: int) -> bool:
        limit = self._give_up_after_ms
        return limit is not None and now_ms - waiting.first_failed_at_ms >= limit

    def _give_up(self, taken: Taken, last: str, now_ms: int) -> None:
        self.dead_letter(taken, "gave_up", now_ms, error=f"{taken.waiting.attempts} attempts, at last: {last}")

    def _to_retry(self, taken: Taken, reason: str) -> None:
        waiting = taken.waiting
        if waiting.code == PARTIAL:
            self.moved_partials.add(taken.key)
        waiting.reason = reason
        waiting.due_at_ms = waiting.due_at_ms or taken.due_ms
        precedence = taken.track.precedence
        precedence.moved(taken.key, waiting)
        headers = [window_header(waiting), retry_header(waiting), run_header(precedence.run_ms)]
        self.records.append((self._names.retry, taken.key, taken.value, headers))
        self._bytes += len(taken.value)
        self.note_failure(taken.track, waiting)
        taken.settle()

    def _report(
        self,
        taken: Taken,
        outcome: str,
        now_ms: int,
        *,
        reason: str | None = None,
        status: int | None = None,
        duration_ms: float | None = None,
    ) -> None:
        waiting = taken.waiting
        row = outcome_row(
            delivery_id=waiting.delivery_id,
            profile=waiting.profile,
            order_id=taken.order_id,
            code=waiting.code,
            attempt=waiting.attempts,
            outcome=outcome,
            reason=reason,
            status=status,
            duration_ms=duration_ms,
            at_ms=now_ms,
            due_at_ms=taken.due_ms,
        )
        self.records.append((self._outcomes_topic, taken.key, row, None))

    def _log_failure(self, taken: Taken, failure: Failed) -> None:
        waiting = taken.waiting
        logged = self._logged.get(waiting.profile, 0)
        self._logged[waiting.profile] = logged + 1
        write = _log.warning if logged < _LOGGED_FAILURES else _log.debug
        write(
            "delivery.failed",
            profile=waiting.profile,
            id=waiting.delivery_id,
            order=taken.order_id,
            attempt=waiting.attempts,
            reason=failure.reason.value,
            status=failure.status,
            detail=failure.detail or None,
        )
