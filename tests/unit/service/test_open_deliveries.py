"""When the runs are that attempt what waits of an order, as dispatch reckons it."""

from datetime import timedelta

import pytest

from consumer.core.profile import Profile
from consumer.service.open_deliveries import open_deliveries
from tests.unit.dispatch.fakes import StoredRecord
from tests.unit.service.stored import HOUR_MS, MINUTE_MS, SETTINGS, brokers_with, in_retry, in_window


@pytest.mark.parametrize(
    ("one", "run_minute"),
    [
        (in_window(900, HOUR_MS + 14 * MINUTE_MS), 15),
        (in_window(1200, HOUR_MS + 14 * MINUTE_MS), 20),
        (in_retry(HOUR_MS + 16 * MINUTE_MS, moved_in_ms=HOUR_MS + 15 * MINUTE_MS), 20),
        (in_retry(HOUR_MS + 21 * MINUTE_MS, moved_in_ms=HOUR_MS + 20 * MINUTE_MS), 30),
        (in_retry(HOUR_MS + 21 * MINUTE_MS, moved_in_ms=HOUR_MS), 15),
    ],
    ids=["its window", "a longer window", "a retry, at any window's run", "the next", "a run that lasts"],
)
def test_the_run_that_attempts_it_next(one: StoredRecord, run_minute: int) -> None:
    brokers = brokers_with(one)
    profiles = [Profile(name="delayed", url="https://example.com/", delay=timedelta(minutes=5))]

    (found,) = open_deliveries(brokers, SETTINGS, profiles, "1001")
    others = list(open_deliveries(brokers, SETTINGS, profiles, "1002"))

    assert found.run_at_ms == HOUR_MS + run_minute * MINUTE_MS
    assert others == []
