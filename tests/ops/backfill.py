"""Six hours of metrics in a Prometheus's folder, without waiting for them."""

import math
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

HOURS = 6
STEP_SECONDS = 30
LABELS = 'namespace="shop",job="postback"'
PODS = ("postback-0", "postback-1")
PROFILES = {"call-center": 20.0, "warehouse": 12.0, "reminder": 3.0}
"""Profile -> deliveries a minute."""
HELD = "https://warehouse.example.org:443"
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5)
_LATE = (0.5, 1, 5, 30, 60, 300)

Value = Callable[[float], float]
"""What a series is at a second of the span."""


def write(data: Path, promtool: Path, *, end: float) -> None:
    """Create blocks that end at *end*: two pods, three profiles, one receiver that was down for an hour and a half."""
    text = data.parent / "history.om"
    with text.open("w") as file:
        file.writelines(_lines(end))
    command = [str(promtool), "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)]
    subprocess.run(command, check=True, capture_output=True)


def _lines(end: float) -> Iterator[str]:
    start = end - HOURS * 3600
    for name, kind, series in _families(start):
        yield f"# TYPE {name} {kind}\n"
        for labels, value in series:
            for second in range(0, HOURS * 3600 + 1, STEP_SECONDS):
                yield f"{labels} {value(second):.14g} {start + second:.0f}\n"
    yield "# EOF\n"


def _down(second: float) -> float:
    """Seconds of the outage that are over."""
    return min(max(second - 3 * 3600, 0), 5400)


def _counter(per_minute: float) -> Value:
    return lambda second: per_minute * second / 60 * (1 + 0.1 * math.sin(second / 2000))


def _delivered(profile: str) -> Value:
    rate = PROFILES[profile]
    if profile != "warehouse":
        return _counter(rate)
    return lambda second: rate * (second - _down(second)) / 60


def _failed(profile: str) -> Value:
    rate = PROFILES[profile]
    return lambda second: rate * (0.01 * second + (_down(second) if profile == "warehouse" else 0)) / 60


def _little(profile: str) -> Value:
    return _counter(PROFILES[profile] / 40)


def _families(start: float) -> Iterator[tuple[str, str, list[tuple[str, Value]]]]:
    yield from _counters()
    yield from _histograms()
    yield from _gauges(start)


def _series(name: str, pod: str, value: Value, **labels: str) -> tuple[str, Value]:
    own = "".join(f',{key}="{text}"' for key, text in labels.items())
    return f'{name}{{{LABELS},pod="{pod}"{own}}}', value


def _counters() -> Iterator[tuple[str, str, list[tuple[str, Value]]]]:
    both = [(pod, profile) for pod in PODS for profile in PROFILES]
    yield (
        "postback_deliveries",
        "counter",
        [
            _series("postback_deliveries_total", pod, value(name), profile=name, outcome=outcome)
            for pod, name in both
            for outcome, value in {"delivered": _delivered, "failed": _failed, "suppressed": _little}.items()
        ],
    )
    yield (
        "postback_delivery_failures",
        "counter",
        [
            _series("postback_delivery_failures_total", pod, value(name), profile=name, reason=reason)
            for pod, name in both
            for reason, value in {"network": _failed, "server": _little}.items()
        ],
    )
    yield (
        "postback_suppressed",
        "counter",
        [
            _series("postback_suppressed_total", pod, _little(name), profile=name, reason="converted")
            for pod, name in both
        ],
    )
    yield (
        "postback_events",
        "counter",
        [
            _series("postback_events_total", pod, _counter(rate), topic="orders", result=result)
            for pod in PODS
            for result, rate in {"routed": 40, "no_route": 6, "test_card": 1}.items()
        ],
    )
    yield (
        "postback_dead_letters",
        "counter",
        [_series("postback_dead_letters_total", pod, lambda second: second // 9000, reason="gave_up") for pod in PODS],
    )
    yield "process_cpu_seconds", "counter", [_series("process_cpu_seconds_total", pod, _counter(4)) for pod in PODS]


def _histograms() -> Iterator[tuple[str, str, list[tuple[str, Value]]]]:
    for name, buckets, mean, label, values in (
        ("postback_delivery_duration_seconds", _BUCKETS, 0.12, "profile", tuple(PROFILES)),
        ("postback_lateness_seconds", _LATE, 4.0, "profile", tuple(PROFILES)),
        ("postback_run_duration_seconds", _LATE, 20.0, "window", ("15m", "20m", "1455m")),
    ):
        found = [
            line for pod in PODS for value in values for line in _histogram(name, pod, buckets, mean, {label: value})
        ]
        yield name, "histogram", found


def _histogram(
    name: str, pod: str, buckets: tuple[float, ...], mean: float, labels: dict[str, str]
) -> list[tuple[str, Value]]:
    def share(bound: float) -> Value:
        return lambda second: _counter(10)(second) * (1 - math.exp(-bound / mean))

    found = [_series(f"{name}_bucket", pod, share(bound), **labels, le=str(float(bound))) for bound in buckets]
    found.append(_series(f"{name}_bucket", pod, _counter(10), **labels, le="+Inf"))
    found.append(_series(f"{name}_count", pod, _counter(10), **labels))
    found.append(_series(f"{name}_sum", pod, lambda second: _counter(10)(second) * mean, **labels))
    return found


def _gauges(start: float) -> Iterator[tuple[str, str, list[tuple[str, Value]]]]:
    def gauge(name: str, *lines: tuple[dict[str, str], Value]) -> tuple[str, str, list[tuple[str, Value]]]:
        return name, "gauge", [_series(name, pod, value, **labels) for pod in PODS for labels, value in lines]

    def last_run(minutes: int) -> Value:
        return lambda s: (start + s) // (60 * minutes) * 60 * minutes + 8

    waiting = {15: 300.0, 20: 900.0, 1455: 60_000.0}
    topics = {f"postback.window.{window}m": many for window, many in waiting.items()}
    lag: dict[str, Value] = {topic: _share(many, lambda s: 1 + s % 900 / 900) for topic, many in topics.items()}
    lag |= {"postback.retry": _in_retry, "orders": lambda s: 5 + 4 * math.sin(s / 300)}
    yield gauge("postback_consumer_lag_records", *(({"topic": t, "partition": "0"}, value) for t, value in lag.items()))
    yield gauge(
        "postback_due_records",
        *(
            ({"topic": topic}, _share(300, lambda s: max(0, 1 - s % 900 / 150)))
            for topic in [*topics, "postback.retry"]
        ),
    )
    yield gauge("postback_last_run_timestamp_seconds", *(({"window": f"{w}m"}, last_run(w)) for w in waiting))
    yield gauge("postback_retry_oldest_timestamp_seconds", ({}, lambda s: start + 10_900 if s > 10_900 else 0))
    yield gauge("postback_endpoint_held", ({"endpoint": HELD}, lambda s: float(_down(s) > 0)))
    yield gauge("postback_profiles", ({"state": "active"}, lambda _: 3), ({"state": "invalid"}, lambda _: 0))
    yield gauge("postback_build_info", ({"version": "0.1.0"}, lambda _: 1))
    yield gauge("up", ({}, lambda _: 1))
    yield gauge("process_resident_memory_bytes", ({}, lambda s: 9e7 + 1e7 * math.sin(s / 900)))
    yield gauge("process_open_fds", ({}, lambda s: 60 + 20 * math.sin(s / 700)))
    yield gauge("process_start_time_seconds", ({}, lambda _: start - 86_400))


def _share(whole: float, part: Value) -> Value:
    return lambda second: whole * part(second)


def _in_retry(second: float) -> float:
    return PROFILES["warehouse"] * _down(second) / 60
