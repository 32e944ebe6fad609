"""The folder of profiles: what is refused and how, what goes on, and what a change does."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path

import pytest
import trustme

from consumer.adapters.known_fields import KnownFields
from consumer.adapters.profiles import ProfileFolder, ProfileSet
from consumer.core.masking import Mask
from consumer.core.profile import StaticMapping
from consumer.core.request import endpoint_of
from tests.profile_texts import profile
from tests.unit.adapters.broken_profiles import BROKEN_PROFILES, Broken

ENVIRON = {"TOKEN": "t0p-s3cret", "EMPTY": ""}


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def loaded(folder: Path, environ: Mapping[str, str] = ENVIRON, known_fields: KnownFields | None = None) -> ProfileSet:
    return ProfileFolder(folder, environ=environ, known_fields=known_fields).load()


@pytest.mark.parametrize("broken", [pytest.param(case, id=name) for name, case in BROKEN_PROFILES.items()])
def test_broken_profile_is_refused_with_its_line_and_a_useful_sentence_and_the_others_load(
    broken: Broken, tmp_path: Path
) -> None:
    path = write(tmp_path, "broken.yaml", broken.text)
    write(tmp_path, "good.yaml", profile(name="good"))

    found = loaded(tmp_path)

    errors = [str(problem) for problem in found.problems if problem.severity == "error"]
    first = next((line for line in errors if line.startswith(f"{path}:{broken.line}: ")), f"none there: {errors}")
    assert all(word in first for word in broken.words), first
    assert all("\n" not in line and "Traceback" not in line for line in errors)
    assert [one.name for one in found.profiles] == ["good"]
    assert found.invalid == 1


def test_every_problem_of_every_file_is_found_in_one_pass(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", profile(name="a b", url="nowhere", more="enabled: maybe\nexport_delay_minutes: -1"))
    write(tmp_path, "b.yaml", profile(name="b", fields='fields: [{export_name: "header:Host", static: x}, {field: y}]'))

    found = loaded(tmp_path)

    assert [str(problem).removeprefix(f"{tmp_path}/").split(": ")[0] for problem in found.problems] == [
        "a.yaml:1",
        "a.yaml:2",
        "a.yaml:3",
        "a.yaml:4",
        "b.yaml:2",
        "b.yaml:2",
    ]
    assert found.invalid == 2


A_FIELD = "fields: [{export_name: a, field: firstName}]"
FIELDS = KnownFields(
    frozenset(
        {
            "firstName",
            "cardExpiryDate",
            "cardExpiryDate.date",
            "items",
            "items[].name",
            "items[].price",
            "items[].more.*",
            "custom.*",
        }
    )
)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("firstName", None),
        ("customerType", None),
        ("product3_name", None),
        ("cardExpiryDate.date", None),
        ("custom.anything", None),
        ("product2_more.anything", None),
        ("frstName", "did you mean `firstName`?"),
        ("FIRSTNAME", "did you mean `firstName`?"),
        ("product1_nam", "did you mean `product1_name`?"),
        ("product0_name", "did you mean `product1_name`?"),
        ("cardExpiryDate.dat", "did you mean `cardExpiryDate.date`?"),
        ("zzz", "left out of every request"),
        ("firstName.x", "no schema has the field"),
        ("items.name", "no schema has the field"),
        ("items.0.name", "did you mean `product1_name`?"),
        ("items[2].name", "did you mean `product3_name`?"),
        ("product_2_name", "did you mean `product2_name`?"),
        ("product1_mor.a", "no schema has the field"),
        ("card", "did you mean `cardExpiryDate` or `cardExpiryDate.date`?"),
    ],
)
def test_fields_are_compared_with_the_schemas_and_the_profile_loads_anyway(
    field: str, words: str | None, tmp_path: Path
) -> None:
    path = write(tmp_path, "a.yaml", profile(fields=f"fields:\n  - {{export_name: a, field: '{field}'}}"))

    found = loaded(tmp_path, known_fields=FIELDS)

    lines = [str(problem) for problem in found.problems]
    assert [line for line in lines if words and line.startswith(f"{path}:3: ") and words in line] == lines
    assert bool(lines) == bool(words)
    assert not any("*" in line for line in lines)
    assert (len(found.profiles), found.invalid) == (1, 0)


@pytest.mark.parametrize("text", ["[firstName]", "Hi {firstName}", "{{ firstName }}", "%firstname%"])
def test_a_field_in_brackets_which_would_be_sent_as_it_stands_is_a_warning(text: str, tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", profile(fields=f"fields:\n  - {{export_name: a, static: '{text}'}}"))
    write(tmp_path, "b.yaml", profile(name="b", fields=A_FIELD, url="'https://example.com/?a=[firstName]&b=[other]'"))

    found = loaded(tmp_path, known_fields=FIELDS)

    of_a, of_b = found.problems
    assert (of_a.file, of_a.line, of_a.severity) == (str(path), 3, "warning")
    assert "`field: firstName`" in of_a.text
    assert "`[firstName]` is sent as written" in of_b.text
    assert len(found.profiles) == 2


def test_a_secret_with_a_hash_in_an_address_is_a_warning_and_shown_to_nobody(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", profile(fields=A_FIELD, url='"https://example.com/?k=${env:KEY}"'))

    found = loaded(tmp_path, environ={"KEY": "pa$s!w0rd#xyz"})

    assert found.profiles[0].url == "https://example.com/?k=pa$s!w0rd"
    assert Mask(found.profiles[0].secrets)(found.profiles[0].url) == "https://example.com/?k=***"
    assert [(problem.severity, "%23" in problem.text) for problem in found.problems] == [("warning", True)]


@pytest.mark.parametrize(
    ("template", "value", "endpoint"),
    [
        ("${env:URL}", "http://Sekrit.invalid/tok", "http://***:80"),
        ("https://${env:URL}/in", "Geheim-Ä.invalid", "https://***:443"),
        ("${env:URL}", "http://Geheim-Ä.invalid", "***:80"),
    ],
)
def test_a_host_that_is_secret_is_masked_as_it_is_connected_to(
    template: str, value: str, endpoint: str, tmp_path: Path
) -> None:
    write(tmp_path, "a.yaml", profile(url=f'"{template}"'))

    (found,) = loaded(tmp_path, environ={"URL": value}).profiles

    assert Mask(found.secrets)(endpoint_of(found.url)) == endpoint


def test_unknown_field_is_a_warning_where_a_registry_may_have_more(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", profile(fields="fields: [{export_name: a, field: zzz}]"))

    found = loaded(tmp_path, known_fields=KnownFields(frozenset({"a"}), "warning"))

    assert [problem.severity for problem in found.problems] == ["warning"]


@pytest.mark.parametrize(
    ("url", "is_refused"),
    [
        ("http://127.0.0.1:8080/", True),
        ("http://localhost/", True),
        ("http://2130706433/", True),
        ("http://0x7f.1/", True),
        ("http://127.0.0.1./", True),
        ("http://10.1.2.3/", False),
        ("http://[::1]/", True),
        ("http://8.8.8.8/", False),
        ("https://example.com/", False),
    ],
)
def test_address_that_will_be_refused_is_a_problem_before_anything_is_sent(
    url: str, is_refused: bool, tmp_path: Path
) -> None:
    write(tmp_path, "a.yaml", profile(url=url, fields="fields: [{export_name: a, static: b}]"))

    found = ProfileFolder(tmp_path, environ={}, allow_networks=[ip_network("10.0.0.0/8")]).load()

    assert ["http.allow_networks" in str(problem) for problem in found.problems] == [True] * is_refused
    assert len(found.profiles) == 1


# --- several files ----------------------------------------------------------------------------------------------------


def test_file_may_hold_a_list_of_profiles_and_a_broken_one_stops_none_of_the_others(tmp_path: Path) -> None:
    path = write(tmp_path, "a.yaml", LIST_OF_THREE)

    found = loaded(tmp_path)

    assert [one.name for one in found.profiles] == ["first", "third"]
    assert [str(problem).split(": ")[0] for problem in found.problems if problem.severity == "error"] == [f"{path}:4"]
    assert found.invalid == 1


LIST_OF_THREE = """\
- name: first
  postback_url: https://example.com/
  routing: [{customer_type: All}]
- name: second
  routing: [{customer_type: All}]
- name: third
  postback_url: https://example.com/
  routing: [{customer_type: All}]
"""


def test_key_that_stands_twice_stops_only_its_own_profile_of_a_list(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", LIST_OF_THREE.replace("- name: second", "- name: second\n  name: other"))

    assert [one.name for one in loaded(tmp_path).profiles] == ["first", "third"]


def test_second_profile_of_a_name_is_reported_at_the_later_file(tmp_path: Path) -> None:
    first = write(tmp_path, "a.yaml", profile(name="same", url="https://example.com/a"))
    later = write(tmp_path, "b.yaml", "# later\n" + profile(name="same", url="https://example.com/b"))

    found = loaded(tmp_path)

    assert [one.url for one in found.profiles] == ["https://example.com/a"]
    errors = [str(problem) for problem in found.problems if problem.severity == "error"]
    assert errors == [f"{later}:2: another profile, at {first}:1, is called `same`, too: give each its own name"]
    assert found.invalid == 1


def test_of_two_profiles_of_a_name_in_one_file_the_first_is_in_force_and_the_file_is_not_whole(tmp_path: Path) -> None:
    one, other = (
        f"- name: x\n  postback_url: https://{host}.example/p\n  routing: [{{customer_type: All}}]\n"
        for host in ("first", "second")
    )
    path = write(tmp_path, "list.yaml", one + other)

    found = loaded(tmp_path)

    assert [profile.url for profile in found.profiles] == ["https://first.example/p"]
    assert found.invalid == 1
    assert any(str(problem).startswith(f"{path}:4: another profile") for problem in found.problems)


def test_same_name_is_reported_of_files_that_do_not_load_either(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", profile(name="same", url="nowhere"))
    later = write(tmp_path, "b.yaml", profile(name="same", url="nowhere"))

    assert any(str(problem).startswith(f"{later}:1: another profile") for problem in loaded(tmp_path).problems)


def test_only_yaml_files_that_are_not_hidden_count(tmp_path: Path) -> None:
    names = (
        "a.yaml",
        "b.yml",
        "C.YAML",
        ".d.yaml",
        "e.yaml~",
        "#f.yaml#",
        ".g.yaml.swp",
        "h.yaml.bak",
        "i.txt",
        "~j.yaml",
    )
    for place, name in enumerate(names):
        write(tmp_path, name, profile(name=f"p{place}"))
    (tmp_path / "folder").mkdir()

    assert sorted(one.name for one in loaded(tmp_path).profiles) == ["p0", "p1", "p2"]


def test_path_may_be_one_file(tmp_path: Path) -> None:
    assert [one.name for one in loaded(write(tmp_path, "any.name", profile(name="a"))).profiles] == ["a"]


def test_folder_that_is_missing_is_a_problem_with_advice(tmp_path: Path) -> None:
    found = loaded(tmp_path / "nowhere")

    assert len(found.problems) == 1
    assert str(found.problems[0]).startswith(f"{tmp_path}/nowhere:1: the profiles cannot be read: No such file")
    assert "create the folder, or correct the settings' `profiles`" in str(found.problems[0])


def test_empty_folder_is_a_warning(tmp_path: Path) -> None:
    found = loaded(tmp_path)

    assert [problem.severity for problem in found.problems] == ["warning"]
    assert found.invalid == 0


# --- secrets ----------------------------------------------------------------------------------------------------------

SECRET = "t0p-s3cret"


@pytest.mark.parametrize(
    "text",
    [
        profile(url="https://${env:TOKEN}@example.com/"),
        profile(url="https://example.com:${env:TOKEN}/"),
        profile(url="https://${env:TOKEN}..com/"),
        profile(url="https://example.com/${env:TOKEN}?a b"),
        profile(fields='fields: [{export_name: "header:httpMethod", static: "${env:TOKEN}"}]'),
        profile(fields='fields: [{export_name: "header:X", static: "${env:TOKEN}\\n"}]'),
        profile(fields='fields: [{export_name: a, field: b, static: "${env:TOKEN}"}]'),
        profile(fields='fields: [{export_name: "header:Host", static: "${env:TOKEN}"}]'),
        profile(url="${env:TOKEN}", name="a b"),
    ],
)
def test_no_problem_shows_a_secret(text: str, tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", text)

    found = loaded(tmp_path)

    assert found.invalid == 1
    assert SECRET not in "".join(map(repr, found.problems))


def test_profile_masks_its_secrets_and_names_them_to_whoever_masks_texts(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xef\xbb\xbffrom-file\r\n")
    fields = 'fields: [{export_name: a, static: "${file:token}"}, {export_name: "header:X", static: "${env:TOKEN}"}]'
    write(tmp_path, "a.yaml", profile(fields=fields, url="https://example.com/${env:TOKEN}"))

    read = loaded(tmp_path).profiles[0]

    assert read.url == f"https://example.com/{SECRET}"
    assert read.mappings == (StaticMapping("a", "from-file"),)
    assert read.secrets == {"from-file", SECRET}
    assert not {SECRET, "from-file"} & set(repr(read).replace("'", " ").split())
    assert SECRET not in repr(read)


def test_each_profile_knows_only_its_own_secrets(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", profile(name="a", fields='fields: [{export_name: a, static: "${env:TOKEN}"}]'))
    write(tmp_path, "b.yaml", profile(name="b"))

    assert [one.secrets for one in loaded(tmp_path).profiles] == [{SECRET}, frozenset()]


def test_ca_file_starts_at_the_profiles_own_folder_and_must_hold_certificates(tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    (tmp_path / "no.pem").write_text("hello")
    write(tmp_path, "a.yaml", profile(name="a", more="ca_file: ca.pem"))
    wrong = write(tmp_path, "b.yaml", profile(name="b", more="ca_file: no.pem"))

    found = loaded(tmp_path)

    assert [one.ca_file for one in found.profiles] == [str(tmp_path / "ca.pem")]
    assert any(str(problem).startswith(f"{wrong}:3: the ca_file") for problem in found.problems)


def test_folders_inside_are_not_read_and_it_says_so(tmp_path: Path) -> None:
    for name in ("more", ".hidden", "secrets"):
        (tmp_path / name).mkdir()
    write(tmp_path, "a.yaml", profile(name="a", fields=A_FIELD))
    write(tmp_path / "more", "b.yaml", profile(name="b"))
    write(tmp_path / ".hidden", "c.yaml", profile(name="c"))
    write(tmp_path / "secrets", "token.txt", "s3cr3t")

    found = loaded(tmp_path)

    assert [one.name for one in found.profiles] == ["a"]
    assert [str(problem) for problem in found.problems] == [
        f"{tmp_path / 'more'}:1: warning: a folder inside is not read: move its profiles up"
    ]


@pytest.mark.parametrize(
    ("routing", "wrong"),
    [
        ("campaign: 7, product: a-b", []),
        ("campaign: [0, -3, ALL], product: All", []),
        ("campaign: 07", ["07"]),
        ("campaign: [7, Summer Sale, 7.0]", ["Summer Sale", "7.0"]),
        ('campaign: ""', []),
    ],
)
def test_an_id_that_no_event_has_is_doubted(routing: str, wrong: list[str], tmp_path: Path) -> None:
    rows = f"routing:\n  - {{customer_type: All, {routing}}}"
    path = write(tmp_path, "a.yaml", profile(fields=A_FIELD, routing=rows))

    found = loaded(tmp_path, known_fields=KnownFields(FIELDS.names, campaign="campaignId"))

    lines = [str(problem) for problem in found.problems if problem.severity == "warning"]
    line = path.read_text("utf-8").splitlines().index("routing:") + 2
    assert lines == [
        f"{path}:{line}: warning: no event matches the campaign `{name}`: `campaignId` is a whole number; "
        "write the id, such as 7"
        for name in wrong
    ]


def test_nothing_is_said_of_ids_where_no_schema_tells_what_they_are(tmp_path: Path) -> None:
    write(tmp_path, "a.yaml", profile(fields=A_FIELD, routing="routing: [{customer_type: All, campaign: Summer}]"))

    assert loaded(tmp_path, known_fields=KnownFields(frozenset({"firstName"}))).problems == ()


def test_what_does_not_load_is_still_known_by_its_name(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml", profile(name="good"))
    write(tmp_path, "broken.yaml", profile(name="broken") + "no_such_key: 1\n")

    found = loaded(tmp_path)

    assert [one.name for one in found.profiles] == ["good"]
    assert found.named == frozenset({"good", "broken"})


def test_a_file_that_hides_its_names_from_the_start_on_may_hold_any(tmp_path: Path) -> None:
    write(tmp_path, "good.yaml", profile(name="good"))
    write(tmp_path, "broken.yaml", "name: [")
    folder = ProfileFolder(tmp_path, environ=ENVIRON)
    at_first = folder.load().named

    write(tmp_path, "broken.yaml", profile(name="mended"))
    write(tmp_path, "new.yaml", "name: [")

    assert at_first is None
    assert folder.load().named == frozenset({"good", "mended"})


def test_a_folder_that_was_never_read_says_so(tmp_path: Path) -> None:
    folder = ProfileFolder(tmp_path / "later", environ={})
    at_first = folder.load()
    (tmp_path / "later").mkdir()

    assert not at_first.was_read
    assert folder.load().was_read
