"""Events of made-up people, and their bytes in both framings."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

Schema = Any  # what a .avsc file holds: a dict, a list or a name

SCHEMAS = Path(__file__).parent.parent / "schemas"
ORDER_SCHEMA: Schema = json.loads((SCHEMAS / "order-event.avsc").read_text("utf-8"))
PARTIAL_SCHEMA: Schema = json.loads((SCHEMAS / "partial-event.avsc").read_text("utf-8"))

_PERSON: Mapping[str, Any] = {
    "customerId": 7301,
    "fullName": "Zoë O'Brien & Söhne+",
    "firstName": "Zoë",
    "lastName": "O'Brien & Söhne+",
    "emailAddress": "zoe@example.com",
    "phoneNumber": "+1 202 555 0143",
    "address1": "1 Example Road",
    "city": "Springfield",
    "state": "MA",
    "country": "US",
    "postalCode": "01101",
    "ipAddress": "192.0.2.17",
    "campaignId": 7,
    "campaignName": "Example campaign",
    "sourceId": 40,
    "affId": "A1B2C3D4",
    "sourceValue1": "spring/sale",
    "currencyCode": "USD",
}


def item(**overrides: Any) -> dict[str, Any]:
    """One product of an order."""
    fields = {"name": "Example tonic", "sku": "TONIC-1", "id": "", "crmId": "12", "campaignProductId": "34"}
    return {**fields, "price": "199.00", "qty": "1", **overrides}


def order_event(**overrides: Any) -> dict[str, Any]:
    """The fields of an `OrderEvent`: a sale of one product; fields that are not named are null in the record."""
    return {
        **_PERSON,
        "eventId": "event-1",
        "occurredAt": datetime(2026, 3, 1, 12, 0, tzinfo=UTC),
        "isTestCard": False,
        "orderId": 1001,
        "customerTypes": ["SALE"],
        "items": [item()],
        "clientOrderId": "0A1B2C3D4E",
        "orderStatus": "COMPLETE",
        "orderType": "NEW_SALE",
        "dateCreated": "2026-03-01 07:00:00",
        "timeCreated": "07:00:00",
        "orderDate": "2026-03-01",
        "orderTotal": "199.00",
        "totalPrice": "204.95",
        "totalShipping": "5.95",
        "salesTax": "0.00",
        "actualTransactionId": 90001,
        "clientTxnId": "00AA11BB22CC",
        "responseType": "SUCCESS",
        "paySource": "CREDITCARD",
        "cardType": "VISA",
        "cardLast4": "0000",
        **overrides,
    }


def partial_event(**overrides: Any) -> dict[str, Any]:
    """The fields of a `PartialEvent`: a checkout that was left; the total is a number, as the CRM gives it."""
    return {
        **_PERSON,
        "eventId": "event-2",
        "occurredAt": datetime(2026, 3, 1, 11, 50, tzinfo=UTC),
        "isTestCard": False,
        "orderId": 1001,
        "customerTypes": ["PARTIAL"],
        "items": [],
        "clientOrderId": "0A1B2C3D4E",
        "orderStatus": "PARTIAL",
        "dateCreated": "2026-03-01 06:50:00",
        "orderDate": "2026-03-01",
        "acquisitionDate": "2026-03-01 06:50:00",
        "orderTotal": 279,
        "totalPrice": "0.00",
        "totalShipping": 0,
        "recurringPrice": "",
        "declineReason": "Unknown Error",
        **overrides,
    }


def encode(event: object, schema: Schema) -> bytes:
    """The Avro binary encoding alone, without a framing."""
    record = io.BytesIO()
    fastavro.schemaless_writer(record, schema, event)
    return record.getvalue()


def encode_single_object(event: object, schema: Schema) -> bytes:
    """*event* in single-object encoding, as found in `schemas.folder`."""
    little_endian = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
    return b"\xc3\x01" + little_endian + encode(event, schema)


def encode_confluent(event: object, schema: Schema, schema_id: int) -> bytes:
    """*event* in the Confluent wire format, its schema under *schema_id* in the registry."""
    return b"\x00" + schema_id.to_bytes(4, "big") + encode(event, schema)
