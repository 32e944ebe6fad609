"""What stands beside an event's bytes while its delivery waits."""

import pytest

from consumer.core.errors import UndecodableRecord
from consumer.core.waiting import (
    DELIVERY_HEADER,
    RETRY_HEADER,
    Waiting,
    dead_letter_headers,
    marker_header,
    read_headers,
    retry_header,
    window_header,
)


def waiting(**about: object) -> Waiting:
    known: dict[str, object] = {
        "delivery_id": "0a",
        "profile": "call-center",
        "code": "SALE",
        "source": "orders/3/42",
        "occurred_at_ms": 5,
        "arrived_at_ms": 6,
    }
    return Waiting(**known | about)  # type: ignore[arg-type]


@pytest.mark.parametrize("code", ["SALE", "", "A\tB", "\t", "A\nB", "é𝄞", "a" * 5_000, "\0", "0\t1\t2\t3\t4\t5"])
def test_a_window_record_comes_back_as_it_was_whatever_its_code(code: str) -> None:
    one = waiting(code=code)

    assert read_headers([window_header(one)]) == one


@pytest.mark.parametrize("code", ["SALE", "A\tB"])
def test_a_retry_record_comes_back_as_it_was(code: str) -> None:
    one = waiting(
        code=code,
        attempts=3,
        due_at_ms=7,
        first_failed_at_ms=8,
        hold_until_ms=9,
        hold_endpoint="https://[::1]:8443",
        reason="throttled",
    )

    assert read_headers([window_header(one), retry_header(one)]) == one
    assert read_headers([retry_header(one), ("other", None), window_header(one)]) == one


def test_negative_times_are_times() -> None:
    one = waiting(occurred_at_ms=-62_135_596_800_000)

    assert read_headers([window_header(one)]) == one


def test_a_marker_is_no_delivery() -> None:
    assert read_headers([marker_header("orders/0/1")]) is None


@pytest.mark.parametrize(
    "headers",
    [
        None,
        [],
        [("other", b"x")],
        [(DELIVERY_HEADER, None)],
        [(DELIVERY_HEADER, b"")],
        [(DELIVERY_HEADER, b"a\tb\tc\t1\t2")],
        [(DELIVERY_HEADER, b"a\tb\tc\tone\t2\td")],
        [(DELIVERY_HEADER, b"a\tb\tc\t1\t2\t\xff")],
        [(DELIVERY_HEADER, b"a\tb\tc\t" + b"9" * 5_000 + b"\t2\td")],
        [(DELIVERY_HEADER, b"a\tb\tc\t" + b"9" * 21 + b"\t2\td")],
        [window_header(waiting()), (RETRY_HEADER, b"1\t2\t" + b"9" * 400 + b"\t4\t5\te\tr")],
        [window_header(waiting()), (RETRY_HEADER, b"")],
        [window_header(waiting()), (RETRY_HEADER, b"1\t2\t3\t4\tx")],
        [window_header(waiting()), (RETRY_HEADER, b"1\t2\t3\t4\te\tr\tmore")],
        [window_header(waiting()), (RETRY_HEADER, b"\xff")],
    ],
)
def test_what_others_wrote_is_refused_in_one_way(headers: list[tuple[str, bytes | None]] | None) -> None:
    with pytest.raises(UndecodableRecord):
        read_headers(headers)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ({"occurred_at_ms": 4}, {}),
        ({"occurred_at_ms": 4, "arrived_at_ms": 9}, {}),
        ({"arrived_at_ms": 5}, {}),
        ({"source": "orders/3/9"}, {}),
        ({"source": "zzz/9/41"}, {}),
    ],
)
def test_versions_are_ordered_by_the_event_then_by_arrival(older: dict[str, object], newer: dict[str, object]) -> None:
    assert waiting(**older).version < waiting(**newer).version


@pytest.mark.parametrize(
    "source",
    ["", "orders", "orders/0/x", "orders/0/\u0661", "orders/0/-1", f"orders/0/{'9' * 19}", f"o/0/{'9' * 5_000}"],
)
def test_a_source_that_somebody_else_made_up_has_a_version_too(source: str) -> None:
    assert waiting(source=source).version == (5, 6, 0)


def test_headers_of_a_dead_letter() -> None:
    headers = dead_letter_headers("gave_up", source="orders/0/1", profile="p", delivery_id="0a", error="é\n")

    assert headers == [
        ("postback-reason", b"gave_up"),
        ("postback-profile", b"p"),
        ("postback-source", b"orders/0/1"),
        ("postback-delivery-id", b"0a"),
        ("postback-error", "é\n".encode()),
    ]
    assert dict(dead_letter_headers("undecodable", source="s"))["postback-profile"] == b""
