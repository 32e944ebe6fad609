"""Deliveries of one order that are not settled: what waits, and when its run is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from consumer.core.errors import UndecodableRecord
from consumer.core.profile import Profile
from consumer.core.schedule import due_ms, periods_in_use
from consumer.core.topics import TopicNames
from consumer.core.waiting import Waiting, entered_ms, read_headers
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


def open_deliveries(
    brokers: Brokers, settings: Settings, profiles: Iterable[Profile], order: str
) -> Iterator[OpenDelivery]:
    """Those of an order, over all windows and the retry topic."""
    names = TopicNames(settings.kafka.topic_prefix)
    periods = periods_in_use(settings.tick, (profile.delay for profile in profiles))
    key = order.encode()
    for record in look(brokers.topics, settings, names).records(brokers.reader):
        if record.key() != key:
            continue
        try:
            waiting = read_headers(record.headers())
        except UndecodableRecord:
            continue
        if waiting is not None:
            period = names.period(record.topic())
            yield OpenDelivery(waiting, due_ms(entered_ms(record, period), period, periods))
