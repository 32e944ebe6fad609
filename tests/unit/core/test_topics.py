"""Names of the program's own topics, and the pattern that finds those that dispatch reads."""

import re

import pytest

from consumer.core.topics import TopicNames


def test_the_contracts_names() -> None:
    names = TopicNames("postback")

    assert names.window(900) == "postback.window.15m"
    assert names.window(1_200) == "postback.window.20m"
    assert names.window(90) == "postback.window.90s"
    assert (names.retry, names.dead_letter, names.outcomes) == (
        "postback.retry",
        "postback.dead-letter",
        "postback.outcomes",
    )


@pytest.mark.parametrize("prefix", ["postback", "a.b", "a-b", "a_b", "A.9-_"])
def test_dispatch_reads_windows_and_retries_of_its_own_prefix_only(prefix: str) -> None:
    names = TopicNames(prefix)
    pattern = re.compile(names.dispatched)

    read = [names.window(900), names.window(7), names.retry]
    others = [
        names.dead_letter,
        names.outcomes,
        f"x{names.retry}",
        f"{names.retry}.x",
        f"{prefix}.window.15h",
        "orders",
    ]
    assert [topic for topic in (*read, *others) if pattern.search(topic)] == read


@pytest.mark.parametrize(
    ("topic", "period"),
    [
        ("p.window.15m", 900),
        ("p.window.7s", 7),
        ("p.window.60s", None),
        ("p.window.x", None),
        ("p.window.", None),
        ("p.retry", None),
        ("q.window.15m", None),
        ("p.window.15m.x", None),
        ("pp.window.15m", None),
    ],
)
def test_the_period_of_a_window_topic(topic: str, period: int | None) -> None:
    assert TopicNames("p").period(topic) == period
    assert TopicNames("p").is_dispatched(topic) == (period is not None or topic == "p.retry")
