"""Every metric, declared once. Names and labels are the contract's; operators' rules and dashboards stand on them."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from consumer import __version__

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LATE_SECONDS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 900, 3600, 21600, 86400)
_RUN_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600)


# What every delivery is counted in has children of our own: the client library's take seven times as long for their
# locks. Only the dispatch loop writes here, and a scrape that comes between two lines is off by one.


class Count:
    """One child of a counter."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self) -> None:
        """One more."""
        self.value += 1


class CounterByLabels(Collector):
    """A counter."""

    def __init__(self, name: str, documentation: str, labels: Sequence[str], *, registry: CollectorRegistry) -> None:
        self._name = name
        self._documentation = documentation
        self._labels = labels
        self._children: dict[tuple[str, ...], Count] = {}
        registry.register(self)

    def labels(self, *values: str) -> Count:
        """The child of these values."""
        return self._children.setdefault(values, Count())

    def describe(self) -> Iterable[CounterMetricFamily]:
        """Without its values: the registry sees to it that names are unique."""
        return [CounterMetricFamily(self._name, self._documentation, labels=self._labels)]

    def collect(self) -> Iterator[CounterMetricFamily]:
        """For a scrape."""
        family = CounterMetricFamily(self._name, self._documentation, labels=self._labels)
        for values, child in list(self._children.items()):
            family.add_metric(values, child.value)
        yield family


class Observations:
    """One child of a histogram."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def observe(self, seconds: float) -> None:
        """Count it in its bucket."""
        self._counts[bisect_left(self._bounds, seconds)] += 1
        self._sum += seconds

    def buckets(self) -> tuple[list[tuple[str, float]], float]:
        """Cumulative counts by upper bound as Prometheus writes it, and the sum."""
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self._counts)), strict=True)), self._sum


class HistogramByProfile(Collector):
    """A histogram with the label `profile`."""

    def __init__(self, name: str, documentation: str, *, buckets: Sequence[float], registry: CollectorRegistry) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = buckets
        self._children: dict[str, Observations] = {}
        registry.register(self)

    def labels(self, profile: str) -> Observations:
        """The child of a profile."""
        return self._children.setdefault(profile, Observations(self._bounds))

    def describe(self) -> Iterable[HistogramMetricFamily]:
        """Without its values: the registry sees to it that names are unique."""
        return [HistogramMetricFamily(self._name, self._documentation, labels=["profile"])]

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """For a scrape."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=["profile"])
        for profile, child in list(self._children.items()):
            buckets, total = child.buckets()
            family.add_metric([profile], buckets, total)
        yield family


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
        self.deliveries = CounterByLabels(
            "postback_deliveries_total",
            "Outcomes of deliveries: one per attempt, suppression and dead letter.",
            ("profile", "outcome"),
            registry=r,
        )
        self.failures = Counter(
            "postback_delivery_failures_total",
            "Deliveries that were not made in a run, by reason.",
            ("profile", "reason"),
            registry=r,
        )
        self.suppressed = Counter(
            "postback_suppressed_total",
            "Partials that a rule of their profile kept back for good.",
            ("profile", "reason"),
            registry=r,
        )
        self.dead_letters = Counter(
            "postback_dead_letters_total",
            "Records written to the dead-letter topic.",
            ("reason",),
            registry=r,
        )

    def _declare_times(self, r: CollectorRegistry) -> None:
        self.duration = HistogramByProfile(
            "postback_delivery_duration_seconds",
            "Time of one attempt.",
            buckets=_SECONDS,
            registry=r,
        )
        self.lateness = HistogramByProfile(
            "postback_lateness_seconds",
            "From the boundary of a delivery's run to its first attempt.",
            buckets=_LATE_SECONDS,
            registry=r,
        )
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
            "First failure of the oldest delivery that still waits for success; 0 when none.",
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
        self.profiles = Gauge("postback_profiles", "Profiles by state.", ("state",), registry=r)
        build = Gauge("postback_build_info", "1, with the version as a label.", ("version",), registry=r)
        build.labels(__version__).set(1)
