"""What an event would cause, worked out as the run does it. No broker is asked."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from consumer.adapters.avro.schema import InvalidSchema, Schema
from consumer.adapters.event_file import FileEvent
from consumer.adapters.registry import Registry
from consumer.adapters.schemas import load_schemas, shipped_schemas
from consumer.core.answer import Answer
from consumer.core.customer_type import PARTIAL
from consumer.core.errors import RenderError, SchemaUnavailable, SettingsError
from consumer.core.event import ABSENT, Event, EventNames, EventReader, Fields, field_getter, id_text
from consumer.core.problem import did_you_mean
from consumer.core.profile import Profile
from consumer.core.request import Request
from consumer.core.routing import Delivery, Router, mismatches
from consumer.service.assembly import registry_of, renderer_of, sender_of
from consumer.settings import Settings

_NO_ID = "preview"
_NO_ORDER = "\0order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """
    One request that the event causes.

    Attributes:
        notes: What may still keep it from being sent.
    """

    delivery: Delivery
    request: Request
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """
    What an event means for one profile.

    Attributes:
        planned: In the order in which they go out.
        reason: Why nothing is sent, now or ever: `test_card`, `disabled`, `paused`, `no_route`, `render`; else empty.
        lines: The same in sentences, for people.
    """

    profile: Profile
    planned: tuple[Planned, ...] = ()
    reason: str = ""
    lines: tuple[str, ...] = ()


def read_preview_event(found: FileEvent, settings: Settings, source: str | None) -> Event:
    """
    The event of a file.

    Args:
        source: Topic that it is taken to come from; None: any.

    Raises:
        RecordError: It would go to the dead letters.
        SettingsError: No source has that name.
    """
    names, fields = settings.event.names, found.fields
    if found.is_json:
        names = _names_of_json(names, fields)
        fields = {**fields, _NO_ORDER: _NO_ID}
    event = EventReader(names).read(fields, place=_NO_ID, default_type=_default_type(settings, source))
    return replace(event, fields=found.fields)


def _names_of_json(names: EventNames, fields: Fields) -> EventNames:
    """*names*, but for ids and the flag that a file leaves out: such an event is no test-card order and has some id."""

    def lacks(name: str | None) -> bool:
        return name is None or id_text(field_getter(name)(fields)) is None

    test_card = names.test_card if names.test_card and field_getter(names.test_card)(fields) is not ABSENT else None
    return replace(
        names,
        id=None if lacks(names.id) else names.id,
        order_id=_NO_ORDER if lacks(names.order_id) else names.order_id,
        test_card=test_card,
    )


def _default_type(settings: Settings, source: str | None) -> str | None:
    types = {one.topic: one.customer_type for one in settings.sources}
    if source is None:
        return next(iter(types.values())) if len(set(types.values())) == 1 else None
    if source not in types:
        close = did_you_mean(source, types)
        raise SettingsError(f"no source has the topic `{source}`{close or '; there are ' + ', '.join(types)}")
    return types[source]


def event_schemas(settings: Settings) -> Iterator[Schema]:
    """What may have written the events: the newest of each source in the registry, if one is set, and the folder's."""
    registry = registry_of(settings)
    if registry is not None:
        yield from _newest_schemas(registry, settings)
        registry.close()
    yield from load_schemas(settings.schemas.folder or shipped_schemas())


def _newest_schemas(registry: Registry, settings: Settings) -> Iterator[Schema]:
    """As many as can be had."""
    for source in settings.sources:
        try:
            schema = registry.latest(f"{source.topic}-value")
        except InvalidSchema:
            continue
        except SchemaUnavailable:
            return
        if schema is not None:
            yield schema


def plan(event: Event, profile: Profile, settings: Settings) -> Plan:
    """The requests of *profile* for *event*, or why there are none."""
    if event.test_card:
        text = "the order was paid with the CRM's test card: such orders are never exported"
        return Plan(profile=profile, reason="test_card", lines=(text,))
    deliveries = Router((replace(profile, enabled=True),)).route(event)
    if not profile.enabled:
        text = "the profile is disabled (enabled: false): nothing is routed to it"
        more = "its routing would match this event" if deliveries else "its routing would not match this event either"
        return Plan(profile=profile, reason="disabled", lines=(text, more))
    if not deliveries:
        return Plan(profile=profile, reason="no_route", lines=tuple(_why_no_route(event, profile, settings)))
    renderer = renderer_of(settings, profile)
    try:
        planned = tuple(
            Planned(
                delivery=delivery,
                request=renderer.render(event.fields, code=delivery.code, delivery_id=delivery.id),
                notes=tuple(_notes(delivery)),
            )
            for delivery in deliveries
        )
    except RenderError as error:
        text = f"the request cannot be made: {error}; every run would try it again"
        return Plan(profile=profile, reason="render", lines=(text,))
    if profile.paused:
        text = "the profile is paused (paused: true): deliveries are kept and go out in the first run after the pause"
        return Plan(profile=profile, planned=planned, reason="paused", lines=(text,))
    return Plan(profile=profile, planned=planned)


def _why_no_route(event: Event, profile: Profile, settings: Settings) -> Iterator[str]:
    yield "no row of its routing matches the event"
    yield from mismatches(event, profile.routes)
    typed = [f"{one.topic} ({one.customer_type})" for one in settings.sources if one.customer_type]
    if not event.customer_types and typed:
        yield f"on a source with a customer_type it would have one: {', '.join(typed)}; try --source"


def _notes(delivery: Delivery) -> Iterator[str]:
    if delivery.code != PARTIAL:
        return
    if delivery.profile.skip_converted:
        yield "not sent if the order is placed before the run (partials.skip_converted)"
    if delivery.profile.latest_only:
        yield "of several versions that wait for one run only the newest is sent (partials.latest_only)"


def send(request: Request, settings: Settings) -> Answer:
    """Make a request as the run makes it; the address rules hold."""
    sender = sender_of(settings)
    try:
        sender.start(None, request)
        while not (finished := sender.wait(1.0)):
            pass
    finally:
        sender.close()
    return finished[0][1]
