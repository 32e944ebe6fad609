"""The status as tables."""

import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from consumer.commands.status import show
from consumer.service.recent import LastFailure
from consumer.service.status import ProfileStatus, Status, TopicStatus

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
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
            due=4_321,
            retrying=3,
            oldest_failure_at_ms=NOW_MS - 7_200_000,
            held_until_ms=NOW_MS + 90_000,
            delivered=98_765,
            failed=36,
            suppressed=17,
            dead_letters=29,
            last_failure=LastFailure(NOW_MS - 60_000, "rejected", 404, "1001\x1b[2J"),
        ),
        ProfileStatus(name="[red]broken", state="invalid", problem="profiles/b.yaml:3: unknown key `x`"),
    ],
    topics=[
        TopicStatus(topic="orders", kind="source", partitions=0),
        TopicStatus(
            topic="postback.dead-letter", kind="dead-letter", partitions=3, records=5, reasons=Counter(undecodable=5)
        ),
        TopicStatus(topic="postback.outcomes", kind="outcomes", partitions=3, records=1_351, is_exact=False),
    ],
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The status as it stands on a terminal of some width, or in a pipe."""

    def call(width: int | None = None, *, status: Status = STATUS) -> str:
        out = io.StringIO() if width is None else Terminal()
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setenv("COLUMNS", str(width or 80))
        monkeypatch.setattr("sys.stdout", out)
        show(status, as_json=False, is_one_of_many=False)
        return out.getvalue()

    return call


def test_numbers_times_and_what_needs_a_person_are_told(shown: Callable[..., str]) -> None:
    text = shown()

    (loud,) = (line for line in text.splitlines() if line.startswith("loud "))
    assert loud.split()[:7] == ["loud", "active", "1,234,567", "4,321", "-", "3", "2"]
    assert loud.split()[-4:] == ["98,765", "36", "17", "29"]
    assert "loud: last failure: rejected 404, 1 min ago, order 1001?[2J" in text
    assert "[red]broken: does not load: profiles/b.yaml:3: unknown key `x`; a running service keeps its last" in text
    assert "orders: there is no such topic" in text
    assert "undecodable 5" in text


@pytest.mark.parametrize("width", [20, 60, 72, 80, 100, 200])
def test_no_number_is_cut_however_narrow_the_terminal_is(shown: Callable[..., str], width: int) -> None:
    lines = _STYLE.sub("", shown(width)).splitlines()

    (loud,) = (line for line in lines if line.startswith("loud "))
    (letters,) = (line for line in lines if line.startswith("postback.dead-letter "))
    assert loud.split()[:7] == ["loud", "active", "1,234,567", "4,321", "-", "3", "2"]
    assert loud.split()[-4:] == ["98,765", "36", "17", "29"]
    assert letters.split()[:4] == ["postback.dead-letter", "dead-letter", "3", "5"]


def test_headings_are_folded_as_far_as_the_terminal_is_narrow(shown: Callable[..., str]) -> None:
    wide, narrow = (_STYLE.sub("", shown(width)) for width in (200, 116))

    assert "held until  delivered  failed  suppressed  dead letters" in wide
    assert max(map(len, narrow.splitlines())) <= 116


def test_what_was_not_looked_at_one_by_one_is_called_about(shown: Callable[..., str]) -> None:
    text = shown()

    (outcomes,) = (line for line in text.splitlines() if line.startswith("postback.outcomes "))
    assert outcomes.split()[2:4] == ["3", "~1,351"]
    assert "lag, and records with ~: these include Kafka's transaction markers" in text
    assert text.count("~") == 2


def test_only_columns_that_are_shown_are_explained(shown: Callable[..., str]) -> None:
    quiet = replace(STATUS, profiles=STATUS.profiles[:1], topics=STATUS.topics[:1])

    assert "delivered, failed, suppressed: in the last 1 h" in shown()
    assert "delivered, failed: in the last 1 h" in shown(status=quiet)
    assert "transactions" not in shown(status=quiet)


def test_a_terminal_has_colours_unless_its_user_wants_none(
    shown: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    coloured = shown(200)

    monkeypatch.setenv("NO_COLOR", "1")
    plain = shown(200)

    assert "\x1b[32mactive" in coloured
    assert "\x1b[32m" not in plain
