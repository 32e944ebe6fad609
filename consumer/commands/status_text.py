"""The status for people, as tables, and for machines."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from consumer.commands.times import local_time, span
from consumer.core.printable import printable
from consumer.core.report import iso_utc
from consumer.service.status import ProfileStatus, Status, TopicStatus

_NOTHING: Final = "-"
_NUMBER: Final = re.compile("-|~?[0-9,]+")
_GAP: Final = 2
_NAME_WIDTH: Final = 24
_COLOURS: Final = {"active": "green", "paused": "yellow", "disabled": "dim", "invalid": "red", "removed": "red"}
Column = tuple[str, bool, Callable[[Any], str]]
"""Heading; whether it is shown when there is nothing in it; text of a row."""


def status_tables(status: Status, *, width: int, is_terminal: bool) -> Iterator[RenderableType]:
    """
    The profiles, then the topics, then what needs a person.

    Args:
        width: Of the place where they are shown. What cannot be folded stands out beyond it rather than be cut.
    """
    if not status.profiles:
        yield Text("There is no profile yet: write one, e.g. with `postback init`.")
    yield _table(_profile_columns(status), status.profiles, width, is_terminal=is_terminal)
    yield ""
    yield _table(_topic_columns(status), status.topics, width, is_terminal=is_terminal)
    yield ""
    yield from map(Text, (*_explanations(status), *_notes(status)))


def _table(columns: Sequence[Column], rows: Sequence[Any], room: int, *, is_terminal: bool) -> Table:
    cells = [[text(row) for row in rows] for _, _, text in columns]
    shown = [
        (heading, column)
        for (heading, always, _), column in zip(columns, cells, strict=True)
        if always or any(cell != _NOTHING for cell in column)
    ]
    widths = _widths(shown, room)
    # Rich's own way to make a table narrower cuts numbers, and leaves columns out.
    table = Table(box=None, pad_edge=False, header_style="bold" if is_terminal else "", width=_total(widths))
    for (heading, column), width in zip(shown, widths, strict=True):
        is_number = bool(column) and all(map(_NUMBER.fullmatch, column))
        table.add_column(heading, justify="right" if is_number else "left", overflow="fold", width=width)
    for line in zip(*(column for _, column in shown), strict=True):
        table.add_row(*(Text(cell, style=_COLOURS.get(cell, "") if is_terminal else "") for cell in line))
    return table


def _widths(columns: Sequence[tuple[str, Sequence[str]]], room: int) -> list[int]:
    """As wide as what is in them; from the right narrower, as far as they can be, while there is no room for all."""
    widths = [max(map(len, (heading, *cells))) for heading, cells in columns]
    over = _total(widths) - room
    for index, (heading, cells) in reversed(list(enumerate(columns))):
        given = max(0, min(over, widths[index] - _least_width(heading, cells)))
        widths[index] -= given
        over -= given
    return widths


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + _GAP * (len(widths) - 1)


def _least_width(heading: str, cells: Sequence[str]) -> int:
    """Headings and reasons may be folded between words, and long names anywhere; numbers and times stay whole."""
    whole = " ".join(cells).split() if heading == "reasons" else cells
    least = max(map(len, (*heading.split(), *whole)))
    return min(least, _NAME_WIDTH) if heading in {"profile", "topic"} else least


def _profile_columns(status: Status) -> list[Column]:
    now_ms = status.at_ms
    return [
        ("profile", True, lambda p: p.name),
        ("state", True, lambda p: p.state),
        ("waiting", True, lambda p: _count(p.waiting)),
        ("due", True, lambda p: _count(p.due)),
        ("next run in", True, lambda p: _in(p.next_run_at_ms, now_ms)),
        ("retrying", True, lambda p: _count(p.retrying)),
        ("oldest", False, lambda p: _in(now_ms, p.oldest_failure_at_ms)),
        ("held until", False, lambda p: local_time(p.held_until_ms, now_ms) if p.held_until_ms else _NOTHING),
        ("delivered", True, lambda p: _count(p.delivered)),
        ("failed", True, lambda p: _count(p.failed)),
        ("suppressed", False, lambda p: _count(p.suppressed)),
        ("dead letters", False, lambda p: _count(p.dead_letters)),
    ]


def _topic_columns(status: Status) -> list[Column]:
    return [
        ("topic", True, lambda t: t.topic),
        ("kind", True, lambda t: t.kind),
        ("partitions", True, lambda t: _count(t.partitions) if t.partitions else "missing"),
        ("records", True, lambda t: f"{'' if t.is_exact else '~'}{t.records:,}" if t.records else _NOTHING),
        ("due", True, lambda t: _count(t.due)),
        ("lag", True, lambda t: _count(t.lag)),
        ("next run", True, lambda t: local_time(t.next_run_at_ms, status.at_ms) if t.next_run_at_ms else _NOTHING),
        ("reasons", False, _reasons),
    ]


def _count(number: int) -> str:
    return f"{number:,}" if number else _NOTHING


def _in(at_ms: int | None, since_ms: int | None) -> str:
    return span(at_ms - since_ms) if at_ms and since_ms else _NOTHING


def _failure(profile: ProfileStatus, now_ms: int) -> str | None:
    last = profile.last_failure
    if last is None:
        return profile.waiting_reason
    status = f" {last.status}" if last.status else ""
    order = printable(last.order_id or "-")
    return f"{last.reason}{status}, {span(now_ms - last.at_ms)} ago, order {order}"


def _reasons(topic: TopicStatus) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in topic.reasons.most_common()) or _NOTHING


def _explanations(status: Status) -> Iterator[str]:
    counted = ["delivered", "failed", *(["suppressed"] if any(p.suppressed for p in status.profiles) else [])]
    yield f"{', '.join(counted)}: in the last {span(status.at_ms - status.since_ms)}"
    if any(topic.lag or (topic.records and not topic.is_exact) for topic in status.topics):
        yield "lag, and records with ~: these include Kafka's transaction markers"


def _notes(status: Status) -> Iterator[str]:
    for profile in status.profiles:
        failure = _failure(profile, status.at_ms)
        if failure:
            yield f"{profile.name}: last failure: {failure}"
        if profile.problem:
            kept = "a running service keeps its last good version, if it had one"
            yield f"{profile.name}: does not load: {profile.problem}; {kept}"
        if profile.state == "removed":
            then = "after a full period its waiting deliveries are dead-lettered"
            yield f"{profile.name}: no file has this profile; {then}"
    for topic in status.topics:
        if not topic.partitions:
            yield f"{topic.topic}: there is no such topic{_advice(topic)}"


def _advice(topic: TopicStatus) -> str:
    if topic.kind == "source":
        return ": the service waits for it; create it, or correct the settings' sources"
    return ": `postback topics create` creates it, and so does a running service"


def status_json(status: Status) -> dict[str, Any]:
    """`{"profiles": [...], "topics": [...]}`; times in ISO 8601."""
    return {
        "profiles": [_profile_json(profile, status.since_ms) for profile in status.profiles],
        "topics": [_topic_json(topic) for topic in status.topics],
    }


def _profile_json(profile: ProfileStatus, since_ms: int) -> dict[str, Any]:
    last = profile.last_failure
    return {
        "name": profile.name,
        "state": profile.state,
        "waiting": profile.waiting,
        "due": profile.due,
        "next_run_at": _iso(profile.next_run_at_ms),
        "retrying": profile.retrying,
        "oldest_failure_at": _iso(profile.oldest_failure_at_ms),
        "held_until": _iso(profile.held_until_ms),
        "delivered_recently": profile.delivered,
        "failed_recently": profile.failed,
        "suppressed_recently": profile.suppressed,
        "recently_since": _iso(since_ms),
        "dead_letters": profile.dead_letters,
        "last_error": None
        if last is None
        else {"at": _iso(last.at_ms), "reason": last.reason, "status": last.status, "order_id": last.order_id},
        "problem": profile.problem,
    }


def _topic_json(topic: TopicStatus) -> dict[str, Any]:
    return {
        "topic": topic.topic,
        "kind": topic.kind,
        "partitions": topic.partitions,
        "records": topic.records,
        "records_are_exact": topic.is_exact,
        "due": topic.due,
        "lag": topic.lag,
        "next_run_at": _iso(topic.next_run_at_ms),
        "reasons": dict(topic.reasons),
    }


def _iso(at_ms: int | None) -> str | None:
    return iso_utc(at_ms) if at_ms else None
