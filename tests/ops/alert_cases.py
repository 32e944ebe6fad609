"""For each alert what makes it fire, everything else being healthy."""

from dataclasses import dataclass, field

from tests.ops.history import (
    PODS,
    History,
    Values,
    due,
    each,
    frozen,
    gone,
    healthy,
    last_boundary,
    restarted_without_brokers,
    series,
    split,
)

HOURS = 4
MINUTES = HOURS * 60
STEP_OF_DAYS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """
    Attributes:
        history: Series that replace healthy ones, or are added.
        not_before: A minute at which it must still be silent.
        at: A minute at which it must fire.
        labels: Of the alert, but for namespace, job and severity.
        hours: For how long there is data.
        name: Where an alert has several.
        mode: Of the chart.
    """

    alert: str
    history: History
    not_before: int
    at: int
    severity: str
    summary: str
    labels: dict[str, str] = field(default_factory=dict)
    scope: dict[str, str] = field(default_factory=lambda: {"namespace": "shop", "job": "pb-postback-consumer"})
    hours: int = HOURS
    name: str = ""
    mode: str = "all"

    @property
    def step(self) -> int:
        return 1 if self.hours == HOURS else STEP_OF_DAYS

    @property
    def whole(self) -> History:
        well = split(self.hours * 60) if self.mode == "split" else healthy(self.hours * 60, step=self.step)
        return well | self.history


def _after(start: int, value: float, before: float = 0) -> Values:
    return each(MINUTES, lambda minute: value if minute >= start else before)


def _grows(start: int, per_minute: float, before: float = 0) -> Values:
    """A counter that goes up by *before* a minute, and from *start* on by *per_minute*."""
    return each(MINUTES, lambda minute: before * min(minute, start) + per_minute * max(0, minute - start))


def _on_all_pods(metric: str, values: Values, **labels: str) -> History:
    return {series(metric, pod, **labels): values for pod in PODS}


def _fails(profile: str, start: int, *, reason: str = "network") -> History:
    """From *start* on nothing is delivered: a probe a tick fails and the rest is held."""
    return (
        _on_all_pods("postback_deliveries_total", _grows(start, 0, 1100), profile=profile, outcome="delivered")
        | _on_all_pods("postback_delivery_failures_total", _grows(start, 1 / 15), profile=profile, reason=reason)
        | _on_all_pods("postback_delivery_failures_total", _grows(start, 1100), profile=profile, reason="held")
        | _on_all_pods("postback_delivery_failures_total", _after(0, 0), profile=profile, reason="server")
    )


CASES = (
    Case(
        alert="PostbackRunsLate",
        history=_on_all_pods("postback_lateness_seconds_sum", _grows(60, 1100 * 900, 1100 * 4), profile="warehouse"),
        not_before=85,
        at=125,
        severity="warning",
        labels={"profile": "warehouse"},
        summary="Deliveries of warehouse begin 15m 0s after their run was due",
    ),
    Case(
        alert="PostbackNothingRuns",
        history=_on_all_pods(
            "postback_last_run_timestamp_seconds",
            each(MINUTES, lambda minute: last_boundary(min(minute, 70), 20)),
            window="20m",
        ),
        not_before=60 + 40,
        at=60 + 40 + 8,
        severity="critical",
        labels={"window": "20m"},
        summary="Window 20m has not run for 47m 55s, more than 2 of its periods",
    ),
    Case(
        alert="PostbackDueGrows",
        history={
            series("postback_due_records", topic="postback.window.15m"): each(
                MINUTES, lambda minute: due(minute) if minute < 60 else 600 + 100 * (minute - 60)
            )
        },
        not_before=90,
        at=150,
        severity="warning",
        labels={"topic": "postback.window.15m"},
        summary="postback.window.15m: at least 6.9k records were due over the last 1800s, and it grows",
    ),
    Case(
        alert="PostbackEndpointFails",
        history=_fails("call-center", 60),
        not_before=75,
        at=200,
        severity="warning",
        labels={"profile": "call-center"},
        summary="100% of the attempts of call-center failed over the last 1h",
    ),
    Case(
        alert="PostbackOldestRetry",
        history={
            series("postback_retry_oldest_timestamp_seconds"): each(
                27 * 60, lambda minute: 3600 if minute >= 60 else 0, step=STEP_OF_DAYS
            )
        },
        not_before=24 * 60 + 55,
        at=25 * 60 + 30,
        severity="warning",
        summary="A delivery has failed again and again for 1d 0h 30m 0s",
        hours=27,
    ),
    Case(
        alert="PostbackDeadLetters",
        history={series("postback_dead_letters_total", reason="gave_up"): [None] * 90 + [1.0] * (MINUTES - 90)},
        not_before=89,
        at=90,
        severity="warning",
        labels={"reason": "gave_up"},
        summary="1 dead letters in the last 1h: gave_up",
    ),
    Case(
        name="the pod began again since",
        alert="PostbackDeadLetters",
        history={
            series("postback_dead_letters_total", reason="gave_up"): [None] * 90 + [0.0] + [4.0] * 9 + [0.0] * 140
        },
        not_before=90,
        at=105,
        severity="warning",
        labels={"reason": "gave_up"},
        summary="4 dead letters in the last 1h: gave_up",
    ),
    Case(
        alert="PostbackProfileInvalid",
        history=_on_all_pods("postback_profiles", _after(60, 1), state="invalid"),
        not_before=65,
        at=75,
        severity="warning",
        summary="1 profile files do not load; their last good versions, if any, stay in force",
    ),
    Case(
        name="too slow",
        alert="PostbackIngestLags",
        history={series("postback_consumer_lag_records", topic="orders", partition="0"): _after(60, 60_000)},
        not_before=68,
        at=120,
        severity="critical",
        labels={"topic": "orders"},
        summary="Events of orders are 25m 0s behind",
    ),
    Case(
        name="stuck",
        alert="PostbackIngestLags",
        history=_on_all_pods("postback_events_total", _grows(60, 0, 1200), topic="orders", result="routed")
        | {series("postback_consumer_lag_records", topic="orders", partition="0"): _grows(60, 600)},
        not_before=68,
        at=120,
        severity="critical",
        labels={"topic": "orders"},
        summary="Events of orders are 41d 16h 5m 0s behind",
    ),
    Case(
        alert="PostbackSourceMissing",
        history=_on_all_pods("postback_source_missing", _after(60, 1), topic="orders"),
        not_before=69,
        at=71,
        severity="critical",
        labels={"topic": "orders"},
        summary="The source topic orders is not there",
    ),
    Case(
        alert="PostbackInstanceDown",
        history={series("up", PODS[1]): _after(60, 0, before=1)},
        not_before=64,
        at=66,
        severity="warning",
        labels={"pod": PODS[1]},
        summary="pb-1 does not answer",
    ),
    Case(
        name="brokers lost",
        alert="PostbackNothingReady",
        history=frozen(healthy(MINUTES), at=60),
        not_before=69,
        at=71,
        severity="critical",
        labels={"role": "all"},
        scope={},
        summary="No pod of the role all is ready: its work is not done",
    ),
    Case(
        name="restarted without brokers",
        alert="PostbackNothingReady",
        history=restarted_without_brokers(healthy(MINUTES), at=60),
        not_before=69,
        at=MINUTES - 1,
        severity="critical",
        labels={"role": "all"},
        scope={},
        summary="No pod of the role all is ready: its work is not done",
    ),
    *(
        Case(
            name=f"no pod that does {role}",
            mode="split",
            alert="PostbackNothingReady",
            history=gone(split(MINUTES), pod, at=60),
            not_before=69,
            at=MINUTES - 1,
            severity="critical",
            labels={"role": role},
            scope={},
            summary=f"No pod of the role {role} is ready: its work is not done",
        )
        for pod, role in zip(PODS, ("ingest", "dispatch"), strict=True)
    ),
    Case(
        alert="PostbackNothingUp",
        history=gone(gone(healthy(MINUTES), PODS[0], at=60), PODS[1], at=60),
        not_before=63,
        at=71,
        severity="critical",
        scope={},
        summary="No instance answers: nothing is scheduled and nothing is delivered",
    ),
)
