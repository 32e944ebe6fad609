"""`postback check`: every problem in one pass, and what is good."""

from pathlib import Path

import pytest

from consumer.__main__ import main
from tests.profile_texts import profile

SETTINGS = "kafka: {bootstrap_servers: 'broker:9092'}\nsources: [{topic: orders}]\n"
ROW = "fields:\n  - {export_name: a, field: %s}"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "profiles").mkdir()
    return tmp_path


def write(name: str, text: str) -> None:
    Path(name).write_text(text, "utf-8")


def checked(capsys: pytest.CaptureFixture[str]) -> tuple[int, list[str]]:
    code = main(["check"])
    return code, capsys.readouterr().out.splitlines()


def test_good_settings_and_profiles_are_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    write("postback.yaml", SETTINGS)
    write("profiles/a.yaml", profile(name="a", fields=ROW % "firstName"))
    write("profiles/b.yaml", profile(name="b", fields=ROW % "product2_name", more="paused: true"))
    write("profiles/c.yaml", profile(name="c", fields=ROW % "cardExpiryDate.date", more="enabled: false"))

    assert checked(capsys) == (0, ["good: the settings, 3 profiles: a, b (paused), c (disabled)"])


def test_settings_and_profiles_are_reported_together_though_the_settings_are_wrong(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("postback.yaml", SETTINGS + "tick_minutes: soon\n")
    write("profiles/a.yaml", profile(name="a", fields=ROW % "frstName"))
    write("profiles/b.yaml", profile(name="b", url="nowhere", fields=ROW % "firstName"))

    assert checked(capsys) == (
        1,
        [
            "postback.yaml:3: `tick_minutes` must be a number such as 15 or 0.5, not `soon`",
            (
                "profiles/a.yaml:3: no schema has the field `frstName`, and it is left out of every request;"
                " did you mean `firstName`?"
            ),
            "profiles/b.yaml:4: `postback_url` must begin with https:// or http://, e.g. https://example.com/partials.php",
            "found: 3 errors; good: nothing yet",
        ],
    )


def test_profiles_are_looked_for_where_broken_settings_say(capsys: pytest.CaptureFixture[str]) -> None:
    Path("elsewhere").mkdir()
    write("elsewhere/a.yaml", profile(name="a", fields=ROW % "firstName"))
    write("postback.yaml", "profiles: elsewhere\nkafka: 5\n")

    code, lines = checked(capsys)

    assert code == 1
    assert lines[-1].endswith("good: 1 profile: a")


def test_warning_alone_is_no_reason_to_fail(capsys: pytest.CaptureFixture[str]) -> None:
    write("postback.yaml", SETTINGS)
    write("profiles/a.yaml", profile(name="a", fields=ROW % "firstName", routing="routing: [{customer_type: Winback}]"))

    code, lines = checked(capsys)

    assert code == 0
    assert lines[0].startswith("profiles/a.yaml:5: warning: the customer type `Winback` is not known")
    assert lines[1] == "found: 1 warning; good: the settings, 1 profile: a"


def test_unknown_field_is_a_warning_where_a_registry_may_have_more(capsys: pytest.CaptureFixture[str]) -> None:
    write("postback.yaml", SETTINGS + "schemas: {registry_url: 'http://registry'}\n")
    write("profiles/a.yaml", profile(name="a", fields=ROW % "vat"))

    code, lines = checked(capsys)

    assert (code, lines[0]) == (
        0,
        "profiles/a.yaml:3: warning: no schema has the field `vat`, and it is left out of every request",
    )


def test_names_of_events_are_compared_with_the_schemas(capsys: pytest.CaptureFixture[str]) -> None:
    write("postback.yaml", SETTINGS + "event:\n  order_id: ordrId\n  campaign: campaign\n")
    write("profiles/a.yaml", profile(name="a", fields=ROW % "firstName"))

    code, lines = checked(capsys)

    assert code == 1
    assert lines[0].startswith("postback.yaml:4: `event.order_id`: no schema has the field `ordrId`; did you mean")
    assert lines[1].startswith("postback.yaml:5: warning: `event.campaign`: no schema has the field `campaign`")


def test_an_array_that_has_the_products_ids_themselves_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    write("postback.yaml", SETTINGS + "event: {products: 'customerTypes[]'}\n")
    write("profiles/a.yaml", profile(name="a", fields=ROW % "product1_name"))

    assert checked(capsys) == (0, ["good: the settings, 1 profile: a"])


def test_schemas_of_the_folder_count_and_broken_ones_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    Path("avro").mkdir()
    write("avro/bad.avsc", "{")
    write("postback.yaml", SETTINGS + "schemas: {folder: avro}\n")
    write("profiles/a.yaml", profile(name="a", fields=ROW % "anything"))

    code, lines = checked(capsys)

    assert code == 1
    assert lines[0].startswith("avro/bad.avsc:1: ")


def test_address_that_will_be_refused_is_found_before_anything_is_sent(capsys: pytest.CaptureFixture[str]) -> None:
    write("postback.yaml", SETTINGS)
    write("profiles/a.yaml", profile(name="a", fields=ROW % "firstName", url="http://127.0.0.1:8080/"))

    code, lines = checked(capsys)

    assert code == 1
    assert lines[0].startswith("profiles/a.yaml:4: nothing will be sent to this address (loopback)")


def test_without_settings_there_is_one_line_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    Path("profiles").rmdir()

    code, lines = checked(capsys)

    assert code == 1
    assert len(lines) == 2
    assert "postback init" in lines[0]
    assert lines[1] == "found: 1 error; good: nothing yet"


def test_no_secret_is_printed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", "s3cret value")
    write(
        "postback.yaml", SETTINGS.replace("9092'", "9092', client: {sasl.password: '${env:TOKEN}', x!: '${env:TOKEN}'}")
    )
    write("profiles/a.yaml", profile(name="a", url="https://${env:TOKEN}/", fields=ROW % '"${env:TOKEN}"'))

    code, lines = checked(capsys)

    assert code == 1
    assert "s3cret" not in "\n".join(lines)
