"""The status as tables."""

import io
from collections import Counter

import pytest
from rich.console import Console

from consumer.commands.status_text import status_tables
from consumer.service.recent import LastFailure
from consumer.service.status import ProfileStatus, Status, TopicStatus

NOW_MS = 1_764_000_000_000

STATUS = Status(
    at_ms=NOW_MS,
    since_ms=NOW_MS - 3_600_000,
    profiles=[
        ProfileStatus(name="quiet", state="active", next_run_at_ms=NOW_MS + 240_000),
        ProfileStatus(
            name="loud",
            state="active",
            waiting=1_234_567,
            retrying=3,
            oldest_failure_at_ms=NOW_MS - 7_200_000,
            last_failure=LastFailure(NOW_MS - 60_000, "rejected", 404, "1001\x1b[2J"),
        ),
        ProfileStatus(name="[red]broken", state="invalid", problem="profiles/b.yaml:3: unknown key `x`"),
    ],
    topics=[
        TopicStatus(topic="orders", kind="source", partitions=0),
        TopicStatus(
            topic="postback.dead-letter", kind="dead-letter", partitions=3, records=5, reasons=Counter(undecodable=5)
        ),
    ],
)


def shown(width: int, *, is_terminal: bool) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, no_color=not is_terminal, highlight=False)
    console.print(*status_tables(STATUS, is_terminal=is_terminal), sep="\n")
    return out.getvalue()


def test_numbers_times_and_what_needs_a_person_are_told() -> None:
    text = shown(200, is_terminal=False)

    (loud,) = (line for line in text.splitlines() if line.startswith("loud "))
    assert loud.split() == ["loud", "active", "1,234,567", "-", "-", "3", "2", "h", "-", "-"]
    assert "loud: last failure: rejected 404, 1 min ago, order 1001?[2J" in text
    assert "[red]broken: a running service has its last good version in force: profiles/b.yaml:3: unknown" in text
    assert "orders: there is no such topic" in text
    assert "undecodable 5" in text


@pytest.mark.parametrize("width", [80, 200])
def test_a_row_stays_on_one_line(width: int) -> None:
    lines = shown(width, is_terminal=True).splitlines()

    assert lines[1].startswith("quiet")
    assert lines[2].startswith("loud")
    assert lines[3].startswith("[red]broken")
