"""One lane a destination: what waits in memory to be sent there, served in turns so that none delays another."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from consumer.core.destination import Destination
from consumer.core.endpoint import Endpoint
from consumer.core.masking import Mask
from consumer.dispatch.speed import Speed
from consumer.dispatch.targets import Target
from consumer.dispatch.track import Taken


@dataclass(slots=True, eq=False)
class Job(Taken):
    """
    A delivery that waits in memory to be sent.

    Attributes:
        run_ms: Name of the run that took it.
        lane: Of its profile, and the endpoint that the profile had when it was taken.
        followers: Later deliveries of the same order to the same profile: they go out after it.
    """

    run_ms: int
    target: Target
    lane: "Lane"
    followers: "list[Job] | None" = None

    @property
    def had_its_attempt(self) -> bool:
        """Whether it was attempted in this run's time already, by the one before, which took too long."""
        return self.waiting.attempted_at_ms >= self.run_ms

    @staticmethod
    def of(taken: Taken, *, run_ms: int, target: Target, lane: "Lane") -> "Job":
        """What was taken, to be sent by this lane."""
        t = taken
        return Job(t.track, t.offset, t.key, t.value, t.waiting, t.due_ms, run_ms, target, lane)


@dataclass(slots=True, eq=False)
class Lane:
    """
    Attributes:
        queue: Those that may be sent: of each order to each profile the first one.
        following: How many come after those, or after what is in flight, in their order's line.
        is_ready: Stands in the round of lanes that are served, or waits for room at its endpoint.
        gives_way: It answers too slowly for all that came for it: it takes no more memory than its share, and what
            comes beyond that is set aside in its window.
        is_slow: So slowly that it is not worth waiting for: that is moved to the retry topic.
    """

    destination: Destination
    speed: Speed
    queue: deque[Job] = field(default_factory=deque)
    following: int = 0
    is_ready: bool = False
    gives_way: bool = False
    is_slow: bool = False

    @property
    def endpoint(self) -> Endpoint:
        """That of its destination."""
        return self.destination.endpoint

    @property
    def can_send(self) -> bool:
        """Whether its next job may go out as soon as its endpoint has room."""
        return bool(self.queue) and self.destination.has_room

    @property
    def waiting(self) -> int:
        """Jobs in memory that are not in flight."""
        return len(self.queue) + self.following


class Lanes:
    """
    All lanes, and the round of those that can send.

    All profiles of an endpoint share what it takes at once, each in its turn.

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
        self._endpoints: dict[str, Endpoint] = {}
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._blocked: dict[Endpoint, deque[Lane]] = {}
        self._round: deque[Lane] = deque()

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.values())

    def held(self, targets: Iterable[Target], now_ms: int) -> dict[str, bool]:
        """Of each endpoint of *targets*, as it is shown, whether nothing is sent to it now, whatever the profile."""
        held: dict[str, bool] = {}
        for lane in map(self.lane, targets):
            name = lane.endpoint.shown
            held[name] = held.get(name, True) and lane.destination.is_held(now_ms)
        return held

    def lane(self, target: Target) -> Lane:
        """That of a profile to its `scheme://host:port`."""
        endpoint, profile = target.renderer.endpoint, target.profile
        lane = self._lanes.get((endpoint, profile.name))
        if lane is None:
            state = self.endpoint(endpoint)
            state.shown = Mask(profile.secrets)(state.shown)
            destination = Destination(state)
            lane = self._lanes[endpoint, profile.name] = Lane(destination, Speed(destination))
        return lane

    def endpoint(self, name: str) -> Endpoint:
        """That of a `scheme://host:port`, whether a profile has it now or not."""
        state = self._endpoints.get(name)
        if state is None:
            state = self._endpoints[name] = Endpoint(name, self._highest_limit)
        return state

    def put(self, job: Job) -> None:
        """Behind what waits for its destination."""
        lane = job.lane
        lane.queue.append(job)
        if not lane.is_ready:
            self.wake(lane)

    def wake(self, lane: Lane) -> None:
        """It may be able to send (again)."""
        if not lane.is_ready and lane.can_send:
            lane.is_ready = True
            self._round.append(lane)

    def done(self, lane: Lane) -> None:
        """A job that was taken is no longer in flight."""
        endpoint = lane.endpoint
        endpoint.in_flight -= 1
        lane.destination.in_flight -= 1
        self._unblock(endpoint)
        self.wake(lane)

    def _unblock(self, endpoint: Endpoint) -> int:
        """
        Let into the round as many lanes that can send as there is room for: one that cannot would leave its room
        unused for good.

        Returns:
            How many.
        """
        blocked = self._blocked.get(endpoint)
        room = endpoint.limit - endpoint.in_flight
        let_in = 0
        while blocked and let_in < room:
            lane = blocked.popleft()
            if lane.can_send:
                self._round.append(lane)
                let_in += 1
            else:
                lane.is_ready = False
        return let_in

    def share_slots(self) -> None:
        """Count who shares them, several times a second. One that is alone has all; others leave a share free."""
        busy = sum(1 for lane in self._lanes.values() if lane.queue or lane.destination.in_flight)
        self._share = self._slots if busy <= 1 else max(1, self._slots // (busy + 1))

    def take(self, free: int) -> Job | None:
        """
        The next job to be sent, of the lane whose turn it is; counted as in flight from here on.

        Args:
            free: Slots.
        """
        is_scarce = free <= self._reserve
        left = len(self._round)
        while left:
            left -= 1
            lane = self._round.popleft()
            destination = lane.destination
            endpoint = destination.endpoint
            if not lane.can_send:
                lane.is_ready = False
                left += self._unblock(endpoint)  # what it was let in for is theirs
                continue
            if not endpoint.has_room:
                self._blocked.setdefault(endpoint, deque()).append(lane)
                continue
            self._round.append(lane)
            if not is_scarce or destination.in_flight < self._share or lane.speed.answers_soon:
                endpoint.in_flight += 1
                destination.in_flight += 1
                return lane.queue.popleft()
        return None

    def has_ready(self, count: int) -> bool:
        """Whether so many jobs wait in lanes that can send."""
        for lane in self._round:
            if lane.destination.has_room and lane.endpoint.has_room:
                count -= len(lane.queue)
            if count <= 0:
                return True
        return False

    def clear(self) -> list[Job]:
        """Forget what waits, and return it; what is known of the endpoints stays."""
        self._round.clear()
        self._blocked.clear()
        waited: list[Job] = []
        for lane in self._lanes.values():
            waited += lane.queue
            lane.queue.clear()
            lane.following = 0
            lane.is_ready = False
        return waited
