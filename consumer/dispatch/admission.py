"""A record that a run takes becomes a job for its endpoint's lane, or is settled on the spot: this says which."""

from consumer.core.customer_type import PARTIAL, converts
from consumer.core.errors import UndecodableRecord
from consumer.core.outcome import PAUSED
from consumer.core.ports import Record
from consumer.core.waiting import Headers, Waiting, profile_and_code, read_headers
from consumer.core.window import LatelyPlaced
from consumer.dispatch.deferral import Deferral
from consumer.dispatch.lanes import Job, Lanes
from consumer.dispatch.orders import Orders
from consumer.dispatch.precedence import Precedence
from consumer.dispatch.run import Run
from consumer.dispatch.settling import Settling
from consumer.dispatch.targets import Targets
from consumer.dispatch.track import Taken, Track


class Admission:
    """The rules in their order: known profile, partial rules, pause, what the endpoint takes, order."""

    def __init__(
        self, *, targets: Targets, lanes: Lanes, orders: Orders, deferral: Deferral, settling: Settling
    ) -> None:
        self._targets = targets
        self._lanes = lanes
        self._orders = orders
        self._deferral = deferral
        self._settling = settling
        self._placed = LatelyPlaced()

    def take(self, run: Run, track: Track, record: Record, at_ms: int, now_ms: int) -> None:
        """
        Do with a record of the current run what its headers, its profile and its endpoint say.

        Args:
            at_ms: When it entered.
        """
        headers = record.headers()
        if track.may_set_aside and run.precedence.aside and self._passes_over(run, track, record, headers):
            return
        try:
            waiting = read_headers(headers)
        except UndecodableRecord as error:
            self._unreadable(track, record, error, now_ms)
            return
        target = self._targets.get(waiting.profile) if waiting else None
        if waiting and target and waiting.code == PARTIAL and target.has_partial_rules:
            periods = self._targets.partial_periods
            if not run.cover(track, record, at_ms, target.period, periods):
                return  # it looks through what else waits first, and offers the record again
        offset = record.offset()
        if not track.ledger.take(offset):
            return
        track.dirty = True
        key = record.key() or b""
        if waiting is None:
            self._converted(run, track, key, offset)
            track.settle(offset)
            return
        if track.period is None:  # an orphan, too: it is moved on, and would stand in its line twice
            run.precedence.came(key, waiting)
        if converts(waiting.code) and self._meets_partials(track):
            self._converted(run, track, key, offset)
        value = record.value() or b""
        due_ms = track.due_ms(at_ms, self._targets.periods)
        if target is None:
            self._orphan(run, Taken(track, offset, key, value, waiting, due_ms), now_ms)
            return
        lane = self._lanes.lane(target)
        self._admit(run, Job(track, offset, key, value, waiting, due_ms, run.precedence.run_ms, target, lane), now_ms)

    def learn(self, track: Track, record: Record, waiting: Waiting | None) -> None:
        """What waits in the retry topic when its owner comes: since when, and until when its endpoint is let alone."""
        if waiting is None or not track.ledger.is_open(record.offset()):
            return
        self._settling.note_failure(track, waiting)
        if waiting.hold_until_ms:
            self._lanes.endpoint(waiting.hold_endpoint).hold(waiting.hold_until_ms)

    def has_room_for_aside(self, run: Run) -> bool:
        """Whether a reading of what the run set aside would come to anything."""
        return any(self._has_room_for(profile) for profile in run.precedence.aside)

    def _has_room_for(self, profile: str) -> bool:
        target = self._targets.get(profile)
        if target is None:
            return True
        lane = self._lanes.lane(target)
        return lane.is_slow or lane.waiting <= self._deferral.slow_lane_keeps // 2

    def is_up_to_date(self, job: Job) -> bool:
        """Whether it may still be sent as it was planned: profiles change while deliveries wait in memory."""
        profile = job.waiting.profile
        if job.track.precedence.is_paused(profile):
            return False
        if job.target.is_in_force:
            return True
        target = self._targets.get(profile)
        if target is None or not target.is_open or target.renderer.endpoint != job.lane.endpoint.name:
            return False
        job.target = target
        return True

    def _passes_over(self, run: Run, track: Track, record: Record, headers: Headers | None) -> bool:
        """
        Whether the run comes back to all that its windows hold for the profile. There may be a hundred thousand of
        them before those of another one. Partials are looked at one by one.
        """
        profile, code = profile_and_code(headers)
        if code == PARTIAL or not run.precedence.is_aside(profile):
            return False
        offset = record.offset()
        if track.ledger.take(offset):
            track.dirty = True
            if self._meets_partials(track) and converts(code):
                run.partials.note_conversion(record.key() or b"")
            run.set_aside(track, offset)
        return True

    def _set_profile_aside(self, run: Run, taken: Taken) -> None:
        run.precedence.set_aside(taken.waiting.profile)
        self._set_aside(run, taken)

    def _set_aside(self, run: Run, taken: Taken) -> None:
        self._deferral.went_back(taken)
        run.set_aside(taken.track, taken.offset)

    def _meets_partials(self, track: Track) -> bool:
        targets = self._targets
        return track.period is None or track.period in targets.partial_periods or not targets.are_complete

    def _admit(self, run: Run, job: Job, now_ms: int) -> None:
        waiting, target = job.waiting, job.target
        if waiting.code == PARTIAL and target.has_partial_rules:
            profile = target.profile
            reason = run.partials.rule_against(
                job.key, waiting, latest_only=profile.latest_only, skip_converted=profile.skip_converted
            )
            if reason is None and profile.skip_converted and job.key in self._placed:
                reason = "converted"  # in a former run: the partial came late
            if reason is None and profile.latest_only and self._orders.has_newer_partial(job):
                reason = "superseded"
            if reason is not None:
                self._settling.suppressed(job, reason, now_ms)
                return
        if job.track.may_set_aside and run.precedence.has_later and self._comes_later(run.precedence, job):
            self._set_aside(run, job)
        else:
            self._queue(run, job, now_ms)

    @staticmethod
    def _comes_later(precedence: Precedence, job: Job) -> bool:
        """Whether earlier deliveries of its order, or all of its profile, come later in the run."""
        waiting = job.waiting
        if precedence.is_aside(waiting.profile):
            return True
        if job.track.period is None:
            return False
        if precedence.comes_later(job.key, waiting.profile):
            return True
        # Of other profiles nothing hangs on it, and what stands behind such a partial must not pass it.
        is_skipped = waiting.code == PARTIAL and job.target.profile.skip_converted
        return is_skipped and precedence.conversion_comes_later(job.key)

    def _queue(self, run: Run, job: Job, now_ms: int) -> None:
        waiting, precedence = job.waiting, run.precedence
        is_paused = not job.target.is_open or precedence.is_paused(waiting.profile)
        if precedence.is_out_of_order(job.key, waiting):
            self._move_on(job, now_ms, is_paused=is_paused)
        elif self._orders.leader(job) is not None:
            # Whatever keeps it back keeps it back behind those: moved on now, it would come round before them.
            if job.track.may_set_aside and self._is_full(run, job):
                self._set_profile_aside(run, job)
            else:
                self._orders.join(job)
        elif is_paused:
            self._leave(run, job, now_ms, is_paused=True)
        elif job.had_its_attempt:
            self._settling.again(job)
        elif not self._accepts(run, job, now_ms):
            self._leave(run, job, now_ms, is_paused=False)
        elif self._is_full(run, job):
            self._leave(run, job, now_ms, is_paused=False, waits_for_room=not job.lane.is_slow)
        elif precedence.keeps_back(job.key, waiting):
            self._deferral.hold(job, now_ms)
        elif self._orders.join(job):
            self._lanes.put(job)

    def _leave(self, run: Run, job: Job, now_ms: int, *, is_paused: bool, waits_for_room: bool = False) -> None:
        """Nothing of its profile is sent now; where it only *waits_for_room*, it may be as often as the run comes
        back."""
        if run.leaves_for_later(job.track) or (waits_for_room and job.track.may_set_aside):
            self._set_profile_aside(run, job)
        else:
            self._move_on(job, now_ms, is_paused=is_paused)

    def _move_on(self, job: Job, now_ms: int, *, is_paused: bool) -> None:
        if is_paused:
            self._settling.kept(job, PAUSED, now_ms)
        else:
            self._deferral.hold(job, now_ms)

    def _accepts(self, run: Run, job: Job, now_ms: int) -> bool:
        waiting, lane = job.waiting, job.lane
        if waiting.hold_until_ms > now_ms:  # not learnt yet, where the brokers were slow to give it
            self._lanes.endpoint(waiting.hold_endpoint).hold(waiting.hold_until_ms)
        destination = lane.destination
        if not destination.admit(now_ms, job.run_ms, suspect=waiting.suspect):
            return False
        is_probed = destination.is_probed and run.leaves_for_later(job.track)
        return not (is_probed and (lane.queue or destination.in_flight))

    def _is_full(self, run: Run, job: Job) -> bool:
        lane = job.lane
        gives_way = lane.gives_way and (job.track.may_set_aside or run.is_overdue)
        return (lane.is_slow or gives_way) and lane.waiting >= self._deferral.slow_lane_keeps

    def _converted(self, run: Run, track: Track, order: bytes, offset: int) -> None:
        """
        An order was placed. A partial of it that waits in the retry topic, or is out and may come there, may be read by
        a later run only, which does not meet this record any more: it is told there.
        """
        run.partials.note_conversion(order)
        self._placed.add(order)
        comes_again = self._orders.placed(order) or order in run.partials.unruled
        if track.period is not None:
            comes_again = comes_again or order in self._settling.moved_partials or run.has_unread_retries
        if comes_again:
            self._tell_later_runs(run, order, track, offset)

    def _tell_later_runs(self, run: Run, order: bytes, track: Track, offset: int) -> None:
        if run.partials.note_told(order):
            self._settling.remind(order, track, offset)

    def _orphan(self, run: Run, taken: Taken, now_ms: int) -> None:
        """Its profile is gone; editors rename files, so a full period passes before that is believed."""
        if run.leaves_for_later(taken.track):
            self._set_profile_aside(run, taken)
            return
        leader = self._orders.leader(taken)
        if leader is not None:  # behind earlier ones that are still out, which are moved on when it is their turn
            job = Job.of(taken, run_ms=run.precedence.run_ms, target=leader.target, lane=leader.lane)
            self._orders.join(job)
            return
        targets, profile = self._targets, taken.waiting.profile
        # Of what waits in the retry topic nobody may know the period any more: none that there are is longer.
        period = taken.track.period or targets.former_period(profile) or max(run.longest_period, *targets.periods)
        if targets.missing_ms(profile, now_ms) >= period * 1000:
            self._settling.dead_letter(taken, "profile_removed", now_ms)
        else:
            self._settling.kept(taken, PAUSED, now_ms)
            self._comes_unruled(run, taken)

    def _comes_unruled(self, run: Run, taken: Taken) -> None:
        """Whether a partial goes out when its profile is back depends on whether its order was placed meanwhile."""
        if taken.waiting.code != PARTIAL:
            return
        run.partials.unruled.add(taken.key)
        if run.partials.is_converted(taken.key):
            self._tell_later_runs(run, taken.key, taken.track, taken.offset)

    def _unreadable(self, track: Track, record: Record, error: UndecodableRecord, now_ms: int) -> None:
        """Somebody else wrote to the program's topic."""
        offset = record.offset()
        if not track.ledger.take(offset):
            return
        source = f"{track.topic}/{track.place[1]}/{offset}"
        waiting = Waiting(delivery_id="", profile="", code="", source=source, occurred_at_ms=0, arrived_at_ms=0)
        taken = Taken(track, offset, record.key() or b"", record.value() or b"", waiting, 0)
        self._settling.dead_letter(taken, error.reason, now_ms, error=str(error))
