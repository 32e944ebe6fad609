"""Commands that look at brokers which do not answer."""

import pytest

from tests.desk import Desk
from tests.ports import free_ports


@pytest.mark.parametrize("command", [("status", "--json"), ("topics", "create"), ("log",)])
def test_a_broker_that_does_not_answer_is_one_clear_line_without_any_secret(
    desk: Desk, command: tuple[str, ...]
) -> None:
    server, secret = f"127.0.0.1:{free_ports(1)[0]}", "s3cret-passw0rd"
    client = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "me",
        "sasl.password": secret,
    }
    desk.set(kafka={"bootstrap_servers": server, "client": client})
    desk.profile("hub")

    shown = desk.call(*command)

    assert shown.code == 1
    assert shown.out.count("\n") == 1
    assert shown.out.startswith(f"{desk.folder}/postback.yaml:2: the brokers do not answer")
    assert server in shown.out
    assert "Connection refused" in shown.out
    assert secret not in shown.out + shown.err
    assert shown.err == ""
