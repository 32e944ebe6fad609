"""The service under test: a folder with its settings and profiles, and the processes started on it."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.broker.kafka import KafkaBroker
from tests.e2e.instance import Completed, Instance, run_postback
from tests.events import Schema
from tests.ports import free_ports

Fields = Sequence[Mapping[str, str]]
Routing = Sequence[Mapping[str, Any]]

ALL: Routing = ({"customer_type": "All", "campaign": "All", "product": "All"},)
IDENTITY: Fields = (
    {"export_name": "order", "field": "orderId"},
    {"export_name": "event", "field": "eventId"},
    {"export_name": "type", "field": "customerType"},
)


class Service:
    """
    One deployment: `postback.yaml`, `profiles/`, and any number of instances.

    Attributes:
        name: Topic prefix and group id; unique, so that tests share a broker.
    """

    def __init__(self, folder: Path, broker: KafkaBroker, name: str) -> None:
        self.name = name
        self.instances: list[Instance] = []
        self._folder = folder
        self._settings = settings(broker, name)
        (folder / "profiles").mkdir(parents=True)

    @property
    def tick_seconds(self) -> float:
        return round(float(self._settings["tick_minutes"]) * 60, 3)

    @property
    def orders(self) -> str:
        return f"{self.name}.orders"

    @property
    def partials(self) -> str:
        return f"{self.name}.partials"

    def topic(self, last: str) -> str:
        """`retry`, `outcomes`, `dead-letter`, `window.4s` ..., with this service's prefix."""
        return f"{self.name}.{last}"

    def set(self, section: str, **values: Any) -> None:
        """Change a section of the settings for instances that start from now on."""
        self._settings.setdefault(section, {}).update(values)

    def set_top(self, **values: Any) -> None:
        """The same for what stands outside the sections."""
        self._settings.update(values)

    def set_tick(self, *, seconds: float) -> None:
        self._settings["tick_minutes"] = seconds / 60

    def profile(
        self,
        name: str,
        url: str,
        *,
        delay_seconds: float = 0,
        fields: Fields = IDENTITY,
        routing: Routing = ALL,
        **more: Any,
    ) -> Path:
        """Write or replace a profile, in one step, as a running service must see it."""
        content = {
            "name": name,
            "type": "postback",
            "postback_url": url,
            "export_delay_minutes": delay_seconds / 60,
            "fields": [dict(field) for field in fields],
            "routing": [{"campaign": "All", "product": "All", **row} for row in routing],
            **more,
        }
        return self.profile_text(name, yaml.safe_dump(content, sort_keys=False))

    def profile_text(self, name: str, text: str) -> Path:
        path = self._folder / "profiles" / f"{name}.yaml"
        written = path.with_suffix(".new")
        written.write_text(text)
        written.replace(path)
        return path

    @contextmanager
    def profiles_away(self) -> Iterator[None]:
        """The folder of the profiles is not there meanwhile."""
        folder = self._folder / "profiles"
        elsewhere = folder.rename(folder.with_name("not-mounted"))
        yield
        elsewhere.rename(folder)

    def remove_profile(self, name: str) -> None:
        (self._folder / "profiles" / f"{name}.yaml").unlink()

    def write_schema(self, name: str, schema: Schema) -> None:
        """Have the service look schemas up in a folder with just those that are written so."""
        folder = self._folder / "schemas"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.avsc").write_text(json.dumps(schema))
        self.set("schemas", folder="schemas")

    def start(self, *, role: str = "all", wait_ready: bool = True) -> Instance:
        """Start one more process; by default return when it is ready."""
        config = self.write_settings()
        instance = Instance(
            ["run", "--config", str(config), "--role", role],
            log_file=self._folder / f"instance-{len(self.instances) + 1}.log",
            web_port=free_ports(1)[0],
        )
        self.instances.append(instance)
        if wait_ready:
            instance.wait_ready()
        return instance

    def command(self, *arguments: str) -> Completed:
        """Run one of the other commands to its end."""
        return run_postback([*arguments, "--config", str(self.write_settings())])

    def status_of(self, profile: str) -> dict[str, Any]:
        """What `postback status --json` says of one profile."""
        done = self.command("status", "--json")
        if done.exit_code != 0:
            raise RuntimeError(f"postback status has failed:\n{done.out}{done.err}")
        found: dict[str, Any] = next(p for p in json.loads(done.out)["profiles"] if p["name"] == profile)
        return found

    def write_settings(self) -> Path:
        path = self._folder / "postback.yaml"
        path.write_text(yaml.safe_dump(self._settings, sort_keys=False))
        return path

    def kill_all(self) -> None:
        for instance in self.instances:
            instance.kill()


def settings(broker: KafkaBroker, name: str) -> dict[str, Any]:
    """Settings of a test: a tick of two seconds, few partitions, dead members noticed soon."""
    return {
        "kafka": {
            "bootstrap_servers": broker.bootstrap_servers,
            "group_id": name,
            "topic_prefix": name,
            "partitions": 3,
            "client": {
                "session.timeout.ms": 4000,
                "heartbeat.interval.ms": 800,
                **broker.client_properties,
            },
        },
        "sources": [
            {"topic": f"{name}.orders"},
            {"topic": f"{name}.partials", "customer_type": "PARTIAL"},
        ],
        "tick_minutes": 2 / 60,
        "profiles": "profiles",
        "http": {"timeout_seconds": 5, "allow_networks": ["127.0.0.0/8"]},
        "log": {"level": "debug" if os.environ.get("POSTBACK_TEST_DEBUG") else "info"},
    }
