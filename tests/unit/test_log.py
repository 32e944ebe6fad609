"""What comes from outside stays in its place in a log line."""

import json
import logging

import pytest

from consumer.log import JsonFormatter, TextFormatter

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
