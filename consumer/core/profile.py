"""An Export Profile as the rest of the program sees it: checked, with its secrets filled in."""

from dataclasses import dataclass, field
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """The value of an event's field, under the receiver's name."""

    export_name: str
    field: str


@dataclass(frozen=True, slots=True)
class StaticMapping:
    """The same text in every request, under the receiver's name."""

    export_name: str
    value: str = field(repr=False)


Mapping = FieldMapping | StaticMapping


@dataclass(frozen=True, slots=True)
class Header:
    """A header that the profile sets, as a `header:` mapping says."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """
    One row of the routing table; None stands for All.

    Attributes:
        code: Code of a customer type.
        campaigns: Ids as text.
        products: Ids as text; any item of the order may match.
    """

    code: str | None
    campaigns: frozenset[str] | None = None
    products: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """
    Attributes:
        url: Absolute http(s) address without fragment, secrets filled in.
        method: What `header:httpMethod` or the default says.
        in_body: The mappings go in the body, else in the query of the URL.
        headers: The `header:` mappings that are sent, in their order.
        mappings: All others, in the order of the parameters.
        ca_file: PEM file that the receiver's certificate is checked with; None for the public ones.
        secrets: Every text that came from `${env:}` or `${file:}`, also as it stands in a URL: shown as `***` wherever
            it appears.
    """

    name: str
    url: str = field(repr=False)
    method: str = "GET"
    in_body: bool = False
    delay: timedelta = timedelta()
    enabled: bool = True
    paused: bool = False
    headers: tuple[Header, ...] = ()
    mappings: tuple[Mapping, ...] = ()
    routes: tuple[Route, ...] = ()
    latest_only: bool = True
    skip_converted: bool = True
    ca_file: str | None = None
    secrets: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def routes_partials(self) -> bool:
        """Whether a row of the routing table takes partials."""
        return any(route.code in {None, "PARTIAL"} for route in self.routes)
