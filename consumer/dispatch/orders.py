"""Deliveries of one order to one profile, in memory at the same time: they go out one after the other."""

from collections.abc import Iterator

from consumer.core.customer_type import PARTIAL
from consumer.dispatch.lanes import Job, Lane
from consumer.dispatch.track import Taken


class Orders:
    """
    Who goes first, and which orders were placed while a partial of theirs was out.

    Attributes:
        open_count: Jobs in memory, those in flight included.
        open_bytes: Of their events.
    """

    def __init__(self) -> None:
        self.open_count = 0
        self.open_bytes = 0
        self._leaders: dict[tuple[bytes, str], Job] = {}
        self._partials_out: dict[bytes, list[Job]] = {}
        self._placed: set[bytes] = set()

    @property
    def mean_bytes(self) -> int:
        """Of an event in memory; 1 at least."""
        return max(1, self.open_bytes // max(1, self.open_count))

    def leader(self, taken: Taken) -> Job | None:
        """The first of the deliveries of its order to its profile that are out."""
        return self._leaders.get((taken.key, taken.waiting.profile))

    def join(self, job: Job) -> bool:
        """Whether the job may be sent now; else it follows those that came before it."""
        self.open_count += 1
        self.open_bytes += len(job.value)
        if job.waiting.code == PARTIAL:
            self._partials_out.setdefault(job.key, []).append(job)
        leader = self._leaders.setdefault((job.key, job.waiting.profile), job)
        if leader is job:
            return True
        if leader.followers is None:
            leader.followers = []
        leader.followers.append(job)
        job.lane.following += 1
        return False

    def leave(self, job: Job) -> Job | None:
        """The job was settled; the one that follows it may be sent."""
        followers = job.followers
        key = (job.key, job.waiting.profile)
        self._gone(job)
        if not followers:
            del self._leaders[key]
            return None
        following = self._leaders[key] = followers.pop(0)
        following.followers = followers or None
        following.lane.following -= 1
        return following

    def leave_with_followers(self, job: Job) -> None:
        """The job and all that followed it were settled."""
        del self._leaders[job.key, job.waiting.profile]
        self._gone(job)
        for follower in job.followers or ():
            self._follower_gone(follower)

    def followers_leaving(self, lane: Lane) -> Iterator[Job]:
        """Of a lane, the last of each line first, as far as their runs come back to them; each that is given left."""
        for leader in self._leaders.values():
            followers = leader.followers
            while followers and followers[-1].lane is lane and followers[-1].track.may_set_aside:
                follower = followers.pop()
                self._follower_gone(follower)
                yield follower

    def placed(self, order: bytes) -> bool:
        """An order was placed. Returns whether a partial of it is out that must not come round again now."""
        partials = self._partials_out.get(order)
        if not partials:
            return False
        self._placed.add(order)
        return any(job.target.profile.skip_converted for job in partials)

    def is_converted(self, job: Job) -> bool:
        """Whether it is a partial whose order was placed since it was taken, and its profile skips those."""
        return job.waiting.code == PARTIAL and job.target.profile.skip_converted and job.key in self._placed

    def has_newer_partial(self, job: Job) -> bool:
        """Whether a newer version of the partial *job* is out."""
        leader = self.leader(job)
        if leader is None:
            return False
        line = (leader, *(leader.followers or ()))
        return any(one.waiting.code == PARTIAL and one.waiting.version > job.waiting.version for one in line)

    def clear(self) -> None:
        """Forget all: the partitions went to somebody else."""
        self.open_count = self.open_bytes = 0
        self._leaders.clear()
        self._partials_out.clear()
        self._placed.clear()

    def _follower_gone(self, job: Job) -> None:
        job.lane.following -= 1
        self._gone(job)

    def _gone(self, job: Job) -> None:
        self.open_count -= 1
        self.open_bytes -= len(job.value)
        if job.waiting.code != PARTIAL:
            return
        partials = self._partials_out[job.key]
        partials.remove(job)
        if not partials:
            del self._partials_out[job.key]
            self._placed.discard(job.key)
