"""Runs the stages, and beside them: profiles that change, topics, lag, health."""

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, Protocol

from consumer.adapters.profiles import ProfileSet
from consumer.adapters.web import WebServer
from consumer.core.errors import BrokerUnreachable
from consumer.core.profile import Profile
from consumer.core.schedule import periods_in_use
from consumer.dispatch.service import Dispatch
from consumer.ingest.service import Ingest
from consumer.log import EventLog
from consumer.service.assembly import Parts, clock_ms, in_ms
from consumer.service.progress import AsksOffsets, LagWatch
from consumer.service.stage_thread import StageThread
from consumer.service.topic_keeper import AsksTopicsSoon, TopicKeeper

_LOOK_S: Final = 0.5
_RELOAD_MS: Final = 1_000
_ASK_MS: Final = 3_000
_SILENT_MS: Final = 8_000
"""No answer from the brokers for this long: not ready."""

_STUCK_MS: Final = 90_000
"""A loop that has not gone round for this long: not healthy. The longest that it may wait is a broker's."""

_TIDY_MS: Final = 60_000

_log = EventLog("service")


class AsksBrokers(AsksTopicsSoon, AsksOffsets, Protocol):
    """What the housekeeping needs of the brokers."""

    def delete_before(self, offsets: Mapping[tuple[str, int], int]) -> None:
        """Let the brokers drop all records before these offsets; best effort."""


class Supervisor:
    """
    The life of the process: `run` returns when `stop` was called, or raises what ended a stage.

    Args:
        role: `all`, `ingest` or `dispatch`.
        topics: Answers for the brokers; the demo's embedded one cannot be asked everything.
    """

    def __init__(self, parts: Parts, *, role: str, topics: AsksBrokers | None = None) -> None:
        self._parts = parts
        self._settings = parts.settings
        self._folder = parts.profile_folder()
        self._topics: AsksBrokers = topics or parts.topics()
        self._own = TopicKeeper(self._topics, parts.settings, parts.names, clock_ms=clock_ms)
        self._lag = LagWatch(self._topics, parts.names, parts.metrics)
        self._role = role
        self._is_stopping = False
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._threads: list[StageThread] = []
        self._ingest: Ingest | None = None
        self._dispatch: Dispatch | None = None
        self._profiles = ProfileSet((), (), 0, named=None, was_read=False)
        self._in_force: dict[str, Profile] = {}
        self._waiting: list[Profile] = []
        self._next_reload_ms = self._next_ask_ms = self._next_tidy_ms = 0
        self._show_state()

    def stop(self) -> None:
        """
        Let `run` come to its end; may be called from a signal handler, which an Event's lock would not bear: its
        waiter may be the one that is interrupted.
        """
        self._is_stopping = True
        self._wakes.put(None)

    def run(self) -> None:
        """
        Until `stop`.

        Raises:
            BrokerError: A stage cannot go on; a restart goes on from the committed offsets.
        """
        web = self._settings.web
        server = WebServer(
            web.host,
            web.port,
            registry=self._parts.metrics.registry,
            healthy=self.why_unhealthy,
            ready=self.why_not_ready,
        )
        _log.info("service.started", role=self._role, web_port=server.port, profiles=str(self._settings.profiles))
        try:
            self._take_profiles(self._folder.load())
            self._start_stages()
            while not self._rested() and not any(thread.has_ended for thread in self._threads):
                self._look(clock_ms())
            self._end()
        finally:
            server.close()

    def _rested(self) -> bool:
        """Whether to stop, after a while or as soon as that is asked for."""
        if not self._is_stopping:
            with suppress(Empty):
                self._wakes.get(timeout=_LOOK_S)
        return self._is_stopping

    def why_unhealthy(self) -> str | None:
        """For `/healthz`: a loop is stuck."""
        now_ms = clock_ms()
        for thread in self._threads:
            if thread.failure is not None:
                return f"the {thread.name} loop has ended"
            silent_ms = now_ms - thread.stage.beat_ms
            if silent_ms > _STUCK_MS:
                return f"the {thread.name} loop has not gone round for {silent_ms // 1000} s"
        return None

    def why_not_ready(self) -> str | None:
        """For `/readyz`: no partitions yet, no brokers, or on the way out."""
        if self._is_stopping or any(thread.has_ended for thread in self._threads):
            return "shutting down"
        if not self._profiles.was_read:
            return "the profiles cannot be read"
        if not self._own.heard_ms or clock_ms() - self._own.heard_ms > _SILENT_MS:
            return "the brokers do not answer"
        if not self._threads:
            return "starting"
        if self._own.gone:
            return f"{', '.join(sorted(self._own.gone))}: missing, was there before: run `postback topics create`"
        waiting = [thread.name for thread in self._threads if not thread.reader.is_assigned]
        return f"{', '.join(waiting)}: no partitions assigned yet" if waiting else None

    def _show_state(self) -> None:
        """Asked at each scrape, so that they hold also while the housekeeping waits for the brokers."""
        metrics = self._parts.metrics
        metrics.ready.labels(self._role).set_function(lambda: self.why_not_ready() is None)
        for source in self._settings.sources:
            metrics.source_missing.labels(source.topic).set_function(partial(self._own.misses, source.topic))

    def _start_stages(self) -> None:
        while not (self._has_profiles() and self._own.has_all() and self._own.keeps_what_waits()):
            if self._rested():
                return
        self._put_in_force()
        if self._role in {"all", "ingest"}:
            self._ingest, reader = self._parts.ingest(self._own.sizes)
            self._ingest.use(self._in_force.values())
            if not self._profiles.is_complete or any(profile.routes_partials for profile in self._profiles.profiles):
                self._ingest.mark(self._own.windows_in_use())
            self._threads.append(StageThread("ingest", self._ingest, reader, lambda: None))
        if self._role in {"all", "dispatch"}:
            self._dispatch, reader = self._parts.dispatch(self._own.sizes)
            self._dispatch.use(self._in_force.values(), self._profiles.named)
            self._threads.append(StageThread("dispatch", self._dispatch, reader, self._finish_dispatch))
        for thread in self._threads:
            thread.start()

    def _has_profiles(self) -> bool:
        """Whether it is known which there are: events that are read without them would be nobody's."""
        if not self._profiles.was_read:
            found = self._folder.load()
            if found.was_read:
                self._take_profiles(found)
        return self._profiles.was_read

    def _finish_dispatch(self) -> None:
        if self._dispatch is not None:
            self._dispatch.finish(in_ms(self._settings.shutdown))

    def _end(self) -> None:
        """
        Raises:
            BrokerError: What ended a stage before it was told to.
        """
        _log.info("service.stopping")
        for thread in self._threads:
            thread.stop()
        deadline_ms = clock_ms() + in_ms(self._settings.shutdown) + 10_000
        for thread in self._threads:
            if not thread.join(max(0.1, (deadline_ms - clock_ms()) / 1000)):
                _log.error("stage.stuck", stage=thread.name)
        failures = [thread.failure for thread in self._threads if thread.failure is not None]
        if failures:
            raise failures[0]
        _log.info("service.stopped")

    def _look(self, now_ms: int) -> None:
        if now_ms >= self._next_reload_ms:
            self._next_reload_ms = now_ms + _RELOAD_MS
            changed = self._folder.reload_if_changed()
            if changed is not None:
                self._take_profiles(changed)
        try:
            self._own.make_large_if_asked()
            if now_ms >= self._next_ask_ms:
                self._next_ask_ms = now_ms + _ASK_MS
                self._own.hear()
                if self._ingest is not None:
                    self._ingest.unmark(self._own.dropped)
                if self._waiting or self._own.gone:
                    self._put_in_force()
                self._measure(now_ms)
            if now_ms >= self._next_tidy_ms:
                self._next_tidy_ms = now_ms + _TIDY_MS
                self._tidy()
        except BrokerUnreachable as error:
            self._own.unreachable(error)

    def _take_profiles(self, profiles: ProfileSet) -> None:
        self._profiles = profiles
        self._own.want(profiles.profiles)
        for problem in profiles.problems:
            write = _log.error if problem.severity == "error" else _log.warning
            write("profile.problem", place=f"{problem.file}:{problem.line}", text=problem.text)
        gauge = self._parts.metrics.profiles
        active = [p for p in profiles.profiles if p.enabled and not p.paused]
        gauge.labels("active").set(len(active))
        gauge.labels("paused").set(sum(p.enabled and p.paused for p in profiles.profiles))
        gauge.labels("disabled").set(sum(not p.enabled for p in profiles.profiles))
        gauge.labels("invalid").set(profiles.invalid)
        _log.info("profiles.loaded", active=len(active), all=len(profiles.profiles), invalid=profiles.invalid)
        if self._threads:
            self._put_in_force()

    def _put_in_force(self) -> None:
        """
        Each profile as soon as its window is there, and until then as it was: what is routed to a topic that is missing
        would stop the events of all.
        """
        self._own.has_all()
        fit: dict[str, Profile] = {}
        for profile in self._profiles.profiles:
            window = self._parts.names.window_of(profile.delay, self._settings.tick)
            usable = profile if window in self._own.there else self._in_force.get(profile.name)
            if usable is not None:
                fit[profile.name] = usable
            if usable is not profile and profile not in self._waiting:
                _log.warning("profile.waits", profile=profile.name, topic=window, advice="its topic is to be created")
        self._in_force = fit
        self._waiting = [profile for profile in self._profiles.profiles if fit.get(profile.name) is not profile]
        if self._ingest is not None:
            self._ingest.use(fit.values())
        if self._dispatch is not None:
            self._dispatch.use(fit.values(), self._profiles.named)

    def _measure(self, now_ms: int) -> None:
        committed = {
            **(self._ingest.committed if self._ingest else {}),
            **(self._dispatch.committed if self._dispatch else {}),
        }
        periods = periods_in_use(self._settings.tick, (profile.delay for profile in self._profiles.profiles))
        self._lag.look(committed, periods=periods, now_ms=now_ms)

    def _tidy(self) -> None:
        """Let the brokers drop what is settled: nothing that waits is deleted by age."""
        if self._dispatch is not None:
            self._topics.delete_before(self._dispatch.droppable)
