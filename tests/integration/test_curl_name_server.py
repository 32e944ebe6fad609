"""A name server that does not answer holds up nobody else, and not the end of the process."""

from __future__ import annotations

import json
import pathlib
import shutil
import subprocess
import sys

import pytest

UNSHARE = ("unshare", "--map-root-user", "--mount", "--net", "sh", "-ec")


def can_unshare() -> bool:
    return bool(shutil.which("unshare")) and not subprocess.run([*UNSHARE, "true"], check=False).returncode


@pytest.fixture(scope="module")
def came(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What the script printed, in a network of its own with a silent name server."""
    if not can_unshare():
        pytest.skip("network namespaces cannot be made here")
    folder = tmp_path_factory.mktemp("names")
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    (folder / "hosts").write_text("127.0.0.1 localhost good.example better.example\n")
    script = f"""
        ip link set lo up
        mount --bind {folder}/resolv.conf {pathlib.Path("/etc/resolv.conf").resolve()}
        mount --bind {folder}/hosts /etc/hosts
        exec {sys.executable} -m tests.integration.dead_name_server
    """
    done = subprocess.run([*UNSHARE, script], check=True, stdout=subprocess.PIPE, text=True, timeout=60)
    return dict(json.loads(done.stdout))


def test_endpoint_without_a_name_server_does_not_take_the_look_ups_of_the_others(came: dict[str, object]) -> None:
    assert came["first"] == ["good"]


def test_many_names_without_a_server_make_no_other_fail(came: dict[str, object]) -> None:
    assert came["better"] == [200]


def test_sender_is_closed_while_a_look_up_is_under_way(came: dict[str, object]) -> None:
    assert came["is_looking_up"] is True  # libcurl's own close still waits for it, in a thread
