"""The profiles as dispatch needs them: each with its prepared renderer."""

from collections.abc import Callable, Iterable
from datetime import timedelta

from consumer.core.profile import Profile
from consumer.core.profile_counts import ProfileCounts
from consumer.core.render import Renderer
from consumer.core.schedule import period_seconds, periods_in_use


class Target:
    """
    Attributes:
        period: Of its runs, in seconds.
        counts: What becomes of its deliveries.
        is_in_force: The profile was not changed or removed since.
        is_open: Deliveries go out: it is neither paused nor disabled.
        has_partial_rules: Its partials need a look at what else waits.
    """

    __slots__ = ("counts", "has_partial_rules", "is_in_force", "is_open", "period", "profile", "renderer")

    def __init__(self, profile: Profile, renderer: Renderer, counts: ProfileCounts, tick: timedelta) -> None:
        self.profile = profile
        self.renderer = renderer
        self.counts = counts
        self.period = period_seconds(tick, profile.delay)
        self.is_in_force = True
        self.is_open = profile.enabled and not profile.paused
        self.has_partial_rules = profile.latest_only or profile.skip_converted


class Targets:
    """
    All profiles in force, by name.

    Attributes:
        periods: Of all windows in use, the plain tick among them: the retry topic is read at each of their boundaries.
        partial_periods: Of the windows in which partials and conversions may wait.
        are_complete: There is no other profile, which would not load: partials of one may wait anywhere.
        fields: Names of the events' top-level fields that requests are made of.
    """

    def __init__(
        self,
        *,
        tick: timedelta,
        render: Callable[[Profile], Renderer],
        counts: Callable[[str], ProfileCounts],
        now_ms: int,
    ) -> None:
        self._tick = tick
        self._render = render
        self._counts = counts
        self._by_name: dict[str, Target] = {}
        self._missing_since: dict[str, int] = {}
        self._former_periods: dict[str, int] = {}
        self._started_ms = now_ms
        self._named: frozenset[str] | None = frozenset()
        self.periods: frozenset[int] = frozenset()
        self.partial_periods: frozenset[int] = frozenset()
        self.are_complete = True
        self.fields: frozenset[str] = frozenset()
        self.use((), now_ms)

    def use(self, profiles: Iterable[Profile], now_ms: int, named: frozenset[str] | None = frozenset()) -> None:
        """
        Put these profiles in force; those that did not change keep what was prepared for them.

        Args:
            named: Others that are not missing, though they cannot be put in force; None: their names are not known, and
                none is missing.
        """
        before = self._by_name
        self._by_name = {profile.name: self._target(before.get(profile.name), profile) for profile in profiles}
        for name, target in before.items():
            target.is_in_force = target is self._by_name.get(name)
            self._former_periods[name] = target.period
        if self._named is None:
            self._started_ms = now_ms
            self._missing_since.clear()
        for name in (before.keys() | (self._named or ())) - self._by_name.keys():
            self._missing_since[name] = now_ms
        self._named = named
        self.are_complete = named is not None and named <= self._by_name.keys()
        for name in self._by_name:
            self._missing_since.pop(name, None)
        self.periods = periods_in_use(self._tick, (t.profile.delay for t in self._by_name.values()))
        self.fields = frozenset[str]().union(*(t.renderer.fields for t in self._by_name.values()))
        # Also those of before: where a delay was changed, conversions of what waits stand in the former window.
        self.partial_periods |= {t.period for t in self._by_name.values() if t.profile.routes_partials}

    def get(self, name: str) -> Target | None:
        """None when there is no such profile now."""
        return self._by_name.get(name)

    def open_ones(self) -> list[Target]:
        """Those to which deliveries go out."""
        return [target for target in self._by_name.values() if target.is_open]

    def former_period(self, name: str) -> int | None:
        """Seconds, of a profile that is not there now; None when this process never knew it."""
        return self._former_periods.get(name)

    def missing_ms(self, name: str, now_ms: int) -> int:
        """For how long a profile has been missing, as far as this process knows."""
        if self._named is None or name in self._named:
            return 0
        return now_ms - self._missing_since.get(name, self._started_ms)

    def _target(self, before: Target | None, profile: Profile) -> Target:
        if before is not None and before.profile == profile:
            return before
        return Target(profile, self._render(profile), self._counts(profile.name), self._tick)
