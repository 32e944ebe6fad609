"""`postback check --live`: what only the brokers and the registry know."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace

from consumer.adapters.avro.reader import reader_of
from consumer.adapters.avro.schema import InvalidSchema, Schema, field_names
from consumer.adapters.known_fields import KnownFields
from consumer.adapters.registry import Registry
from consumer.adapters.settings_check import known_in
from consumer.adapters.settings_file import SettingsFile
from consumer.core.errors import BrokerUnreachable, SchemaUnavailable
from consumer.core.event import EventNames
from consumer.core.located import Node
from consumer.core.problem import Problem, Severity, did_you_mean
from consumer.core.profile import Profile
from consumer.core.topics import TopicNames
from consumer.service.asking import Brokers, asking
from consumer.service.assembly import registry_of
from consumer.service.backlog import places_of
from consumer.service.own_topics import wanted_topics
from consumer.service.topic_rules import keeping_faults, shape_faults
from consumer.settings import Settings

_NEEDED = frozenset({"id", "order_id", "test_card"})
"""Without these an event goes to the dead letters."""


def broker_problems(file: SettingsFile, settings: Settings, profiles: Iterable[Profile]) -> list[Problem]:
    """
    What is wrong with the brokers and the topics.

    Args:
        file: Where the settings stand, so that each problem has its line.
    """
    root = file.root
    try:
        with asking(settings) as brokers:
            return [
                *_missing_sources(root, settings, brokers.there),
                *_missing_own(root, settings, brokers, profiles),
                *_faults(root, settings, brokers),
            ]
    except BrokerUnreachable as error:
        return [root.problem(f"{error}; correct it, or start them", "kafka", "bootstrap_servers")]


def _missing_sources(root: Node, settings: Settings, there: Mapping[str, int]) -> Iterator[Problem]:
    for place, source in enumerate(settings.sources):
        if source.topic not in there:
            close = did_you_mean(source.topic, there)
            text = f"the brokers have no topic `{source.topic}`{close or ': create it, or correct the name'}"
            yield root.problem(text, "sources", place, "topic")


def _missing_own(root: Node, settings: Settings, brokers: Brokers, profiles: Iterable[Profile]) -> Iterator[Problem]:
    names = TopicNames(settings.kafka.topic_prefix)
    missing = [topic for topic in wanted_topics(names, profiles, settings.tick) if topic not in brokers.there]
    if not settings.kafka.create_topics:
        for topic in missing:
            text = f"the topic {topic} is missing, and the service must not create it: run `postback topics create`"
            yield root.problem(text, "kafka", "create_topics")
    elif missing and _has_run(settings, brokers):
        for topic in filter(names.is_dispatched, missing):
            text = (
                f"the topic {topic} is missing: if it was deleted, deliveries that waited in it are lost; a running "
                "service creates it, and so does `postback topics create`"
            )
            yield root.problem(text, "kafka", "create_topics", severity="warning")


def _has_run(settings: Settings, brokers: Brokers) -> bool:
    """Whether there was a service: before its first start no own topic is there, and that is as it should be."""
    sources = places_of(brokers.there, (source.topic for source in settings.sources))
    committed = brokers.topics.committed(f"{settings.kafka.group_id}.ingest", sources)
    return any(one.offset is not None for one in committed.values())


def _faults(root: Node, settings: Settings, brokers: Brokers) -> Iterator[Problem]:
    names = TopicNames(settings.kafka.topic_prefix)
    own = [topic for topic in brokers.there if names.is_dispatched(topic)]
    own += [topic for topic in (names.dead_letter, names.outcomes) if topic in brokers.there]
    configs = brokers.topics.config(own)
    sources = brokers.topics.config(source.topic for source in settings.sources if source.topic in brokers.there)
    found = [*keeping_faults(configs, names), *shape_faults(configs, brokers.there, names, sources.values())]
    for fault in found:
        yield root.problem(fault.text, "kafka", "topic_prefix", severity=fault.severity)


def registry_problems(
    file: SettingsFile, settings: Settings, known: KnownFields | None
) -> tuple[list[Problem], KnownFields | None]:
    """
    What is wrong with the registry and the newest schemas of the sources.

    Returns:
        The problems, and *known* with the fields of those schemas.
    """
    registry = registry_of(settings)
    if registry is None:
        return [], known
    try:
        schemas, problems = _newest(file.root, settings, registry)
    except SchemaUnavailable as error:
        return [file.root.problem(f"{error}; correct the address, or start it", "schemas", "registry_url")], known
    finally:
        registry.close()
    severity: Severity = "error" if len(schemas) == len(settings.sources) else "warning"
    newest = known_in(schemas.values(), settings.event.names, severity)
    for place, schema in schemas.items():
        problems += _lacking(file.root, settings, place, schema)
    return problems, replace(newest, names=newest.names | known.names) if known else newest


def _newest(root: Node, settings: Settings, registry: Registry) -> tuple[dict[int, Schema], list[Problem]]:
    """
    The schema of each source that has one, by the source's place in the settings.

    Raises:
        SchemaUnavailable: The registry does not answer.
    """
    schemas: dict[int, Schema] = {}
    problems = []
    for place, source in enumerate(settings.sources):
        subject = f"{source.topic}-value"
        try:
            schema = registry.latest(subject)
            if schema is not None:
                reader_of(schema)
                schemas[place] = schema
                continue
            text = f"the registry has no subject `{subject}`: what its events look like could not be checked"
            problems.append(root.problem(text, "sources", place, "topic", severity="warning"))
        except InvalidSchema as error:
            text = f"the newest schema of `{subject}` cannot be used: {error}; register one that can"
            problems.append(root.problem(text, "sources", place, "topic"))
    return schemas, problems


def _lacking(root: Node, settings: Settings, place: int, schema: Schema) -> Iterator[Problem]:
    """What the `event` section names and the schema of a source does not have."""
    known, names = KnownFields(field_names([schema])), settings.event.names
    topic = settings.sources[place].topic
    for key in (field.name for field in fields(EventNames)):
        name = getattr(names, key)
        if key in _NEEDED and name is not None and known.why_unknown(name) is not None:
            text = (
                f"the newest schema of `{topic}-value` has no field `{name}` (event.{key}): its events would go to the "
                f"dead letters{_advice(key)}"
            )
            yield root.problem(text, "event", key)


def _advice(key: str) -> str:
    if key == "test_card":
        return " as no_test_card_field; name the field that has it, or null for a CRM without test card"
    return "; name the field that has it"
