"""A row of the history in one line, in words."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from consumer.commands.reasons import IN_WORDS
from consumer.commands.times import full_local_time, local_time, span
from consumer.core.outcome import PAUSED
from consumer.core.printable import printable
from consumer.service.history import Row
from consumer.service.open_deliveries import OpenDelivery

_COLUMNS: Final = (("order_id", 8), ("profile", 12), ("customer_type", 8), ("outcome", 13))

_LATE_MS: Final = 60_000


class LogLines:
    """Lines whose columns stand below each other, as wide as the first rows need."""

    def __init__(self, rows: Iterable[Row]) -> None:
        known = list(rows)
        self._widths = {
            name: max([width, *(min(len(str(row.get(name) or "-")), 40) for row in known)]) for name, width in _COLUMNS
        }

    def line(self, row: Row) -> str:
        """`2026-11-24 04:01:11  order 1001  hub  SALE  failed  attempt 1: the receiver refuses it (404) in 12 ms`."""
        cells = {name: printable(str(row.get(name) or "-")).ljust(width) for name, width in self._widths.items()}
        at = _time(row.get("at"))
        return (
            f"{at}  order {cells['order_id']}  {cells['profile']}  {cells['customer_type']}  {cells['outcome']}  "
            f"{_words(row)}"
        )


def _words(row: Row) -> str:
    attempt, reason, status = row.get("attempt"), row.get("reason"), row.get("status")
    counted = f"after {attempt} attempts:" if reason in {"held", "paused"} else f"attempt {attempt}:"
    parts = [counted] if attempt else []
    if reason:
        parts.append(f"{IN_WORDS.get(str(reason), '')} [{reason}]".strip())
    parts += [str(status)] if status else []
    if row.get("duration_ms") is not None:
        parts.append(f"in {row['duration_ms']:.0f} ms")
    if row.get("error"):
        parts.append(f"({row.get('source')}: {row['error']})")
    return printable(" ".join(parts))


def open_line(delivery: OpenDelivery, now_ms: int) -> str:
    """What waits, for which run."""
    waiting, run_at_ms = delivery.waiting, delivery.run_at_ms
    when = f"next run {local_time(run_at_ms, now_ms)} (in {span(run_at_ms - now_ms)})"
    if waiting.reason == PAUSED:
        when = "it goes out in the first run after the pause"
    elif run_at_ms <= now_ms:
        late = "; it is late: is the service running?" if now_ms - run_at_ms > _LATE_MS else ""
        when = f"its {local_time(run_at_ms, now_ms)} run is in progress{late}"
    why = IN_WORDS.get(waiting.reason, waiting.reason)
    after = f" after {waiting.attempts} attempts" if waiting.attempts else ""
    return printable(f"waits: {waiting.profile} {waiting.code}{after}{f', {why}' if why else ''}; {when}")


def _time(at: object) -> str:
    try:
        return full_local_time(int(datetime.fromisoformat(str(at)).timestamp() * 1000))
    except ValueError:
        return "-".ljust(19)
