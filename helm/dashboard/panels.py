"""The panels, row by row. Every expression names the release by SERIES; a profile's own panels by PROFILE as well."""

from typing import Final

from grafana_foundation_sdk.builders import table
from widgets import Placed, by_label, graph, number, set_unit, stacked

SERIES: Final = 'namespace="$namespace",job="$job"'
PROFILE: Final = f'{SERIES},profile=~"$profile"'
WINDOWS: Final = 'topic=~".+[.]window[.].+"'
RETRY: Final = 'topic=~".+[.]retry"'
SOURCES: Final = 'topic!~".+[.](window[.].+|retry)"'

_LATENESS: Final = (
    f"sum by (profile) (increase(postback_lateness_seconds_sum{{{SERIES}}}[30m]))"
    f" / sum by (profile) (increase(postback_lateness_seconds_count{{{SERIES}}}[30m]))"
)
_FAILED: Final = f'sum by (profile) (increase(postback_delivery_failures_total{{{SERIES},reason!="held"}}[1h]))'
_DELIVERED: Final = f'sum by (profile) (increase(postback_deliveries_total{{{SERIES},outcome="delivered"}}[1h]))'
_FAILED_SHARE: Final = f"{_FAILED} / ({_FAILED} + ({_DELIVERED} or 0 * {_FAILED}))"
_FIRST_FAILURE: Final = f"min(postback_retry_oldest_timestamp_seconds{{{SERIES}}} > 0)"


def _dead_letters(window: str) -> str:
    """As the alert counts them: increase() alone sees nothing of what came before the first scrape of a pod."""
    dead = f"postback_dead_letters_total{{{SERIES}}}"
    new = f"{dead} unless {dead} offset {window} and on (namespace, job) up{{{SERIES}}} offset {window}"
    return f"({new}) > 0 or increase({dead}[{window}])"


_ANY_IS_BAD: Final = ((None, "green"), (1.0, "red"))


def _who() -> table.Panel:
    says = "Attempts of the last hour, and how late the runs of the last half hour began."
    columns = {
        "profile": "profile",
        "Value #A": "delivered",
        "Value #B": "failed",
        "Value #C": "failed share",
        "Value #D": "late",
    }
    expressions = {"A": _DELIVERED, "B": _FAILED, "C": _FAILED_SHARE, "D": f"{_LATENESS} >= 0"}
    panel = by_label("Who", says, columns, expressions, span=14)
    for column, unit in {"delivered": "short", "failed": "short", "failed share": "percentunit", "late": "s"}.items():
        set_unit(panel, column, unit)
    return panel


def _signs() -> list[Placed]:
    late = ((None, "green"), (60.0, "orange"), (300.0, "red"))
    old = ((None, "green"), (3600.0, "orange"), (86400.0, "red"))
    return [
        number(
            "Late",
            f"max({_LATENESS} >= 0) or vector(0)",
            "s",
            "How late the latest profile's runs began, last 30 minutes.",
            *late,
        ),
        number(
            "Profiles failing",
            f"count({_FAILED_SHARE} > 0.5) or vector(0)",
            "short",
            "More than half of the last hour's attempts failed.",
            *_ANY_IS_BAD,
        ),
        number(
            "Oldest failure",
            f"(time() - {_FIRST_FAILURE}) or vector(0)",
            "s",
            "Age of the oldest delivery that still waits for success.",
            *old,
        ),
        number(
            "Dead letters, 24 h",
            f"sum({_dead_letters('24h')}) or vector(0)",
            "short",
            "Given up, undecodable, or of a removed profile.",
            *_ANY_IS_BAD,
        ),
        number(
            "Files not loading",
            f'max(postback_profiles{{{SERIES},state="invalid"}})',
            "short",
            "Profile files that are refused.",
            *_ANY_IS_BAD,
        ),
        number(
            "Due now",
            f"sum(postback_due_records{{{SERIES}}})",
            "short",
            "Records whose run has begun and that are not settled.",
        ),
        number(
            "Waiting",
            f"sum(postback_consumer_lag_records{{{SERIES},{WINDOWS}}})",
            "short",
            "Records of window topics: most of them wait for a later run, as they should.",
        ),
        number("Instances", f"sum(up{{{SERIES}}})", "short", "Pods that answer.", (None, "red"), (1.0, "green")),
    ]


def overview_panels() -> list[Placed]:
    """Ten seconds' worth: on time, failing, who."""
    held = f"max by (endpoint) (postback_endpoint_held{{{SERIES}}}) == 1"
    return [
        *_signs(),
        _who(),
        by_label(
            "Held endpoints",
            "Nothing is sent there: it fails, or asked for a pause.",
            {"endpoint": "endpoint", "Value #A": "held"},
            {"A": held},
            span=10,
        ),
        stacked(
            graph(
                "Outcomes",
                "ops",
                "All profiles.",
                (f"sum by (outcome) (rate(postback_deliveries_total{{{SERIES}}}[$__rate_interval]))", "{{outcome}}"),
                span=12,
            )
        ),
        stacked(
            graph(
                "Failures",
                "ops",
                "All profiles, by reason.",
                (
                    f"sum by (reason) (rate(postback_delivery_failures_total{{{SERIES}}}[$__rate_interval]))",
                    "{{reason}}",
                ),
                span=12,
            )
        ),
    ]


def profile_panels() -> list[Placed]:
    """Repeated for each profile."""

    def quantile(share: str) -> str:
        buckets = f"rate(postback_delivery_duration_seconds_bucket{{{PROFILE}}}[$__rate_interval])"
        return f"histogram_quantile({share}, sum by (le) ({buckets}))"

    late = (
        f"sum(increase(postback_lateness_seconds_sum{{{PROFILE}}}[30m]))"
        f" / sum(increase(postback_lateness_seconds_count{{{PROFILE}}}[30m]))"
    )
    return [
        stacked(
            graph(
                "Outcomes",
                "ops",
                "Attempts, suppressions, dead letters.",
                (f"sum by (outcome) (rate(postback_deliveries_total{{{PROFILE}}}[$__rate_interval]))", "{{outcome}}"),
                span=6,
            )
        ),
        stacked(
            graph(
                "Failures",
                "ops",
                "By reason; held: not attempted.",
                (
                    f"sum by (reason) (rate(postback_delivery_failures_total{{{PROFILE}}}[$__rate_interval]))",
                    "{{reason}}",
                ),
                span=6,
            )
        ),
        graph(
            "Time of an attempt",
            "s",
            "As the receiver answers.",
            (quantile("0.5"), "median"),
            (quantile("0.99"), "99 %"),
            span=6,
        ),
        graph(
            "Late, and kept back",
            "s",
            "Mean lateness of the last 30 minutes; suppressed partials per second.",
            (late, "late"),
            (f"sum by (reason) (rate(postback_suppressed_total{{{PROFILE}}}[$__rate_interval]))", "{{reason}}/s"),
            span=6,
        ),
    ]


def kafka_panels() -> list[Placed]:
    """Lag, due, retry."""
    last = f"time() - max by (window) (postback_last_run_timestamp_seconds{{{SERIES}}} > 0)"
    run = f"histogram_quantile(0.95, sum by (window, le) (rate(postback_run_duration_seconds_bucket{{{SERIES}}}[30m])))"
    by_topic = f"sum by (topic) (postback_consumer_lag_records{{{SERIES},%s}})"
    return [
        graph(
            "Due",
            "short",
            "Drains to 0 in every tick. This is what scales.",
            (f"sum by (topic) (postback_due_records{{{SERIES}}})", "{{topic}}"),
        ),
        graph("Waiting", "short", "Window topics. Days of it are no trouble.", (by_topic % WINDOWS, "{{topic}}")),
        graph("Retry", "short", "Failed deliveries that wait for the next run.", (by_topic % RETRY, "{{topic}}")),
        graph("Ingest lag", "short", "Unread records of the source topics.", (by_topic % SOURCES, "{{topic}}")),
        graph("Since the last run", "s", "At most one period of the window, and the run itself.", (last, "{{window}}")),
        graph("Length of a run", "s", "95 % of the runs of 30 minutes; to be below the tick.", (run, "{{window}}")),
        stacked(
            graph(
                "Events",
                "ops",
                "Read, by what became of them.",
                (f"sum by (result) (rate(postback_events_total{{{SERIES}}}[$__rate_interval]))", "{{result}}"),
            )
        ),
        graph(
            "Age of the oldest failure",
            "s",
            "0 when nothing waits in retry.",
            (f"(time() - {_FIRST_FAILURE}) or vector(0)", "oldest"),
        ),
        graph(
            "Dead letters",
            "short",
            "In the hour before.",
            (f"sum by (reason) ({_dead_letters('1h')})", "{{reason}}"),
        ),
    ]


def process_panels() -> list[Placed]:
    """One line for each pod."""
    return [
        graph(
            "CPU",
            "short",
            "Cores.",
            (f"rate(process_cpu_seconds_total{{{SERIES}}}[$__rate_interval])", "{{pod}}"),
            span=6,
        ),
        graph("Memory", "bytes", "Resident.", (f"process_resident_memory_bytes{{{SERIES}}}", "{{pod}}"), span=6),
        graph(
            "Open files",
            "short",
            "Sockets to receivers are most of them.",
            (f"process_open_fds{{{SERIES}}}", "{{pod}}"),
            span=6,
        ),
        graph(
            "Up since",
            "s",
            "A saw-tooth is a pod that restarts.",
            (f"time() - process_start_time_seconds{{{SERIES}}}", "{{pod}}"),
            span=6,
        ),
    ]
