"""Where schemas come from: a folder of `*.avsc` by fingerprint, the registry by id."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol

from consumer.adapters.avro.reader import reader_of
from consumer.adapters.avro.schema import Definition, InvalidSchema, Schema, UnknownName, parse_schema
from consumer.core.errors import SettingsError, UndecodableRecord

_PACKAGE: Final = Path(__file__).parent.parent


class SchemasById(Protocol):
    def by_id(self, schema_id: int) -> Schema:
        """
        The schema that the registry has under *schema_id*.

        Raises:
            UndecodableRecord: There is none.
            SchemaUnavailable: The registry cannot be asked now.
        """


class Schemas:
    """
    Both sources as one: the `SchemaSource` of the decoder.

    Args:
        files: Schemas of the folder.
        registry: None: no registry is set, and records in the Confluent wire format cannot be decoded.
    """

    def __init__(self, files: Iterable[Schema], registry: SchemasById | None = None) -> None:
        self._by_fingerprint = {schema.fingerprint: schema for schema in files}
        self._registry = registry

    def by_id(self, schema_id: int) -> Schema:
        if self._registry is None:
            raise UndecodableRecord(
                f"the record has schema id {schema_id}, and no schemas.registry_url is set to ask for it"
            )
        return self._registry.by_id(schema_id)

    def by_fingerprint(self, fingerprint: bytes) -> Schema:
        schema = self._by_fingerprint.get(fingerprint)
        if schema is None:
            raise UndecodableRecord(f"no schema of the folder has the fingerprint {fingerprint.hex()}")
        return schema


def shipped_schemas() -> Path:
    """The folder of the schemas that we publish: inside the package in a wheel, beside it in a checkout."""
    inside = _PACKAGE / "schemas"
    return inside if inside.is_dir() else _PACKAGE.parent / "schemas"


def load_schemas(folder: Path) -> tuple[Schema, ...]:
    """
    The schemas in the `*.avsc` files of *folder*, which may refer to each other's named types.

    Raises:
        SettingsError: There are none, or some are broken: all of them are named.
    """
    texts = {path: _text(path) for path in sorted(folder.glob("*.avsc"))}
    if not texts:
        if not folder.is_dir():
            raise SettingsError(f"{folder}:1: there is no such folder: correct `schemas.folder` in the settings")
        raise SettingsError(f"{folder}:1: holds no *.avsc file: name a folder with the schemas of the events")
    return _parsed(texts)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}:1: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}:1: is not UTF-8 text: {error}") from error


def _parsed(texts: Mapping[Path, str]) -> tuple[Schema, ...]:
    """
    What the files hold, in their order.

    A file that refers to another one's type waits until that one is parsed. What stands on its own is parsed alone, so
    that several versions of one schema may stand side by side.
    """
    parsed: dict[Path, Schema] = {}
    known: dict[str, Definition] = {}
    waiting = dict(texts)
    problems: dict[Path, str] = {}
    before = None
    while waiting and before != waiting.keys():
        before = set(waiting)
        for path, text in list(waiting.items()):
            try:
                parsed[path] = _readable(text, known)
            except UnknownName as error:
                problems[path] = str(error)
                continue
            except InvalidSchema as error:
                problems[path] = str(error)
            else:
                problems.pop(path, None)
                known = {**parsed[path].named, **known}
            del waiting[path]
    if problems:
        raise SettingsError(*(f"{path}:1: {problems[path]}" for path in sorted(problems)))
    return tuple(parsed[path] for path in texts)


def _readable(text: str, known: Mapping[str, Definition]) -> Schema:
    try:
        schema = parse_schema(text)
    except UnknownName:
        schema = parse_schema(text, known)
    reader_of(schema)
    return schema
