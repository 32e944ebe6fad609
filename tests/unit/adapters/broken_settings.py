"""Settings that must be refused: the file, the environment, where the problem is, and words that its sentence has."""

from collections.abc import Mapping
from typing import NamedTuple


class Broken(NamedTuple):
    place: str
    words: tuple[str, ...]
    text: str = "kafka: {bootstrap_servers: 'broker:9092'}\nsources: [{topic: orders}]\n"
    environ: Mapping[str, str] = {}


def _kafka(line: str) -> str:
    return f"kafka:\n  bootstrap_servers: broker:9092\n  {line}\nsources: [{{topic: orders}}]\n"


def _more(line: str) -> str:
    return f"kafka: {{bootstrap_servers: 'broker:9092'}}\nsources: [{{topic: orders}}]\n{line}\n"


def _sources(*rows: str) -> str:
    return "\n".join(["kafka: {bootstrap_servers: 'broker:9092'}", "sources:", *(f"  - {row}" for row in rows), ""])


def _environment(name: str, value: str, *words: str) -> Broken:
    return Broken(f"{name}:1", words, environ={name: value})


FILE = "postback.yaml"

BROKEN_SETTINGS = {
    "a list": Broken(f"{FILE}:1", ("keys are expected", "kafka"), "- a\n"),
    "a word": Broken(f"{FILE}:1", ("keys are expected",), "hello\n"),
    "nothing": Broken(f"{FILE}:1", ("kafka", "missing"), ""),
    "broken YAML": Broken(f"{FILE}:2", ("`:`",), "kafka:\n  a: b: c\n"),
    "a key twice": Broken(f"{FILE}:3", ("twice", "line 2"), _more("sources: []")),
    "no sources": Broken(f"{FILE}:1", ("sources", "missing", "topic: orders"), "kafka: {bootstrap_servers: b}\n"),
    "an empty list of sources": Broken(f"{FILE}:2", ("empty list",), "kafka: {bootstrap_servers: b}\nsources: []\n"),
    "no servers": Broken(
        f"{FILE}:1", ("kafka.bootstrap_servers", "missing"), "kafka: {}\nsources: [{topic: orders}]\n"
    ),
    "an unknown key": Broken(f"{FILE}:3", ("did you mean `tick_minutes`?",), _more("tick_minute: 15")),
    "an unknown section": Broken(f"{FILE}:3", ("`metrics`", "known here"), _more("metrics: {}")),
    "an unknown key of Kafka": Broken(f"{FILE}:3", ("did you mean `partitions`?",), _kafka("partition: 3")),
    "servers with a blank": Broken(
        f"{FILE}:1", ("host:port",), "kafka: {bootstrap_servers: 'a b'}\nsources: [{topic: o}]\n"
    ),
    "a server's port": Broken(
        f"{FILE}:1", ("host:port",), "kafka: {bootstrap_servers: 'b:99999'}\nsources: [{topic: o}]\n"
    ),
    "partitions in words": Broken(f"{FILE}:3", ("whole number", "`many`"), _kafka("partitions: many")),
    "half a partition": Broken(f"{FILE}:3", ("whole number", "`1.5`"), _kafka("partitions: 1.5")),
    "no partition": Broken(f"{FILE}:3", ("at least 1",), _kafka("partitions: 0")),
    "an empty group": Broken(f"{FILE}:3", ("must not be empty",), _kafka('group_id: ""')),
    "a prefix with a blank": Broken(f"{FILE}:3", ("letters",), _kafka("topic_prefix: a b")),
    "a property of the client that there is not": Broken(
        f"{FILE}:3", ("sasl.mecanism", "correct or remove"), _kafka("client: {sasl.mecanism: PLAIN}")
    ),
    "a value that a property cannot have": Broken(
        f"{FILE}:3", ("FOO", "security.protocol"), _kafka("client: {security.protocol: FOO}")
    ),
    "authorities that are not there": Broken(
        f"{FILE}:3", ("ssl.ca.location",), _kafka("client: {security.protocol: SSL, ssl.ca.location: nowhere.pem}")
    ),
    "SASL without its mechanism": Broken(
        f"{FILE}:3", ("mechanism",), _kafka("client: {security.protocol: SASL_SSL, sasl.password: a}")
    ),
    "a client that is a word": Broken(f"{FILE}:3", ("keys with values",), _kafka("client: SSL")),
    "a client's servers": Broken(f"{FILE}:3", ("kafka.bootstrap_servers",), _kafka("client: {bootstrap.servers: a}")),
    "a client's group": Broken(f"{FILE}:3", ("kafka.group_id",), _kafka("client: {group.id: a}")),
    "a client that begins at the end": Broken(
        f"{FILE}:3", ("auto.offset.reset", "--to-latest"), _kafka("client: {auto.offset.reset: latest}")
    ),
    "a client that spreads partitions": Broken(
        f"{FILE}:3", ("one owner", "range"), _kafka("client: {partition.assignment.strategy: roundrobin}")
    ),
    "a client that has the brokers spread them": Broken(
        f"{FILE}:3",
        ("one owner", "range"),
        _kafka("client: {group.protocol: consumer, group.remote.assignor: uniform}"),
    ),
    "a client that commits by itself": Broken(f"{FILE}:3", ("settled",), _kafka("client: {enable.auto.commit: true}")),
    "a property that is none": Broken(f"{FILE}:3", ("librdkafka",), _kafka("client: {Security Protocol: SSL}")),
    "a property that is a list": Broken(f"{FILE}:3", ("text", "not a list"), _kafka("client: {debug: [a]}")),
    "a property without a value": Broken(f"{FILE}:3", ("no value",), _kafka("client: {sasl.username: }")),
    "a secret that is missing": Broken(
        f"{FILE}:3", ("sasl.password", "NOPE"), _kafka("client: {sasl.password: '${env:NOPE}'}")
    ),
    "a topic twice": Broken(f"{FILE}:4", ("twice", "orders"), _sources("topic: orders", "topic: orders")),
    "an illegal topic": Broken(f"{FILE}:3", ("Kafka topic name",), _sources("topic: my orders")),
    "a dot for a topic": Broken(f"{FILE}:3", ("Kafka topic name",), _sources("topic: ..")),
    "its own retry topic": Broken(f"{FILE}:3", ("program's own",), _sources("topic: postback.retry")),
    "its own window": Broken(f"{FILE}:3", ("program's own",), _sources("topic: postback.window.15m")),
    "a source without a topic": Broken(f"{FILE}:3", ("topic", "missing"), _sources("customer_type: PARTIAL")),
    "a source that is a word": Broken(f"{FILE}:3", ("keys with values", "`orders`"), _sources("orders")),
    "All for a source": Broken(f"{FILE}:4", ("one customer type",), _sources("topic: orders\n    customer_type: all")),
    "a tick of nothing": Broken(f"{FILE}:3", ("at least",), _more("tick_minutes: 0")),
    "an endless tick": Broken(f"{FILE}:3", ("number",), _more("tick_minutes: .inf")),
    "a tick without a value": Broken(f"{FILE}:3", ("no value",), _more("tick_minutes:")),
    "a zone that is none": Broken(f"{FILE}:3", ("did you mean `Europe/Berlin`?",), _more("time_zone: Europe/Berln")),
    "a zone's folder": Broken(f"{FILE}:3", ("not a time zone",), _more("time_zone: America")),
    "a path for a zone": Broken(f"{FILE}:3", ("not a time zone",), _more("time_zone: ../../etc/passwd")),
    "an offset for a zone": Broken(f"{FILE}:3", ("not a time zone", "UTC"), _more("time_zone: +02:00")),
    "an empty path": Broken(f"{FILE}:3", ("path",), _more('profiles: ""')),
    "a path with a NUL": Broken(f"{FILE}:3", ("path",), _more('profiles: "a\\0b"')),
    "a network with host bits": Broken(
        f"{FILE}:3", ("did you mean `10.0.0.0/8`?",), _more("http: {allow_networks: [10.1.2.3/8]}")
    ),
    "a network that is a name": Broken(f"{FILE}:3", ("127.0.0.0/8",), _more("http: {allow_networks: [localhost]}")),
    "networks that are a word": Broken(f"{FILE}:3", ("list",), _more("http: {allow_networks: 127.0.0.0/8}")),
    "a time-out of nothing": Broken(f"{FILE}:3", ("more than 0",), _more("http: {timeout_seconds: 0}")),
    "nothing in flight": Broken(f"{FILE}:3", ("at least 1",), _more("http: {max_in_flight: 0}")),
    "hours that are over": Broken(f"{FILE}:3", ("more than 0",), _more("retry: {give_up_after_hours: -1}")),
    "an address without a port": Broken(f"{FILE}:3", ("host:port",), _more("web: {address: 0.0.0.0}")),
    "a web that is a number": Broken(f"{FILE}:3", ("keys with values", "`9108`"), _more("web: 9108")),
    "a level that is none": Broken(f"{FILE}:3", ("`debug`", "`loud`"), _more("log: {level: loud}")),
    "a registry of another kind": Broken(f"{FILE}:3", ("http(s)",), _more("schemas: {registry_url: 'ftp://r'}")),
    "a registry with credentials": Broken(
        f"{FILE}:3", ("registry_username",), _more("schemas: {registry_url: 'http://u:hunter2@r'}")
    ),
    "a password alone": Broken(f"{FILE}:3", ("registry_username",), _more("schemas: {registry_password: hunter2}")),
    "a password's file": Broken(
        f"{FILE}:3",
        ("registry_password", "no/file"),
        _more("schemas: {registry_username: u, registry_password: '${file:no/file}'}"),
    ),
    "a path that is none": Broken(f"{FILE}:3", ("dotted path",), _more("event: {order_id: order id}")),
    "an order id of null": Broken(f"{FILE}:3", ("no value",), _more("event: {order_id: null}")),
    "an empty test card": Broken(f"{FILE}:3", ("dotted path",), _more('event: {test_card: ""}')),
    "a variable that is unknown": _environment(
        "POSTBACK_HTTP__TIMEOUT_SECOND", "3", "did you mean `POSTBACK_HTTP__TIMEOUT_SECONDS`?"
    ),
    "a variable with one line": _environment(
        "POSTBACK_KAFKA_PARTITIONS", "3", "did you mean `POSTBACK_KAFKA__PARTITIONS`?"
    ),
    "a near miss at the top": _environment("POSTBACK_TICK_MINUTE", "3", "did you mean `POSTBACK_TICK_MINUTES`?"),
    "a whole section": _environment(
        "POSTBACK_HTTP", "{timeout_seconds: 3}", "section", "POSTBACK_HTTP__TIMEOUT_SECONDS"
    ),
    "a foreign section": _environment("POSTBACK_FOO__BAR", "3", "unknown setting", "remove it"),
    "a variable's value": _environment("POSTBACK_KAFKA__PARTITIONS", "many", "whole number", "`many`"),
    "a variable's list": _environment("POSTBACK_HTTP__ALLOW_NETWORKS", "127.0.0.0/8,foo", "127.0.0.0/8"),
    "a variable's YAML": _environment("POSTBACK_SOURCES", "[{topic: orders}", "not closed"),
    "a variable's topic": _environment("POSTBACK_SOURCES", "[{topic: a b}]", "Kafka topic name"),
}
