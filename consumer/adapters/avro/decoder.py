"""Decodes the values of source records: which schema wrote them, and what they say."""

from typing import Final, Protocol

from consumer.adapters.avro.reader import RecordReader, reader_of
from consumer.adapters.avro.schema import InvalidSchema, Schema
from consumer.core.errors import UndecodableRecord
from consumer.core.event import Fields

_CONFLUENT_MARK: Final = b"\x00"
_CONFLUENT_SIZE: Final = 5
_GUID_MARK: Final = b"\x01"
_SINGLE_OBJECT_MARK: Final = b"\xc3\x01"
_SINGLE_OBJECT_SIZE: Final = 10
_FILE_MARK: Final = b"Obj\x01"
_TEXT_MARKS: Final = (b"{", b"[", b"<", b'"')


class SchemaSource(Protocol):
    def by_id(self, schema_id: int) -> Schema:
        """
        The schema that the registry has under *schema_id*.

        Raises:
            UndecodableRecord: There is none.
            SchemaUnavailable: The registry cannot be asked now.
        """

    def by_fingerprint(self, fingerprint: bytes) -> Schema:
        """
        The schema with this fingerprint, in the byte order of single-object encoding.

        Raises:
            UndecodableRecord: There is none.
        """


class AvroDecoder:
    """
    Decodes records in the Confluent wire format and in single-object encoding.

    What a record becomes in memory is at most a constant beside its own size (see MAX_VALUES); how large that may be is
    the brokers' to say. Not for two threads at once: a schema's reader keeps count of the record that it reads.
    """

    def __init__(self, schemas: SchemaSource, *, checks_rest: bool = True) -> None:
        """
        Args:
            checks_rest: Check what is not wanted. False where another has decoded the records before: then it is
                passed over, and cannot do more harm than to end up at the wrong place.
        """
        self._schemas = schemas
        self._checks_rest = checks_rest
        self._wanted: frozenset[str] | None = None
        self._readers: dict[bytes, RecordReader] = {}  # by framing; grows with the schemas in use, which never change

    def want(self, names: frozenset[str]) -> None:
        """Leave out what is not among these of the records' own fields, texts at least."""
        if names != self._wanted:
            self._wanted = names
            self._readers.clear()

    def decode(self, value: bytes) -> Fields:
        """
        The fields of the record: text, numbers, booleans, bytes, dates and times, Decimal, UUID, lists and dicts.

        Raises:
            UndecodableRecord: The bytes are not one whole record of a known schema.
            SchemaUnavailable: The registry cannot be asked for the schema now.
        """
        size = _CONFLUENT_SIZE if value[:1] == _CONFLUENT_MARK else _SINGLE_OBJECT_SIZE
        reader = self._readers.get(value[:size])
        if reader is None:
            reader = self._readers[value[:size]] = self._reader_for(value)
        return reader(value, size)

    def _reader_for(self, value: bytes) -> RecordReader:
        schema = self._schema_of(value)
        try:
            return reader_of(schema, self._wanted, checks_rest=self._checks_rest)
        except InvalidSchema as error:
            raise UndecodableRecord(f"the record's schema is refused: {error}") from error

    def _schema_of(self, value: bytes) -> Schema:
        if value[:1] == _CONFLUENT_MARK and len(value) >= _CONFLUENT_SIZE:
            return self._schemas.by_id(int.from_bytes(value[1:_CONFLUENT_SIZE], "big"))
        if value[:2] == _SINGLE_OBJECT_MARK and len(value) >= _SINGLE_OBJECT_SIZE:
            return self._schemas.by_fingerprint(value[2:_SINGLE_OBJECT_SIZE])
        raise UndecodableRecord(_why_not_framed(value))


def _why_not_framed(value: bytes) -> str:
    if not value:
        return "the record is empty"
    if value[:1] == _CONFLUENT_MARK or _SINGLE_OBJECT_MARK.startswith(value[:2]):
        return "the record ends in the middle of its framing"
    if value[:1] == _GUID_MARK:
        return "the record names its schema by a GUID (01), which is not supported: use 00 and a 4-byte schema id"
    if value[:4] == _FILE_MARK:
        return (
            "the record is an Avro file: use one record, with 00 and a schema id or C3 01 and a fingerprint before it"
        )
    if value[:1] in _TEXT_MARKS:
        return "the record is JSON or other text: events are Avro, with 00 and a schema id or C3 01 and a fingerprint"
    return f"the record begins with {value[:2].hex(' ')}, and not with 00 and a schema id or C3 01 and a fingerprint"
