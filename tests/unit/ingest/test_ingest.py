"""What ingest makes of each record, and what it never commits past."""

import json
from typing import Any

import pytest

from consumer.core.profile import Route
from consumer.core.topics import Carries
from consumer.core.waiting import Waiting, read_headers
from tests.unit.ingest.world import ARRIVED_MS, NAMES, NOW_MS, IngestWorld, event, profile

PARTIAL = Route(code="PARTIAL")
SALE = Route(code="SALE")


def test_an_event_becomes_one_record_a_delivery_on_the_window_of_its_profiles_period() -> None:
    world = IngestWorld(profile("p"), profile("slow", delay=2))

    world.add()
    world.turn()

    assert world.deliveries(4) == [("p", "SALE")]
    assert world.deliveries(6) == [("slow", "SALE")]
    assert world.counted("routed") == 1
    assert world.log.offsets["orders", 0] == 1


def test_a_window_record_has_the_order_id_as_key_the_bytes_untouched_and_all_that_dispatch_needs() -> None:
    world = IngestWorld()
    value = event(orderId=12.0)

    world.source.add(value)
    world.turn()

    (record,) = world.of(NAMES.window(4))
    waiting = read_headers(record[3])
    assert record[1] == b"12"
    assert record[2] == value
    assert isinstance(waiting, Waiting)
    assert (waiting.source, waiting.occurred_at_ms, waiting.arrived_at_ms) == ("orders/0/0", 77, ARRIVED_MS)
    assert waiting.attempts == waiting.due_at_ms == waiting.hold_until_ms == 0


def test_an_event_without_types_has_its_sources_type() -> None:
    world = IngestWorld(profile("p", PARTIAL))

    world.add(topic="partials", customerTypes=[])
    world.add(topic="orders", customerTypes=[])
    world.turn()

    assert world.deliveries() == [("p", "PARTIAL")]
    assert world.counted("routed", "partials") == 1
    assert world.counted("no_route", "orders") == 1


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"isTestCard": True}, "test_card"),
        ({"isTestCard": "yes"}, "test_card"),
        ({"customerTypes": ["CANCEL"]}, "no_route"),
    ],
)
def test_what_is_kept_back_is_reported_with_its_reason_and_without_a_profile(
    fields: dict[str, Any], reason: str
) -> None:
    world = IngestWorld(profile("p", SALE))

    world.add(**fields)
    world.turn()

    (row,) = world.outcomes()
    assert (row["outcome"], row["reason"], row["profile"], row["order_id"]) == ("suppressed", reason, None, "1")
    assert world.counted(reason) == 1
    assert world.deliveries() == []


def test_a_test_card_order_never_says_that_the_order_was_placed() -> None:
    world = IngestWorld(profile("p", PARTIAL))

    world.add(isTestCard=True)
    world.turn()

    assert world.markers() == 0


@pytest.mark.parametrize(
    ("types", "marked"),
    [
        (["SALE"], 1),
        (["REBILL_DECLINE"], 1),
        (["SOMETHING_NEW"], 1),
        (["DECLINE", "SALE"], 1),
        (["PARTIAL", "UPSELL"], 1),
        (["PARTIAL"], 0),
        (["DECLINE"], 0),
        (["partial", "Declined"], 0),
        ([], 0),
    ],
)
def test_a_placed_order_is_marked_on_the_windows_in_which_partials_wait(types: list[str], marked: int) -> None:
    world = IngestWorld(profile("p", PARTIAL), profile("slow", SALE, delay=2))

    world.add(customerTypes=types)
    world.turn()

    assert world.markers(4) == marked
    assert world.markers(6) == 0


def test_windows_in_which_partials_waited_before_this_process_are_marked_too() -> None:
    world = IngestWorld(profile("p", PARTIAL))
    world.stage.mark(frozenset({NAMES.window(6)}))

    world.add()
    world.turn()

    assert (world.markers(4), world.markers(6)) == (1, 1)


def test_windows_that_are_gone_are_marked_no_more() -> None:
    world = IngestWorld(profile("p", PARTIAL))
    world.stage.mark(frozenset({NAMES.window(6)}))

    world.stage.unmark(frozenset({NAMES.window(6)}))
    world.add()
    world.turn()

    assert (world.markers(4), world.markers(6)) == (1, 0)


@pytest.mark.parametrize("off", [{"skip_converted": False}, {"enabled": False}, {"paused": True}])
def test_the_mark_is_made_for_profiles_that_may_look_for_it_later(off: dict[str, bool]) -> None:
    world = IngestWorld(profile("p", PARTIAL, **off))

    world.add()
    world.turn()

    assert world.markers() == 1


def test_the_mark_is_made_where_partials_of_profiles_that_went_away_may_wait() -> None:
    world = IngestWorld(profile("p", PARTIAL), profile("slow", PARTIAL, delay=2))
    world.stage.use([profile("slow", SALE, delay=2)])

    world.add()
    world.turn()

    assert (world.deliveries(4), world.markers(4)) == ([], 1)
    assert (world.deliveries(6), world.markers(6)) == ([("slow", "SALE")], 0)


def test_events_that_hundreds_of_profiles_want_are_taken_in_small_batches() -> None:
    world = IngestWorld(*(profile(f"p{n}", SALE) for n in range(400)))
    for _ in range(300):
        world.add()

    world.turn()
    first = len(world.deliveries())
    world.turn()

    assert first == 40_000
    assert 15_000 < len(world.deliveries()) - first < 25_000


def test_a_delivery_on_the_same_window_stands_for_the_mark() -> None:
    world = IngestWorld(profile("p", PARTIAL, SALE), profile("slow", PARTIAL, delay=2))

    world.add()
    world.turn()

    assert (world.deliveries(4), world.markers(4)) == ([("p", "SALE")], 0)
    assert (world.deliveries(6), world.markers(6)) == ([], 1)


def test_a_tombstone_is_skipped_and_an_empty_value_is_undecodable() -> None:
    world = IngestWorld()

    world.source.add(None)
    world.source.add(b"")
    world.turn()

    assert world.counted("tombstone") == 1
    assert world.counted("undecodable") == 1
    assert world.log.offsets["orders", 0] == 2


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (event(eventId=None, orderId=7), "undecodable"),
        (json.dumps({"eventId": "e", "orderId": 7}).encode(), "no_test_card_field"),
    ],
)
def test_a_dead_letter_has_the_order_id_as_its_key_where_the_event_has_one(value: bytes, reason: str) -> None:
    world = IngestWorld()

    world.source.add(value)
    world.turn()

    (record,) = world.of(NAMES.dead_letter)
    (headers,) = world.dead_letters()
    assert record[1:3] == (b"7", value)
    assert headers["postback-reason"] == reason


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"no event", "undecodable"),
        (event(orderId=None), "undecodable"),
        (event(orderId=True), "undecodable"),
    ],
)
def test_what_can_never_be_an_event_goes_to_the_dead_letters_with_its_bytes(value: bytes, reason: str) -> None:
    world = IngestWorld()

    world.source.add(value)
    world.add(eventId="the next")
    world.turn()

    (record,) = world.of(NAMES.dead_letter)
    (headers,) = world.dead_letters()
    assert record[1:3] == (b"the emitter's key", value)
    assert (headers["postback-reason"], headers["postback-source"]) == (reason, "orders/0/0")
    assert headers["postback-error"]
    assert world.counted(reason) == 1
    assert world.metrics.registry.get_sample_value("postback_dead_letters_total", {"reason": reason}) == 1
    assert world.deliveries() == [("p", "SALE")]


def test_whatever_may_become_of_an_event_is_counted_from_0_on_for_each_source() -> None:
    world = IngestWorld()

    before = {
        (sample.labels["topic"], sample.labels["result"])
        for family in world.metrics.events.collect()
        for sample in family.samples
        if sample.name == "postback_events_total" and sample.value == 0
    }
    became = {"routed", "no_route", "test_card", "undecodable", "no_test_card_field", "too_large", "tombstone"}
    assert before == {(topic, result) for topic in ("orders", "partials") for result in became}


def test_without_a_test_card_every_event_goes_out() -> None:
    world = IngestWorld(test_card=None)

    world.source.add(json.dumps({"eventId": "e", "orderId": 1, "customerTypes": ["SALE"]}).encode())
    world.turn()

    assert world.deliveries() == [("p", "SALE")]


@pytest.mark.parametrize(("dead_letter_bytes", "kept"), [(10_000, True), (100, False)])
def test_what_the_topics_cannot_carry_is_dead_lettered_with_its_bytes_if_they_fit_there(
    dead_letter_bytes: int, kept: bool
) -> None:
    world = IngestWorld(carries=Carries(200, dead_letter_bytes, raised_ms=NOW_MS))
    value = event(note="x" * 200)

    world.source.add(value)
    world.turn()

    (record,) = world.of(NAMES.dead_letter)
    assert record[2] == (value if kept else b"")
    assert world.dead_letters()[0]["postback-reason"] == "too_large"
    assert world.counted("too_large") == 1
    assert world.deliveries() == []


@pytest.mark.parametrize(("dead_letter_bytes", "key"), [(100, b"the emitter's key"), (5, None)])
def test_what_the_dead_letter_topic_cannot_carry_either_leaves_a_letter_and_stops_nobody(
    dead_letter_bytes: int, key: bytes | None
) -> None:
    world = IngestWorld(carries=Carries(200, dead_letter_bytes, raised_ms=NOW_MS))
    world.source.add(b"broken" + bytes(150))
    world.add()
    world.turn()

    (record,) = world.of(NAMES.dead_letter)
    (headers,) = world.dead_letters()
    assert record[1:3] == (key, b"")
    assert headers["postback-reason"] == "undecodable"
    assert "its bytes are not kept" in headers["postback-error"]
    assert world.deliveries() == [("p", "SALE")]


def test_before_an_event_is_given_up_as_too_large_the_topics_are_asked_again() -> None:
    world = IngestWorld(carries=Carries(200, 100, raised_ms=NOW_MS - 60_000))
    value = event(note="x" * 200)
    world.source.add(value)
    world.add(eventId="behind")
    world.add(partition=1)
    world.turn()

    deliveries_meanwhile = len(world.deliveries())
    asks = world.sizes.are_asked_for
    world.sizes.carries = Carries(10_000, 10_000, raised_ms=NOW_MS)
    world.turn()

    assert (deliveries_meanwhile, asks) == (1, True)
    assert [json.loads(record[2] or b"")["eventId"] for record in world.of(NAMES.window(4))] == ["e1", "e1", "behind"]
    assert world.dead_letters() == []


def test_a_value_of_exactly_what_they_carry_is_carried() -> None:
    value = event()
    world = IngestWorld(carries=Carries(len(value), 10_000, raised_ms=NOW_MS))

    world.source.add(value)
    world.turn()

    assert world.deliveries() == [("p", "SALE")]


def test_an_aborted_batch_is_read_again_and_counted_once() -> None:
    world = IngestWorld()
    world.add()
    world.log.aborts = 2

    for _ in range(3):
        world.turn()

    assert world.deliveries() == [("p", "SALE")]
    assert world.counted("routed") == 1
    assert world.stage.committed["orders", 0] == (1, "")


def test_what_the_brokers_refuse_for_good_is_tried_once_a_second() -> None:
    world = IngestWorld()
    world.add()
    world.log.aborts = 6

    for _ in range(7):
        world.turn()
    world.add(eventId="e2")
    world.log.aborts = 1
    world.turn()

    assert world.rests == [0.1, 0.2, 0.5, 1.0, 1.0, 1.0, 0.1]


def test_a_missing_schema_does_not_make_the_loop_go_round_in_vain() -> None:
    world = IngestWorld()
    world.add(eventId="blocked")
    world.decoder.missing = b"blocked"
    world.turn()
    world.turn()
    rests_alone = list(world.rests)

    world.add(eventId="elsewhere", partition=1)
    world.turn()
    world.turn()

    assert rests_alone == [0.1, 0.2]
    assert world.rests == [0.1, 0.2, 0.1]


def test_a_missing_schema_holds_back_its_partition_and_no_other() -> None:
    world = IngestWorld()
    world.add(eventId="before")
    world.add(eventId="blocked")
    world.add(eventId="behind")
    world.add(eventId="elsewhere", partition=1)
    world.decoder.missing = b"blocked"

    world.turn()

    assert [json.loads(record[2] or b"")["eventId"] for record in world.of(NAMES.window(4))] == ["before", "elsewhere"]
    assert world.log.offsets == {("orders", 0): 1, ("orders", 1): 1}


def test_what_waits_for_a_schema_is_never_committed_past_by_the_end_of_its_partition() -> None:
    world = IngestWorld()
    world.add(eventId="blocked")
    world.add(eventId="behind")
    world.decoder.missing = b""

    world.turn()

    assert world.log.offsets.get(("orders", 0), 0) == 0


def test_what_waited_for_a_schema_goes_out_in_order_once_it_is_there() -> None:
    world = IngestWorld()
    world.add(eventId="first")
    world.add(eventId="second")
    world.decoder.missing = b""
    world.turn()
    world.turn()

    world.decoder.missing = None
    world.turn()

    assert [json.loads(record[2] or b"")["eventId"] for record in world.of(NAMES.window(4))] == ["first", "second"]
    assert world.counted("routed") == 2


def test_an_abort_while_a_partition_waits_for_a_schema_loses_neither() -> None:
    world = IngestWorld()
    world.add(eventId="before")
    world.add(eventId="blocked")
    world.decoder.missing = b"blocked"
    world.log.aborts = 1
    world.turn()

    world.decoder.missing = None
    world.turn()

    assert [json.loads(record[2] or b"")["eventId"] for record in world.of(NAMES.window(4))] == ["before", "blocked"]


def test_nothing_is_written_for_partitions_that_a_rebalance_took_within_the_read() -> None:
    world = IngestWorld()
    world.add(partition=0)
    world.add(partition=1)
    world.source.on_read = lambda: world.stage.revoked([("orders", 1)])

    world.turn()

    assert len(world.deliveries()) == 1
    assert ("orders", 1) not in world.log.offsets
    assert ("orders", 1) not in world.stage.committed


def test_the_end_behind_marks_of_transactions_is_committed_so_that_the_lag_becomes_nought() -> None:
    world = IngestWorld()
    world.source.marks = 3
    world.add()

    world.turn()

    assert world.log.offsets["orders", 0] == 4


def test_new_profiles_are_in_force_with_the_next_batch() -> None:
    world = IngestWorld()
    world.add(eventId="one")
    world.turn()

    world.stage.use([profile("other", delay=2)])
    world.add(eventId="two")
    world.turn()

    assert world.deliveries(4) == [("p", "SALE")]
    assert world.deliveries(6) == [("other", "SALE")]


def test_a_disabled_profile_gets_nothing() -> None:
    world = IngestWorld(profile("p", enabled=False))

    world.add()
    world.turn()

    assert world.counted("no_route") == 1
