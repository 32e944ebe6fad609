"""From `postback.yaml` and the environment to settings."""

import os
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from consumer.adapters.settings_file import load_settings, read_settings
from consumer.core.errors import SettingsError
from consumer.core.event import EventNames
from consumer.settings import Settings
from tests.unit.adapters.broken_settings import BROKEN_SETTINGS, Broken

LEAST = "kafka: {bootstrap_servers: 'broker:9092'}\nsources: [{topic: orders}]\n"
LEAST_ENVIRON = {"POSTBACK_KAFKA__BOOTSTRAP_SERVERS": "broker:9092", "POSTBACK_SOURCES": "[{topic: orders}]"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings_of(text: str, environ: Mapping[str, str] | None = None) -> Settings:
    Path("postback.yaml").write_text(text, "utf-8")
    return load_settings(None, environ or {})


@pytest.mark.parametrize("broken", [pytest.param(case, id=name) for name, case in BROKEN_SETTINGS.items()])
def test_broken_settings_are_refused_with_their_place_and_a_useful_sentence(broken: Broken) -> None:
    with pytest.raises(SettingsError) as refused:
        settings_of(broken.text, broken.environ)

    problems = refused.value.problems
    first = next((line for line in problems if line.startswith(f"{broken.place}: ")), f"none there: {problems}")
    assert all(word in first for word in broken.words), first
    assert "hunter2" not in str(refused.value)


def test_all_problems_are_named_at_once() -> None:
    text = "kafka: {partitions: many}\nsources: [{topic: a b}]\ntick_minutes: -1\ntime_zone: nowhere\n"

    with pytest.raises(SettingsError) as refused:
        settings_of(text, {"POSTBACK_LOG__LEVEL": "loud"})

    places = [line.split(": ")[0] for line in refused.value.problems]
    assert places == ["POSTBACK_LOG__LEVEL:1", *(f"postback.yaml:{line}" for line in (1, 1, 2, 3, 4))]


def test_defaults_are_the_contract() -> None:
    settings = settings_of(LEAST)

    assert settings.model_dump(exclude={"event"}) == {
        "kafka": {
            "bootstrap_servers": "broker:9092",
            "group_id": "postback",
            "topic_prefix": "postback",
            "partitions": 12,
            "replication_factor": None,
            "create_topics": True,
            "client": {},
        },
        "sources": ({"topic": "orders", "customer_type": None},),
        "schemas": {"registry_url": None, "registry_username": None, "registry_password": None, "folder": None},
        "tick_minutes": 15,
        "time_zone": ZoneInfo("UTC"),
        "profiles": Path("profiles"),
        "http": {"timeout_seconds": 30, "max_in_flight": 512, "max_in_flight_per_endpoint": 32, "allow_networks": ()},
        "retry": {"give_up_after_hours": None, "longest_retry_after_minutes": 1440},
        "commit_interval_seconds": 1,
        "shutdown_seconds": 25,
        "web": {"address": "0.0.0.0:9108"},
        "log": {"level": "info", "format": "json"},
    }
    assert settings.event.names == EventNames()


def test_values_come_in_convenient_types() -> None:
    settings = settings_of(
        LEAST + "tick_minutes: 0.5\nretry: {give_up_after_hours: 2}\nweb: {address: '[::]:9108'}\n"
        "http: {timeout_seconds: 5, allow_networks: [127.0.0.0/8, '::1']}\nlog: {level: DEBUG}\n"
    )

    assert settings.tick == timedelta(seconds=30)
    assert settings.retry.give_up_after == timedelta(hours=2)
    assert settings.retry.longest_retry_after == timedelta(days=1)
    assert settings.http.timeout == timedelta(seconds=5)
    assert settings.http.allow_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert settings.commit_interval == timedelta(seconds=1)
    assert settings.shutdown == timedelta(seconds=25)
    assert (settings.web.host, settings.web.port) == ("::", 9108)
    assert settings.log.level == "debug"


def test_sections_whose_lines_are_all_commented_out_have_their_defaults() -> None:
    settings = settings_of(LEAST + "retry:\nhttp:\n  # timeout_seconds: 3\nevent:\n")

    assert settings.retry.give_up_after is None
    assert settings.http.timeout == timedelta(seconds=30)


def test_event_names_may_be_null_paths_and_arrays() -> None:
    text = "event: {id: null, test_card: null, products: 'lines[].product.id', customer_types: order.kind}\n"

    names = settings_of(LEAST + text).event.names

    assert (names.id, names.test_card) == (None, None)
    assert (names.products, names.customer_types) == ("lines[].product.id", "order.kind")


def test_customer_type_of_a_source_is_read_in_any_spelling() -> None:
    settings = settings_of("kafka: {bootstrap_servers: b}\nsources: [{topic: a, customer_type: new sale}]\n")

    assert settings.sources[0].customer_type == "SALE"


def test_unknown_customer_type_of_a_source_is_a_warning_with_a_suggestion() -> None:
    Path("postback.yaml").write_text(
        "kafka: {bootstrap_servers: b}\nsources:\n  - {topic: a, customer_type: PARTAIL}\n"
    )

    found = read_settings(None, {})

    assert found.settings is not None
    assert [str(problem) for problem in found.problems] == [
        "postback.yaml:3: warning: the customer type `PARTAIL` is not known; did you mean `PARTIAL`?"
    ]


def test_environment_overrides_the_file() -> None:
    settings = settings_of(
        LEAST,
        {
            "POSTBACK_KAFKA__BOOTSTRAP_SERVERS": "other:1,another:2",
            "POSTBACK_SOURCES": "[{topic: a}, {topic: b, customer_type: PARTIAL}]",
            "POSTBACK_KAFKA__CLIENT": "{security.protocol: SSL}",
            "POSTBACK_KAFKA__CLIENT__SASL_PASSWORD": "p: {w # 'x",
            "POSTBACK_KAFKA__CREATE_TOPICS": "false",
            "POSTBACK_HTTP__ALLOW_NETWORKS": "[127.0.0.0/8]",
            "POSTBACK_TICK_MINUTES": "0.05",
            "POSTBACK_TIME_ZONE": "America/New_York",
            "POSTBACK_EVENT__TEST_CARD": "null",
            "POSTBACK_RETRY__GIVE_UP_AFTER_HOURS": "3",
        },
    )

    assert settings.kafka.bootstrap_servers == "other:1,another:2"
    assert [source.topic for source in settings.sources] == ["a", "b"]
    assert settings.kafka.client == {"security.protocol": "SSL", "sasl.password": "p: {w # 'x"}
    assert not settings.kafka.create_topics
    assert settings.http.allow_networks == (ip_network("127.0.0.0/8"),)
    assert settings.tick == timedelta(seconds=3)
    assert settings.time_zone == ZoneInfo("America/New_York")
    assert settings.event.test_card is None
    assert settings.retry.give_up_after == timedelta(hours=3)


def test_networks_in_the_environment_may_stand_between_commas() -> None:
    settings = settings_of(LEAST, {"POSTBACK_HTTP__ALLOW_NETWORKS": "127.0.0.0/8, ::1/128"})

    assert settings.http.allow_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def test_client_in_the_environment_may_be_a_block_of_yaml() -> None:
    block = "security.protocol: SASL_SSL\nsasl.mechanism: PLAIN\nsasl.username: u\nsasl.password: |2-\n  a: {b} '#\n"

    assert settings_of(LEAST, {"POSTBACK_KAFKA__CLIENT": block}).kafka.client["sasl.password"] == "a: {b} '#"


def test_empty_variable_counts_as_not_set() -> None:
    settings = settings_of(LEAST, {"POSTBACK_EVENT__TEST_CARD": "", "POSTBACK_KAFKA__PARTITIONS": ""})

    assert settings.event.test_card == "isTestCard"
    assert settings.kafka.partitions == 12


@pytest.mark.parametrize(
    "name",
    [
        "POSTBACK_SERVICE_HOST",
        "POSTBACK_SERVICE_PORT",
        "POSTBACK_SERVICE_PORT_HTTP",
        "POSTBACK_PORT",
        "POSTBACK_PORT_9108_TCP",
        "POSTBACK_PORT_9108_TCP_ADDR",
        "POSTBACK_KAFKA_PORT_9092_TCP_PROTO",
        "POSTBACK_SOMETHING",
        "POSTBACK_CONFIG_DIR",
    ],
)
def test_variables_that_are_not_meant_for_the_program_are_ignored(name: str) -> None:
    assert settings_of(LEAST, {name: "tcp://10.0.0.1:9108"}) == settings_of(LEAST)


def test_environment_alone_is_enough() -> None:
    settings = load_settings(None, LEAST_ENVIRON)

    assert settings.sources[0].topic == "orders"
    assert settings.profiles == Path("profiles")


def test_without_file_and_environment_one_sentence_says_what_to_do() -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(None, {"POSTBACK_PORT": "tcp://10.0.0.1:80"})

    assert refused.value.problems == (
        "postback.yaml:1: there is no such settings file: write one with `postback init`, or name yours with --config",
    )


def test_file_that_was_asked_for_must_be_there() -> None:
    with pytest.raises(SettingsError, match=r"^nowhere\.yaml:1: the file cannot be read: No such file or directory; "):
        load_settings(Path("nowhere.yaml"), LEAST_ENVIRON)


def test_config_option_goes_before_the_variable_and_that_before_the_folder() -> None:
    for name in ("a.yaml", "b.yaml", "postback.yaml"):
        Path(name).write_text(LEAST.replace("orders", name))

    assert load_settings(Path("a.yaml"), {"POSTBACK_CONFIG": "b.yaml"}).sources[0].topic == "a.yaml"
    assert load_settings(None, {"POSTBACK_CONFIG": "b.yaml"}).sources[0].topic == "b.yaml"
    assert load_settings(None, {}).sources[0].topic == "postback.yaml"


def test_relative_paths_start_at_the_file(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    text = "kafka:\n  bootstrap_servers: b\n  client: {ssl.ca.location: ca.pem, ssl.crl.location: /abs.pem}\n"
    (inner / "postback.yaml").write_text(text + "sources: [{topic: a}]\nschemas: {folder: avro}\n")

    settings = load_settings(inner / "postback.yaml", {})

    assert settings.profiles == inner / "profiles"
    assert settings.schemas.folder == inner / "avro"
    assert settings.kafka.client == {"ssl.ca.location": f"{inner}/ca.pem", "ssl.crl.location": "/abs.pem"}


def test_property_of_the_client_stays_the_text_that_was_typed() -> None:
    client = settings_of(
        "kafka: {bootstrap_servers: b, client: {sasl.password: 0400, client.id: 1.10, "
        "socket.nagle.disable: true, client.rack: NO}}\nsources: [{topic: a}]\n"
    )

    assert client.kafka.client == {
        "sasl.password": "0400",
        "client.id": "1.10",
        "socket.nagle.disable": "true",
        "client.rack": "NO",
    }


def test_secrets_of_settings_may_come_from_variables_and_files(folder: Path) -> None:
    (folder / "password").write_text("from-file\n")
    text = LEAST.replace("9092'", "9092', client: {sasl.password: '${env:PW}'}")
    schemas = "schemas: {registry_url: 'http://r/', registry_username: u, registry_password: '${file:password}'}\n"

    settings = settings_of(text + schemas, {"PW": "from-env"})

    assert settings.kafka.client == {"sasl.password": "from-env"}
    assert settings.schemas.registry_password is not None
    assert settings.schemas.registry_password.get_secret_value() == "from-file"


def test_secrets_mask_themselves() -> None:
    text = LEAST.replace("9092'", "9092', client: {sasl.password: hunter2, ssl.key.pem: hunter2}")
    settings = settings_of(
        text + "schemas: {registry_url: 'http://r', registry_username: u, registry_password: hunter2}\n"
    )

    assert "hunter2" not in f"{settings!r} {settings} {settings.kafka!r} {settings.schemas!r}"


def test_problem_of_a_setting_with_a_secret_does_not_show_it() -> None:
    text = "kafka: {bootstrap_servers: b, client: {sasl.password: [hunter2], hunter3!: a}}\nsources: [{topic: a}]\n"

    with pytest.raises(SettingsError) as refused:
        settings_of(text + "schemas: {registry_pasword: hunter2, registry_url: 'https://u:hunter2@r'}\n")

    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_pipe_for_a_file_is_refused_at_once(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")

    with pytest.raises(SettingsError, match="not an ordinary file"):
        load_settings(Path("pipe.yaml"), {})
