"""The program's own topics while it runs: made when they are missing or deleted, raised when they are too small."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Final, Protocol

from consumer.core.errors import BrokerUnreachable, SettingsError
from consumer.core.ports import Place
from consumer.core.profile import Profile
from consumer.core.topics import Sizes, TopicNames
from consumer.log import EventLog, OnceAMinute
from consumer.service.backlog import places_of
from consumer.service.own_topics import (
    AsksTopics,
    create_missing,
    make_large,
    wanted_topics,
    what_they_carry,
)
from consumer.service.topic_rules import keeping_faults
from consumer.settings import Settings

_PROBE_S: Final = 2.0
_GONE_MS: Final = 6_000
"""A topic that was there is gone when no answer has had it for so long: not every broker knows of a new one at once.
And the groups' members, which look every 5 s, have given up its partitions by then: nobody reads the one that is made
in its place from where the old one ended."""

_log = EventLog("service")


class AsksTopicsSoon(AsksTopics, Protocol):
    """What is needed of the brokers here."""

    def partitions(self, *, timeout_seconds: float = ...) -> dict[str, int]:
        """All topics with their number of partitions."""

    def beginnings(self, places: Iterable[Place]) -> dict[Place, int]:
        """The first offset that is still kept."""

    def ends(self, places: Iterable[Place], *, timeout_seconds: float) -> dict[Place, int]:
        """The offset that the next committed record of each partition will have."""


class TopicKeeper:
    """
    Not to be shared between threads; what it tells may be read by all.

    Attributes:
        there: Every topic, as it was heard last, with its number of partitions; 0 of those made since then.
        heard_ms: When the brokers answered last; 0: never yet.
        gone: Those that are wanted, were there, and are there no more.
        dropped: Windows of which that is true and that no profile needs.
        sizes: What the own topics carry.
    """

    def __init__(
        self, topics: AsksTopicsSoon, settings: Settings, names: TopicNames, *, clock_ms: Callable[[], int]
    ) -> None:
        self._topics = topics
        self._settings = settings
        self._names = names
        self._clock_ms = clock_ms
        self._sources = [source.topic for source in settings.sources]
        self._wanted: list[str] = []
        self._known: set[str] = set()
        self._windows: set[str] = set()
        self._missing: set[str] = set()
        self._absent_since_ms: dict[str, int] = {}
        self._seldom = OnceAMinute()
        self.there: Mapping[str, int] = {}
        self.heard_ms = 0
        self.gone: frozenset[str] = frozenset()
        self.dropped: frozenset[str] = frozenset()
        self.sizes = Sizes()

    def want(self, profiles: Iterable[Profile]) -> None:
        """These are to be served from now on."""
        self._wanted = wanted_topics(self._names, profiles, self._settings.tick)
        self._known &= set(self._wanted)

    def hear(self) -> None:
        """
        Ask the brokers which topics there are.

        Raises:
            BrokerUnreachable: They do not answer.
        """
        there = self.there = self._topics.partitions(timeout_seconds=_PROBE_S)
        self.heard_ms = self._clock_ms()
        missing = set(self._sources) - there.keys()
        if not self._settings.kafka.create_topics:
            missing |= set(self._wanted) - there.keys() - self._known - self.gone
        for topic in sorted(missing - self._missing):
            _log.warning("topic.missing", topic=topic, advice="it is waited for: create it, or correct the settings")
        self._missing = missing
        self._look_for_deleted()

    def misses(self, topic: str) -> bool:
        """Whether one that somebody else makes was not there when the brokers answered last."""
        return topic in self._missing

    def has_all(self) -> bool:
        """Whether all that is wanted is there, after what may be created was."""
        if set(self._wanted) <= self._known:
            return True
        try:
            self.hear()
            created = self._create() if self._settings.kafka.create_topics else []
            self.sizes.carries = what_they_carry(self._topics, self._wanted, self._names)
        except BrokerUnreachable as error:
            self.unreachable(error)
            return False
        self.there = {**dict.fromkeys(created, 0), **self.there}  # not every broker knows of them yet
        self._known |= set(self._wanted) & self.there.keys()
        self.gone -= self._known
        return set(self._wanted) <= self._known

    def unreachable(self, error: BrokerUnreachable) -> None:
        """Say so at once, and the same again once a minute: while it lasts it is met every few seconds."""
        text = str(error)
        if self._seldom.may_say(text, self._clock_ms()):
            _log.warning("brokers.unreachable", bootstrap_servers=self._settings.kafka.bootstrap_servers, error=text)

    def windows_in_use(self) -> frozenset[str]:
        """
        Window topics in which something may wait, also of profiles and delays that are no more; and the one that is
        always read, if something waits for a retry.
        """
        plain = self._names.window_of(timedelta(), self._settings.tick)
        windows = {topic: topic for topic in self.there if self._names.period(topic) is not None}
        windows[self._names.retry] = plain
        places = places_of(self.there, windows)
        try:
            begins, ends = self._topics.beginnings(places), self._topics.ends(places, timeout_seconds=_PROBE_S)
        except BrokerUnreachable:
            return frozenset(windows.values())
        return frozenset(windows[place[0]] for place in places if ends[place] > begins[place])

    def keeps_what_waits(self) -> bool:
        """
        Whether the topics in which deliveries wait were asked for how long they keep them.

        Raises:
            SettingsError: One would delete what waits in it.
        """
        waiting = (topic for topic in self._known if self._names.is_dispatched(topic))
        try:
            faults = keeping_faults(self._topics.config(waiting), self._names)
        except BrokerUnreachable as error:
            self.unreachable(error)
            return False
        for fault in faults:
            _log.warning("topic.fault", topic=fault.topic, text=fault.text)
        if any(fault.loses for fault in faults):
            raise SettingsError(*(fault.text for fault in faults if fault.loses))
        return True

    def make_large_if_asked(self) -> None:
        """
        Have them carry whatever fits the sources, where that may be changed, when something waits for it.

        Raises:
            BrokerUnreachable: They do not answer.
        """
        if not self.sizes.are_asked_for:
            return
        if self._settings.kafka.create_topics:
            try:
                raised = make_large(self._topics, self._wanted, self._sources)
            except BrokerUnreachable as error:
                _log.warning("topics.not_raised", error=str(error), advice="raise their max.message.bytes")
            else:
                if raised:
                    _log.info("topics.raised", topics=raised)
        carries = what_they_carry(self._topics, self._wanted, self._names)
        self.sizes.carries = carries and replace(carries, raised_ms=self._clock_ms())
        self.sizes.are_asked_for = False

    def _look_for_deleted(self) -> None:
        now_ms, since_ms = self.heard_ms, self._absent_since_ms
        wanted = set(self._wanted)
        self._windows |= {topic for topic in self.there if self._names.period(topic) is not None}
        absent = (self._known | self._windows) - self.there.keys()
        self._absent_since_ms = {topic: min(since_ms.get(topic, now_ms), now_ms) for topic in absent}
        gone = {topic for topic, at_ms in self._absent_since_ms.items() if now_ms - at_ms >= _GONE_MS}
        for topic in sorted(gone & self._known):
            self._say_gone(topic)
        self._known -= gone
        self._windows -= gone
        self.gone = (self.gone | gone) & wanted
        self.dropped = (self.dropped | gone).difference(self.there, wanted)  # a frozenset without keys is none

    def _say_gone(self, topic: str) -> None:
        lost = "deliveries that waited in it are" if self._names.is_dispatched(topic) else "what it held is"
        may_create = self._settings.kafka.create_topics
        _log.error(
            "topic.missing",
            topic=topic,
            text=f"it was there before: if it was deleted, {lost} lost",
            advice="it is created again" if may_create else "all wait for it: run `postback topics create`",
        )

    def _create(self) -> list[str]:
        kafka = self._settings.kafka
        created = create_missing(
            self._topics,
            [topic for topic in self._wanted if topic not in self._known],
            names=self._names,
            sources=self._sources,
            partitions=kafka.partitions,
            replication_factor=kafka.replication_factor,
        )
        if created:
            _log.info("topics.created", topics=created)
        return created
