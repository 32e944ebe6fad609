"""`postback preview --send`, judged on the bytes that arrive at a receiver: the contract's tables, row by row."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.desk import Desk
from tests.events import encode_single_object
from tests.receiver import Answer, Receiver, always
from tests.receiver.arrived import Arrived

Rows = list[tuple[str, str]]
FORM = "application/x-www-form-urlencoded"
JSON = ("header:Content-Type", "=application/json")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def sent(desk: Desk, receiver: Receiver, *, event: Path, path: str = "/in", fields: Rows, **more: Any) -> Arrived:
    """The one request that a profile of these fields makes of *event*."""
    desk.profile(url=receiver.url(path), fields=fields, **more)
    shown = desk.preview("--event", event, "--send")
    assert shown.code == 0, shown.out
    assert "delivered: 200" in shown.out
    (arrived,) = receiver.arrived()
    assert shown.head[0] == f"{arrived.method} {receiver.url(arrived.target)}"
    return arrived


@dataclass(frozen=True, slots=True)
class Shape:
    """A row of the request table."""

    headers: Rows
    method: str
    in_body: bool
    content_type: str | None

    @property
    def is_json(self) -> bool:
        return (self.content_type or "").lower().partition(";")[0] == "application/json"


SHAPES = {
    "no header": Shape([], "GET", in_body=False, content_type=None),
    "any header": Shape([("header:X-Token", "=t")], "POST", in_body=True, content_type=FORM),
    "any header in any case": Shape([("HEADER:x-token", "=t")], "POST", in_body=True, content_type=FORM),
    "JSON": Shape([JSON], "POST", in_body=True, content_type="application/json"),
    "JSON with parameters, in any case": Shape(
        [("header:content-TYPE", "=Application/JSON; charset=utf-8")],
        "POST",
        in_body=True,
        content_type="Application/JSON; charset=utf-8",
    ),
    "another type is a form all the same": Shape(
        [("header:Content-Type", "=text/plain")], "POST", in_body=True, content_type="text/plain"
    ),
    "like JSON, but not JSON": Shape(
        [("header:Content-Type", "=application/json-seq")], "POST", in_body=True, content_type="application/json-seq"
    ),
    **{
        f"method {method}": Shape([("header:httpMethod", f"={method}")], method, in_body=False, content_type=None)
        for method in ("GET", "PUT", "PATCH", "DELETE")
    },
    "method post in any case": Shape([("header:HTTPmethod", "=post")], "POST", in_body=True, content_type=FORM),
    "method PUT with a header": Shape(
        [("header:httpMethod", "=PUT"), ("header:X-Token", "=t")], "PUT", in_body=False, content_type=None
    ),
    "content type with parameters in the URL": Shape(
        [("header:httpMethod", "=PUT"), JSON], "PUT", in_body=False, content_type="application/json"
    ),
    "type POST": Shape([("header:httpMethodType", "=POST")], "POST", in_body=True, content_type=FORM),
    "type post in any case": Shape([("header:HttpMethodTYPE", "=post")], "POST", in_body=True, content_type=FORM),
    "type GET": Shape([("header:httpMethodType", "=GET")], "GET", in_body=False, content_type=None),
    "type GET with a header": Shape(
        [("header:httpMethodType", "=GET"), ("header:X-Token", "=t")], "GET", in_body=False, content_type=None
    ),
    **{
        f"method {method}, type POST": Shape(
            [("header:httpMethod", f"={method}"), ("header:httpMethodType", "=POST")],
            method,
            in_body=True,
            content_type=FORM,
        )
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
    },
    **{
        f"method {method}, type GET": Shape(
            [("header:httpMethod", f"={method}"), ("header:httpMethodType", "=GET")],
            method,
            in_body=False,
            content_type=None,
        )
        for method in ("POST", "PUT", "PATCH", "DELETE")
    },
    "method PATCH, type POST, JSON": Shape(
        [("header:httpMethod", "=PATCH"), ("header:httpMethodType", "=POST"), JSON],
        "PATCH",
        in_body=True,
        content_type="application/json",
    ),
}


@pytest.mark.parametrize("shape", [pytest.param(shape, id=name) for name, shape in SHAPES.items()])
def test_method_place_of_the_parameters_and_content_type_are_those_of_the_table(
    desk: Desk, receiver: Receiver, shape: Shape
) -> None:
    event = desk.event(firstName="Zoë A")

    arrived = sent(desk, receiver, event=event, fields=[*shape.headers, ("name", "firstName"), ("id", "=0400")])

    form = "name=Zo%C3%AB+A&id=0400"
    body = '{"name":"Zoë A","id":"0400"}' if shape.is_json else form
    assert arrived.method == shape.method
    assert arrived.target == ("/in" if shape.in_body else f"/in?{form}")
    assert arrived.body == (body.encode() if shape.in_body else b"")
    assert arrived.header("Content-Type") == shape.content_type
    assert not [name for name, _ in arrived.headers if name.lower().startswith("httpmethod")]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/in", "/in?a=1"),
        ("/in?", "/in?a=1"),
        ("/in?x=1&y", "/in?x=1&y&a=1"),
        ("/in?x=%20#part", "/in?x=%20&a=1"),
        ("/pläce?q=ü", "/pl%C3%A4ce?q=%C3%BC&a=1"),
        ("", "/?a=1"),
    ],
)
def test_the_urls_own_query_stays_and_a_fragment_goes(desk: Desk, receiver: Receiver, path: str, target: str) -> None:
    arrived = sent(desk, receiver, event=desk.event(), path=path, fields=[("a", "=1")])

    assert arrived.target == target


# https://url.spec.whatwg.org/#concept-urlencoded-serializer, with the cases of the platform tests for URLSearchParams
URLENCODED = {
    "b c": "b+c",
    "": "",
    "a=b": "a%3Db",
    "b&c": "b%26c",
    "b%c": "b%25c",
    "b+c": "b%2Bc",
    "b\0c": "b%00c",
    "b\U0001f4a9c": "b%F0%9F%92%A9c",
    "*-._": "*-._",
    "~!'()": "%7E%21%27%28%29",
    "a\r\nb": "a%0D%0Ab",
    "0A9z": "0A9z",
    "\u00a0\u2028": "%C2%A0%E2%80%A8",
    "\ud800x": "%EF%BF%BDx",
    "%EF%BB%BF": "%25EF%25BB%25BF",
}


@pytest.mark.parametrize("in_body", [False, True])
def test_names_and_values_are_encoded_as_the_url_standard_says(desk: Desk, receiver: Receiver, in_body: bool) -> None:
    values = {f"custom{number}": text for number, text in enumerate(URLENCODED)}
    desk.set(schemas={"folder": schema_folder(desk, dict.fromkeys(values, "string"))})
    headers: Rows = [("header:X-Any", "=1")] if in_body else []

    arrived = sent(
        desk,
        receiver,
        event=desk.event(**values),
        fields=[*headers, *((name.replace("custom", "n [") + "]", name) for name in values), ("a b&=~", "=")],
    )

    expected = [f"n+%5B{number}%5D={encoded}" for number, encoded in enumerate(URLENCODED.values())]
    assert (arrived.body.decode() if in_body else arrived.query) == "&".join([*expected, "a+b%26%3D%7E="])


def schema_folder(desk: Desk, types: Mapping[str, Any]) -> str:
    folder = desk.folder / "avsc"
    folder.mkdir()
    (folder / "event.avsc").write_text(json.dumps(schema_of(types)))
    return "avsc"


def schema_of(types: Mapping[str, Any]) -> dict[str, Any]:
    own = {
        "eventId": "string",
        "orderId": "long",
        "isTestCard": "boolean",
        "customerTypes": {"type": "array", "items": "string"},
    }
    fields = [{"name": name, "type": kind} for name, kind in {**own, **types}.items()]
    return {"type": "record", "name": "Event", "fields": fields}


@dataclass(frozen=True, slots=True)
class Value:
    """
    A value of a type, and how it arrives.

    Attributes:
        written: In the JSON of an event.
        form: Percent-decoded.
    """

    kind: Any
    value: Any
    written: Any
    form: str
    json: str


AT = datetime(2026, 3, 1, 12, 0, 5, 999_000, tzinfo=UTC)
DAY = {"type": "record", "name": "Day", "fields": [{"name": "date", "type": "string"}, {"name": "n", "type": "int"}]}
TYPES = {
    "boolean": Value("boolean", True, True, "1", "true"),
    "false": Value("boolean", False, False, "0", "false"),
    "int": Value("int", -7, -7, "-7", "-7"),
    "long": Value("long", 2**53 + 1, 2**53 + 1, "9007199254740993", "9007199254740993"),
    "float": Value("float", 0.5, 0.5, "0.5", "0.5"),
    "double": Value("double", 1e21, 1e21, "1000000000000000000000", "1e+21"),
    "small double": Value("double", 1e-7, 1e-7, "0.0000001", "1e-07"),
    "bytes": Value("bytes", b"\x00\xff", "\x00\xff", "AP8=", '"AP8="'),
    "string": Value("string", "0400", "0400", "0400", '"0400"'),
    "enum": Value({"type": "enum", "name": "E", "symbols": ["A", "B"]}, "B", "B", "B", '"B"'),
    "fixed": Value({"type": "fixed", "name": "F", "size": 2}, b"\x01\x02", "\x01\x02", "AQI=", '"AQI="'),
    "array": Value({"type": "array", "items": "int"}, [1, 2], [1, 2], "[1,2]", "[1,2]"),
    "map": Value({"type": "map", "values": "string"}, {"k": "ü"}, {"k": "ü"}, '{"k":"ü"}', '{"k":"ü"}'),
    "record": Value(
        DAY,
        {"date": "2026-03-01", "n": 3},
        {"date": "2026-03-01", "n": 3},
        '{"date":"2026-03-01","n":3}',
        '{"date":"2026-03-01","n":3}',
    ),
    "union": Value(["null", "string", "long"], 279, {"long": 279}, "279", "279"),
    "decimal": Value(
        {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, Decimal("199.00"), 199, "199.00",
        '"199.00"',
    ),
    "uuid": Value(
        {"type": "string", "logicalType": "uuid"},
        UUID("12345678-1234-5678-1234-567812345678"),
        "12345678-1234-5678-1234-567812345678",
        "12345678-1234-5678-1234-567812345678",
        '"12345678-1234-5678-1234-567812345678"',
    ),
    "date": Value({"type": "int", "logicalType": "date"}, date(2026, 3, 1), "2026-03-01", "2026-03-01", '"2026-03-01"'),
    "time-millis": Value({"type": "int", "logicalType": "time-millis"}, time(7), "07:00:00", "07:00:00", '"07:00:00"'),
    "time-micros": Value({"type": "long", "logicalType": "time-micros"}, time(7), "07:00:00", "07:00:00", '"07:00:00"'),
    **{
        f"timestamp-{unit}": Value(
            {"type": "long", "logicalType": f"timestamp-{unit}"},
            AT,
            "2026-03-01T13:00:05.999+01:00",
            "2026-03-01 12:00:05",
            '"2026-03-01 12:00:05"',
        )
        for unit in ("millis", "micros")
    },
    "local-timestamp": Value(
        {"type": "long", "logicalType": "local-timestamp-millis"},
        AT.replace(tzinfo=None),
        "2026-03-01T12:00:05.999",
        "2026-03-01 12:00:05",
        '"2026-03-01 12:00:05"',
    ),
}  # fmt: skip


@pytest.mark.parametrize("framing", ["avro", "json"])
@pytest.mark.parametrize("body", ["form", "json"])
@pytest.mark.parametrize("value", [pytest.param(value, id=name) for name, value in TYPES.items()])
def test_every_avro_type_arrives_as_the_contract_says(
    *, desk: Desk, receiver: Receiver, value: Value, body: str, framing: str
) -> None:
    desk.set(schemas={"folder": schema_folder(desk, {"value": value.kind})})
    event: dict[str, Any] = {"eventId": "e", "orderId": 1, "isTestCard": False, "customerTypes": ["SALE"]}
    if framing == "avro":
        content = encode_single_object({**event, "value": value.value}, schema_of({"value": value.kind}))
    else:
        content = json.dumps({**event, "value": value.written}).encode()

    arrived = sent(
        desk,
        receiver,
        event=desk.file("event", content),
        fields=[*([JSON] if body == "json" else []), ("v", "value")],
    )

    if body == "json":
        assert arrived.body.decode() == f'{{"v":{value.json}}}'
    else:
        assert arrived.parameters == {"v": value.form}


def test_null_and_absent_are_left_out_and_empty_zero_and_false_stay(desk: Desk, receiver: Receiver) -> None:
    event = desk.event(
        recurringPrice="", hasUpsells=0, isTestCard=False, firstName=None, items=[{"id": "", "sku": None}]
    )
    names = ["firstName", "lastName", "recurringPrice", "hasUpsells", "isTestCard", "product1_id", "product1_sku"]

    arrived = sent(desk, receiver, event=event, fields=[JSON, *((name, name) for name in [*names, "product2_id"])])

    assert arrived.body == b'{"recurringPrice":"","hasUpsells":0,"isTestCard":false,"product1_id":""}'


def test_slots_count_from_one_and_a_name_may_stand_twice_in_a_query(desk: Desk, receiver: Receiver) -> None:
    event = desk.event(items=[{"name": f"p{n}"} for n in range(1, 12)])

    arrived = sent(
        desk, receiver, event=event, fields=[("p", "product11_name"), ("p", "product1_name"), ("p", "product12_name")]
    )

    assert arrived.query == "p=p11&p=p1"


@pytest.mark.parametrize(
    ("zone", "at", "shown"),
    [
        ("UTC", "2026-07-01T12:00:00Z", "2026-07-01 12:00:00"),
        ("America/New_York", "2026-03-08T06:59:59Z", "2026-03-08 01:59:59"),
        ("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08 03:00:00"),
        ("America/New_York", "2026-11-01T05:30:00Z", "2026-11-01 01:30:00"),
        ("America/New_York", "2026-11-01T06:30:00Z", "2026-11-01 01:30:00"),
        ("Europe/Berlin", "2026-03-29T01:00:00Z", "2026-03-29 03:00:00"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00Z", "2026-04-05 01:30:00"),
        ("Asia/Kathmandu", "2026-01-01T00:00:00Z", "2026-01-01 05:45:00"),
    ],
)
def test_timestamps_are_shown_in_the_settings_time_zone_daylight_saving_included(
    *, desk: Desk, receiver: Receiver, zone: str, at: str, shown: str
) -> None:
    desk.set(time_zone=zone)

    arrived = sent(desk, receiver, event=desk.event(occurredAt=at), fields=[("at", "occurredAt")])

    assert arrived.parameters == {"at": shown}


def test_headers_arrive_as_mapped_and_ours_give_way_to_the_profiles(desk: Desk, receiver: Receiver) -> None:
    fields = [("header:User-Agent", "=mine/1"), ("header:accept", "=text/plain"), ("header:Idempotency-Key", "=k")]

    arrived = sent(desk, receiver, event=desk.event(), fields=fields)

    names = [name.lower() for name, _ in arrived.headers]
    assert arrived.header("User-Agent") == "mine/1"
    assert arrived.header("Accept") == "text/plain"
    assert arrived.key == "k"
    assert len(names) == len(set(names))


def test_a_secret_arrives_and_is_not_shown_even_when_the_receiver_echoes_it(
    desk: Desk, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", secret := "s3cret-t0ken")
    receiver.on("/in", always(Answer(body=f"you said {secret}".encode())))
    desk.profile(url=receiver.url("/in"), fields=[("header:X-Token", "=${env:TOKEN}")])

    shown = desk.preview("--sample", "order", "--send")
    (arrived,) = receiver.arrived()

    assert arrived.header("X-Token") == secret
    assert "you said ***" in shown.out
    assert secret not in shown.out + shown.err


@pytest.mark.parametrize(
    ("status", "word"), [(404, "rejected"), (302, "redirect"), (429, "throttled"), (500, "server")]
)
def test_whatever_is_no_2xx_ends_with_1_and_a_sentence(desk: Desk, receiver: Receiver, status: int, word: str) -> None:
    receiver.on("/in", always(Answer(status=status, body=b"no \x00 such\nlist")))
    desk.profile(url=receiver.url("/in"))

    shown = desk.preview("--sample", "order", "--send")

    assert shown.code == 1
    assert f"failed ({word}): " in shown.out
    assert str(status) in shown.out
    assert "no · such\nlist" in shown.out


def test_a_private_address_is_refused_and_nothing_arrives(desk: Desk, receiver: Receiver) -> None:
    desk.set(http={"allow_networks": []})
    desk.profile(url=receiver.url("/in").replace("127.0.0.1", "localhost"))

    shown = desk.preview("--sample", "order", "--send")

    assert shown.code == 1
    assert "failed (refused_address)" in shown.out
    assert "http.allow_networks" in shown.out
    assert receiver.arrived() == []


def test_the_answer_for_machines(desk: Desk, receiver: Receiver) -> None:
    receiver.on("/in", always(Answer(status=201, body=b"ok")))
    desk.profile(url=receiver.url("/in"))

    shown = desk.preview("--sample", "order", "--send", "--json")

    answer = json.loads(shown.out)["profiles"][0]["requests"][0]["answer"]
    assert (answer["delivered"], answer["status"], answer["body_start"]) == (True, 201, "ok")
