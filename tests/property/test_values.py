"""Laws of what is written: it is read back as it was, by readers that we did not write."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from hypothesis import example, given
from hypothesis import strategies as st

from consumer.core.errors import RenderError
from consumer.core.profile import FieldMapping, Header, Profile
from consumer.core.render import Renderer
from consumer.core.report import outcome_row
from consumer.core.values import form_encode, form_text, json_member, utf8
from consumer.core.waiting import Waiting, read_headers, retry_header, window_header

ZONES = [ZoneInfo(name) for name in ("UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia")]
any_text = st.text(st.sampled_from("a\u00e9 \ud800\udc00\udfff\U0001d11e"))
hostile = st.text(st.sampled_from('"\\\n\t\0 ,:a1\u0663é\x7f\u2028'))
zones = st.sampled_from(ZONES)
numbers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | floats | st.text()
documents = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)
avro_values = st.recursive(
    scalars | st.binary() | st.decimals(allow_nan=False, allow_infinity=False, places=2) | st.dates() | st.times()
    | st.uuids() | st.datetimes(timezones=st.just(UTC)) | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(st.text())
def test_form_text_comes_back(text: str) -> None:
    """Found: `%20` for blanks beside a literal `+`; `~` left as it is; lower-case digits."""
    encoded = form_encode(text)

    assert parse_qsl(f"x={encoded}", keep_blank_values=True, strict_parsing=True) == [("x", text)]
    assert re.fullmatch("(?:[*._+0-9A-Za-z-]|%[0-9A-F]{2})*", encoded)


@given(any_text)
def test_no_text_is_refused(text: str) -> None:
    """Found: `UnicodeEncodeError` of half a surrogate pair."""
    assert form_encode(text).isascii()
    assert utf8(text).decode() == text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@given(st.lists(st.tuples(st.text(min_size=1), st.none() | st.text()), max_size=8))
def test_a_query_has_all_that_is_not_null_in_the_order_of_the_mappings(rows: list[tuple[str, str | None]]) -> None:
    """Found: names not encoded; empty strings left out; a dictionary, which keeps the last of two."""
    mappings = tuple(FieldMapping(name, f"f{number}") for number, (name, _) in enumerate(rows))
    renderer = Renderer(Profile(name="p", url="https://r/x?own=1", mappings=mappings), zone=ZONES[0], user_agent="")

    request = renderer.render({f"f{number}": value for number, (_, value) in enumerate(rows)}, code="", delivery_id="")

    expected = [("own", "1"), *((name, value) for name, value in rows if value is not None)]
    assert parse_qsl(request.url.partition("?")[2], keep_blank_values=True) == expected


@given(documents)
def test_json_comes_back(value: Any) -> None:
    """Found: `True` for `true` where booleans went the way of integers."""
    assert json.loads(json_member(value, ZONES[0])) == value


@given(st.dictionaries(st.text(min_size=1), documents, max_size=6))
def test_a_json_body_is_an_object_of_all_that_is_not_null_in_order(fields: dict[str, Any]) -> None:
    """Found: names not escaped; a comma left by what is left out."""
    mappings = tuple(FieldMapping(name, f"f{number}") for number, name in enumerate(fields))
    profile = Profile(
        name="p",
        url="https://r",
        in_body=True,
        headers=(Header("Content-Type", "application/json"),),
        mappings=mappings,
    )
    renderer = Renderer(profile, zone=ZONES[0], user_agent="")

    body = renderer.render({f"f{n}": value for n, value in enumerate(fields.values())}, code="", delivery_id="").body

    expected = {name: value for name, value in fields.items() if value is not None}
    read = json.loads(body or b"")
    assert read == expected
    assert list(read) == list(expected)


@given(avro_values, zones)
@example(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), ZONES[2])
@example([datetime(1, 1, 1, tzinfo=UTC)], ZONES[1])
def test_every_value_that_avro_has_can_be_written_or_is_refused_in_one_way(value: Any, zone: ZoneInfo) -> None:
    """Found: `OverflowError` of a time at the end of the calendar, which ended the process."""
    for write in (json_member, form_text):
        if value is None and write is form_text:
            continue
        try:
            written = write(value, zone)
        except RenderError:
            continue
        utf8(written)


@given(floats)
def test_numbers_in_a_form_have_plain_digits_and_their_value(value: float) -> None:
    """Found: `1e+22`."""
    written = form_text(value, ZONES[0])

    assert "e" not in written.lower()
    assert Decimal(written) == Decimal(repr(value))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)), zones)  # noqa: DTZ001 - see timezones
def test_times_are_written_to_the_second_in_four_digits_of_year(value: datetime, zone: ZoneInfo) -> None:
    """Found: `%Y` of years before 1000 has no leading zeros on some platforms."""
    written = form_text(value, zone)

    local = value.astimezone(zone).replace(tzinfo=None, microsecond=0, fold=0)
    assert datetime.fromisoformat(written) == local
    assert len(written) == 19


@given(hostile, hostile, hostile)
def test_rows_of_outcomes_are_json_whatever_an_event_holds(order_id: str, code: str, reason: str) -> None:
    """Found: ids that are ASCII taken for ids that need no escapes."""
    row = outcome_row(
        delivery_id=order_id, profile=code, order_id=order_id, code=code, attempt=1, outcome="failed", reason=reason,
        status=None, duration_ms=None, at_ms=0, due_at_ms=0,
    )  # fmt: skip

    read = json.loads(row)
    assert (read["order_id"], read["customer_type"], read["reason"]) == (order_id, code, reason)


waits = st.builds(
    Waiting,
    delivery_id=st.just("0a"),
    profile=st.just("p"),
    code=hostile | st.text(st.characters(codec="utf-8")),
    source=st.just("t/0/1"),
    occurred_at_ms=numbers,
    arrived_at_ms=numbers,
    attempts=st.integers(0, 99),
    due_at_ms=numbers,
    first_failed_at_ms=numbers,
    hold_until_ms=numbers,
    hold_endpoint=st.sampled_from(["", "https://[::1]:1"]),
    reason=st.sampled_from(["", "held"]),
)


@given(waits)
def test_what_waits_comes_back(waiting: Waiting) -> None:
    """Found: a code with a tab, when the code did not come last."""
    assert read_headers([window_header(waiting), retry_header(waiting)]) == waiting
