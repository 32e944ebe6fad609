"""The CRM's customer types: three spellings, one code."""

from typing import Final

PARTIAL: Final = "PARTIAL"
REFUND: Final = "REFUND"
DECLINE: Final = "DECLINE"

# code: the spellings of the CRM's screens, in any case. The code itself is the third spelling.
_SPELLINGS: Final = {
    "PARTIAL": ("Partial",),
    "SALE": ("New Sale", "Sale"),
    "UPSELL": ("Upsell",),
    "SUBSCRIPTION": ("Subscription Started", "Subscription"),
    "PREBILL": ("Pre-Billing", "Prebill"),
    "REBILL": ("Recurring Order", "Rebill"),
    "DECLINE": ("Decline", "Declined"),
    "REBILL_DECLINE": ("Rebill Decline", "Rebill Declined"),
    "RECYCLE_FAILED": ("Recycle Failed",),
    "CANCEL": ("Cancel", "Cancelled"),
    "PAUSE": ("Pause", "Paused"),
    "REACTIVATE": ("Reactivate",),
    "REFUND": ("All refunds", "Refund"),
    "PARTIAL_REFUND": ("Partial refunds",),
    "FULL_REFUND": ("Full refunds",),
    "CHARGEBACK": ("Chargeback",),
    "FULFILLMENT": ("Fulfillment Shipped", "Shipped"),
    "DELIVERED": ("Fulfillment Delivered", "Delivered"),
    "RMA_ISSUED": ("RMA issued",),
    "RMA_RECEIVED": ("RMA received",),
    "CAPTURE": ("Capture",),
    "QA_PENDING": ("QA Pending",),
}

CODES: Final = tuple(_SPELLINGS)
NAMES: Final = tuple(name for names in _SPELLINGS.values() for name in names)
_CODE_OF: Final = {spelling.casefold(): code for code, names in _SPELLINGS.items() for spelling in (code, *names)}


def code_of(text: str) -> str:
    """
    The code of a customer type in any spelling and case.

    Returns:
        One of `CODES`, or for a type that is not known here the text itself in capitals with `_` for blanks:
        the CRM's list grows, and the two sides still meet.
    """
    known = _CODE_OF.get(text) or _CODE_OF.get(" ".join(text.casefold().split()))
    return known or "_".join(text.upper().split())


def codes_matched_by(code: str) -> tuple[str, ...]:
    """The codes of routing rows that an event of this type fires: its own, and REFUND for every kind of refund."""
    return (code, REFUND) if code in {"PARTIAL_REFUND", "FULL_REFUND"} else (code,)


def converts(code: str) -> bool:
    """Whether an event of this type means that the order was placed (neither a partial nor a decline)."""
    return code not in {PARTIAL, DECLINE}
