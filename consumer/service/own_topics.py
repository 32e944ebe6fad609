"""The program's own topics: which there must be, how they are made, and whether those that are there will do."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final, Protocol

from consumer.adapters.kafka.topics import NewTopicSpec
from consumer.core.profile import Profile
from consumer.core.schedule import periods_in_use
from consumer.core.topics import Carries, TopicNames

_KAFKA_DEFAULT_BYTES: Final = 1_048_588
GROWTH_BYTES: Final = 16_384
"""What a record gains from source to dead letter: our headers, ids and reasons, Kafka's framing."""

_SEGMENT_BYTES: Final = 128 * 1024 * 1024
"""Whole segments are dropped behind the committed offset: small ones keep the disk small."""

_OUTCOMES_KEPT: Final = timedelta(days=14)


class AsksTopics(Protocol):
    """What is needed of the brokers here."""

    def partitions(self) -> dict[str, int]:
        """All topics with their number of partitions."""

    def config(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """The settings in force of each topic."""

    def create(self, specs: Iterable[NewTopicSpec], *, partitions: int, replication_factor: int | None) -> list[str]:
        """Create what is not there; the names of those that were created."""

    def set_config(self, names: Iterable[str], config: Mapping[str, str]) -> None:
        """Change these settings of each, and no others."""


def wanted_topics(names: TopicNames, profiles: Iterable[Profile], tick: timedelta) -> list[str]:
    """The topics without which these profiles cannot be served, windows first."""
    periods = periods_in_use(tick, (profile.delay for profile in profiles))
    return [*(names.window(p) for p in sorted(periods)), names.retry, names.dead_letter, names.outcomes]


def topic_specs(missing: Iterable[str], names: TopicNames, largest_source_bytes: int) -> list[NewTopicSpec]:
    """How each is created. Nothing that waits may be deleted by age; outcomes are for people and may."""
    common = {"cleanup.policy": "delete", "max.message.bytes": str(largest_source_bytes + GROWTH_BYTES)}
    waiting = common | {
        "retention.ms": "-1",
        "retention.bytes": "-1",
        "message.timestamp.type": "LogAppendTime",
        "segment.bytes": str(_SEGMENT_BYTES),
    }
    outcomes = common | {"retention.ms": str(int(_OUTCOMES_KEPT.total_seconds() * 1000))}
    dead_letters = common | {"retention.ms": "-1"}
    special = {names.outcomes: outcomes, names.dead_letter: dead_letters}
    return [NewTopicSpec(name, special.get(name, waiting)) for name in missing]


def largest_bytes(configs: Iterable[Mapping[str, str]]) -> int:
    """The largest record that one of these topics takes."""
    return max((max_bytes(config) for config in configs), default=_KAFKA_DEFAULT_BYTES)


def create_missing(
    topics: AsksTopics,
    wanted: Iterable[str],
    *,
    names: TopicNames,
    sources: Iterable[str],
    partitions: int,
    replication_factor: int | None,
) -> list[str]:
    """
    Create those of *wanted* that are not there, large enough for whatever fits the source topics.

    Args:
        partitions: When none of those in which deliveries wait is there yet; else as many as it has.

    Returns:
        The names of those that were created.
    """
    there = topics.partitions()
    missing = [name for name in wanted if name not in there]
    if not missing:
        return []
    largest = largest_bytes(topics.config(name for name in sources if name in there).values())
    specs = topic_specs(missing, names, largest)
    # Another count than that of the others would give an order's deliveries to several owners.
    count = next((there[name] for name in there if names.is_dispatched(name)), partitions)
    return topics.create(specs, partitions=count, replication_factor=replication_factor)


def make_large(topics: AsksTopics, wanted: Iterable[str], sources: Iterable[str]) -> list[str]:
    """
    Raise what each of *wanted* takes to whatever fits the source topics, which may have come, or been raised, later.

    Returns:
        The names of those that were raised.
    """
    there = topics.partitions()
    large = topics.config(name for name in sources if name in there)
    own = topics.config(name for name in wanted if name in there)
    least = largest_bytes(large.values()) + GROWTH_BYTES
    small = [name for name, config in own.items() if max_bytes(config) < least]
    topics.set_config(small, {"max.message.bytes": str(least)})
    return small


def what_they_carry(topics: AsksTopics, wanted: Iterable[str], names: TopicNames) -> Carries | None:
    """The largest events that these topics take; None when none of them is there yet."""
    there = topics.partitions()
    configs = topics.config(name for name in wanted if name in there)
    waiting = [max_bytes(config) for name, config in configs.items() if names.is_dispatched(name)]
    if not waiting or names.dead_letter not in configs:
        return None
    room = GROWTH_BYTES // 2
    return Carries(
        window_bytes=min(waiting) - room,
        dead_letter_bytes=max_bytes(configs[names.dead_letter]) - room,
        batch_bytes=min(max_bytes(config) for config in configs.values()),
    )


def max_bytes(config: Mapping[str, str]) -> int:
    """The largest record that a topic of these settings takes."""
    return int(config.get("max.message.bytes") or _KAFKA_DEFAULT_BYTES)
