"""Own topics that are deleted while the service runs: noticed, said, and made again where that may be."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from consumer.core.topics import TopicNames
from consumer.service.topic_keeper import TopicKeeper
from tests.unit.ingest.world import profile
from tests.unit.service.test_supervisor import NEW, Service, loaded

WINDOW, RETRY, LETTERS = "t.window.4s", "t.retry", "t.dead-letter"


class Watch:
    """A keeper that knows all its topics, and that hears of the brokers every three seconds."""

    def __init__(self, *, create_topics: bool) -> None:
        service = Service(create_topics=create_topics)
        self.brokers, self.now_ms = service.brokers, 0
        topics: Any = self.brokers
        settings: Any = service.supervisor._settings
        self.keeper = TopicKeeper(topics, settings, TopicNames("t"), clock_ms=lambda: self.now_ms)
        self.keeper.want([profile("p")])
        assert self.keeper.has_all()

    def hear(self, times: int) -> None:
        for _ in range(times):
            self.now_ms += 3_000
            self.keeper.hear()
            if self.keeper.gone:
                self.keeper.has_all()


def said(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, dict[str, Any]]]:
    return [(record.levelname, record.getMessage(), vars(record)["keys"]) for record in caplog.records]


@pytest.mark.parametrize("deleted", [WINDOW, RETRY, LETTERS])
def test_a_topic_that_was_deleted_is_made_again_with_the_partitions_of_the_others(
    deleted: str, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(create_topics=True)
    watch.brokers.there |= dict.fromkeys([WINDOW, RETRY], 5)
    del watch.brokers.there[deleted]

    with caplog.at_level(logging.INFO, logger="postback.service"):
        watch.hear(3)

    assert watch.brokers.there[deleted] == 5
    assert not watch.keeper.gone
    (level, event, keys), *more = said(caplog)
    assert (level, event, keys["topic"], keys["advice"]) == ("ERROR", "topic.missing", deleted, "it is created again")
    lost = "what it held is lost" if deleted == LETTERS else "deliveries that waited in it are lost"
    assert keys["text"].endswith(lost)
    assert more == [("INFO", "topics.created", {"topics": [deleted]})]


def test_one_that_must_be_made_by_others_is_gone_until_it_is(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(create_topics=False)
    count = watch.brokers.there.pop(RETRY)

    watch.hear(10)
    meanwhile = watch.keeper.gone
    watch.brokers.there[RETRY] = count
    watch.hear(1)

    assert meanwhile == {RETRY}
    assert not watch.keeper.gone
    ((level, event, keys),) = said(caplog)
    assert (level, event, keys["topic"]) == ("ERROR", "topic.missing", RETRY)
    assert "`postback topics create`" in keys["advice"]


def test_brokers_that_do_not_know_of_a_new_topic_yet_do_not_make_it_a_deleted_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = Watch(create_topics=True)
    watch.keeper.want([profile("p"), profile("new", delay=60)])
    assert watch.keeper.has_all()
    count = watch.brokers.there.pop(NEW)

    watch.hear(2)
    watch.brokers.there[NEW] = count
    watch.hear(1)
    del watch.brokers.there[NEW]
    watch.hear(2)

    assert said(caplog) == []


def test_one_that_is_not_heard_of_for_a_moment_is_not_made_again_when_another_is_wanted() -> None:
    watch = Watch(create_topics=True)
    del watch.brokers.there[RETRY]

    watch.hear(1)
    watch.keeper.want([profile("p"), profile("new", delay=60)])
    watch.keeper.has_all()

    assert NEW in watch.brokers.there
    assert RETRY not in watch.brokers.there


def test_a_window_that_no_profile_needs_any_more_may_be_deleted_and_is_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = Watch(create_topics=True)
    watch.keeper.want([profile("p"), profile("new", delay=60)])
    watch.keeper.has_all()

    watch.hear(1)
    watch.keeper.want([profile("p")])
    del watch.brokers.there[NEW]
    watch.hear(4)

    dropped = watch.keeper.dropped
    watch.keeper.want([profile("p"), profile("new", delay=60)])
    watch.keeper.has_all()
    watch.hear(1)

    assert dropped == {NEW}
    assert not watch.keeper.dropped
    assert said(caplog) == []


def test_a_service_is_not_ready_while_one_is_gone_and_serves_its_profiles_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    service, now = Service(create_topics=False), 0
    monkeypatch.setattr(service.supervisor._own, "_clock_ms", lambda: now)
    monkeypatch.setattr("consumer.service.supervisor.clock_ms", lambda: now)
    service.runs()
    service.supervisor._threads[0].reader = SimpleNamespace(is_assigned=True)
    service.supervisor._take_profiles(loaded(profile("p")))

    count = service.brokers.there.pop(RETRY)
    said = []
    for now in range(100_000, 112_000, 3_000):
        service.supervisor._look(now)
        said.append(service.supervisor.why_not_ready())
    service.brokers.there[RETRY] = count
    now += 3_000
    service.supervisor._look(now)

    assert said == [None, None, *["t.retry: missing, was there before: run `postback topics create`"] * 2]
    assert service.supervisor.why_not_ready() is None
    assert service.in_force == [profile("p")]


def test_ingest_is_told_of_windows_that_were_dropped_since_marks_for_them_would_stop_it() -> None:
    service = Service()
    service.runs()
    service.supervisor._own.dropped = frozenset({"t.window.8s"})

    service.supervisor._look(1 << 62)

    assert service.stage.unmarked == {"t.window.8s"}
