"""
The image, built for real without a container engine's daemon, and the demo inside it.

Slow (a Debian is unpacked once, into .cache): only with POSTBACK_IMAGE_TEST=1. The pins are checked always.
"""

import json
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.ops.conftest import ROOT, require_tool

PINS = ROOT / ".ci" / "image"
DOCKERFILE = (ROOT / "Dockerfile").read_text()
ROOTFS = ROOT / ".cache" / "image-base"
slow = pytest.mark.skipif(not os.environ.get("POSTBACK_IMAGE_TEST"), reason="NOT TESTED: set POSTBACK_IMAGE_TEST=1")


def pins(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (PINS / f"{name}.txt").read_text(), re.MULTILINE))


def compiling(project: dict[str, Any]) -> list[str]:
    """What the build needs beside its own requirements."""
    found: list[str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["mypyc"]["dependencies"]
    return found


def test_the_pins_are_versions_that_the_project_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        "runtime": project["project"]["dependencies"],
        "build": project["build-system"]["requires"] + compiling(project),
    }

    for name, requirements in wanted.items():
        for requirement in map(Requirement, requirements):
            pinned = pins(name).get(requirement.name.lower())
            assert pinned, f"{requirement.name} is not pinned: run .ci/pin-image"
            assert pinned in requirement.specifier, f"{requirement.name}=={pinned}: run .ci/pin-image"


def test_what_compiles_is_the_mypy_that_checks() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    checking = project["project"]["optional-dependencies"]["dev"]

    assert len([one for one in compiling(project) if one.startswith("mypy==") and one in checking]) == 1


def test_every_pin_has_a_hash_and_no_address_is_written_down() -> None:
    for name in ("runtime", "build"):
        text = (PINS / f"{name}.txt").read_text()
        assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=[a-z])", text)[1:])
        assert "://" not in text


def test_the_image_runs_as_a_number_and_leaves_health_to_the_probes() -> None:
    final = DOCKERFILE[DOCKERFILE.rindex("FROM") :]

    assert "USER 65532:65532" in final
    assert not re.search(r"^HEALTHCHECK", DOCKERFILE, re.MULTILINE)
    assert "pip" not in final


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """The image, on a Debian instead of the slim Python that no registry gives here."""
    require_tool("buildah")
    if not (ROOTFS / "etc" / "debian_version").exists():
        packages = "--include=python3-minimal,python3-venv,ca-certificates"
        run([str(require_tool("debootstrap")), "--variant=minbase", packages, "bookworm", str(ROOTFS)])
    base = buildah("from", "scratch").strip()
    buildah("add", "-q", base, str(ROOTFS), "/")
    buildah("commit", "-q", base, "postback-base")
    buildah("rm", base)
    # How this machine reaches its package index, and nothing else of it, is lent to the build.
    lent = [part for name in ("PIP_INDEX_URL", "PIP_CERT") if os.environ.get(name) for part in ("--env", name)]
    volumes = [
        f"--volume={path}:{path}:ro"
        for path in ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
        if Path(path).exists()
    ]
    buildah(
        "bud",
        "-q",
        "--build-arg",
        "BASE=localhost/postback-base",
        *lent,
        *volumes,
        "-t",
        "postback-consumer",
        str(ROOT),
    )
    yield "localhost/postback-consumer"
    buildah("rmi", "--force", "localhost/postback-consumer", "localhost/postback-base")


@pytest.fixture
def container(image: str) -> Iterator[str]:
    name = buildah("from", image).strip()
    yield name
    buildah("rm", name)


def buildah(*args: str) -> str:
    return run(["buildah", *args])


def run(command: list[str]) -> str:
    environment = os.environ | {"STORAGE_DRIVER": "vfs", "BUILDAH_ISOLATION": "chroot"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


@slow
def test_the_built_image_is_described_and_unprivileged(image: str) -> None:
    config = json.loads(buildah("inspect", "--type", "image", image))["OCIv1"]["config"]

    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["postback"]
    assert "org.opencontainers.image.licenses" in config["Labels"]


@slow
def test_nothing_of_the_build_is_left_in_the_image(container: str) -> None:
    found = buildah(
        "run",
        container,
        "--",
        "sh",
        "-c",
        "ls -d /opt/* /src /wheels /pins 2>/dev/null; command -v gcc cc make || true",
    )

    assert found.split() == ["/opt/postback"]


@slow
def test_no_file_of_the_program_can_be_written_by_the_user_of_the_image(container: str) -> None:
    found = buildah(
        "run", container, "--", "sh", "-c", "id -u; find /opt/postback /etc/postback -writable ! -type l | head -n 3"
    )

    assert found.split() == ["65532"]


@slow
def test_the_program_starts_in_the_image(container: str) -> None:
    printed = buildah("run", container, "--", "postback", "--version")

    assert re.search(r"\d+\.\d+", printed)


@slow
def test_the_demo_delivers_inside_the_image(container: str) -> None:
    compiled = "import consumer.dispatch.service as found; print(found.__file__)"
    assert buildah("run", container, "--", "python", "-c", compiled).strip().endswith(".so")

    printed = buildah("run", container, "--", "postback", "demo", "--seconds", "15")

    assert re.search(r"\bdelivered\b.*attempt 1", printed)
    assert re.search(r"\bfailed\b.*attempt 1", printed)
    assert re.search(r"\bdelivered\b.*attempt 2", printed)
