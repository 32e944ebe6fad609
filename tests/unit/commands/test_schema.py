"""`postback schema`: what editors get agrees with what is loaded."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from consumer.__main__ import main
from consumer.adapters.json_schema import json_schema
from tests.profile_texts import profile

KEPT = Path(__file__).parents[3] / "schemas"
CONTRACT = """
name: call-center
type: postback
postback_url: https://example.com/partials.php
export_delay_minutes: 0.5
fields:
  - {export_name: list_id, static: 400}
  - {export_name: flag, static: true}
  - {export_name: first_name, field: firstName}
routing:
  - {customer_type: Partial, campaign: All, product: All}
  - {customer_type: new sale, campaign: 7, product: [12, "013"]}
partials: {latest_only: true, skip_converted: true}
"""


def is_valid(name: str, text: str) -> bool:
    validator = jsonschema.Draft202012Validator(json_schema(name))
    return bool(validator.is_valid(yaml.safe_load(text)))


@pytest.mark.parametrize("name", ["settings", "profile"])
def test_printed_schema_is_a_schema_and_the_kept_one_is_current(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["schema", name])

    printed = capsys.readouterr().out
    assert code == 0
    assert printed == (KEPT / f"{name}.schema.json").read_text("utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(printed))


@pytest.mark.parametrize("name", ["settings", "profile"])
def test_every_key_is_described(name: str) -> None:
    def undescribed(node: Any, path: str = "") -> list[str]:
        if isinstance(node, list):
            return [found for inner in node for found in undescribed(inner, path)]
        if not isinstance(node, dict):
            return []
        missing = [f"{path}.{key}" for key, value in node.get("properties", {}).items() if "description" not in value]
        return missing + [found for key, value in node.items() for found in undescribed(value, f"{path}.{key}")]

    assert undescribed(json_schema(name)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CONTRACT, True),
        ("- name: a\n  postback_url: https://a/\n  routing: [{customer_type: All}]\n", True),
        (profile(), True),
        (profile(more="type: POSTBACK"), True),
        (profile(more='export_delay_minutes: "5"'), True),
        (profile(more='paused: "No"'), True),
        (profile(more="partials:"), True),
        (profile(more="type: mail"), False),
        (profile(more="export_delay_minutes: soon"), False),
        (profile(more="paused: maybe"), False),
        (profile(more="fields:\n  -"), False),
        ("[]", False),
        ("- {}", False),
        (profile(more="enabld: true"), False),
        (profile(more="export_delay_minutes: -1"), False),
        (profile(fields="fields: [{export_name: a, field: b, static: c}]"), False),
        (profile(fields="fields: [{export_name: a}]"), False),
        (profile(routing="routing: []"), False),
        (profile(name="a b"), False),
    ],
)
def test_schema_of_a_profile_takes_what_loads_and_marks_mistakes(text: str, expected: bool) -> None:
    assert is_valid("profile", text) is expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("", True),
        ("event: {id: null, test_card: null}", True),
        ("retry: {give_up_after_hours: null, longest_retry_after_minutes: 0.5}", True),
        ("http: {allow_networks: [127.0.0.0/8]}", True),
        ("http:\nlog: {level: INFO}", True),
        ('http: {max_in_flight: "64"}', True),
        ("http: {max_in_flight: many}", False),
        ("tick_minute: 15", False),
        ("http: {max_in_flight: 0}", False),
        ("log: {format: yaml}", False),
    ],
)
def test_schema_of_the_settings_takes_what_loads_and_marks_mistakes(more: str, expected: bool) -> None:
    assert is_valid("settings", f"kafka: {{bootstrap_servers: 'b:1'}}\nsources: [{{topic: a}}]\n{more}\n") is expected
