"""What must hold of the topics in which deliveries wait, so that none is lost, late or out of order. No I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from consumer.core.problem import Severity
from consumer.core.topics import TopicNames
from consumer.service.own_topics import GROWTH_BYTES, largest_bytes, max_bytes

Config = Mapping[str, str]

_FACTOR: Final = 2
"""A delivery waits for a period at most, and its run may take as long."""

_OUTAGE_MS: Final = 86_400_000
"""Without anybody there to fix what is down, a day is soon over."""


@dataclass(frozen=True, slots=True)
class TopicFault:
    """
    Attributes:
        text: What is wrong, and what to do.
        loses: What waits would be deleted: the service must not start.
    """

    topic: str
    text: str
    loses: bool = False
    severity: Severity = "error"


def keeping_faults(configs: Mapping[str, Config], names: TopicNames) -> list[TopicFault]:
    """
    Faults by which what waits would be deleted, or soon.

    Args:
        configs: The settings in force of the windows and the retry topic; of other topics nothing is said.
    """
    periods = [period for topic in configs if (period := names.period(topic)) is not None]
    found: list[TopicFault] = []
    for topic, config in configs.items():
        if names.is_dispatched(topic):
            period = names.period(topic) or max(periods, default=1)
            found += _keeping_faults(topic, config, period * 1000)
    return found


def _keeping_faults(topic: str, config: Config, period_ms: int) -> Iterator[TopicFault]:
    retention_ms = int(config.get("retention.ms") or -1)
    if 0 <= retention_ms < _FACTOR * period_ms:
        text = (
            f"{topic} keeps records for {_length(retention_ms)} (retention.ms={retention_ms}), but they wait there for "
            f"up to {_length(period_ms)}: set its retention.ms to -1, or at least to {_FACTOR * period_ms + _OUTAGE_MS}"
        )
        yield TopicFault(topic, text, loses=True)
    elif 0 <= retention_ms < period_ms + _OUTAGE_MS:
        text = (
            f"{topic} keeps records for {_length(retention_ms)}: when nothing runs for longer than "
            f"{_length(retention_ms - period_ms)}, deliveries are lost; set its retention.ms to -1"
        )
        yield TopicFault(topic, text, severity="warning")
    if int(config.get("retention.bytes") or -1) >= 0:
        text = (
            f"{topic} deletes records above a size (retention.bytes={config['retention.bytes']}), also what waits: "
            "set its retention.bytes to -1"
        )
        yield TopicFault(topic, text, loses=True)
    if "compact" in config.get("cleanup.policy", ""):
        text = (
            f"{topic} is compacted (cleanup.policy={config['cleanup.policy']}): of an order only the newest record "
            "would stay; set its cleanup.policy to delete"
        )
        yield TopicFault(topic, text, loses=True)


def shape_faults(
    configs: Mapping[str, Config], partitions: Mapping[str, int], names: TopicNames, sources: Iterable[Config]
) -> list[TopicFault]:
    """
    Faults by which deliveries would be late, out of order or too large.

    Args:
        configs: The settings in force of the program's own topics.
        sources: The same of the source topics.
    """
    waiting = [topic for topic in configs if names.is_dispatched(topic)]
    return [
        *_count_faults({topic: partitions[topic] for topic in waiting}, names),
        *(_of_time(topic) for topic in waiting if configs[topic].get("message.timestamp.type") != "LogAppendTime"),
        *_size_faults({topic: configs[topic] for topic in configs if topic != names.outcomes}, sources),
    ]


def _count_faults(counts: Mapping[str, int], names: TopicNames) -> Iterator[TopicFault]:
    wanted = counts.get(names.retry) or next(iter(counts.values()), 0)
    for topic, count in counts.items():
        if count != wanted:
            text = (
                f"{topic} has {count} partitions, but the others in which deliveries wait have {wanted}: the partition "
                "count must not differ, or an order's deliveries get several owners; let it run empty, delete it and "
                "run `postback topics create`"
            )
            yield TopicFault(topic, text)


def _of_time(topic: str) -> TopicFault:
    text = (
        f"{topic} has the producers' timestamps: runs go by the brokers'; set its message.timestamp.type to "
        "LogAppendTime"
    )
    return TopicFault(topic, text)


def _size_faults(configs: Mapping[str, Config], sources: Iterable[Config]) -> Iterator[TopicFault]:
    known = list(sources)
    least = largest_bytes(known) + GROWTH_BYTES
    for topic, config in configs.items() if known else ():
        if max_bytes(config) < least:
            text = (
                f"{topic} takes records of up to {max_bytes(config)} bytes: events that fit the sources would go to "
                f"the dead letters as too_large; set its max.message.bytes to at least {least}"
            )
            yield TopicFault(topic, text)


def _length(milliseconds: int) -> str:
    return str(timedelta(seconds=milliseconds // 1000))
