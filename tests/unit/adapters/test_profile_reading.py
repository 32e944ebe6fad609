"""What a profile's file says, and the profile that it becomes."""

from datetime import timedelta
from pathlib import Path

import pytest

from consumer.adapters.profiles import ProfileFolder, ProfileSet
from consumer.core.customer_type import CODES, NAMES, code_of
from consumer.core.profile import FieldMapping, Header, Profile, Route, StaticMapping
from tests.profile_texts import profile


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, "utf-8")


def loaded(folder: Path) -> ProfileSet:
    return ProfileFolder(folder, environ={"TOKEN": "t0p-s3cret"}).load()


def test_profile_of_the_contract_is_read_whole(tmp_path: Path) -> None:
    text = """\
name: call-center
type: postback
postback_url: https://example.com/partials.php
export_delay_minutes: 5
enabled: true
paused: false
fields:
  - {export_name: first_name, field: firstName}
  - {export_name: list_id, static: "400"}
  - {export_name: "header:X-Token", static: "${env:TOKEN}"}
routing:
  - {customer_type: Partial, campaign: All, product: All}
  - {customer_type: New Sale, campaign: 7, product: [12, 13]}
partials:
  latest_only: true
  skip_converted: false
"""
    write(tmp_path, "call-center.yaml", text)

    found = loaded(tmp_path)

    assert found.problems == ()
    assert found.profiles == (
        Profile(
            name="call-center",
            url="https://example.com/partials.php",
            method="POST",
            in_body=True,
            delay=timedelta(minutes=5),
            headers=(Header("X-Token", "t0p-s3cret"),),
            mappings=(FieldMapping("first_name", "firstName"), StaticMapping("list_id", "400")),
            routes=(
                Route(code="PARTIAL"),
                Route(code="SALE", campaigns=frozenset({"7"}), products=frozenset({"12", "13"})),
            ),
            skip_converted=False,
            secrets=frozenset({"t0p-s3cret"}),
        ),
    )


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("0400", "0400"),
        ("400", "400"),
        ("1.10", "1.10"),
        ("true", "true"),
        ("NO", "NO"),
        ("on", "on"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("2026-03-01", "2026-03-01"),
        ("12:30:45", "12:30:45"),
        (".inf", ".inf"),
        ('""', ""),
        ('"null"', "null"),
        ("'it''s'", "it's"),
        ('" a "', " a "),
        ("Zoë", "Zoë"),
        ('"$${env:TOKEN}"', "${env:TOKEN}"),
        ('"$$${env:TOKEN}"', "$${env:TOKEN}"),
        ('"a${env:TOKEN}b"', "at0p-s3cretb"),
        ("$5", "$5"),
    ],
)
def test_static_value_is_exactly_the_text_that_was_typed(typed: str, text: str, tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", profile(fields=f"fields: [{{export_name: a, static: {typed}}}]"))

    assert loaded(tmp_path).profiles[0].mappings == (StaticMapping("a", text),)


ONE_FIELD = "fields: [{export_name: a, field: firstName}]"


JSON = "application/json"


def test_static_may_stand_as_the_field_as_it_does_on_the_crms_screen(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", profile(fields='fields: [{export_name: list_id, field: Static, static: "400"}]'))

    found = loaded(tmp_path)

    assert found.problems == ()
    assert found.profiles[0].mappings == (StaticMapping("list_id", "400"),)


def _static(name: str, value: str) -> str:
    return f'{{export_name: "{name}", static: "{value}"}}'


@pytest.mark.parametrize(
    ("rows", "method", "in_body", "sent"),
    [
        ([], "GET", False, []),
        (["header:X-Token=a"], "POST", True, ["X-Token"]),
        (["HEADER: x-token =a"], "POST", True, ["x-token"]),
        (["header:httpMethod=GET"], "GET", False, []),
        (["header:httpMethod=post"], "POST", True, []),
        (["header:HTTPMethod=Put"], "PUT", False, []),
        (["header:httpmethod=PATCH", "header:X=a"], "PATCH", False, ["X"]),
        (["header:httpMethod=DELETE"], "DELETE", False, []),
        (["header:httpMethodType=POST"], "POST", True, []),
        (["header:httpMethodType=GET"], "GET", False, []),
        (["header:httpMethodType=get", "header:X=a"], "GET", False, ["X"]),
        (["header:httpMethod=PUT", "header:httpMethodType=POST"], "PUT", True, []),
        (["header:httpMethod=DELETE", "header:HttpMethodType=post", "header:X=a"], "DELETE", True, ["X"]),
        (["header:httpMethod=POST", "header:httpMethodType=GET"], "POST", False, []),
    ],
)
def test_headers_choose_method_and_place_as_the_contracts_table_says(
    rows: list[str], method: str, in_body: bool, sent: list[str], tmp_path: Path
) -> None:
    fields = ", ".join(["{export_name: a, field: firstName}", *(_static(*row.split("=")) for row in rows)])
    write(tmp_path, "a.yaml", profile(fields=f"fields: [{fields}]"))

    found = loaded(tmp_path)

    read = found.profiles[0]
    assert found.problems == ()
    assert (read.method, read.in_body, [header.name for header in read.headers]) == (method, in_body, sent)
    assert read.mappings == (FieldMapping("a", "firstName"),)


@pytest.mark.parametrize("spelling", [*CODES, *NAMES])
def test_customer_types_are_read_in_every_spelling_and_case(spelling: str, tmp_path: Path) -> None:
    rows = "".join(f"\n  - {{customer_type: {text}}}" for text in (spelling, spelling.lower(), spelling.upper()))
    write(tmp_path, "a.yaml", profile(fields=ONE_FIELD, routing=f"routing:{rows}"))

    found = loaded(tmp_path)

    assert found.problems == ()
    assert {route.code for route in found.profiles[0].routes} == {code_of(spelling)}


@pytest.mark.parametrize("text", ["All", "all", "ALL", "[All]"])
def test_all_is_read_in_any_case(text: str, tmp_path: Path) -> None:
    row = f"{{customer_type: {text.strip('[]')}, campaign: {text}, product: {text}}}"
    write(tmp_path, "a.yaml", profile(routing=f"routing: [{row}]"))

    assert loaded(tmp_path).profiles[0].routes == (Route(code=None),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (profile(routing="routing: [{customer_type: Partail}]"), ("Partail", "did you mean `PARTIAL`?")),
        (profile(routing="routing: [{customer_type: Winback}]"), ("Winback", "right only if the CRM has it")),
        (profile(), ("no `fields`",)),
        (
            profile(
                fields=f"fields: [{_static('header:httpMethod', 'GET')}, {_static('header:httpMethodType', 'POST')}]"
            ),
            ("GET with a body",),
        ),
        (
            profile(fields=f"fields: [{_static('header:httpMethod', 'PUT')}, {_static('header:Content-Type', JSON)}]"),
            ("PUT", "httpMethodType"),
        ),
    ],
)
def test_what_is_hardly_meant_is_a_warning_and_loads(text: str, words: tuple[str, ...], tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", text)

    found = loaded(tmp_path)

    warnings = [str(problem) for problem in found.problems]
    assert any(all(word in line for word in ("warning: ", *words)) for line in warnings), warnings
    assert len(found.profiles) == 1
    assert found.invalid == 0
