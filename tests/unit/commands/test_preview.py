"""`postback preview`: what is printed, and the reasons why nothing would be sent."""

import json
import shlex
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from consumer.core.routing import delivery_id
from tests.desk import Desk
from tests.events import ORDER_SCHEMA, encode_confluent, encode_single_object, order_event

SECRET = 'p@ss w"ö/rd+1'


def test_a_request_is_printed_to_its_last_byte_and_nothing_else_is(desk: Desk) -> None:
    desk.profile(fields=[("header:Content-Type", "=application/json"), ("order", "orderId"), ("note", "=x" * 500)])

    shown = desk.preview("--event", desk.event(eventId="e1"))

    assert shown.code == 0
    assert shown.head == [
        "POST https://example.com/in",
        "Content-Type: application/json",
        f"User-Agent: {shown.header('User-Agent')}",
        "Accept: */*",
        f"Idempotency-Key: {delivery_id('e1', 'hub', 'SALE')}",
    ]
    assert json.loads(shown.body) == {"order": 1001, "note": "x=" * 499 + "x"}
    assert not shown.body.endswith(b"\n")
    assert shown.err == ""


def test_an_avro_record_and_the_same_event_as_json_give_the_same_request(desk: Desk) -> None:
    names = ["orderId", "occurredAt", "product1_price", "campaignId", "isTestCard", "customerType"]
    desk.profile(fields=[(name, name) for name in names])
    event = order_event(occurredAt=datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC))
    plain = json.dumps({**event, "occurredAt": "2026-03-01T07:00:00.250-05:00"})
    in_ms = json.dumps({**event, "occurredAt": 1_772_366_400_250})

    avro = desk.preview("--event", desk.file("event.avro", encode_single_object(event, ORDER_SCHEMA)))
    shown = [desk.preview("--event", desk.file("event.json", text)) for text in (plain, in_ms)]

    assert avro.code == 0
    assert "occurredAt=2026-03-01+12%3A00%3A00&product1_price=199.00" in avro.out
    assert [one.raw for one in shown] == [avro.raw, avro.raw]


def test_numbers_in_json_become_what_the_schema_says_with_all_their_digits(desk: Desk) -> None:
    desk.profile(fields=[("total", "totalPrice"), ("price", "product1_price"), ("order", "orderId")])
    text = '{"orderId": "1001", "totalPrice": 199.00, "items": [{"price": 5.10}], "customerTypes": ["SALE"]}'

    shown = desk.preview("--event", desk.file("event.json", text))

    assert "?total=199.00&price=5.10&order=1001" in shown.out


def test_the_total_of_a_partial_stays_the_number_that_its_schema_allows(desk: Desk) -> None:
    desk.profile(fields=[("header:Content-Type", "=application/json"), ("total", "orderTotal")])

    shown = desk.preview("--sample", "partial")

    assert shown.body == b'{"total":279}'
    assert "before the run" in shown.err


@pytest.mark.parametrize("missing", ["eventId", "orderId", "isTestCard"])
def test_what_an_event_leaves_out_is_null_and_no_reason_to_refuse_it(desk: Desk, missing: str) -> None:
    desk.profile(fields=[("id", missing), ("type", "customerType")])
    event = {"eventId": "e1", "orderId": 1, "isTestCard": False, "customerTypes": ["SALE"]}
    del event[missing]

    shown = desk.preview("--event", desk.file("event.json", json.dumps(event)))

    assert shown.code == 0
    assert shown.head[0] == "GET https://example.com/in?type=SALE"


def test_a_test_card_order_is_not_exported_and_the_preview_says_so(desk: Desk) -> None:
    desk.profile()

    shown = desk.preview("--event", desk.event(isTestCard=True), "--send")

    assert (shown.code, shown.out.count("\n")) == (0, 1)
    assert "test card" in shown.out


def test_without_a_matching_row_the_preview_says_what_each_row_lacked(desk: Desk) -> None:
    rows = [
        {"customer_type": "Decline"},
        {"customer_type": "New Sale", "campaign": [8, 9]},
        {"customer_type": "All", "product": 13},
    ]
    desk.profile(routing=rows)

    shown = desk.preview("--event", desk.event(campaignId=7, items=[{"crmId": "12"}]))

    assert shown.code == 0
    assert shown.out.splitlines() == [
        "nothing would be sent (no_route): no row of its routing matches the event",
        "  row 1: customer type DECLINE is not among the event's (SALE)",
        "  row 2: campaign 8, 9 is not the event's (7)",
        "  row 3: product 13 is not among the event's (12)",
    ]


def test_an_event_without_a_type_takes_that_of_the_source_it_is_said_to_come_from(desk: Desk) -> None:
    desk.profile(fields=[("type", "customerType")])
    event = desk.event(customerTypes=[])

    untyped = desk.preview("--event", event)
    typed = desk.preview("--event", event, "--source", "partials")
    mistyped = desk.preview("--event", event, "--source", "partial")

    assert "partials (PARTIAL)" in untyped.out
    assert typed.head[0] == "GET https://example.com/in?type=PARTIAL"
    assert (mistyped.code, "did you mean `partials`?" in mistyped.out) == (1, True)


def test_a_disabled_profile_sends_nothing_and_a_paused_one_shows_what_it_keeps(desk: Desk) -> None:
    desk.profile("off", enabled=False)
    desk.profile("later", paused=True, fields=[("order", "orderId")])

    off = desk.preview("--sample", "order", profile="off")
    later = desk.preview("--sample", "order", "--send", profile="later")

    assert off.code == 0
    assert "disabled" in off.out
    assert "GET" not in off.out
    assert later.code == 0
    assert "kept, not sent (paused)" in later.head[0]
    assert later.body.startswith(b"GET https://example.com/in?order=1001\n")


def test_each_customer_type_of_an_event_is_a_request_of_its_own(desk: Desk) -> None:
    desk.profile(fields=[("type", "customerType")])

    shown = desk.preview("--event", desk.event(eventId="e1", customerTypes=["SALE", "UPSELL"]))

    assert [line for line in shown.out.splitlines() if line.startswith(("===", "GET"))] == [
        "=== hub: SALE ===",
        "GET https://example.com/in?type=SALE",
        "=== hub: UPSELL ===",
        "GET https://example.com/in?type=UPSELL",
    ]
    assert shown.out.count("Idempotency-Key: ") == 2


def test_all_profiles_are_previewed_and_those_that_do_not_load_are_named(desk: Desk) -> None:
    desk.profile("one")
    desk.profile("two", routing=[{"customer_type": "Decline"}])
    desk.profile_text("three", "name: three\npostbak_url: https://example.com/\n")

    shown = desk.call("preview", "--all", "--sample", "order")

    assert "GET https://example.com/in\n" in shown.out
    assert "=== two ===\nnothing would be sent (no_route)" in shown.out
    assert f"{desk.folder / 'profiles' / 'three.yaml'}:2: " in shown.out
    assert shown.code == 1


def test_without_any_profile_it_is_said_that_there_is_none(desk: Desk) -> None:
    shown = desk.call("preview", "--all", "--sample", "order")

    assert (shown.code, "there is no profile: write one" in shown.out) == (1, True)


def test_an_unknown_profile_gets_a_suggestion_and_a_broken_one_its_problems(desk: Desk) -> None:
    desk.profile("call-center")
    desk.profile_text("broken", "name: broken\npostbak_url: https://example.com/\n")

    unknown = desk.preview("--sample", "order", profile="call-centre")
    broken = desk.preview("--sample", "order", profile="broken")

    assert (unknown.code, "did you mean `call-center`?" in unknown.out) == (1, True)
    assert broken.code == 1
    assert all(f"{desk.folder / 'profiles' / 'broken.yaml'}:" in line for line in broken.out.splitlines())


def test_a_mistyped_field_is_named_beside_the_request(desk: Desk) -> None:
    desk.profile(fields=[("first", "frstName")])

    shown = desk.preview("--sample", "order")

    assert shown.head[0] == "GET https://example.com/in"
    assert "hub.yaml:5: " in shown.err
    assert "did you mean `firstName`?" in shown.err


@pytest.mark.parametrize(
    ("content", "place", "words"),
    [
        ('{\n "orderId": 1,\n}', ":3: ", "is not JSON"),
        ("orders", ":1: ", "neither the JSON of an event nor one Avro record"),
        ("[]", ":1: ", "must be one event"),
        ('{"orderId": NaN}', ":1: ", "NaN"),
        (b'{"orderId": "\xff"}', ":1: ", "UTF-8"),
        (r'{"eventId": "a\ud800"}', ":1: ", r"event id has \ud800, half a character"),
        (r'{"eventId": "a", "orderId": "\udfff"}', ":1: ", r"order id has \udfff"),
        (r'{"customerTypes": ["SALE", "\ud83d"]}', ":1: ", r"customer type has \ud83d"),
    ],
)
def test_a_file_that_is_no_event_is_refused_with_its_line(
    desk: Desk, content: str | bytes, place: str, words: str
) -> None:
    desk.profile()

    shown = desk.preview("--event", path := desk.file("event.json", content))

    assert shown.code == 1
    assert shown.out.startswith(f"{path}{place}")
    assert words in shown.out


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xc3\x01" + bytes(8), "undecodable"),
        (encode_confluent(order_event(), ORDER_SCHEMA, 7), "undecodable"),
        (encode_single_object(order_event(), ORDER_SCHEMA) + b"\0", "undecodable"),
        (b"Obj\x01rest", "undecodable"),
    ],
)
def test_a_record_that_would_be_dead_lettered_says_with_which_reason(desk: Desk, content: bytes, reason: str) -> None:
    desk.profile()

    shown = desk.preview("--event", desk.file("event.avro", content))

    assert shown.code == 0
    assert f"goes to the dead letters as {reason}: " in shown.out


def test_a_record_without_the_test_card_field_is_not_exported(desk: Desk) -> None:
    schema = {"type": "record", "name": "Order", "fields": [{"name": name, "type": "string"} for name in ("id", "no")]}
    (desk.folder / "avsc").mkdir()
    desk.file("avsc/order.avsc", json.dumps(schema))
    desk.set(schemas={"folder": "avsc"}, event={"id": "id", "order_id": "no"})
    desk.profile()
    content = encode_single_object({"id": "a", "no": "1"}, schema)

    shown = desk.preview("--event", desk.file("event.avro", content))

    assert "dead letters as no_test_card_field" in shown.out


def test_json_for_machines_has_the_request_and_the_reasons(desk: Desk) -> None:
    desk.profile("one", fields=[("header:Content-Type", "=application/json"), ("order", "orderId")])
    desk.profile("two", routing=[{"customer_type": "Decline"}])

    shown = desk.call("preview", "--all", "--sample", "order", "--json")
    one, two = json.loads(shown.out)["profiles"]

    assert one["requests"][0]["method"] == "POST"
    assert ["Content-Type", "application/json"] in one["requests"][0]["headers"]
    assert json.loads(one["requests"][0]["body"]) == {"order": 1001}
    assert (two["reason"], two["requests"]) == ("no_route", [])


def test_the_curl_command_survives_a_shell(desk: Desk) -> None:
    text = 'it\'s $HOME `x` "é" %20'
    desk.profile(fields=[("header:Content-Type", "=application/json"), ("note", f"={text}"), ("header:X-Empty", "=")])

    words = shlex.split(desk.preview("--sample", "order", "--curl").out)

    assert words[0] == "curl"
    assert json.loads(words[words.index("--data-raw") + 1]) == {"note": text}
    assert "X-Empty;" in words


@pytest.mark.parametrize("arguments", [(), ("--json",), ("--curl",), ("--send",)])
@pytest.mark.parametrize("kind", ["query", "form", "json"])
def test_a_secret_is_masked_in_every_place_and_encoding_unless_it_is_asked_for(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, kind: str, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("TOKEN", SECRET)
    monkeypatch.setenv("IN_URL", "k3y-in-PATH")
    kinds: dict[str, list[tuple[str, str]]] = {
        "query": [],
        "form": [("header:X-Token", "=${env:TOKEN}")],
        "json": [("header:X-Token", "=Bearer ${env:TOKEN}"), ("header:Content-Type", "=application/json")],
    }
    desk.profile(url="http://127.0.0.1:1/${env:IN_URL}/x", fields=[*kinds[kind], ("token", "=a${env:TOKEN}b")])

    hidden = desk.preview("--sample", "order", *arguments)
    plain = desk.preview("--sample", "order", "--show-secrets", *arguments)

    spellings = [SECRET, quote(SECRET), quote_plus(SECRET), json.dumps(SECRET)[1:-1], SECRET.replace('"', '\\"')]
    spellings += [json.dumps(spelling)[1:-1] for spelling in spellings] + ["k3y-in-PATH", "ss w", "%C3%B6"]
    assert not [spelling for spelling in spellings if spelling in hidden.out + hidden.err]
    assert "***" in hidden.out
    assert "k3y-in-PATH" in plain.out
    assert "***" not in plain.out


def test_the_name_of_a_header_is_shown_though_it_holds_the_secrets_letters(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "tok")
    desk.profile(fields=[("header:X-Token", "=${env:TOKEN}")])

    shown = desk.preview("--sample", "order")

    assert shown.header("X-Token") == "***"


def test_a_url_that_is_a_secret_as_a_whole_is_masked_also_where_it_was_tidied(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "HTTPS://Hooks.Example.com/T0ken/é#part")
    desk.profile(url="${env:HOOK}", fields=[("order", "orderId")])

    shown = desk.preview("--sample", "order")

    assert shown.head[0] == "GET ***?order=1001"


@pytest.mark.parametrize(
    "arguments",
    [("hub",), ("--sample", "order"), ("hub", "--all", "--sample", "order"), ("hub", "--sample", "refund")],
)
def test_wrong_usage_is_told_and_ends_with_2(desk: Desk, arguments: Any) -> None:
    desk.profile()

    shown = desk.call("preview", *arguments)

    assert shown.code == 2
    assert shown.err.startswith("usage: postback preview")
