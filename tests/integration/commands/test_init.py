"""What `postback init` tells people to do next, done."""

import re
import shlex
import subprocess
from pathlib import Path

import httpx
import pytest

from consumer.__main__ import main


def test_the_receiver_that_it_names_takes_whatever_a_profile_may_send(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", str(tmp_path)])
    (command,) = re.findall(r"^  (.+ -m consumer\.demo\.receiver)$", capsys.readouterr().out, re.MULTILINE)

    with subprocess.Popen(shlex.split(command), stdout=subprocess.PIPE, text=True) as receiver:
        try:
            assert receiver.stdout is not None
            url = receiver.stdout.readline().split()[0]
            for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
                answer = httpx.request(method, f"{url}orders?a=1", content=f"by {method}", timeout=10)
                assert answer.status_code == httpx.codes.OK
                assert receiver.stdout.readline() == f"{method} /orders?a=1 by {method}\n"
        finally:
            receiver.terminate()
