"""What the housekeeping makes of profiles and topics that change; the brokers are faked."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from consumer.adapters.profiles import ProfileSet
from consumer.core.errors import BrokerUnreachable
from consumer.core.profile import Profile
from consumer.core.topics import TopicNames
from consumer.metrics import Metrics
from consumer.service.supervisor import Supervisor
from consumer.service.topic_keeper import TopicKeeper
from tests.unit.ingest.world import profile

NEW = "t.window.64s"


class Brokers:
    """Topics that may or may not be created."""

    def __init__(self) -> None:
        self.there = dict.fromkeys(["orders", "t.window.4s", "t.retry", "t.dead-letter", "t.outcomes"], 12)
        self.may_create = True
        self.answer = True
        self.ends_at: dict[tuple[str, int], int] | None = {}
        self.largest = dict.fromkeys(self.there, "1064972")

    def partitions(self, *, timeout_seconds: float = 10) -> dict[str, int]:
        del timeout_seconds
        if not self.answer:
            raise BrokerUnreachable("the brokers do not answer")
        return dict(self.there)

    def config(self, names: Iterable[str]) -> dict[str, Mapping[str, str]]:
        return {name: {"max.message.bytes": self.largest.get(name, "1064972"), "retention.ms": "-1"} for name in names}

    def set_config(self, names: Iterable[str], config: Mapping[str, str]) -> None:
        if not self.may_create:
            raise BrokerUnreachable("topic cannot be changed: Topic authorization failed")
        for name in names:
            self.largest[name] = config["max.message.bytes"]

    def beginnings(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(places, 0)

    def ends(self, places: Iterable[tuple[str, int]], **_: Any) -> dict[tuple[str, int], int]:
        if self.ends_at is None:
            raise BrokerUnreachable("the brokers do not answer")
        return {place: self.ends_at.get(place, 0) for place in places}

    def led(self, _places: Any, **_: Any) -> list[tuple[str, int]]:
        raise BrokerUnreachable("nobody asked for lag")

    def create(self, specs: Iterable[Any], *, partitions: int, **_: Any) -> list[str]:
        if not self.may_create:
            raise BrokerUnreachable("topic cannot be created: Cluster authorization failed")
        created = [spec.name for spec in specs]
        self.there.update(dict.fromkeys(created, partitions))
        return created


class Stage:
    """A stage that is told which profiles are in force."""

    def __init__(self) -> None:
        self.profiles: list[Profile] = []
        self.named: frozenset[str] | None = None
        self.unmarked: frozenset[str] = frozenset()
        self.beat_ms = 0
        self.committed: dict[tuple[str, int], tuple[int, str]] = {}
        self.droppable: dict[tuple[str, int], int] = {}

    def unmark(self, windows: frozenset[str]) -> None:
        self.unmarked = windows

    def use(self, profiles: Iterable[Profile], named: frozenset[str] | None = frozenset()) -> None:
        self.profiles, self.named = list(profiles), named


class Folder:
    def __init__(self) -> None:
        self.found = loaded()

    def load(self) -> ProfileSet:
        return self.found

    def reload_if_changed(self) -> None: ...


def loaded(*profiles: Profile, was_read: bool = True) -> ProfileSet:
    return ProfileSet(profiles, (), 0, named=frozenset(one.name for one in profiles), was_read=was_read)


class Service:
    """A supervisor whose stages run, and its surroundings."""

    def __init__(self, *, create_topics: bool = True) -> None:
        self.brokers, self.stage, self.folder = Brokers(), Stage(), Folder()
        settings = SimpleNamespace(
            kafka=SimpleNamespace(
                bootstrap_servers="broker:9092", create_topics=create_topics, partitions=12, replication_factor=None
            ),
            sources=[SimpleNamespace(topic="orders")],
            tick=timedelta(seconds=4),
        )
        self.metrics = Metrics(CollectorRegistry())
        parts: Any = SimpleNamespace(
            settings=settings,
            names=TopicNames("t"),
            metrics=self.metrics,
            profile_folder=lambda: self.folder,
        )
        brokers: Any = self.brokers
        self.supervisor: Any = Supervisor(parts, role="all", topics=brokers)

    def runs(self) -> None:
        self.supervisor._ingest = self.supervisor._dispatch = self.stage
        reader = SimpleNamespace(is_assigned=True)
        self.supervisor._threads = [
            SimpleNamespace(name="ingest", stage=self.stage, has_ended=False, failure=None, reader=reader)
        ]

    def metric(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)

    @property
    def sizes(self) -> Any:
        return self.supervisor._own.sizes

    @property
    def in_force(self) -> list[Profile]:
        return self.stage.profiles


@pytest.fixture(params=[True, False], ids=["creates topics", "does not create topics"])
def service(request: pytest.FixtureRequest) -> Service:
    service = Service(create_topics=request.param)
    service.runs()
    service.brokers.may_create = False
    return service


def test_a_new_profile_waits_for_its_window_and_stops_nobody(service: Service) -> None:
    old, changed, new = profile("old"), profile("old", paused=True), profile("new", delay=60)
    service.supervisor._take_profiles(loaded(old))

    service.supervisor._take_profiles(loaded(changed, new))
    meanwhile = list(service.in_force)
    service.brokers.there[NEW] = 12
    service.supervisor._look(1 << 62)

    assert meanwhile == [changed]
    assert service.in_force == [changed, new]
    assert service.stage.named == frozenset({"old", "new"})


def test_a_changed_delay_waits_for_its_window_too(service: Service) -> None:
    before, after = profile("p"), profile("p", delay=60)
    service.supervisor._take_profiles(loaded(before))

    service.supervisor._take_profiles(loaded(after))
    meanwhile = list(service.in_force)
    service.brokers.there[NEW] = 12
    service.supervisor._look(1 << 62)

    assert meanwhile == [before]
    assert service.in_force == [after]


def test_a_window_that_was_just_created_is_used_at_once() -> None:
    service = Service()
    service.runs()

    service.supervisor._take_profiles(loaded(profile("new", delay=60)))

    assert [one.name for one in service.in_force] == ["new"]
    assert NEW in service.brokers.there


def test_the_own_topics_are_raised_when_an_event_comes_that_fits_its_source_only() -> None:
    service = Service()
    service.runs()
    service.supervisor._take_profiles(loaded(profile("p")))
    carried_before = service.sizes.carries.window_bytes
    service.brokers.largest["orders"] = "5000000"

    service.sizes.are_asked_for = True
    service.supervisor._look(1 << 62)

    assert carried_before < 1_064_972
    assert service.sizes.carries.window_bytes > 5_000_000
    assert service.sizes.carries.dead_letter_bytes > 5_000_000
    assert not service.sizes.are_asked_for


@pytest.mark.parametrize("topic", ["t.window.4s", "t.retry", "t.dead-letter", "t.outcomes"])
def test_a_batch_is_no_larger_than_what_each_topic_takes(topic: str) -> None:
    service = Service()
    service.brokers.largest[topic] = "100000"

    service.runs()
    service.supervisor._take_profiles(loaded(profile("p")))

    assert service.sizes.carries.batch_bytes == 100_000


def test_topics_that_may_not_be_raised_are_as_they_are(service: Service) -> None:
    service.supervisor._take_profiles(loaded(profile("p")))
    service.brokers.largest["orders"] = "5000000"

    service.sizes.are_asked_for = True
    service.supervisor._look(1 << 62)

    assert service.sizes.carries.window_bytes < 1_064_972
    assert not service.sizes.are_asked_for


def test_brokers_that_do_not_answer_are_named_at_once_and_then_once_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service, every_2500_ms = Service(), count(0, 2_500)
    service.brokers.answer = False
    topics: Any = service.brokers
    keeper = TopicKeeper(topics, service.supervisor._settings, TopicNames("t"), clock_ms=lambda: next(every_2500_ms))
    keeper.want([profile("p")])

    answers = [keeper.has_all() for _ in range(48)]

    assert not any(answers)
    lines = [(record.getMessage(), vars(record)["keys"]) for record in caplog.records]
    keys = {"bootstrap_servers": "broker:9092", "error": "the brokers do not answer"}
    assert lines == [("brokers.unreachable", keys)] * 2


def test_a_service_that_loses_the_brokers_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    service = Service()
    service.runs()
    service.brokers.answer = False

    for look in range(3):
        service.supervisor._look((1 << 62) + look * 3_000)

    assert [record.getMessage() for record in caplog.records] == ["brokers.unreachable"]


def test_windows_in_use_are_those_that_hold_something_or_all_where_nobody_knows() -> None:
    service = Service()
    keeper = service.supervisor._own
    service.brokers.there |= {"t.window.6s": 2, "t.window.8s": 2}
    keeper.hear()
    service.brokers.ends_at = {("t.window.8s", 1): 5}
    known = keeper.windows_in_use()

    service.brokers.ends_at = None

    assert known == {"t.window.8s"}
    assert keeper.windows_in_use() == {"t.window.4s", "t.window.6s", "t.window.8s"}


def test_where_something_waits_for_a_retry_the_window_that_is_always_read_is_in_use() -> None:
    service = Service()
    keeper = service.supervisor._own
    service.brokers.there |= {"t.window.6s": 2, "t.retry": 2}
    keeper.hear()

    service.brokers.ends_at = {("t.retry", 1): 5}

    assert keeper.windows_in_use() == {"t.window.4s"}


def test_it_does_not_begin_before_it_knows_which_profiles_there_are() -> None:
    service = Service()
    service.folder.found = loaded(was_read=False)
    service.supervisor._take_profiles(service.folder.load())
    at_first = service.supervisor._has_profiles(), service.supervisor.why_not_ready()

    service.folder.found = loaded(profile("p"))

    assert at_first == (False, "the profiles cannot be read")
    assert service.supervisor._has_profiles()


@pytest.mark.parametrize(("named", "is_complete"), [({"p"}, True), ({"p", "broken"}, False), (None, False)])
def test_profiles_that_do_not_load_are_missed(*, named: set[str] | None, is_complete: bool) -> None:
    found = loaded(profile("p"))

    assert replace(found, named=None if named is None else frozenset(named)).is_complete == is_complete


def test_a_scrape_sees_whether_it_is_ready_as_the_kubelet_does() -> None:
    service = Service()

    def seen() -> tuple[str | None, float | None]:
        return service.supervisor.why_not_ready(), service.metric("postback_ready", role="all")

    at_first = seen()
    service.supervisor._take_profiles(loaded())
    service.runs()
    service.supervisor._own.hear()
    running = seen()
    service.supervisor._own.heard_ms -= 60_000
    without_brokers = seen()

    assert [at_first, running, without_brokers] == [
        ("the profiles cannot be read", 0),
        (None, 1),
        ("the brokers do not answer", 0),
    ]


def test_a_scrape_sees_a_source_topic_that_is_deleted_and_comes_back() -> None:
    service = Service()

    def missing() -> float | None:
        return service.metric("postback_source_missing", topic="orders")

    unasked = missing()
    service.supervisor._own.hear()
    there = missing()
    del service.brokers.there["orders"]
    service.supervisor._own.hear()
    deleted = missing()
    service.brokers.there["orders"] = 12
    service.supervisor._own.hear()

    assert (unasked, there, deleted, missing()) == (0, 0, 1, 0)


def test_stop_may_interrupt_the_wait_that_it_ends() -> None:
    service = Service()

    service.supervisor.stop()

    assert service.supervisor._rested()
    assert service.supervisor.why_not_ready() == "shutting down"
