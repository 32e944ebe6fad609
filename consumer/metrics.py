"""Every metric, declared once. Names and labels are the contract's; operators' rules and dashboards stand on them."""

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from consumer import __version__
from consumer.core.profile_counts import ProfileCounts

EVENT_RESULTS: Final = (
    "routed", "no_route", "test_card", "undecodable", "no_test_card_field", "too_large", "tombstone",
)  # fmt: skip
DEAD_LETTER_REASONS: Final = ("undecodable", "no_test_card_field", "too_large", "profile_removed", "gave_up")
"""Both are there from the start, at 0: Prometheus sees no increase in what a series has counted when it begins."""

_RUN_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)


class CountsByProfile(Collector):
    """What is counted for each delivery, by profile."""

    def __init__(self, *, registry: CollectorRegistry) -> None:
        self._of_profile: dict[str, ProfileCounts] = {}
        registry.register(self)

    def counts(self, profile: str) -> ProfileCounts:
        """The counts of a profile, made when it is first asked for."""
        counts = self._of_profile.get(profile)
        if counts is None:
            counts = self._of_profile[profile] = ProfileCounts()
        return counts

    def describe(self) -> Iterable[Metric]:
        """Without its values: the registry sees to it that names are unique."""
        return self._families()

    def collect(self) -> Iterable[Metric]:
        """For a scrape."""
        families = deliveries, failures, suppressed, duration, lateness = self._families()
        for profile, counts in list(self._of_profile.items()):
            deliveries.add_metric([profile, "delivered"], counts.delivered)
            deliveries.add_metric([profile, "failed"], counts.failed)
            deliveries.add_metric([profile, "suppressed"], sum(counts.suppressed.values()))
            deliveries.add_metric([profile, "dead_lettered"], counts.dead_lettered)
            for reason, count in counts.failures.items():
                failures.add_metric([profile, reason.value], count)
            for why, count in list(counts.suppressed.items()):
                suppressed.add_metric([profile, why], count)
            duration.add_metric([profile], counts.duration.buckets(), counts.duration.sum)
            lateness.add_metric([profile], counts.lateness.buckets(), counts.lateness.sum)
        return families

    @staticmethod
    def _families() -> tuple[
        CounterMetricFamily, CounterMetricFamily, CounterMetricFamily, HistogramMetricFamily, HistogramMetricFamily
    ]:
        return (
            CounterMetricFamily(
                "postback_deliveries_total",
                "Outcomes of deliveries: one per attempt, suppression and dead letter.",
                labels=["profile", "outcome"],
            ),
            CounterMetricFamily(
                "postback_delivery_failures_total",
                "Failed or held deliveries, per run, by reason.",
                labels=["profile", "reason"],
            ),
            CounterMetricFamily(
                "postback_suppressed_total",
                "Partials that a rule of their profile suppressed for good.",
                labels=["profile", "reason"],
            ),
            HistogramMetricFamily("postback_delivery_duration_seconds", "Time of one attempt.", labels=["profile"]),
            HistogramMetricFamily(
                "postback_lateness_seconds",
                "From the boundary of a delivery's run to its first attempt.",
                labels=["profile"],
            ),
        )


class Metrics:
    """The process's metrics in one registry; children of hot labels are looked up once by whoever counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        ProcessCollector(registry=registry)
        self._declare_counts(registry)
        self._declare_times(registry)
        self._declare_state(registry)

    def _declare_counts(self, r: CollectorRegistry) -> None:
        self.events = Counter(
            "postback_events_total",
            "Events read from the source topics, by what became of them.",
            ("topic", "result"),
            registry=r,
        )
        self.by_profile = CountsByProfile(registry=r)
        self.dead_letters = Counter(
            "postback_dead_letters_total",
            "Records written to the dead-letter topic.",
            ("reason",),
            registry=r,
        )
        for reason in DEAD_LETTER_REASONS:
            self.dead_letters.labels(reason)

    def _declare_times(self, r: CollectorRegistry) -> None:
        self.run_duration = Histogram(
            "postback_run_duration_seconds",
            "From the beginning of a run to the settling of its last delivery.",
            ("window",),
            buckets=_RUN_SECONDS,
            registry=r,
        )

    def _declare_state(self, r: CollectorRegistry) -> None:
        self.lag = Gauge(
            "postback_consumer_lag_records",
            "Records between the committed offset and the end, waiting ones included.",
            ("topic", "partition"),
            registry=r,
        )
        self.due = Gauge(
            "postback_due_records",
            "Records whose run has begun and that are not settled.",
            ("topic",),
            registry=r,
        )
        self.retry_oldest = Gauge(
            "postback_retry_oldest_timestamp_seconds",
            "First failure of the oldest delivery that still waits for success, unless paused; 0 when none.",
            registry=r,
        )
        self.last_run = Gauge(
            "postback_last_run_timestamp_seconds",
            "When a run of this window last ended here, an empty one included.",
            ("window",),
            registry=r,
        )
        self.endpoint_held = Gauge(
            "postback_endpoint_held",
            "1 while nothing is sent to an endpoint (breaker open, or Retry-After).",
            ("endpoint",),
            registry=r,
        )
        self.ready = Gauge(
            "postback_ready", "1 while /readyz says that this process is ready, else 0.", ("role",), registry=r
        )
        self.source_missing = Gauge(
            "postback_source_missing",
            "1 while a source topic of the settings is not there, as the brokers said last.",
            ("topic",),
            registry=r,
        )
        self.profiles = Gauge("postback_profiles", "Profiles by state.", ("state",), registry=r)
        build = Gauge("postback_build_info", "1, with the version as a label.", ("version",), registry=r)
        build.labels(__version__).set(1)
