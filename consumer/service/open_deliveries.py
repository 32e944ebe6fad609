"""Deliveries of one order that are not settled: what waits, and when its run is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from consumer.core.errors import UndecodableRecord
from consumer.core.schedule import next_boundary_ms, period_seconds
from consumer.core.topics import TopicNames
from consumer.core.waiting import Waiting, read_headers
from consumer.service.asking import Brokers
from consumer.service.backlog import look
from consumer.settings import Settings


@dataclass(frozen=True, slots=True)
class OpenDelivery:
    """
    Attributes:
        run_at_ms: Boundary of the run that attempts it next; in the past: that run is at it, or late.
    """

    waiting: Waiting
    run_at_ms: int


def open_deliveries(brokers: Brokers, settings: Settings, order: str) -> Iterator[OpenDelivery]:
    """Those of an order, over all windows and the retry topic."""
    names = TopicNames(settings.kafka.topic_prefix)
    tick = period_seconds(settings.tick, timedelta())
    key = order.encode()
    for record in look(brokers.topics, settings, names).records(brokers.reader):
        if record.key() != key:
            continue
        try:
            waiting = read_headers(record.headers())
        except UndecodableRecord:
            continue
        if waiting is not None:
            period = names.period(record.topic()) or tick
            yield OpenDelivery(waiting, next_boundary_ms(record.timestamp()[1], period))
