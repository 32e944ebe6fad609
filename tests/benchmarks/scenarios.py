"""What is measured, by name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """
    One row of the table.

    Attributes:
        style: Of the requests: json, form or get.
        waiting: Deliveries in another window, which are due next month; a multiple of *due*, since each of as many
            profiles as it takes gets every event.
        is_quick: Part of `--quick`.
    """

    name: str
    due: int = 20_000
    delay_ms: int = 0
    in_flight: int = 64
    style: str = "json"
    profiles: int = 1
    instances: int = 1
    tls: bool = False
    waiting: int = 0
    is_quick: bool = False


SCENARIOS = (
    Scenario(name="json-64", is_quick=True),
    Scenario(name="json-256-slow", delay_ms=20, in_flight=256, is_quick=True),
    Scenario(name="json-512-slow", delay_ms=20, in_flight=512),
    Scenario(name="json-512-far", delay_ms=200, in_flight=512),
    Scenario(name="json-2048-far", delay_ms=200, in_flight=2_048),
    Scenario(name="form-64", style="form"),
    Scenario(name="get-64", style="get"),
    Scenario(name="profiles-20", profiles=20),
    Scenario(name="profiles-500", profiles=500),
    Scenario(name="due-1000", due=1_000),
    Scenario(name="due-100000", due=100_000),
    Scenario(name="due-100000-slow", due=100_000, delay_ms=20, in_flight=512),
    Scenario(name="waiting-1000000", waiting=1_000_000),
    Scenario(name="instances-2", instances=2),
    Scenario(name="instances-2-slow", instances=2, delay_ms=20, in_flight=256),
    Scenario(name="tls-64", tls=True),
    Scenario(name="tls-256-slow", tls=True, delay_ms=20, in_flight=256),
)
