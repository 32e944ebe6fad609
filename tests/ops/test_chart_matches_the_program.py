"""The chart and the program agree: the same settings, the same profile, and what is mounted passes `postback check`."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
import trustme
import yaml

from consumer.adapters.profiles import ProfileFolder
from consumer.core.profile import Profile
from tests.ops.chart import Chart, Object, of_kind, pod_specs, the
from tests.ops.conftest import ROOT

EXAMPLES = sorted((ROOT / "helm" / "ci").glob("*-values.yaml"))
POSTBACK = Path(sys.executable).with_name("postback")
BY_THE_CHART = {"profiles", "schemas.registry_username", "schemas.registry_password"}
"""Settings that the chart writes itself."""


def keys(schema: Object, definitions: Object, *, above: str = "") -> set[str]:
    """Give every key that a JSON Schema knows, with the keys above it."""
    found: set[str] = set()
    for name, entry in schema.get("properties", {}).items():
        inner = _resolved(entry, definitions)
        inner = _resolved(inner["items"], definitions) if "items" in inner else inner
        found |= {f"{above}{name}"} | keys(inner, definitions, above=f"{above}{name}.")
    return found


def _resolved(entry: Object, definitions: Object) -> Object:
    found: Object = definitions[entry["$ref"].rsplit("/", 1)[1]] if "$ref" in entry else entry
    return found


def programs_schema(of: str) -> Object:
    printed = subprocess.run([str(POSTBACK), "schema", of], capture_output=True, text=True, check=True).stdout
    found: Object = json.loads(printed)
    return found


def charts_definitions() -> Object:
    found: Object = json.loads((ROOT / "helm" / "values.schema.json").read_text())["definitions"]
    return found


def test_the_chart_takes_the_settings_of_the_program_and_no_others() -> None:
    ours = keys(charts_definitions()["settings"], charts_definitions())
    program = programs_schema("settings")

    assert ours == keys(program, program["$defs"]) - BY_THE_CHART


def test_the_chart_takes_the_words_of_a_profile_and_no_others() -> None:
    program = programs_schema("profile")["$defs"]

    assert keys(charts_definitions()["profile"], charts_definitions()) == keys(program["Profile"], program)


def test_defaults_that_the_chart_repeats_are_those_of_the_program() -> None:
    values: Object = yaml.safe_load((ROOT / "helm" / "values.yaml").read_text())["settings"]
    program = programs_schema("settings")

    told = {path: value for path, value in _leaves(values) if value not in ("", [])}
    assert len(told) >= 8
    assert {path: _default(program, path) for path in told} == told


def _leaves(node: Any, path: str = "") -> list[tuple[str, Any]]:
    if isinstance(node, dict) and node:
        return [leaf for key, value in node.items() for leaf in _leaves(value, f"{path}.{key}".lstrip("."))]
    return [(path, node)]


def _default(program: Object, path: str) -> Any:
    node = program
    for key in path.split("."):
        node = _resolved(node, program["$defs"])["properties"][key]
    return node["default"]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_what_a_pod_finds_mounted_passes_check(chart: Chart, example: Path, tmp_path: Path) -> None:
    objects = chart.render(example, hooks=False)
    (pod, *_) = pod_specs(objects).values()
    variables = {entry["name"]: entry.get("value", "from-somewhere") for entry in pod["containers"][0]["env"]}
    mount_all(pod, objects, tmp_path)
    variables["POSTBACK_CONFIG"] = str(tmp_path) + variables["POSTBACK_CONFIG"]

    done = subprocess.run([str(POSTBACK), "check"], capture_output=True, text=True, check=False, env=variables)

    assert done.returncode == 0, done.stdout + done.stderr


PROFILE = """\
name: a
postback_url: https://example.com/?a={{x}}&b=c
fields:
- {export_name: list, static: 0400}
- {export_name: y, static: 1_000}
- {export_name: price, static: 1.50}
routing:
- {customer_type: All, campaign: 012, product: [10000000, 12]}   # as the CRM says
"""
QUOTED = """\
postback_url: https://example.com/?a={{x}}&b=c
fields:
- {export_name: list, static: "0400"}
- {export_name: "y", static: "1_000"}
- {export_name: price, static: "1.50"}
routing:
- {customer_type: All, campaign: "012", product: [10000000, 12]}
"""


def test_a_profile_that_is_pasted_is_the_profile_of_its_file(chart: Chart, tmp_path: Path) -> None:
    as_text = rendered_profile(chart, tmp_path, "|", PROFILE)
    quoted = rendered_profile(chart, tmp_path, "", QUOTED)

    assert as_text == PROFILE
    assert loaded(tmp_path / "quoted", quoted) == loaded(tmp_path / "file", PROFILE)


def rendered_profile(chart: Chart, folder: Path, block: str, profile: str) -> str:
    """By a values file, as Helm reads those of operators."""
    values = folder / "values.yaml"
    settings = yaml.safe_dump({"settings": {"kafka": {"bootstrap_servers": "a:1"}, "sources": [{"topic": "orders"}]}})
    values.write_text(f"{settings}profiles:\n  values:\n    a: {block}\n{indent(profile, ' ' * 6)}")
    text: str = the(chart.render(values), "ConfigMap", ends="-profiles")["data"]["a.yaml"]
    return text


def loaded(folder: Path, text: str) -> Profile:
    folder.mkdir()
    (folder / "a.yaml").write_text(text)
    (profile,) = ProfileFolder(folder, environ={}).load().profiles
    return profile


def test_helm_tests_check_passes_where_the_profiles_of_a_sidecar_are_not_there(chart: Chart, tmp_path: Path) -> None:
    objects = chart.render(ROOT / "helm" / "ci" / "sidecar-values.yaml")
    pod = the(objects, "Pod")["spec"]
    variables = {entry["name"]: entry.get("value", "from-somewhere") for entry in pod["containers"][0]["env"]}
    mount_all(pod, objects, tmp_path)
    shutil.rmtree(tmp_path / "profiles")
    (tmp_path / "profiles").mkdir()
    for name in ("POSTBACK_CONFIG", "POSTBACK_PROFILES"):
        variables[name] = str(tmp_path) + variables[name]

    done = subprocess.run([str(POSTBACK), "check"], capture_output=True, text=True, check=False, env=variables)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "there is no profile" in done.stdout


def mount_all(pod: Object, objects: list[Object], root: Path) -> None:
    """Lay the pod's folders out below *root*, and let the settings look there."""
    data = {found["metadata"]["name"]: found["data"] for found in of_kind(objects, "ConfigMap")}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: volumes[mount["name"]] for mount in pod["containers"][0]["volumeMounts"]}
    absolute = re.compile(rf"(?<![\w/.])({'|'.join(mounts)})\b")
    for path, volume in mounts.items():
        held = data.get(volume.get("configMap", {}).get("name")) or of_others(path, volume)
        for name, text in held.items():
            file = root / path.lstrip("/") / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(absolute.sub(rf"{root}\1", text))


def of_others(path: str, volume: Object) -> dict[str, str]:
    """What is in a volume that the chart does not fill."""
    if "secret" in volume:
        authority = trustme.CA()
        issued = authority.issue_cert("kafka.example.com")
        pems = {"ca.crt": authority.cert_pem, "tls.crt": issued.cert_chain_pems[0], "tls.key": issued.private_key_pem}
        texts = {name: pem.bytes().decode() for name, pem in pems.items()}
        return dict.fromkeys(("username", "password", "warehouse"), "secret\n") | texts
    if path == "/schemas":
        return {schema.name: schema.read_text() for schema in (ROOT / "schemas").glob("*.avsc")}
    if path == "/profiles":
        values = yaml.safe_load((ROOT / "helm" / "ci" / "split-values.yaml").read_text())["profiles"]["values"]
        profile = yaml.safe_dump(values["warehouse"] | {"name": "a", "postback_url": "https://example.com"})
        return {"a.yaml": profile, "current/profiles/a.yaml": profile}
    return {}
