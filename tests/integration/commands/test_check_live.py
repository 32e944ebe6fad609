"""`postback check --live`: what only the brokers and the registry know, each problem with its line."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.broker.topics import Topics
from tests.desk import Desk
from tests.events import ORDER_SCHEMA
from tests.integration.commands.waiting_topics import OwnTopics
from tests.ports import free_ports
from tests.receiver import Answer, Receiver, always

pytestmark = pytest.mark.broker

_JSON = (("Content-Type", "application/vnd.schemaregistry.v1+json"),)


def subject(schema: Mapping[str, Any]) -> Answer:
    return Answer(headers=_JSON, body=json.dumps({"id": 1, "schema": json.dumps(schema)}).encode())


@pytest.fixture
def registry() -> Iterator[Receiver]:
    with Receiver() as running:
        running.otherwise(always(Answer(status=404, headers=_JSON, body=b'{"error_code":40401}')))
        yield running


@pytest.fixture
def ready(broker_desk: Desk, topics: Topics, unique_name: str) -> Desk:
    """A desk with a source topic and a profile."""
    topics.create(f"{unique_name}.orders", partitions=2)
    broker_desk.profile("hub", fields=[("order", "orderId")])
    return broker_desk


def line_of(desk: Desk, words: str) -> int:
    """Where *words* stand in the settings."""
    lines = (desk.folder / "postback.yaml").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if words in line)


def test_topics_that_are_missing_and_will_be_created_are_no_problem_and_those_that_are_created_neither(
    ready: Desk,
) -> None:
    before = ready.call("check", "--live")
    ready.call("topics", "create")
    after = ready.call("check", "--live")

    assert (before.code, after.code) == (0, 0)
    assert before.out == after.out == "good: the settings, 1 profile: hub\n"


def test_a_missing_source_is_named_at_its_line(ready: Desk, unique_name: str) -> None:
    ready.set(sources=[{"topic": f"{unique_name}.orders"}, {"topic": f"{unique_name}.ordrs"}])

    shown = ready.call("check", "--live")

    assert shown.code == 1
    place = f"{ready.folder / 'postback.yaml'}:{line_of(ready, '.ordrs')}: "
    assert shown.out.startswith(f"{place}the brokers have no topic `{unique_name}.ordrs`; did you mean")


def test_missing_topics_that_the_service_must_not_create_are_a_problem(ready: Desk) -> None:
    ready.set(kafka={"create_topics": False})

    shown = ready.call("check", "--live")

    assert shown.code == 1
    assert shown.out.count("run `postback topics create`") == 4
    assert f":{line_of(ready, 'create_topics')}: " in shown.out


def test_a_topic_that_is_missing_though_the_service_has_run_is_a_warning(
    ready: Desk, own: OwnTopics, topics: Topics, unique_name: str
) -> None:
    ready.call("topics", "create")
    own.commit(f"{unique_name}.ingest", {("orders", 0): (0, "")})
    before = ready.call("check", "--live")
    topics.delete(f"{unique_name}.retry")

    after = ready.call("check", "--live")

    assert (before.code, after.code) == (0, 0)
    assert "warning" not in before.out
    (warning,) = (line for line in after.out.splitlines() if "warning: " in line)
    assert f"warning: the topic {unique_name}.retry is missing: if it was deleted" in warning
    assert "`postback topics create`" in warning


def test_topics_made_by_hand_are_judged_in_words(ready: Desk, topics: Topics, unique_name: str) -> None:
    topics.create(f"{unique_name}.window.10080m", partitions=3, settings={"retention.ms": "86400000"})
    topics.create(f"{unique_name}.retry", partitions=2, settings={"cleanup.policy": "compact"})

    shown = ready.call("check", "--live")

    assert shown.code == 1
    for words in (
        "window.10080m keeps records for 1 day, 0:00:00",
        "retry is compacted",
        "window.10080m has 3 partitions",
        "window.10080m has the producers' timestamps",
        "retry takes records of up to",
    ):
        assert [line for line in shown.out.splitlines() if words in line], words
    assert all(line.startswith(f"{ready.folder / 'postback.yaml'}:") for line in shown.out.splitlines()[:-1])


def test_the_registrys_newest_schemas_are_asked_for_the_fields_of_settings_and_profiles(
    ready: Desk, registry: Receiver, unique_name: str
) -> None:
    own = {**ORDER_SCHEMA, "fields": [field for field in ORDER_SCHEMA["fields"] if field["name"] != "isTestCard"]}
    own["fields"].append({"name": "loyaltyLevel", "type": "string"})
    registry.on(f"/subjects/{unique_name}.orders-value/versions/latest", always(subject(own)))
    ready.set(schemas={"registry_url": registry.url("")})
    ready.profile("hub", fields=[("level", "loyaltyLevel"), ("first", "frstName")])

    shown = ready.call("check", "--live")

    assert shown.code == 1
    assert "loyaltyLevel" not in shown.out
    assert (
        "hub.yaml:7: no schema has the field `frstName`, and it is left out of every request; did you mean `firstName`?"
        in shown.out
    )
    assert "no field `isTestCard` (event.test_card): its events would go to the dead letters" in shown.out


def test_a_subject_that_is_missing_is_a_warning_and_a_registry_that_does_not_answer_an_error(
    ready: Desk, registry: Receiver
) -> None:
    ready.set(schemas={"registry_url": registry.url("")})
    unknown = ready.call("check", "--live")
    password = "s3cret-passw0rd"
    closed = f"http://127.0.0.1:{free_ports(1)[0]}"
    ready.set(schemas={"registry_url": closed, "registry_username": "me", "registry_password": password})
    silent = ready.call("check", "--live")

    assert unknown.code == 0
    assert "warning: the registry has no subject" in unknown.out
    assert silent.code == 1
    assert f":{line_of(ready, 'registry_url')}: the registry at " in silent.out
    assert password not in silent.out + silent.err
