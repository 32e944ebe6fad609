"""What must hold of the topics in which deliveries wait."""

import pytest

from consumer.core.topics import TopicNames
from consumer.service.own_topics import topic_specs
from consumer.service.topic_rules import TopicFault, keeping_faults, shape_faults

NAMES = TopicNames("postback")
WINDOW = NAMES.window(1200)
GOOD = {
    "retention.ms": "-1",
    "retention.bytes": "-1",
    "cleanup.policy": "delete",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": "2000000",
}
DAY_MS = 86_400_000


def keeping(topic: str = WINDOW, /, **changes: object) -> list[TopicFault]:
    changed = {name.replace("_", "."): str(value) for name, value in changes.items()}
    return keeping_faults({WINDOW: GOOD, NAMES.retry: GOOD} | {topic: GOOD | changed}, NAMES)


def test_topics_as_the_program_makes_them_have_no_fault() -> None:
    topics = [WINDOW, NAMES.retry, NAMES.dead_letter, NAMES.outcomes]
    configs = {spec.name: spec.config for spec in topic_specs(topics, NAMES, 1_048_588)}

    faults = [
        *keeping_faults(configs, NAMES),
        *shape_faults(configs, dict.fromkeys(topics, 12), NAMES, [{"max.message.bytes": "1048588"}]),
    ]

    assert faults == []


@pytest.mark.parametrize("topic", [WINDOW, NAMES.retry])
@pytest.mark.parametrize(
    ("retention_ms", "loses", "severity"),
    [(0, True, "error"), (1_199_999, True, "error"), (2_399_999, True, "error"), (2_400_000, False, "warning")],
)
def test_a_retention_that_a_wait_outlives_loses_deliveries_and_one_that_an_outage_outlives_may(
    *, topic: str, retention_ms: int, loses: bool, severity: str
) -> None:
    (fault,) = keeping(topic, retention_ms=retention_ms)

    assert (fault.topic, fault.loses, fault.severity) == (topic, loses, severity)
    assert "retention.ms to -1" in fault.text


def test_a_retention_of_a_period_and_a_day_is_enough() -> None:
    assert keeping(retention_ms=1_200_000 + DAY_MS) == []


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"retention_bytes": 1_000_000}, "retention.bytes to -1"),
        ({"cleanup_policy": "compact"}, "cleanup.policy to delete"),
        ({"cleanup_policy": "compact,delete"}, "cleanup.policy to delete"),
    ],
)
def test_size_limits_and_compaction_lose_deliveries(changes: dict[str, object], advice: str) -> None:
    (fault,) = keeping(**changes)

    assert fault.loses
    assert advice in fault.text


def test_of_topics_in_which_nothing_waits_nothing_is_said() -> None:
    assert keeping(NAMES.outcomes, retention_ms=0) == []
    assert keeping("orders", cleanup_policy="compact") == []


def test_partition_counts_must_not_differ() -> None:
    configs = {WINDOW: GOOD, NAMES.window(900): GOOD, NAMES.retry: GOOD}

    (fault,) = shape_faults(configs, {WINDOW: 6, NAMES.window(900): 12, NAMES.retry: 12}, NAMES, [])

    assert fault.topic == WINDOW
    assert "partition count must not differ" in fault.text


def test_timestamps_must_be_the_brokers() -> None:
    configs = {WINDOW: GOOD | {"message.timestamp.type": "CreateTime"}, NAMES.retry: GOOD}

    (fault,) = shape_faults(configs, dict.fromkeys(configs, 3), NAMES, [])

    assert "message.timestamp.type to LogAppendTime" in fault.text


def test_whatever_fits_a_source_must_fit_behind_it() -> None:
    configs = {WINDOW: GOOD, NAMES.retry: GOOD, NAMES.dead_letter: GOOD, NAMES.outcomes: GOOD}
    sources = [{"max.message.bytes": "1000"}, {"max.message.bytes": "3000000"}]

    faults = shape_faults(configs, dict.fromkeys(configs, 3), NAMES, sources)

    assert {fault.topic for fault in faults} == {WINDOW, NAMES.retry, NAMES.dead_letter}
    assert "at least 3016384" in faults[0].text
