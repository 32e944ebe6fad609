"""event x profiles -> deliveries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from consumer.core.customer_type import codes_matched_by
from consumer.core.event import Event
from consumer.core.profile import Profile, Route


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    One webhook to be made: (event, profile, customer type).

    Attributes:
        id: The same for the same three, whoever works it out and when; the request's Idempotency-Key.
    """

    id: str
    profile: Profile
    code: str


def delivery_id(event_id: str, profile: str, code: str) -> str:
    """32 hexadecimal digits."""
    # The length tells an id that holds NUL from two texts; names of profiles hold none.
    return blake2b(f"{len(event_id)}\0{event_id}\0{profile}\0{code}".encode(), digest_size=16).hexdigest()


_Row = tuple[int, Profile, frozenset[str] | None]


class Router:
    """
    The routing tables of all enabled profiles, arranged so that rows which cannot match cost nothing.

    A row is filed under its code and each of its campaigns; an event looks up its own codes and campaign, and All.
    """

    def __init__(self, profiles: Iterable[Profile]) -> None:
        self._rows: dict[tuple[str | None, str | None], list[_Row]] = defaultdict(list)
        for place, profile in enumerate(profile for profile in profiles if profile.enabled):
            for route in profile.routes:
                for campaign in route.campaigns if route.campaigns is not None else (None,):
                    self._rows[route.code, campaign].append((place, profile, route.products))

    def route(self, event: Event) -> list[Delivery]:
        """The deliveries of an event: one for each profile and code, however many rows give it, in the order of the
        profiles."""
        found: dict[tuple[int, str], Profile] = {}
        for own in event.customer_types:
            for code in codes_matched_by(own):
                self._collect(event, code, code, found)
            self._collect(event, None, own, found)
        return [
            Delivery(delivery_id(event.event_id, profile.name, code), profile, code)
            for (_, code), profile in sorted(found.items(), key=_by_place)
        ]

    def _collect(self, event: Event, filed: str | None, code: str, found: dict[tuple[int, str], Profile]) -> None:
        for campaign in (None,) if event.campaign is None else (None, event.campaign):
            for place, profile, products in self._rows.get((filed, campaign), ()):
                if products is None or not products.isdisjoint(event.products):
                    found.setdefault((place, code), profile)


def _by_place(item: tuple[tuple[int, str], Profile]) -> int:
    return item[0][0]


def mismatches(event: Event, routes: Sequence[Route]) -> list[str]:
    """Why none of a profile's rows takes the event: a sentence for each row, for a person who asks."""
    return [f"row {number}: {_mismatch(event, route)}" for number, route in enumerate(routes, start=1)]


def _mismatch(event: Event, route: Route) -> str:
    codes = {code for own in event.customer_types for code in codes_matched_by(own)}
    if not codes:
        return "the event has no customer type"
    if route.code is not None and route.code not in codes:
        return f"customer type {route.code} is not among the event's ({', '.join(event.customer_types)})"
    if route.campaigns is not None and event.campaign not in route.campaigns:
        return f"campaign {_listed(route.campaigns)} is not the event's ({event.campaign or 'none'})"
    if route.products is not None and route.products.isdisjoint(event.products):
        return f"product {_listed(route.products)} is not among the event's ({_listed(event.products) or 'none'})"
    return "matches"


def _listed(ids: Iterable[str]) -> str:
    return ", ".join(sorted(ids))
