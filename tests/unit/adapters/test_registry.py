"""What is asked of the registry, how often, and what becomes of its answers."""

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from consumer.adapters.avro.schema import InvalidSchema
from consumer.adapters.registry import UNAVAILABLE_FOR_SECONDS, UNKNOWN_FOR_SECONDS, Registry
from consumer.core.errors import SchemaUnavailable, SettingsError, UndecodableRecord

ORDER = '{"type": "record", "name": "Order", "namespace": "crm", "fields": [{"name": "item", "type": "crm.Item"}]}'
ITEM = '{"type": "record", "name": "Item", "namespace": "crm", "fields": [{"name": "sku", "type": "string"}]}'
ITEM_REFERENCE = {"name": "crm.Item", "subject": "crm/Item", "version": 3}

Answer = httpx.Response | Exception


class Server:
    """A registry that gives the prepared answers by path, and otherwise says that it has no such thing."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.get(request.url.raw_path.decode(), httpx.Response(404, json={"error_code": 40403}))
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def paths(self) -> list[str]:
        return [request.url.raw_path.decode() for request in self.requests]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def has(schema: str, **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"schema": schema, **more})


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(server: Server, clock: Clock) -> Iterator[Registry]:
    started = Registry("http://registry.example.com/api", transport=httpx.MockTransport(server), clock=clock)
    yield started
    started.close()


@pytest.mark.parametrize(
    "not_found",
    [
        httpx.Response(404, text="default backend - 404"),
        httpx.Response(404, json={"error_code": 404, "message": "HTTP 404 Not Found"}),
        httpx.Response(404),
    ],
)
def test_not_found_is_believed_of_a_registry_only(
    server: Server, registry: Registry, clock: Clock, not_found: httpx.Response
) -> None:
    server.answers["/api/schemas/ids/17"] = not_found
    with pytest.raises(SchemaUnavailable, match="answered 404"):
        registry.by_id(17)
    clock.now += 2
    server.answers["/api/schemas/ids/18"] = has(ITEM)
    registry.by_id(18)

    with pytest.raises(UndecodableRecord, match="17"):
        registry.by_id(17)


def test_schema_is_asked_for_once(server: Server, registry: Registry) -> None:
    server.answers["/api/schemas/ids/17"] = has(ITEM)

    first, second = registry.by_id(17), registry.by_id(17)

    assert first is second
    assert first.definition["name"] == "crm.Item"
    assert server.paths == ["/api/schemas/ids/17"]


def test_unknown_id_is_refused_and_not_asked_for_again_at_once(
    server: Server, registry: Registry, clock: Clock
) -> None:
    for _ in range(2):
        with pytest.raises(UndecodableRecord, match="schema id 17 is not known to the registry"):
            registry.by_id(17)
    assert len(server.requests) == 1

    clock.now += UNKNOWN_FOR_SECONDS
    server.answers["/api/schemas/ids/17"] = has(ITEM)

    assert registry.by_id(17).definition["name"] == "crm.Item"


def test_unknown_id_does_not_hide_another_one(server: Server, registry: Registry) -> None:
    server.answers["/api/schemas/ids/18"] = has(ITEM)
    with pytest.raises(UndecodableRecord):
        registry.by_id(17)

    assert registry.by_id(18).definition["name"] == "crm.Item"


def test_refusals_that_are_remembered_do_not_grow_without_bound(server: Server, registry: Registry) -> None:
    for schema_id in range(1_001):
        with pytest.raises(UndecodableRecord):
            registry.by_id(schema_id)

    with pytest.raises(UndecodableRecord):
        registry.by_id(0)

    assert server.paths.count("/api/schemas/ids/0") == 2


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (has("syntax = 'proto3';", schemaType="PROTOBUF"), "schema id 17 cannot be used: it is a PROTOBUF schema"),
        (has("{"), "schema id 17 cannot be used: it is not JSON"),
        (has(ORDER), r"schema id 17 cannot be used: it refers to a type that is not defined: crm\.Item"),
        (has(ORDER, references=[ITEM_REFERENCE]), "refers to version 3 of crm/Item, which the registry does not have"),
        (has(ORDER, references=["crm.Item"]), "neither a subject nor a version"),
    ],
)
def test_what_is_no_avro_schema_is_refused_and_not_asked_for_again_at_once(
    server: Server, registry: Registry, answer: httpx.Response, what: str
) -> None:
    server.answers["/api/schemas/ids/17"] = answer

    for _ in range(2):
        with pytest.raises(UndecodableRecord, match=what):
            registry.by_id(17)

    assert server.paths.count("/api/schemas/ids/17") == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, json={"error_code": 50001}),
        httpx.Response(503),
        httpx.Response(401, json={"error_code": 401}),
        httpx.Response(429),
        httpx.Response(302, headers={"Location": "http://elsewhere.example.com/"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b"\xff"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={}),
        httpx.Response(200, json={"schema": None}),
    ],
)
def test_answer_that_is_no_registrys_passes_later(
    server: Server, registry: Registry, clock: Clock, answer: httpx.Response
) -> None:
    server.answers["/api/schemas/ids/17"] = answer
    with pytest.raises(SchemaUnavailable, match=r"the registry at http://registry\.example\.com/api/ answered"):
        registry.by_id(17)

    clock.now += UNAVAILABLE_FOR_SECONDS
    server.answers["/api/schemas/ids/17"] = has(ITEM)

    assert registry.by_id(17).definition["name"] == "crm.Item"


def test_registry_that_is_down_is_left_alone_for_a_while(server: Server, registry: Registry, clock: Clock) -> None:
    server.answers["/api/schemas/ids/17"] = httpx.ConnectError("refused")
    for schema_id in (17, 17, 18):
        with pytest.raises(SchemaUnavailable, match="ConnectError refused"):
            registry.by_id(schema_id)
    assert len(server.requests) == 1

    clock.now += UNAVAILABLE_FOR_SECONDS
    with pytest.raises(SchemaUnavailable):
        registry.by_id(17)

    assert len(server.requests) == 2


def test_schema_that_is_known_needs_no_registry(server: Server, registry: Registry) -> None:
    server.answers["/api/schemas/ids/17"] = has(ITEM)
    registry.by_id(17)
    server.answers["/api/schemas/ids/18"] = httpx.ConnectError("refused")
    with pytest.raises(SchemaUnavailable):
        registry.by_id(18)

    assert registry.by_id(17).definition["name"] == "crm.Item"


def exceptions_of_httpx() -> list[type[Exception]]:
    public = [getattr(httpx, name) for name in dir(httpx)]
    return [one for one in public if isinstance(one, type) and issubclass(one, Exception)]


def an_instance(kind: type[Exception]) -> Exception:
    request = httpx.Request("GET", "http://registry.example.com/")
    makers: list[Callable[[], Exception]] = [
        lambda: kind("x"),
        kind,
        lambda: kind("x", request=request, response=httpx.Response(500)),  # type: ignore[call-arg]
    ]
    for make in makers:
        try:
            return make()
        except TypeError:
            continue
    raise AssertionError(f"how is {kind} made?")


@pytest.mark.parametrize("kind", exceptions_of_httpx())
def test_every_exception_of_httpx_is_translated(server: Server, registry: Registry, kind: type[Exception]) -> None:
    server.answers["/api/schemas/ids/17"] = an_instance(kind)

    with pytest.raises(SchemaUnavailable, match=kind.__name__):
        registry.by_id(17)


def test_schema_may_refer_to_another_subject(server: Server, registry: Registry) -> None:
    server.answers["/api/schemas/ids/17"] = has(ORDER, references=[ITEM_REFERENCE])
    server.answers["/api/subjects/crm%2FItem/versions/3"] = has(ITEM)

    schema = registry.by_id(17)

    assert set(schema.named) == {"crm.Order", "crm.Item"}


def test_references_that_go_round_in_a_circle_end(server: Server, registry: Registry) -> None:
    server.answers["/api/schemas/ids/17"] = has(ORDER, references=[ITEM_REFERENCE])
    server.answers["/api/subjects/crm%2FItem/versions/3"] = has(ITEM, references=[ITEM_REFERENCE])

    assert registry.by_id(17).definition["name"] == "crm.Order"
    assert len(server.requests) == 2


def test_references_without_end_are_refused(registry: Registry, server: Server) -> None:
    for version in range(200):
        further = [{"name": "x", "subject": "x", "version": version + 1}]
        server.answers[f"/api/subjects/x/versions/{version}"] = has(ITEM, references=further)
    server.answers["/api/schemas/ids/17"] = has(ORDER, references=[{"name": "x", "subject": "x", "version": 0}])

    with pytest.raises(UndecodableRecord, match="refers to more than 100 others"):
        registry.by_id(17)


def test_latest_schema_of_a_subject_is_none_where_there_is_no_subject(server: Server, registry: Registry) -> None:
    server.answers["/api/subjects/orders-value/versions/latest"] = has(ITEM)

    latest, missing = registry.latest("orders-value"), registry.latest("partials-value")

    assert latest is not None
    assert latest.definition["name"] == "crm.Item"
    assert missing is None


def test_latest_schema_that_is_not_avro_is_told(server: Server, registry: Registry) -> None:
    server.answers["/api/subjects/orders-value/versions/latest"] = has("{}", schemaType="JSON")

    with pytest.raises(InvalidSchema, match="it is a JSON schema"):
        registry.latest("orders-value")


@pytest.mark.parametrize(
    ("url", "credentials"),
    [
        ("http://registry.example.com", ("me", "pass-word")),
        ("http://me:pass-word@registry.example.com/", (None, None)),
    ],
)
def test_credentials_are_sent_and_shown_to_nobody(
    server: Server, caplog: pytest.LogCaptureFixture, url: str, credentials: tuple[str | None, str | None]
) -> None:
    username, password = credentials
    registry = Registry(url, username=username, password=password, transport=httpx.MockTransport(server))
    server.answers["/schemas/ids/17"] = httpx.Response(500)

    with caplog.at_level(logging.DEBUG), pytest.raises(SchemaUnavailable) as failed:
        registry.by_id(17)
    registry.close()

    assert server.requests[0].headers["Authorization"] == "Basic bWU6cGFzcy13b3Jk"
    assert "pass-word" not in caplog.text + str(failed.value)
    assert "http://registry.example.com/" in caplog.text


def test_no_credentials_are_sent_where_none_are_set(server: Server, registry: Registry) -> None:
    with pytest.raises(UndecodableRecord):
        registry.by_id(17)

    assert "Authorization" not in server.requests[0].headers


@pytest.mark.parametrize("url", ["", "registry:8081", "ftp://registry.example.com", "http://", "http://[::1", "/path"])
def test_url_that_is_none_of_http_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=r"schemas\.registry_url: "):
        Registry(url)


def test_redirect_is_not_followed(server: Server, registry: Registry) -> None:
    server.answers["/api/schemas/ids/17"] = httpx.Response(302, headers={"Location": "http://elsewhere.example.com/"})

    with pytest.raises(SchemaUnavailable, match="answered 302"):
        registry.by_id(17)

    assert len(server.requests) == 1


def test_answer_is_asked_for_as_json(server: Server, registry: Registry) -> None:
    server.answers["/api/schemas/ids/17"] = httpx.Response(200, content=json.dumps({"schema": ITEM}).encode())

    registry.by_id(17)

    assert "application/vnd.schemaregistry.v1+json" in server.requests[0].headers["Accept"]
