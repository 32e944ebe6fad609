"""Which windows an event goes to, with the profiles in force."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from consumer.core.profile import Profile
from consumer.core.routing import Router
from consumer.core.topics import TopicNames


@dataclass(frozen=True, slots=True)
class Routing:
    """
    The profiles in force, as this stage needs them: replaced as a whole when they change.

    Attributes:
        marked_windows: Where it is told that an order was placed: wherever partials may wait, those of profiles that
            are off, are away or did not skip them when the order came. Whoever sends them asks the profile of then.
    """

    router: Router
    window_of: Mapping[str, str]
    marked_windows: frozenset[str]

    @staticmethod
    def of(
        profiles: Iterable[Profile],
        *,
        tick: timedelta,
        names: TopicNames,
        marked_before: frozenset[str] = frozenset(),
    ) -> "Routing":
        """Prepared from the profiles."""
        known = tuple(profiles)
        window_of = {p.name: names.window_of(p.delay, tick) for p in known}
        marked = {window_of[p.name] for p in known if p.routes_partials}
        return Routing(Router(known), window_of, marked_before | marked)
