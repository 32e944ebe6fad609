"""The frame of the commands: exit codes, and nothing but lines."""

import argparse
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from consumer import __main__, __version__
from consumer.__main__ import main
from consumer.core.errors import BrokerUnreachable, SettingsError

COMMANDS = ["run", "demo", "init", "check", "preview", "status", "log", "topics", "schema"]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[argparse.Namespace], int]], None]:
    """Puts a function in the place of `postback check`."""

    def put(run: Callable[[argparse.Namespace], int]) -> None:
        def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
            subparsers.add_parser("check").set_defaults(run=run)

        monkeypatch.setattr(__main__, "import_module", lambda _: SimpleNamespace(add_parser=add_parser))

    return put


def raising(error: BaseException) -> Callable[[argparse.Namespace], int]:
    def run(args: argparse.Namespace) -> int:
        raise error

    return run


def test_version_and_help_are_good(capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--version", "--help"):
        with pytest.raises(SystemExit) as ended:
            main([option])
        assert ended.value.code == 0

    out = capsys.readouterr().out
    assert out.startswith(f"postback {__version__}\n")
    assert all(f"\n    {name} " in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert f"usage: postback {name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments", [["nothing"], ["check", "--nothing"], ["schema"], ["schema", "x"], ["check", "x"]]
)
def test_wrong_usage_is_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert "usage: postback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "usage", "error"),
    [
        (["check", "--lve"], "check", "unrecognized arguments: --lve; did you mean `--live`?"),
        (
            ["check", "a.yaml", "--cnfig=b"],
            "check",
            "unrecognized arguments: a.yaml --cnfig=b; did you mean `--config`?",
        ),
        (["log", "1001"], "log", "unrecognized arguments: 1001"),
        (["topics", "create", "--confg", "x"], "topics create", "--confg x; did you mean `--config`?"),
        (["run", "--role", "dispach"], "run", "did you mean `dispatch`?"),
        (["schema"], "schema", "the following arguments are required: settings|profile"),
        (["chek"], "", "did you mean `check`?"),
        (["--verson"], "", "unrecognized arguments: --verson; did you mean `--version`?"),
    ],
)
def test_wrong_usage_is_answered_by_the_command_itself_with_what_was_meant(
    arguments: list[str], usage: str, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)

    said = capsys.readouterr().err
    assert said.startswith(f"usage: {f'postback {usage}'.strip()} [")
    assert said.endswith(f"{error}\n")


def test_no_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: postback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (SettingsError("a:1: b", "c:2: d"), "a:1: b\nc:2: d\n"),
        (BrokerUnreachable("no broker answers"), "no broker answers\n"),
    ],
)
def test_error_of_ours_is_lines_on_stdout_and_1(
    error: Exception, lines: str, command: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(raising(error))

    assert main(["check"]) == 1
    assert capsys.readouterr().out == lines


def test_error_of_nobody_is_logged_once_and_1(command: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    command(raising(ZeroDivisionError("a bug")))

    assert main(["check"]) == 1
    assert [record.getMessage() for record in caplog.records] == ["program.failed"]
    assert caplog.records[0].exc_info is not None


def test_interrupt_is_no_bug(command: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    command(raising(KeyboardInterrupt()))

    assert main(["check"]) == 130
    assert caplog.records == []


def test_interrupt_while_the_command_is_still_imported_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(__main__, "import_module", raising(KeyboardInterrupt()))

    assert main(["check"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    [(["schema", "settings"], ""), (["schema", "settings"], "1"), (["schema", "--help"], "")],
)
def test_output_that_cannot_be_written_is_one_line_and_1(arguments: list[str], unbuffered: str) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "consumer", *arguments],
            env={"PYTHONUNBUFFERED": unbuffered},
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert ended.stderr == b"the output cannot be written: No space left on device\n"
    assert ended.returncode == 1


def test_closed_output_is_one_line_and_1() -> None:
    command = f"exec '{sys.executable}' -m consumer schema settings >&-"

    ended = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False)

    assert (ended.stdout, ended.stderr) == (b"", b"the output cannot be written: stdout is closed\n")
    assert ended.returncode == 1


def test_reader_who_leaves_early_sees_no_traceback() -> None:
    command = [sys.executable, "-m", "consumer", "schema", "settings"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        complaints = process.stderr.read()

    assert complaints == b""
    assert process.returncode == 1


def test_only_the_command_that_is_asked_for_is_imported() -> None:
    script = "import sys; from consumer.__main__ import main; main(['init', '--help'])"
    script = f"import atexit, sys; atexit.register(lambda: print('confluent_kafka' in sys.modules)); {script}"

    assert subprocess.check_output([sys.executable, "-c", script], text=True).endswith("\nFalse\n")


def test_terminal_without_utf8_is_no_reason_to_fail() -> None:
    command = [sys.executable, "-m", "consumer", "check", "--config", "größe.yaml"]
    environ = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PATH": ""}

    ended = subprocess.run(command, env=environ, capture_output=True, check=False)

    assert ended.stderr == b""
    assert ended.stdout.startswith(rb"gr\xf6\xdfe.yaml:1: ")
