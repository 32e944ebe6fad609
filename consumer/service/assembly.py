"""Joins the parts as the settings say. By hand: this is the one place where they meet."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry

from consumer import __version__
from consumer.adapters.avro.decoder import AvroDecoder
from consumer.adapters.curl import CurlSender
from consumer.adapters.kafka import properties
from consumer.adapters.kafka.consumer import GroupConsumer
from consumer.adapters.kafka.topics import Topics
from consumer.adapters.kafka.transactions import Transactions
from consumer.adapters.profiles import ProfileFolder
from consumer.adapters.registry import Registry
from consumer.adapters.schemas import Schemas, load_schemas, shipped_schemas
from consumer.core.event import EventReader
from consumer.core.profile import Profile
from consumer.core.render import Renderer
from consumer.core.topics import Sizes, TopicNames
from consumer.dispatch.admission import Admission
from consumer.dispatch.deferral import Deferral
from consumer.dispatch.lanes import Job, Lanes
from consumer.dispatch.orders import Orders
from consumer.dispatch.sending import Sending
from consumer.dispatch.service import Dispatch
from consumer.dispatch.settling import Settling
from consumer.dispatch.targets import Targets
from consumer.ingest.service import Ingest
from consumer.metrics import Metrics
from consumer.settings import Settings

USER_AGENT = f"postback-consumer/{__version__}"


def clock_ms() -> int:
    """Now, in epoch milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """What the stages share, made once from the settings."""

    settings: Settings
    names: TopicNames
    metrics: Metrics
    schemas: Schemas

    @staticmethod
    def of(settings: Settings) -> "Parts":
        """
        Raises:
            SettingsError: The schema folder cannot be read.
        """
        return Parts(
            settings, TopicNames(settings.kafka.topic_prefix), Metrics(CollectorRegistry()), schemas_of(settings)
        )

    def topics(self) -> Topics:
        """A client that asks the brokers."""
        kafka = self.settings.kafka
        return Topics(properties.common(kafka.bootstrap_servers, kafka.client))

    def profile_folder(self, environ: Mapping[str, str] = os.environ) -> ProfileFolder:
        """The folder of profiles. Fields that no schema has are for `check` to report, not for a running service."""
        return ProfileFolder(self.settings.profiles, environ=environ)

    def ingest(self, sizes: Sizes) -> tuple[Ingest, GroupConsumer]:
        """Stage 1 with its reader."""
        settings = self.settings
        stage = Ingest(
            log=self._transactions("ingest", sizes),
            decoder=AvroDecoder(self.schemas),
            events=EventReader(settings.event.names),
            default_types={source.topic: source.customer_type for source in settings.sources},
            names=self.names,
            sizes=sizes,
            tick=settings.tick,
            metrics=self.metrics,
            clock_ms=clock_ms,
            sleep=time.sleep,
        )
        reader = stage.reader = GroupConsumer(self._consumer("ingest"), stage)
        reader.subscribe([source.topic for source in settings.sources])
        return stage, reader

    def dispatch(self, sizes: Sizes) -> tuple[Dispatch, GroupConsumer]:
        """Stage 2 with its reader."""
        settings = self.settings
        lanes, orders = Lanes(settings.http.max_in_flight_per_endpoint, slots=settings.http.max_in_flight), Orders()
        give_up = settings.retry.give_up_after
        settling = Settling(
            names=self.names, sizes=sizes, metrics=self.metrics, give_up_after_ms=in_ms(give_up) if give_up else None
        )
        targets = Targets(
            tick=settings.tick, render=self._renderer, counts=self.metrics.by_profile.counts, now_ms=clock_ms()
        )
        deferral = Deferral(orders=orders, settling=settling)
        admission = Admission(targets=targets, lanes=lanes, orders=orders, deferral=deferral, settling=settling)
        sender: CurlSender[Job] = sender_of(settings)
        sending = Sending(
            sender=sender,
            decoder=AvroDecoder(self.schemas, checks_rest=False),  # ingest did
            events=EventReader(settings.event.names),
            lanes=lanes,
            orders=orders,
            admission=admission,
            deferral=deferral,
            settling=settling,
            max_in_flight=settings.http.max_in_flight,
            longest_retry_after=settings.retry.longest_retry_after,
        )
        stage = Dispatch(
            log=self._transactions("dispatch", sizes),
            sender=sender,
            targets=targets,
            lanes=lanes,
            orders=orders,
            admission=admission,
            deferral=deferral,
            sending=sending,
            settling=settling,
            names=self.names,
            metrics=self.metrics,
            commit_interval_ms=in_ms(settings.commit_interval),
            clock_ms=clock_ms,
        )
        reader = stage.reader = GroupConsumer(self._consumer("dispatch"), stage)
        reader.subscribe([self.names.dispatched])
        return stage, reader

    def _renderer(self, profile: Profile) -> Renderer:
        return renderer_of(self.settings, profile)

    def _consumer(self, role: str) -> properties.Properties:
        kafka = self.settings.kafka
        group = f"{kafka.group_id}.{role}"
        # A new window's topic, or a source that comes to be, must be seen well before its first run.
        refresh_ms = max(500, min(5_000, in_ms(self.settings.tick) // 4))
        return {"topic.metadata.refresh.interval.ms": refresh_ms} | properties.consumer(
            kafka.bootstrap_servers, kafka.client, group=group
        )

    def _transactions(self, role: str, sizes: Sizes) -> Transactions:
        kafka = self.settings.kafka
        slot = properties.InstanceSlot(f"{kafka.group_id}.{role}")
        known = {} if sizes.carries is None else {"largest_batch": sizes.carries.batch_bytes}
        return Transactions(
            properties.producer(kafka.bootstrap_servers, kafka.client, transactional_id=slot.name, **known), slot
        )


def schemas_of(settings: Settings) -> Schemas:
    """The folder's schemas, and the registry where one is set."""
    return Schemas(load_schemas(settings.schemas.folder or shipped_schemas()), registry_of(settings))


def registry_of(settings: Settings) -> Registry | None:
    """None where none is set."""
    section = settings.schemas
    if section.registry_url is None:
        return None
    password = section.registry_password
    return Registry(
        section.registry_url,
        username=section.registry_username,
        password=password.get_secret_value() if password else None,
    )


def sender_of(settings: Settings) -> CurlSender[Any]:
    """What makes the requests, in the run and in `preview --send` alike."""
    http = settings.http
    return CurlSender(timeout=http.timeout, allow_networks=http.allow_networks, max_connections=http.max_in_flight)


def renderer_of(settings: Settings, profile: Profile) -> Renderer:
    """The requests of a profile, in the run and in `preview` alike."""
    return Renderer(profile, zone=settings.time_zone, user_agent=USER_AGENT, items=settings.event.names.items)


def in_ms(span: timedelta) -> int:
    """Whole milliseconds."""
    return int(span.total_seconds() * 1000)
