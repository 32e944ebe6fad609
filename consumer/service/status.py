"""Where everything stands, from the brokers alone: what waits, what is due, what is retried and since when."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from consumer.adapters.profiles import ProfileSet
from consumer.core.errors import UndecodableRecord
from consumer.core.outcome import PAUSED
from consumer.core.ports import Place, Record
from consumer.core.profile import Profile
from consumer.core.schedule import due_ms, next_boundary_ms, period_seconds, periods_in_use
from consumer.core.topics import TopicNames
from consumer.core.waiting import Waiting, entered_ms, read_headers
from consumer.service.asking import Brokers
from consumer.service.backlog import Backlog, Open, look, places_of
from consumer.service.profile_files import problems_by_profile
from consumer.service.recent import LastFailure, Recent, read_recent
from consumer.settings import Settings

_LETTERS_READ: Final = 20_000
"""Of each partition: of more dead letters the newest are looked at, the others counted."""

# What is invalid now may still run with its last good version.
_SENDING: Final = frozenset({"active", "invalid"})

State = Literal["active", "paused", "disabled", "invalid", "removed"]
Kind = Literal["source", "window", "retry", "dead-letter", "outcomes"]


@dataclass(slots=True, kw_only=True)
class ProfileStatus:
    """
    Attributes:
        state: `invalid`: its file does not load now; a service that runs keeps its last good version, if it had one.
            `removed`: something waits for a profile that is in no file.
        waiting: Deliveries that wait for their first attempt.
        due: Waiting or retrying, and their run has begun.
        next_run_at_ms: None when nothing will be sent.
        retrying: Deliveries that failed, or that were held before their first attempt.
        oldest_failure_at_ms: First failure of the one that has been retrying for longest.
        held_until_ms: What a receiver asked to wait, when that is not over.
        delivered: Lately.
        failed: Attempts that failed lately.
        waiting_reason: Why the newest of what is retrying has not been delivered.
        problem: Why it is invalid, with file and line.
    """

    name: str
    state: State
    waiting: int = 0
    due: int = 0
    next_run_at_ms: int | None = None
    retrying: int = 0
    oldest_failure_at_ms: int | None = None
    held_until_ms: int | None = None
    delivered: int = 0
    failed: int = 0
    suppressed: int = 0
    dead_letters: int = 0
    last_failure: LastFailure | None = None
    waiting_reason: str | None = None
    problem: str | None = None


@dataclass(slots=True, kw_only=True)
class TopicStatus:
    """
    Attributes:
        partitions: 0: there is no such topic.
        records: Not settled; of dead letters and outcomes all that are kept.
        is_exact: False: not all records were looked at, and marks of transactions are counted with them.
        due: Of them those whose run has begun.
        lag: Offsets that the group has not settled, marks of transactions among them.
        reasons: Of dead letters.
    """

    topic: str
    kind: Kind
    partitions: int
    records: int = 0
    is_exact: bool = True
    due: int = 0
    lag: int = 0
    next_run_at_ms: int | None = None
    reasons: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """
    Attributes:
        since_ms: What is called lately.
    """

    at_ms: int
    since_ms: int
    profiles: Sequence[ProfileStatus]
    topics: Sequence[TopicStatus]


def read_status(brokers: Brokers, settings: Settings, profiles: ProfileSet, now_ms: int) -> Status:
    """
    Look at everything once.

    Raises:
        BrokerUnreachable: The brokers do not answer.
    """
    names = TopicNames(settings.kafka.topic_prefix)
    backlog = look(brokers.topics, settings, names)
    board = Board(settings, profiles, names, backlog, now_ms)
    for record in backlog.records(brokers.reader):
        board.count(record)
    letters = places_of(backlog.partitions, [names.dead_letter])
    if letters:
        board.count_letters(brokers, letters)
    outcomes = places_of(backlog.partitions, [names.outcomes])
    recent = read_recent(brokers.topics, brokers.reader, outcomes, now_ms)
    return board.status(recent, _kept(brokers, outcomes))


class Board:
    """The status while it is being gathered: bounded by the number of profiles and topics."""

    def __init__(
        self, settings: Settings, profiles: ProfileSet, names: TopicNames, backlog: Backlog, now_ms: int
    ) -> None:
        self._names = names
        self._now_ms = now_ms
        self._profiles = {one.name: one for one in _known_profiles(profiles, settings.tick, now_ms)}
        self._periods = periods_in_use(settings.tick, (profile.delay for profile in profiles.profiles))
        self._topics = {one.topic: one for one in _known_topics(settings, names, backlog, self._periods)}
        for topic in self._topics.values():
            if topic.kind in {"window", "retry"}:
                topic.next_run_at_ms = due_ms(now_ms, names.period(topic.topic), self._periods)

    def count(self, record: Record) -> None:
        """An open record of a window or of the retry topic."""
        topic = self._topics[record.topic()]
        topic.records += 1
        period = self._names.period(record.topic())
        is_due = due_ms(entered_ms(record, period), period, self._periods) <= self._now_ms
        topic.due += is_due
        try:
            waiting = read_headers(record.headers())
        except UndecodableRecord:
            return
        if waiting is not None:
            profile = self._profile(waiting.profile)
            profile.due += is_due and profile.state in _SENDING
            if topic.kind == "window" or waiting.reason == PAUSED:
                profile.waiting += 1
            else:
                self._count_retrying(profile, waiting)

    def _profile(self, name: str) -> ProfileStatus:
        return self._profiles.setdefault(name, ProfileStatus(name=name, state="removed"))

    def _count_retrying(self, profile: ProfileStatus, waiting: Waiting) -> None:
        profile.retrying += 1
        profile.waiting_reason = waiting.reason
        if waiting.first_failed_at_ms:
            oldest = profile.oldest_failure_at_ms or waiting.first_failed_at_ms
            profile.oldest_failure_at_ms = min(oldest, waiting.first_failed_at_ms)
        if waiting.hold_until_ms > self._now_ms:
            profile.held_until_ms = max(profile.held_until_ms or 0, waiting.hold_until_ms)

    def count_letters(self, brokers: Brokers, places: Sequence[Place]) -> None:
        """The dead letters, by reason and by profile."""
        beginnings, ends = brokers.topics.beginnings(places), brokers.topics.ends(places)
        starts = {place: max(beginnings[place], ends[place] - _LETTERS_READ) for place in places}
        topic = self._topics[self._names.dead_letter]
        topic.records = sum(starts[place] - beginnings[place] for place in places)
        topic.is_exact = not topic.records
        for record in _flat(brokers.reader.read({place: (starts[place], ends[place]) for place in places})):
            headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers() or ()}
            topic.records += 1
            topic.reasons[headers.get("postback-reason", "unknown")] += 1
            known = self._profiles.get(headers.get("postback-profile", ""))
            if known is not None:
                known.dead_letters += 1

    def status(self, recent: Recent, outcomes_kept: int) -> Status:
        """All that was counted."""
        for profile in self._profiles.values():
            profile.delivered = recent.counts[profile.name, "delivered"]
            profile.failed = recent.counts[profile.name, "failed"]
            profile.suppressed = recent.counts[profile.name, "suppressed"]
            profile.last_failure = recent.failures.get(profile.name)
        outcomes = self._topics[self._names.outcomes]
        outcomes.records, outcomes.is_exact = outcomes_kept, False
        return Status(
            at_ms=self._now_ms,
            since_ms=recent.since_ms,
            profiles=list(self._profiles.values()),
            topics=list(self._topics.values()),
        )


def _known_profiles(profiles: ProfileSet, tick: timedelta, now_ms: int) -> Iterator[ProfileStatus]:
    for profile in profiles.profiles:
        state = _state(profile)
        next_run = next_boundary_ms(now_ms, period_seconds(tick, profile.delay)) if state == "active" else None
        yield ProfileStatus(name=profile.name, state=state, next_run_at_ms=next_run)
    loaded = {profile.name for profile in profiles.profiles}
    for name, problems in problems_by_profile(profiles).items():
        errors = [problem for problem in problems if problem.severity == "error"]
        if errors and name not in loaded:
            yield ProfileStatus(name=name, state="invalid", problem=str(errors[0]))


def _state(profile: Profile) -> State:
    if not profile.enabled:
        return "disabled"
    return "paused" if profile.paused else "active"


def _known_topics(
    settings: Settings, names: TopicNames, backlog: Backlog, periods: frozenset[int]
) -> Iterator[TopicStatus]:
    there = backlog.partitions
    for source in settings.sources:
        lag = _lag(backlog.sources, source.topic)
        count = there.get(source.topic, 0)
        yield TopicStatus(topic=source.topic, kind="source", partitions=count, records=lag, is_exact=False, lag=lag)
    windows = periods | {period for topic in there if (period := names.period(topic)) is not None}
    kinds: list[tuple[str, Kind]] = [(names.window(period), "window") for period in sorted(windows)]
    kinds += [(names.retry, "retry"), (names.dead_letter, "dead-letter"), (names.outcomes, "outcomes")]
    for topic, kind in kinds:
        lag = _lag(backlog.waiting, topic)
        yield TopicStatus(topic=topic, kind=kind, partitions=there.get(topic, 0), lag=lag)


def _lag(opened: Mapping[Place, Open], topic: str) -> int:
    return sum(one.lag for place, one in opened.items() if place[0] == topic)


def _kept(brokers: Brokers, places: Sequence[Place]) -> int:
    beginnings, ends = brokers.topics.beginnings(places), brokers.topics.ends(places)
    return sum(ends[place] - beginnings[place] for place in places)


def _flat(batches: Iterator[Sequence[Record]]) -> Iterator[Record]:
    for batch in batches:
        yield from batch
