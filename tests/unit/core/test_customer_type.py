"""The contract's table of customer types."""

import pytest

from consumer.core.customer_type import CODES, NAMES, code_of, codes_matched_by, converts

TABLE = """
Partial               | Partial         | PARTIAL
New Sale              | Sale            | SALE
Upsell                | Upsell          | UPSELL
Subscription Started  | Subscription    | SUBSCRIPTION
Pre-Billing           | Prebill         | PREBILL
Recurring Order       | Rebill          | REBILL
Decline               | Declined        | DECLINE
Rebill Decline        | Rebill Declined | REBILL_DECLINE
Recycle Failed        |                 | RECYCLE_FAILED
Cancel                | Cancelled       | CANCEL
Pause                 | Paused          | PAUSE
Reactivate            |                 | REACTIVATE
All refunds           | Refund          | REFUND
Partial refunds       |                 | PARTIAL_REFUND
Full refunds          |                 | FULL_REFUND
Chargeback            |                 | CHARGEBACK
Fulfillment Shipped   | Shipped         | FULFILLMENT
Fulfillment Delivered | Delivered       | DELIVERED
RMA issued            |                 | RMA_ISSUED
RMA received          |                 | RMA_RECEIVED
Capture               |                 | CAPTURE
QA Pending            |                 | QA_PENDING
"""
ROWS = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[2])
def test_every_spelling_in_any_case_gives_the_code(row: list[str]) -> None:
    spellings = [spelling for spelling in row if spelling]

    for spelling in spellings:
        for written in (
            spelling,
            spelling.upper(),
            spelling.lower(),
            f"  {spelling.title()} ",
            spelling.replace(" ", "  "),
        ):
            assert code_of(written) == row[2]


def test_the_table_is_complete() -> None:
    assert list(CODES) == [row[2] for row in ROWS]
    assert {name.casefold() for name in NAMES} == {cell.casefold() for row in ROWS for cell in row[:2] if cell}


@pytest.mark.parametrize(
    ("text", "code"),
    [("Brand new", "BRAND_NEW"), ("  two\tblanks  here ", "TWO_BLANKS_HERE"), ("PRE_ORDER", "PRE_ORDER"), ("ß", "SS")],
)
def test_an_unknown_type_becomes_a_code_of_its_own(text: str, code: str) -> None:
    assert code_of(text) == code
    assert code_of(code_of(text)) == code


def test_refunds_fire_the_rows_of_all_refunds_too() -> None:
    assert codes_matched_by("PARTIAL_REFUND") == ("PARTIAL_REFUND", "REFUND")
    assert codes_matched_by("FULL_REFUND") == ("FULL_REFUND", "REFUND")
    assert codes_matched_by("REFUND") == ("REFUND",)
    assert codes_matched_by("SALE") == ("SALE",)


@pytest.mark.parametrize("code", [*CODES, "UNKNOWN"])
def test_every_type_but_partial_and_decline_means_that_the_order_was_placed(code: str) -> None:
    assert converts(code) == (code not in {"PARTIAL", "DECLINE"})
