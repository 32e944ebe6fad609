"""How each kind of value is written, in a query or form and in JSON."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from consumer.core.values import form_encode, form_text, json_member, json_text, json_value, utf8

UTC_ZONE = ZoneInfo("UTC")
NEW_YORK = ZoneInfo("America/New_York")
BERLIN = ZoneInfo("Europe/Berlin")
AS_IT_IS = set(b"*-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


@pytest.mark.parametrize("byte", range(128))
def test_every_ascii_byte_is_encoded_as_the_url_standard_says(byte: int) -> None:
    expected = "+" if byte == 0x20 else chr(byte) if byte in AS_IT_IS else f"%{byte:02X}"

    assert form_encode(chr(byte)) == expected
    assert form_encode(f"a{chr(byte)}") == f"a{expected}"


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("", ""),
        ("é", "%C3%A9"),
        ("\x80\xff", "%C2%80%C3%BF"),
        ("٣", "%D9%A3"),
        ("①", "%E2%91%A0"),
        ("𝄞", "%F0%9D%84%9E"),
        ("a b+c~d*e", "a+b%2Bc%7Ed*e"),
        ("\ud800", "%EF%BF%BD"),
        ("\udc00x", "%EF%BF%BDx"),
        ("\ud834\udd1e", "%F0%9D%84%9E"),
        ("\r\n", "%0D%0A"),
    ],
)
def test_form_encode(text: str, encoded: str) -> None:
    assert form_encode(text) == encoded


@pytest.mark.parametrize(("text", "raw"), [("a\ud800b", b"a\xef\xbf\xbdb"), ("\udfff\ud800", b"\xef\xbf\xbd" * 2)])
def test_utf8_has_a_replacement_character_for_each_lone_half(text: str, raw: bytes) -> None:
    assert utf8(text) == raw


SUMMER = datetime(2026, 7, 1, 12, 30, 15, 999_999, UTC)
EVERY_KIND: list[tuple[Any, str, str]] = [
    ("text", "text", '"text"'),
    ("00700", "00700", '"00700"'),
    ("", "", '""'),
    (0, "0", "0"),
    (-7, "-7", "-7"),
    (2**63 - 1, "9223372036854775807", "9223372036854775807"),
    (True, "1", "true"),
    (False, "0", "false"),
    (279.0, "279.0", "279.0"),
    (0.1, "0.1", "0.1"),
    (1e22, "10000000000000000000000", "1e+22"),
    (1.5e-7, "0.00000015", "1.5e-07"),
    (-0.0, "-0.0", "-0.0"),
    (Decimal("199.00"), "199.00", '"199.00"'),
    (Decimal("-0.01"), "-0.01", '"-0.01"'),
    (Decimal("1E+3"), "1000", '"1000"'),
    (SUMMER, "2026-07-01 12:30:15", '"2026-07-01 12:30:15"'),
    (date(2026, 7, 1), "2026-07-01", '"2026-07-01"'),
    (time(7, 5, 9, 123), "07:05:09", '"07:05:09"'),
    (UUID(int=1), "00000000-0000-0000-0000-000000000001", '"00000000-0000-0000-0000-000000000001"'),
    (b"\x00\xff", "AP8=", '"AP8="'),
    (bytearray(b""), "", '""'),
    ([], "[]", "[]"),
    ([1, None, "é", True], '[1,null,"é",true]', '[1,null,"é",true]'),
    ({"a": {"b": Decimal("1.0")}}, '{"a":{"b":"1.0"}}', '{"a":{"b":"1.0"}}'),
    ({"d": SUMMER, "e": b"x"}, '{"d":"2026-07-01 12:30:15","e":"eA=="}', '{"d":"2026-07-01 12:30:15","e":"eA=="}'),
]


@pytest.mark.parametrize(("value", "in_form", "in_json"), EVERY_KIND)
def test_every_kind_of_value(value: Any, in_form: str, in_json: str) -> None:
    assert form_text(value, UTC_ZONE) == in_form
    assert json_text(json_value(value, UTC_ZONE)) == in_json
    assert json_member(value, UTC_ZONE) == in_json


def test_null_within_json() -> None:
    assert json_text(json_value({"a": None}, UTC_ZONE)) == '{"a":null}'


@pytest.mark.parametrize(
    ("value", "zone", "text"),
    [
        (SUMMER, NEW_YORK, "2026-07-01 08:30:15"),
        (datetime(2026, 1, 1, 12, tzinfo=UTC), NEW_YORK, "2026-01-01 07:00:00"),
        (datetime(2026, 11, 1, 5, 30, tzinfo=UTC), NEW_YORK, "2026-11-01 01:30:00"),
        (datetime(2026, 11, 1, 6, 30, tzinfo=UTC), NEW_YORK, "2026-11-01 01:30:00"),
        (datetime(2026, 3, 8, 7, tzinfo=UTC), NEW_YORK, "2026-03-08 03:00:00"),
        (datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=5))), BERLIN, "2026-07-01 09:00:00"),
        (datetime(2026, 7, 1, 12), BERLIN, "2026-07-01 12:00:00"),  # noqa: DTZ001 - a local-timestamp has no zone
        (datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC), UTC_ZONE, "1969-12-31 23:59:59"),
        (datetime(476, 9, 4, tzinfo=UTC), UTC_ZONE, "0476-09-04 00:00:00"),
        (datetime(1, 1, 1, tzinfo=UTC), UTC_ZONE, "0001-01-01 00:00:00"),
        (datetime(999, 12, 31, 23, 59, 59, tzinfo=UTC), UTC_ZONE, "0999-12-31 23:59:59"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), UTC_ZONE, "9999-12-31 23:59:59"),
        (datetime(1, 1, 1, tzinfo=UTC), NEW_YORK, "0001-01-01 00:00:00"),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), BERLIN, "9999-12-31 23:59:59"),
    ],
)
def test_times_are_written_in_the_zone_of_the_settings(value: datetime, zone: ZoneInfo, text: str) -> None:
    assert form_text(value, zone) == text
    assert json_member([value], zone) == f'["{text}"]'


@pytest.mark.parametrize("value", [date(1, 1, 1), date(999, 12, 31)])
def test_dates_have_four_digits_for_the_year(value: date) -> None:
    assert form_text(value, UTC_ZONE) == f"{value.year:04d}-{value.month:02d}-{value.day:02d}"
