"""`postback.yaml` as one frozen value. Reading the file and the environment is `adapters.settings_file`'s."""

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, SecretStr, WithJsonSchema

from consumer.core.customer_type import CODES, NAMES, code_of
from consumer.core.event import EventNames
from consumer.core.located import Node
from consumer.core.problem import Problem, did_you_mean
from consumer.validation import AtLeastOne, FullText, Section, any_case, validated

OWN_TOPICS: Final = ("retry", "dead-letter", "outcomes")
"""Last parts of the names of the program's own topics; those of the windows begin with `window.`."""

_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_SERVER: Final = re.compile(r"(?:[A-Za-z_]+://)?(?:\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\],]+)(?::([0-9]{1,5}))?")
_FIELD_PATH: Final = re.compile(r"[^\W\d]\w*(?:\[\])?(?:\.[^\W\d]\w*(?:\[\])?)*", re.ASCII)
_ADDRESS: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]*):([0-9]{1,5})")

_ONE_OWNER: Final = (
    "all partitions of the same number must have one owner, or an order's deliveries overtake each other: `range` is"
    " already set, remove the line"
)
_NOT_FOR_CLIENTS: Final = {
    "bootstrap.servers": "set kafka.bootstrap_servers instead",
    "metadata.broker.list": "set kafka.bootstrap_servers instead",
    "group.id": "set kafka.group_id instead",
    "transactional.id": "the program names its transactions itself: remove the line",
    "enable.auto.commit": "offsets are committed when deliveries are settled: remove the line",
    "enable.auto.offset.store": "offsets are committed when deliveries are settled: remove the line",
    "auto.offset.reset": "a new group reads the source topics from the beginning, so that nothing is lost; to start"
    " with new events only, set its offsets before the first start, with `kafka-consumer-groups.sh --reset-offsets"
    " --to-latest` for the group that ends in `.ingest`",
    "isolation.level": "windows are read as read_committed: remove the line",
    "partition.assignment.strategy": _ONE_OWNER,
    "group.remote.assignor": _ONE_OWNER,
}


def _topic_name(text: str) -> str:
    if _TOPIC.fullmatch(text) is None or text in {".", ".."}:
        raise ValueError("is not a Kafka topic name: use letters, digits, `.`, `_` and `-`, at most 249 of them")
    return text


def _servers(text: str) -> str:
    for server in text.split(","):
        found = _SERVER.fullmatch(server.strip())
        if found is None or not 0 < int(found[1] or 9092) < 65_536:
            raise ValueError("must be `host:port`, several separated by commas: broker-1:9092,broker-2:9092")
    return text


def _joined(value: Any) -> Any:
    is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return ",".join(value) if is_list else value


def _client_properties(properties: dict[str, str]) -> dict[str, str]:
    for name in properties:
        if name in _NOT_FOR_CLIENTS:
            raise ValueError(f"must not have `{name}`: {_NOT_FOR_CLIENTS[name]}")
        if re.fullmatch(r"[a-z0-9_.]+", name) is None:
            raise ValueError(f"has `{name}`, which is not a librdkafka property: they look like security.protocol")
    return properties


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (OSError, ValueError, TypeError, KeyError):  # a folder's name, a path, no text, no such zone
        close = did_you_mean(str(value), available_timezones())
        raise ValueError(f"is not a time zone: write UTC, or a name such as America/New_York{close}") from None


def _registry_url(text: str) -> str:
    if re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#@]*)?", text, re.IGNORECASE) is None:
        raise ValueError("must be an http(s) address; credentials go to registry_username and registry_password")
    return text.rstrip("/")


def _field_path(text: str) -> str:
    if _FIELD_PATH.fullmatch(text) is None:
        raise ValueError("must be the name of a field, a dotted path or `items[].x`")
    return text


def _web_address(text: str) -> str:
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found[2]) > 65_535:
        raise ValueError("must be `host:port`, e.g. 0.0.0.0:9108")
    return text


def _network(value: Any) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value)
    except (ValueError, TypeError):
        raise ValueError(f"is not a network: write it as 127.0.0.0/8{_wider(value)}") from None


def _wider(value: Any) -> str:
    try:
        return f"; did you mean `{ip_network(value, strict=False)}`?"
    except (ValueError, TypeError):
        return ""


def _or_empty(value: Any) -> Any:
    return {} if value is None else value


def _some_path(value: Any) -> Any:
    if (isinstance(value, str) and not value.isprintable()) or value == "":
        raise ValueError("must be the path of a file or folder")
    return value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _source_type(text: str) -> str:
    if text.strip().casefold() == "all":
        raise ValueError("must be one customer type such as PARTIAL: it stands in for events that name none")
    return code_of(text)


TopicName = Annotated[str, AfterValidator(_topic_name)]
FieldPath = Annotated[str, AfterValidator(_field_path)]
Servers = Annotated[
    str, BeforeValidator(_joined), AfterValidator(_servers), WithJsonSchema({"type": ["string", "array"]})
]
FilePath = Annotated[Path, BeforeValidator(_some_path), WithJsonSchema({"type": "string"})]
Zone = Annotated[ZoneInfo, BeforeValidator(_zone), WithJsonSchema({"type": "string"})]
Network = Annotated[IPv4Network | IPv6Network, PlainValidator(_network), WithJsonSchema({"type": "string"})]
Properties = Annotated[dict[str, FullText], BeforeValidator(_or_empty), AfterValidator(_client_properties)]


class Kafka(Section):
    bootstrap_servers: Servers = Field(
        description="host:port of one or more brokers, separated by commas.", examples=["broker:9092"]
    )
    group_id: FullText = Field(
        default="postback", description="First part of the group names: <group_id>.ingest and <group_id>.dispatch."
    )
    topic_prefix: Annotated[TopicName, Field(max_length=200)] = Field(
        default="postback", description="First part of the names of the program's own topics."
    )
    partitions: int = Field(default=12, ge=1, le=10_000, description="Partitions of each topic that is created.")
    replication_factor: int | None = Field(
        default=None, ge=1, le=32_767, description="Replicas of each topic that is created; null: the broker's default."
    )
    create_topics: bool = Field(default=True, description="Create the program's own topics when they are missing.")
    client: Properties = Field(
        default={},
        repr=False,
        description="librdkafka properties (security.protocol, sasl.*, ssl.*), for all clients.",
    )


class Source(Section):
    topic: TopicName = Field(description="A topic that events are read from; never created.", examples=["orders"])
    customer_type: Annotated[FullText, AfterValidator(_source_type)] | None = Field(
        default=None, description="Customer type of events that name none.", examples=["PARTIAL"]
    )


class Schemas(Section):
    registry_url: Annotated[FullText, AfterValidator(_registry_url)] | None = Field(
        default=None, description="Confluent-compatible registry, for events in the Confluent wire format."
    )
    registry_username: FullText | None = Field(default=None, description="User name for the registry.")
    registry_password: SecretStr | None = Field(
        default=None,
        description="Password for the registry; better `${env:NAME}` or `${file:PATH}` than the password itself.",
    )
    folder: FilePath | None = Field(
        default=None,
        description="Folder of *.avsc files for single-object encoding; null: the schemas shipped with the package.",
    )


class EventSection(Section):
    id: FieldPath | None = Field(default="eventId", description="Id of an event; null: its place in Kafka is used.")
    order_id: FieldPath = Field(default="orderId", description="Id of the order.")
    customer_types: FieldPath = Field(default="customerTypes", description="Array of strings, or one string.")
    test_card: FieldPath | None = Field(
        default="isTestCard",
        description="True for orders paid with the CRM's test card, which never go out; null: there is no such card.",
    )
    campaign: FieldPath = Field(default="campaignId", description="Id of the campaign.")
    products: FieldPath = Field(
        default="items[].crmId", description="Ids of the products: `[]` stands for each item of an array."
    )
    occurred_at: FieldPath = Field(
        default="occurredAt", description="When it happened; decides which version of a partial is newest."
    )

    @property
    def names(self) -> EventNames:
        return EventNames(**self.model_dump())


class Http(Section):
    timeout_seconds: float = Field(
        default=30, gt=0, le=600, description="Time limit of a whole attempt; at most 10 s of it to connect."
    )
    max_in_flight: int = Field(default=512, ge=1, le=10_000, description="Requests open at once.")
    max_in_flight_per_endpoint: int = Field(
        default=32, ge=1, le=10_000, description="Requests open at once to one scheme, host and port."
    )
    allow_networks: tuple[Network, ...] = Field(
        default=(), description="Private networks that may be sent to.", examples=[["127.0.0.0/8"]]
    )

    @property
    def timeout(self) -> timedelta:
        return timedelta(seconds=self.timeout_seconds)


class Retry(Section):
    give_up_after_hours: float | None = Field(
        default=None,
        gt=0,
        le=1_000_000,
        description="A delivery that has failed for this long goes to the dead letters; null: never.",
    )
    longest_retry_after_minutes: float = Field(
        default=1440, ge=0, le=1_000_000, description="Longest Retry-After that is honoured."
    )

    @property
    def give_up_after(self) -> timedelta | None:
        return None if self.give_up_after_hours is None else timedelta(hours=self.give_up_after_hours)

    @property
    def longest_retry_after(self) -> timedelta:
        return timedelta(minutes=self.longest_retry_after_minutes)


class Web(Section):
    address: Annotated[str, AfterValidator(_web_address)] = Field(
        default="0.0.0.0:9108",
        description="host:port of /metrics, /healthz and /readyz; port 0: a free one.",
    )

    @property
    def host(self) -> str:
        """Empty for all addresses."""
        return self.address.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])


class Log(Section):
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        BeforeValidator(_lower),
        WithJsonSchema(any_case("debug", "info", "warning", "error")),
    ] = Field(default="info", description="Lowest level logged.")
    format: Annotated[Literal["json", "text"], BeforeValidator(_lower), WithJsonSchema(any_case("json", "text"))] = (
        Field(default="json", description="Format of a line.")
    )


class Settings(Section):
    kafka: Kafka = Field(description="Brokers, groups, and the program's own topics.")
    sources: AtLeastOne[Source] = Field(description="Topics that events are read from.", examples=["[{topic: orders}]"])
    schemas: Schemas = Field(default=Schemas(), description="Where the events' Avro schemas come from.")
    event: EventSection = Field(default=EventSection(), description="Field names, where a CRM's own schema has others.")
    tick_minutes: float = Field(
        default=15, ge=1 / 60, le=10_080, description="Minutes between runs; a profile's export delay comes on top."
    )
    time_zone: Zone = Field(default=ZoneInfo("UTC"), description="Time zone of rendered times.")
    profiles: FilePath = Field(default=Path("profiles"), description="A folder of YAML files, or one file.")
    http: Http = Field(default=Http(), description="How requests are sent.")
    retry: Retry = Field(default=Retry(), description="How failed deliveries are retried.")
    commit_interval_seconds: float = Field(default=1, gt=0, le=60, description="Time between two commits of offsets.")
    shutdown_seconds: float = Field(
        default=25, ge=0, le=3_600, description="Longest wait at shutdown for what is in flight."
    )
    web: Web = Field(default=Web(), description="Metrics and probes.")
    log: Log = Field(default=Log(), description="Logs on stdout.")

    @property
    def tick(self) -> timedelta:
        return timedelta(minutes=self.tick_minutes)

    @property
    def commit_interval(self) -> timedelta:
        return timedelta(seconds=self.commit_interval_seconds)

    @property
    def shutdown(self) -> timedelta:
        return timedelta(seconds=self.shutdown_seconds)


def parse_settings(root: Node) -> tuple[Settings | None, list[Problem]]:
    """The settings that a tree describes, None with an error; all problems at once, warnings among them."""
    settings, problems = validated(Settings, root)
    return settings, [*problems, *_source_problems(root), *_registry_problems(root)]


def _source_problems(root: Node) -> list[Problem]:
    prefix = root.text("kafka", "topic_prefix") or "postback"
    own = {f"{prefix}.{name}" for name in OWN_TOPICS}
    problems, seen = [], set()
    for source in root.items("sources"):
        topic, kind = source.text("topic"), source.text("customer_type")
        if topic in seen:
            problems.append(source.problem(f"the topic `{topic}` is listed twice: remove one of the two", "topic"))
        if topic and (topic in own or topic.startswith(f"{prefix}.window.")):
            text = f"`{topic}` is one of the program's own topics: name the CRM's topic, or change kafka.topic_prefix"
            problems.append(source.problem(text, "topic"))
        if kind and code_of(kind) not in CODES:
            text = f"the customer type `{kind}` is not known{did_you_mean(kind, (*NAMES, *CODES))}"
            problems.append(source.problem(text, "customer_type", severity="warning"))
        seen.add(topic)
    return problems


def _registry_problems(root: Node) -> list[Problem]:
    schemas = root.get("schemas") or root
    if not schemas.text("registry_password") or schemas.text("registry_username"):
        return []
    return [schemas.problem("registry_password needs a registry_username: add it", "registry_password")]
