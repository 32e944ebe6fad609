"""What is not sent now: moved to the retry topic unattempted, or left where it stands until later in the run."""

from collections import deque
from typing import Final

from consumer.core.customer_type import PARTIAL
from consumer.core.outcome import Reason
from consumer.dispatch.lanes import Job, Lane
from consumer.dispatch.orders import Orders
from consumer.dispatch.settling import Settling
from consumer.dispatch.track import Taken

_SLOW_LANES_KEEP: Final = 4096
SLOW_LANE_KEEPS: Final = 1024
"""Deliveries of all slow endpoints and of one that wait in memory; what comes after them waits in Kafka."""
_SLOW_LANES_KEEP_BYTES: Final = 32 << 20
"""The same, where events are large."""


class Deferral:
    """
    Attributes:
        slow_lane_keeps: How many deliveries each slow lane keeps in memory.
    """

    def __init__(self, *, orders: Orders, settling: Settling) -> None:
        self.slow_lane_keeps = SLOW_LANE_KEEPS
        self._orders = orders
        self._settling = settling

    def share_memory(self, busy_lanes: int, mean_bytes: int) -> None:
        """Among slow lanes, when so many lanes have deliveries in memory, of such a size."""
        all_keep = min(_SLOW_LANES_KEEP, _SLOW_LANES_KEEP_BYTES // mean_bytes)
        self.slow_lane_keeps = max(1, min(SLOW_LANE_KEEPS, all_keep // max(1, busy_lanes)))

    def hold(self, job: Job, now_ms: int) -> None:
        """It is not attempted in this run."""
        waiting = job.waiting
        if self._orders.is_converted(job):
            self._settling.suppressed(job, "converted", now_ms)
            return
        endpoint, destination = job.lane.endpoint, job.lane.destination
        destination.held(is_suspect=waiting.suspect is not None)
        waiting.hold_until_ms, waiting.hold_endpoint = endpoint.hold_until_ms, endpoint.name
        if self._settling.kept(job, Reason.HELD, now_ms) and destination.is_closed(job.run_ms):
            job.track.precedence.hold(waiting.profile)

    def hold_line(self, leader: Job, now_ms: int) -> None:
        """A job and those that follow it are not attempted in this run."""
        for job in (leader, *(leader.followers or ())):
            self.hold(job, now_ms)
        self._orders.leave_with_followers(leader)

    def hold_all(self, lane: Lane, now_ms: int) -> None:
        """Nothing more is sent there in this run: what waits for it is moved on unattempted."""
        while lane.queue:
            self.hold_line(lane.queue.popleft(), now_ms)

    def shed(self, lane: Lane, now_ms: int, *, keeps: int) -> None:
        """The same for the newest of what waits in a lane."""
        lane.is_slow = True
        while lane.queue and lane.waiting > keeps:
            self.hold_line(lane.queue.pop(), now_ms)

    def set_aside(self, lane: Lane) -> None:
        """
        Leave the newest of what waits in a lane where they stand, until all was read once: others may stand behind.
        """
        lane.gives_way = True
        stay: deque[Job] = deque()
        while lane.queue and lane.waiting + len(stay) > self.slow_lane_keeps:
            leader = lane.queue.pop()
            line = (leader, *(leader.followers or ()))
            if not all(job.track.may_set_aside for job in line):
                stay.appendleft(leader)
                continue
            self._orders.leave_with_followers(leader)
            for job in line:
                self._leave_where_it_stands(job)
        lane.queue.extend(stay)
        if lane.waiting > self.slow_lane_keeps:
            self._shorten_lines(lane)

    def went_back(self, taken: Taken) -> None:
        """It was taken, stays where it stands, and will be read again."""
        track = taken.track
        if track.period is None:
            track.precedence.went_back(taken.key, taken.waiting)
        if taken.waiting.code == PARTIAL:
            # A conversion that is read before it comes again is to be told to later runs.
            self._settling.moved_partials.add(taken.key)

    def _shorten_lines(self, lane: Lane) -> None:
        """Set aside, of what follows those that cannot be or are in flight, the last of each line first."""
        for job in self._orders.followers_leaving(lane):
            self._leave_where_it_stands(job)
            if lane.waiting <= self.slow_lane_keeps:
                return

    def _leave_where_it_stands(self, job: Job) -> None:
        job.track.precedence.set_aside(job.waiting.profile)
        job.track.ledger.set_aside(job.offset)
        self.went_back(job)
