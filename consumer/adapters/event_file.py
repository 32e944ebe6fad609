"""The event of `postback preview`: a file of JSON, or one Avro-encoded record."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from consumer.adapters.avro.decoder import AvroDecoder
from consumer.adapters.avro.json_event import TypedEvent, typed_event
from consumer.adapters.avro.schema import Schema
from consumer.core.errors import SettingsError
from consumer.core.event import Fields
from consumer.core.problem import Problem, did_you_mean

_FRAMES: Final = (b"\x00", b"\x01", b"\xc3", b"Obj\x01")
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class FileEvent:
    """
    Attributes:
        fields: As the decoder gives them.
        is_json: What the file does not have is null then, also where the schema demands a value.
        doubts: Sentences about what may not be meant so.
    """

    fields: Fields
    is_json: bool
    doubts: tuple[Problem, ...] = ()


def read_event(path: Path, decoder: AvroDecoder, schemas: Iterable[Schema]) -> FileEvent:
    """
    Args:
        schemas: Give the values of a JSON event their types.

    Raises:
        SettingsError: The file is no event; says where and why.
        UndecodableRecord: An Avro record that is none of a known schema.
        SchemaUnavailable: The registry cannot be asked for the record's schema.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _refused(path, 1, f"cannot be read: {error.strerror}; name a file with an event") from error
    if content.startswith(_FRAMES):
        return FileEvent(decoder.decode(content), is_json=False)
    event = typed_event(_document(path, content), schemas)
    return FileEvent(event.fields, is_json=True, doubts=tuple(_doubts(path, event)))


def _document(path: Path, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content.decode("utf-8-sig"), parse_float=Decimal, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        what = "is neither the JSON of an event nor one Avro record" if error.pos == 0 else "is not JSON"
        raise _refused(path, error.lineno, f"{what}: {error.msg} at column {error.colno}; correct it there") from error
    except (ValueError, RecursionError) as error:
        raise _refused(path, 1, f"is not JSON in UTF-8: {error}; correct it") from error
    if not isinstance(document, dict):
        raise _refused(path, 1, 'must be one event, as {"orderId": 1001, "customerTypes": ["SALE"], ...}')
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _refused(path: Path, line: int, text: str) -> SettingsError:
    return SettingsError(str(Problem(str(path), line, text)))


def _doubts(path: Path, event: TypedEvent) -> Iterable[Problem]:
    if event.schema is None:
        text = (
            "no schema in schemas.folder has these fields: they are sent as written here, times too; in a run their "
            "schema says what they are"
        )
        yield Problem(str(path), 1, text, "warning")
    for name in event.unknown[:_SHOWN]:
        close = did_you_mean(name, event.fields.keys() - set(event.unknown))
        yield Problem(
            str(path), 1, f"{event.schema} has no field `{name}`{close or ': in a run it is absent'}", "warning"
        )
    for place, wanted in event.misfits[:_SHOWN]:
        yield Problem(str(path), 1, f"`{place}` must be {wanted} in the schema {event.schema}", "warning")
