"""What comes from outside stays in its place in a log line."""

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from consumer.log import JsonFormatter, OnceAMinute, TextFormatter

FORGED = "5\x1b[31m\n02:00:00 error forged \u2028line"


@pytest.fixture
def record() -> logging.LogRecord:
    made = logging.LogRecord("postback.dispatch", logging.WARNING, "", 0, "delivery.failed", None, None)
    made.keys = {"order": FORGED, "status": None, "detail": "Zoë: größer"}
    return made


def test_a_value_makes_no_line_of_its_own_and_tells_the_terminal_nothing(record: logging.LogRecord) -> None:
    line = TextFormatter().format(record)

    assert line.endswith("warning dispatch delivery.failed order=5?[31m?02:00:00 error forged ?line detail=Zoë: größer")


def test_json_keeps_it_whole_on_one_line(record: logging.LogRecord) -> None:
    line = JsonFormatter().format(record)

    assert "\n" not in line
    assert json.loads(line)["order"] == FORGED


def test_lines_that_cannot_be_written_stop_nothing_and_that_is_said_once() -> None:
    script = """
from consumer.log import EventLog, set_up_logging
set_up_logging(level="info", format_name="json")
for number in range(3):
    EventLog("main").info("said", number=number)
raise SystemExit(7)
"""
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run([sys.executable, "-u", "-c", script], stdout=full, stderr=subprocess.PIPE, check=False)

    assert ended.stderr == b"log lines cannot be written: No space left on device\n"
    assert ended.returncode == 7


def test_what_is_met_all_the_time_is_said_at_once_and_after_a_minute_also_by_a_clock_that_was_set_back() -> None:
    seldom = OnceAMinute()

    said = [at_ms for at_ms in (0, 1, 59_999, 60_000, 119_999, 5_000, 6_000) if seldom.may_say("down", at_ms)]

    assert said == [0, 60_000, 5_000]
    assert seldom.may_say("something else", 6_000)
