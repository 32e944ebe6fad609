"""
The program as the image has it, compiled by mypyc.

What a broken C program does is die: everything that can kill it runs in processes of its own.
"""

import os
import sys
import tomllib
from pathlib import Path

import pytest

from tests import compiled as compiled_program
from tests.broker.topics import Topics
from tests.e2e.crm import Crm
from tests.e2e.service import Service
from tests.receiver import Receiver

ROOT = Path(__file__).parents[2]
HOT = (
    "ingest/service",
    "core/render",
    "core/offsets",
    "dispatch/admission",
    "adapters/avro/complex",
    "adapters/curl/sender",
)


def require_compiler() -> None:
    """Where it is missing the test is skipped, and in CI it fails: nothing may go untested there unnoticed."""
    if not (missing := compiled_program.missing()):
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI requires a C compiler and Python's headers; missing: {missing}")
    pytest.skip(f"THE COMPILED PROGRAM IS NOT TESTED: {compiled_program.NEEDS}; missing: {missing}")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the compiled package is in; its dependencies are those of the tests."""
    require_compiler()
    return compiled_program.install(tmp_path_factory.mktemp("compiled"))


@pytest.fixture
def compiled(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have every process that the test starts be the compiled program."""
    monkeypatch.setenv("PYTHONPATH", str(installed))
    return installed


def test_what_is_hot_is_compiled_and_what_is_left_out_is_not(compiled: Path) -> None:
    hook = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]
    left_out = [name.removeprefix("/consumer/").removesuffix(".py") for name in hook["mypyc"]["exclude"]]
    names = [*HOT, *left_out]
    script = "import importlib, sys; [print(importlib.import_module(name).__file__) for name in sys.argv[1:]]"
    modules = [f"consumer.{name}".replace("/", ".").removesuffix(".__init__") for name in names]

    found = compiled_program.run((sys.executable, "-c", script, *modules), cwd=compiled).splitlines()

    assert all(Path(file).is_relative_to(compiled / "consumer") for file in found)
    assert [Path(file).suffix for file in found] == [".so"] * len(HOT) + [".py"] * len(left_out)


def test_the_rules_and_laws_hold_compiled(compiled: Path, tmp_path: Path) -> None:
    desk = compiled_program.copy_of_project(("pyproject.toml", "schemas", "tests"), tmp_path / "desk")

    # Without CI: the laws have been tried thoroughly, what is looked for here are differences.
    pytest_command = (sys.executable, "-m", "pytest", "-q", "-x", "tests/unit", "tests/property")
    compiled_program.run(pytest_command, cwd=desk, CI="")


def test_the_compiled_program_delivers_what_can_be_and_ends_in_good_order(
    compiled: Path, service: Service, crm: Crm, receiver: Receiver, topics: Topics
) -> None:
    service.profile("all", receiver.url("/all"))
    instance = service.start()
    assert instance.maps(compiled)

    crm.send_bytes([b"", b"\xc3\x01garbage", b"\xc3\x01" + b"\xff" * 1_000])
    crm.send_orders([crm.order(orderId=2**63 - 1)] + [crm.order() for _ in range(200)])
    arrived = receiver.wait_for(201)

    assert str(2**63 - 1) in {a.parameters["order"] for a in arrived}
    assert len(topics.wait_records(service.topic("dead-letter"), 3)) == 3
    errors = [r["event"] for r in instance.log_records() if r.get("level") == "error"]
    assert errors == ["record.dead_letter"] * 3
    assert instance.stop() == 0
