"""One lane an endpoint: what waits in memory to be sent there, served in turns so that none delays another."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from consumer.core.endpoint import Endpoint
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
        is_ready: Stands in the round of lanes that are served.
        is_slow: It takes more memory than its share and answers too slowly: its newest deliveries wait in Kafka.
        gives_way: The same, as far as it looks at a glance: those in windows are set aside.
        answered: Transfers that ended, for judging its speed.
        answered_before: The same, at the look before.
    """

    endpoint: Endpoint
    queue: deque[Job] = field(default_factory=deque)
    is_ready: bool = False
    is_slow: bool = False
    gives_way: bool = False
    answered: int = 0
    answered_before: int = 0


class Lanes:
    """All lanes, and the round of those that can send."""

    def __init__(self, highest_limit: int) -> None:
        self._highest_limit = highest_limit
        self._lanes: dict[str, Lane] = {}
        self._round: deque[Lane] = deque()

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def lane(self, endpoint: str) -> Lane:
        """The lane of `scheme://host:port`."""
        lane = self._lanes.get(endpoint)
        if lane is None:
            lane = self._lanes[endpoint] = Lane(Endpoint(endpoint, self._highest_limit))
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

    def take(self) -> Job | None:
        """The next job to be sent, of the lane whose turn it is; counted as in flight from here on."""
        while self._round:
            lane = self._round.popleft()
            if lane.queue and lane.endpoint.has_room:
                lane.endpoint.in_flight += 1
                self._round.append(lane)
                return lane.queue.popleft()
            lane.is_ready = False
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
            lane.is_ready = False
