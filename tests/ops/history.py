"""What the service's metrics look like over hours: healthy, with long delays, and while its pods are replaced."""

from collections.abc import Callable, Iterator, Mapping

Values = list[float | None]
History = dict[str, Values]
"""Series with its labels -> one value a step; None where there is none."""

JOB = 'namespace="shop",job="pb-postback-consumer"'
PODS = ("pb-0", "pb-1")
PROFILES = ("call-center", "warehouse")


def series(metric: str, pod: str = PODS[0], **labels: str) -> str:
    own = "".join(f',{name}="{value}"' for name, value in labels.items())
    return f'{metric}{{{JOB},pod="{pod}"{own}}}'


def each(minutes: int, value: Callable[[int], float | None], *, step: int = 1) -> Values:
    """Give *value* of every minute that is looked at."""
    return [value(minute) for minute in range(0, minutes, step)]


def last_boundary(minute: int, period: int) -> float:
    """When the last run ended, a few seconds after its boundary; 0 before the first."""
    return minute // period * period * 60 + 5 if minute >= period else 0


def due(minute: int, *, top: float = 600, period: int = 15) -> float:
    """Full at the boundary, settled three minutes later."""
    return max(0, top - minute % period * top / 3) if minute >= period else 0


def healthy(minutes: int, *, pods: tuple[str, ...] = PODS, step: int = 1) -> History:
    """Two pods, two profiles; some attempts fail and succeed in the next run."""

    def line(per_minute: float, start: float = 0) -> Values:
        return each(minutes, lambda minute: start + per_minute * minute, step=step)

    found: History = {}
    for pod in pods:
        found |= {
            series("up", pod): line(0, 1),
            series("postback_ready", pod, role="all"): line(0, 1),
            series("postback_source_missing", pod, topic="orders"): line(0),
            series("postback_due_records", pod, topic="postback.window.15m"): each(minutes, due, step=step),
            series("postback_due_records", pod, topic="postback.retry"): line(0),
            series("postback_consumer_lag_records", pod, topic="orders", partition=pod[-1]): line(0, 3),
            series("postback_consumer_lag_records", pod, topic="postback.window.15m", partition=pod[-1]): line(
                0, 40_000
            ),
            series("postback_events_total", pod, topic="orders", result="routed"): line(1200),
            series("postback_retry_oldest_timestamp_seconds", pod): each(minutes, _recent_failure, step=step),
            series("postback_profiles", pod, state="active"): line(0, 2),
            series("postback_profiles", pod, state="invalid"): line(0),
            series("postback_dead_letters_total", pod, reason="undecodable"): line(0, 7),
        }
        for window in (15, 20):
            runs = each(minutes, lambda minute, period=window: last_boundary(minute, period), step=step)  # type: ignore[misc]  # a default binds the loop's value
            found[series("postback_last_run_timestamp_seconds", pod, window=f"{window}m")] = runs
        for profile in PROFILES:
            found |= {
                series("postback_deliveries_total", pod, profile=profile, outcome="delivered"): line(1100),
                series("postback_deliveries_total", pod, profile=profile, outcome="failed"): line(30),
                series("postback_delivery_failures_total", pod, profile=profile, reason="server"): line(30),
                series("postback_lateness_seconds_sum", pod, profile=profile): line(1100 * 4),
                series("postback_lateness_seconds_count", pod, profile=profile): line(1100),
            }
    return found


def split(minutes: int) -> History:
    """The first pod only ingests, the second only dispatches."""
    roles = dict(zip(PODS, ("ingest", "dispatch"), strict=True))
    both = ("up", "postback_source_missing", "postback_profiles", "postback_dead_letters_total")
    found: History = {}
    for pod, role in roles.items():
        ingests = {name for name in healthy(minutes, pods=(pod,)) if 'topic="orders"' in name}
        for name, values in healthy(minutes, pods=(pod,)).items():
            if name.startswith(both) or (name in ingests) == (role == "ingest"):
                found[name.replace('role="all"', f'role="{role}"')] = values
        found[series("postback_ready", pod, role=role)] = [1.0] * minutes
    return found


def gone(history: History, pod: str, *, at: int) -> History:
    """The same, with a pod that ends at that minute."""
    return {
        name: values[:at] + [None] * (len(values) - at) if f'pod="{pod}"' in name else values
        for name, values in history.items()
    }


def frozen(history: History, *, at: int) -> History:
    """The same, as pods show it that lose the brokers at that minute."""
    found: History = {}
    for name, values in history.items():
        last = 0.0 if name.startswith("postback_ready") else values[at]
        found[name] = values[:at] + [last] * (len(values) - at)
    return found


def restarted_without_brokers(history: History, *, at: int) -> History:
    """The same, as pods show it that begin anew at that minute and reach no broker."""
    kept = frozen(history, at=at)
    for pod in PODS:
        kept |= gone({name: values for name, values in kept.items() if not _is_from_start(name)}, pod, at=at)
    return kept


def _is_from_start(name: str) -> bool:
    return name.startswith(("up", "postback_ready", "postback_source_missing", "postback_profiles"))


def _recent_failure(minute: int) -> float:
    """Something failed in the last run but one; nothing in the first half hour."""
    return (minute // 15 - 1) * 900 if minute >= 30 else 0


def delayed(hours: int, *, step: int) -> History:
    """One profile with 72 h of delay: millions wait, nothing is due, and its window ran up to 72 h 15 min ago."""
    found = healthy(hours * 60, step=step)
    waiting = each(hours * 60, lambda minute: 1_000_000 + 700 * minute, step=step)
    runs = each(hours * 60, lambda minute: 5.0 if minute < 4335 else last_boundary(minute, 4335), step=step)
    for pod in PODS:
        found[series("postback_consumer_lag_records", pod, topic="postback.window.4335m", partition=pod[-1])] = waiting
        found[series("postback_due_records", pod, topic="postback.window.4335m")] = each(
            hours * 60, lambda minute: due(minute, top=900_000, period=4335), step=step
        )
        found[series("postback_last_run_timestamp_seconds", pod, window="4335m")] = runs
        quiet = each(hours * 60, lambda minute: 20_000 if minute > 4338 else 10_000, step=step)
        found[series("postback_deliveries_total", pod, profile="reminder", outcome="delivered")] = quiet
        found[series("postback_lateness_seconds_count", pod, profile="reminder")] = quiet
        found[series("postback_lateness_seconds_sum", pod, profile="reminder")] = [60 * (v or 0) for v in quiet]
    return found


def resumed(minutes: int, *, at: int) -> History:
    """A profile that was paused for a day goes on: within two minutes 20,000 deliveries begin a day late."""
    found = healthy(minutes)
    for pod in PODS:
        counts = each(minutes, lambda minute: 10_000 * min(max(minute - at, 0), 2))
        found[series("postback_deliveries_total", pod, profile="paused", outcome="delivered")] = counts
        found[series("postback_lateness_seconds_count", pod, profile="paused")] = counts
        found[series("postback_lateness_seconds_sum", pod, profile="paused")] = [80_000 * (v or 0) for v in counts]
    return found


def rolled(minutes: int, *, at: int) -> History:
    """
    From *at* on, two new pods take the places of the old ones, the second three minutes after the first.

    For two minutes each the partitions of a pod are nobody's: sources lag, and what is due begins a minute late.
    """
    found: History = {}
    for number, old in enumerate(PODS):
        begins = at + 3 * number
        new = f"pb-new-{number}"
        before = healthy(minutes, pods=(old,))
        found |= {name: values[:begins] + [None] * (minutes - begins) for name, values in before.items()}
        found[series("up", old)] = [1.0] * begins + [0.0] + [None] * (minutes - begins - 1)
        after = healthy(minutes, pods=(new,))
        found |= {
            name: _from(values, begins, reset="_total" in name or "_seconds_" in name) for name, values in after.items()
        }
        lag = series("postback_consumer_lag_records", new, topic="orders", partition=new[-1])
        found[lag] = each(minutes, lambda minute, begins=begins: _jump(minute, begins))  # type: ignore[misc]  # binds the loop's value
        for window in (15, 20):
            runs = series("postback_last_run_timestamp_seconds", new, window=f"{window}m")
            found[runs] = [value if (value or 0) > begins * 60 else None for value in found[runs]]
    return found


def _from(values: Values, begins: int, *, reset: bool) -> Values:
    """A counter of a new process begins at 0."""
    base = (values[begins] or 0) if reset else 0
    return [None] * begins + [(value or 0) - base for value in values[begins:]]


def _jump(minute: int, begins: int) -> float | None:
    if minute < begins:
        return None
    return 4000.0 if minute <= begins + 2 else 3.0


def notation(history: Mapping[str, Values]) -> list[dict[str, str]]:
    """
    Give the series as promtool reads them.

    What ends is stale at once, as it is when a target goes away; _ is no sample.
    """
    return [{"series": name, "values": " ".join(_words(values))} for name, values in history.items()]


def _words(values: Values) -> Iterator[str]:
    before: float | None = None
    for value in values:
        if value is None:
            yield "_" if before is None else "stale"
        else:
            yield f"{value:.10g}"
        before = value
