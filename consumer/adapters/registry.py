"""The schema registry over HTTP: the part of Confluent's interface that a consumer needs."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import quote

import httpx

from consumer.adapters.avro.schema import Definition, InvalidSchema, Schema, parse_schema
from consumer.core.errors import SchemaUnavailable, SettingsError, UndecodableRecord

UNKNOWN_FOR_SECONDS: Final = 10.0
"""An id that is refused is not asked for again so soon: garbage must not become a flood of requests."""
UNAVAILABLE_FOR_SECONDS: Final = 1.0
"""Nor is a registry that did not answer: each try stops the loop for as long as its timeout."""

_TIMEOUT: Final = httpx.Timeout(5.0, connect=2.0)
_HEADERS: Final = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
_UNKNOWN: Final = frozenset({40401, 40402, 40403})
"""Subject, version, schema."""
_MOST_REFUSALS: Final = 1_000
_MOST_REFERENCES: Final = 100
_Met = dict[tuple[str, int], Mapping[str, Definition]]
_FOREIGN_ERRORS: Final = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict)


class Registry:
    """
    Schemas by id; what an id stands for never changes, so that each is asked for once.

    Args:
        url: Of the interface's root; one that holds a name and a password gives them away to nobody's log.
        clock: Seconds that only go forward.

    Raises:
        SettingsError: *url* is none of HTTP.
    """

    def __init__(
        self,
        url: str,
        *,
        username: str | None = None,
        password: str | None = None,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = _client(url, username, password, transport)
        self._clock = clock
        self._schemas: dict[int, Schema] = {}
        self._refused: dict[int, tuple[float, str]] = {}
        self._down: tuple[float, str] = (clock(), "")
        self._has_spoken = False

    def by_id(self, schema_id: int) -> Schema:
        """
        Raises:
            UndecodableRecord: The registry has nothing under that id, or nothing that is an Avro schema.
            SchemaUnavailable: It does not answer, or not as a registry does.
        """
        schema = self._schemas.get(schema_id)
        if schema is None:
            until, reason = self._refused.get(schema_id, (0.0, ""))
            if reason and self._clock() < until:
                raise UndecodableRecord(reason)
            schema = self._schemas[schema_id] = self._asked(schema_id)
        return schema

    def latest(self, subject: str) -> Schema | None:
        """
        The newest schema of *subject* (`TOPIC-value`); None when the registry has no such subject.

        Raises:
            InvalidSchema: It is not an Avro schema.
            SchemaUnavailable: As by_id.
        """
        answer = self._get(f"subjects/{quote(subject, safe='')}/versions/latest")
        return None if answer is None else self._parsed(answer)

    def close(self) -> None:
        self._client.close()

    def _asked(self, schema_id: int) -> Schema:
        answer = self._get(f"schemas/ids/{schema_id}")
        if answer is None:
            raise self._refusal(schema_id, "is not known to the registry")
        try:
            return self._parsed(answer)
        except InvalidSchema as error:
            raise self._refusal(schema_id, f"cannot be used: {error}") from error

    def _refusal(self, schema_id: int, why: str) -> UndecodableRecord:
        if len(self._refused) >= _MOST_REFUSALS:
            self._refused.clear()
        reason = f"schema id {schema_id} {why}"
        self._refused[schema_id] = (self._clock() + UNKNOWN_FOR_SECONDS, reason)
        return UndecodableRecord(reason)

    def _parsed(self, answer: Mapping[str, Any]) -> Schema:
        kind, text = answer.get("schemaType", "AVRO"), answer.get("schema")
        if kind != "AVRO":
            raise InvalidSchema(f"it is a {kind} schema, and events are Avro")
        if not isinstance(text, str):
            raise self._unavailable("answered without a schema")
        return parse_schema(text, self._referred(answer, {}))

    def _referred(self, answer: Mapping[str, Any], met: _Met) -> dict[str, Definition]:
        """Definitions that *answer* refers to, by full name; *met* holds the versions that were asked for."""
        known: dict[str, Definition] = {}
        references = answer.get("references")
        for reference in references if isinstance(references, list) else ():
            match reference:
                case {"subject": str(subject), "version": int(version)}:
                    known.update(self._definitions(subject, version, met))
                case _:
                    raise InvalidSchema("it refers to something that is neither a subject nor a version")
        return known

    def _definitions(self, subject: str, version: int, met: _Met) -> Mapping[str, Definition]:
        if (subject, version) in met:
            return met[subject, version]
        if len(met) >= _MOST_REFERENCES:
            raise InvalidSchema(f"it refers to more than {_MOST_REFERENCES} others")
        met[subject, version] = {}  # what refers to itself finds nothing there, and is refused for it
        answer = self._get(f"subjects/{quote(subject, safe='')}/versions/{version}")
        if answer is None:
            raise InvalidSchema(f"it refers to version {version} of {subject}, which the registry does not have")
        met[subject, version] = parse_schema(str(answer.get("schema")), self._referred(answer, met)).named
        return met[subject, version]

    def _get(self, path: str) -> Mapping[str, Any] | None:
        """The answer's object; None for one that says that there is no such thing."""
        until, why = self._down
        if why and self._clock() < until:
            raise SchemaUnavailable(why)
        try:
            response = self._client.get(path)
            answer = response.json() if response.status_code == httpx.codes.OK else None
        except _FOREIGN_ERRORS as error:
            raise self._unavailable(f"does not answer: {type(error).__name__} {error}") from error
        except ValueError as error:
            raise self._unavailable("answered something that is not JSON") from error
        if response.status_code == httpx.codes.NOT_FOUND and (self._has_spoken or _says_unknown(response)):
            return None
        if not isinstance(answer, dict):
            raise self._unavailable(f"answered {response.status_code}")
        self._has_spoken = True
        return answer

    def _unavailable(self, why: str) -> SchemaUnavailable:
        reason = f"the registry at {self._client.base_url} {why}"
        self._down = (self._clock() + UNAVAILABLE_FOR_SECONDS, reason)
        return SchemaUnavailable(reason)


def _says_unknown(response: httpx.Response) -> bool:
    """
    Whether a registry says that there is no such thing. A wrong path, and a proxy before a registry that is away,
    answer 404, too: every event would be taken for undecodable.
    """
    try:
        answer = response.json()
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("error_code") in _UNKNOWN


def _client(
    url: str, username: str | None, password: str | None, transport: httpx.BaseTransport | None
) -> httpx.Client:
    """
    A client whose base URL can be shown: credentials are taken out of it.

    Proxies and `.netrc` of the environment are not for the registry, a CA bundle in SSL_CERT_FILE is.
    """
    try:
        place = httpx.URL(url)
        tls = httpx.create_ssl_context() if place.scheme == "https" else False
    except httpx.InvalidURL as error:
        raise SettingsError("schemas.registry_url: is not a URL") from error
    except OSError as error:
        raise SettingsError(f"SSL_CERT_FILE: cannot be used: {error}") from error
    if place.scheme not in {"http", "https"} or not place.host:
        raise SettingsError("schemas.registry_url: must begin with http:// or https:// and a host")
    user = username or place.username
    return httpx.Client(
        base_url=place.copy_with(username=None, password=None, query=None, fragment=None),
        auth=httpx.BasicAuth(user, password or place.password) if user else None,
        headers=_HEADERS,
        timeout=_TIMEOUT,
        transport=transport,
        verify=tls,
        trust_env=False,
    )
