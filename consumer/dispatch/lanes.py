"""One lane an endpoint: what waits in memory to be sent there, served in turns so that none delays another."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from consumer.core.endpoint import Endpoint
from consumer.dispatch.speed import Speed
from consumer.dispatch.targets import Target
from consumer.dispatch.track import Taken


@dataclass(slots=True, eq=False)
class Job(Taken):
    """
    A delivery that waits in memory to be sent.

    Attributes:
        run_ms: Name of the run that took it.
        lane: Of the endpoint that its profile had when it was taken.
        followers: Later deliveries of the same order to the same profile: they go out after it.
    """

    run_ms: int
    target: Target
    lane: "Lane"
    followers: "list[Job] | None" = None


@dataclass(slots=True, eq=False)
class Lane:
    """
    Attributes:
        queue: Those that may be sent: of each order to each profile the first one.
        following: How many come after those, or after what is in flight, in their order's line.
        is_ready: Stands in the round of lanes that are served.
        gives_way: It answers too slowly for all that came for it: it takes no more memory than its share, and what
            comes beyond that is set aside in its window.
        is_slow: So slowly that it is not worth waiting for: that is moved to the retry topic.
    """

    endpoint: Endpoint
    speed: Speed
    queue: deque[Job] = field(default_factory=deque)
    following: int = 0
    is_ready: bool = False
    gives_way: bool = False
    is_slow: bool = False

    @property
    def waiting(self) -> int:
        """Jobs in memory that are not in flight."""
        return len(self.queue) + self.following


class Lanes:
    """
    All lanes, and the round of those that can send.

    An eighth of the slots is kept for receivers that answer soon, and for those that have less than an equal share of
    all: sixteen that each take half a minute to answer would hold every slot otherwise.
    """

    def __init__(self, highest_limit: int, *, slots: int) -> None:
        """
        Args:
            highest_limit: Of transfers at once, to each endpoint.
            slots: The same, to all of them.
        """
        self._highest_limit = highest_limit
        self._slots = slots
        self._reserve = slots // 8
        self._share = slots
        self._lanes: dict[str, Lane] = {}
        self._round: deque[Lane] = deque()

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def lane(self, endpoint: str) -> Lane:
        """The lane of `scheme://host:port`."""
        lane = self._lanes.get(endpoint)
        if lane is None:
            state = Endpoint(endpoint, self._highest_limit)
            lane = self._lanes[endpoint] = Lane(state, Speed(state))
        return lane

    def put(self, job: Job) -> None:
        """Behind what waits for its endpoint."""
        lane = job.lane
        lane.queue.append(job)
        if not lane.is_ready:
            self.wake(lane)

    def wake(self, lane: Lane) -> None:
        """It may be able to send (again)."""
        if not lane.is_ready and lane.queue and lane.endpoint.has_room:
            lane.is_ready = True
            self._round.append(lane)

    def share_slots(self) -> None:
        """Count who shares them, several times a second. One that is alone has all; others leave a share free."""
        busy = sum(1 for lane in self._lanes.values() if lane.queue or lane.endpoint.in_flight)
        self._share = self._slots if busy <= 1 else max(1, self._slots // (busy + 1))

    def take(self, free: int) -> Job | None:
        """
        The next job to be sent, of the lane whose turn it is; counted as in flight from here on.

        Args:
            free: Slots.
        """
        is_scarce = free <= self._reserve
        for _ in range(len(self._round)):
            lane = self._round.popleft()
            endpoint = lane.endpoint
            if not (lane.queue and endpoint.has_room):
                lane.is_ready = False
                continue
            self._round.append(lane)
            if not is_scarce or endpoint.in_flight < self._share or lane.speed.answers_soon:
                endpoint.in_flight += 1
                return lane.queue.popleft()
        return None

    def has_ready(self, count: int) -> bool:
        """Whether so many jobs wait in lanes that can send."""
        for lane in self._round:
            if lane.endpoint.has_room:
                count -= len(lane.queue)
            if count <= 0:
                return True
        return False

    def clear(self) -> None:
        """Forget what waits; what is known of the endpoints stays."""
        self._round.clear()
        for lane in self._lanes.values():
            lane.queue.clear()
            lane.following = 0
            lane.is_ready = False
