"""A person's desk: a folder with settings, profiles and events, and `postback` called in it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from consumer.__main__ import main

ALL = [{"customer_type": "All", "campaign": "All", "product": "All"}]


@dataclass(frozen=True, slots=True)
class Called:
    """What a command gave back."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    @property
    def head(self) -> list[str]:
        """The lines before the first empty one."""
        return self.out.split("\n\n", 1)[0].split("\n")

    @property
    def body(self) -> bytes:
        """All behind the first empty line."""
        return self.raw.split(b"\n\n", 1)[1]

    def header(self, name: str) -> str | None:
        lines = (line.partition(": ") for line in self.head[1:])
        return next((value for key, _, value in lines if key.lower() == name.lower()), None)


class Desk:
    """Everything is written in one folder; the environment is the test's."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[bytes]) -> None:
        self.folder = folder
        self._capture = capture
        self._settings: dict[str, Any] = {
            "kafka": {"bootstrap_servers": "127.0.0.1:1"},
            "sources": [{"topic": "orders"}, {"topic": "partials", "customer_type": "PARTIAL"}],
            "http": {"timeout_seconds": 5, "allow_networks": ["127.0.0.0/8"]},
        }
        (folder / "profiles").mkdir(parents=True)

    def set(self, **sections: Any) -> None:
        """Change settings; sections are merged."""
        for name, value in sections.items():
            old = self._settings.get(name)
            self._settings[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) else value

    def profile(self, name: str = "hub", *, url: str = "https://example.com/in", fields: Any = (), **more: Any) -> None:
        """
        Write a profile that takes everything.

        Args:
            fields: Export names with a field's name, or with "=" and a static text.
        """
        rows = [_row(export_name, value) for export_name, value in fields]
        content = {"name": name, "postback_url": url, "fields": rows, "routing": ALL, **more}
        self.profile_text(name, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))

    def profile_text(self, name: str, text: str) -> None:
        (self.folder / "profiles" / f"{name}.yaml").write_text(text, "utf-8")

    def event(self, **fields: Any) -> Path:
        """The JSON of an order, with these fields."""
        return self.file("event.json", json.dumps({"orderId": 1001, "customerTypes": ["SALE"], **fields}))

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def call(self, *arguments: object) -> Called:
        """One command in this process."""
        path = self.file("postback.yaml", yaml.safe_dump(self._settings, sort_keys=False))
        self._capture.readouterr()
        try:
            code = main([*(str(argument) for argument in arguments), "--config", str(path)])
        except SystemExit as usage:
            code = int(usage.code or 0)
        said = self._capture.readouterr()
        return Called(code, said.out, said.err.decode())

    def preview(self, *arguments: object, profile: str = "hub") -> Called:
        return self.call("preview", profile, *arguments)


def _row(export_name: str, value: str) -> dict[str, str]:
    return {"export_name": export_name} | ({"static": value[1:]} if value.startswith("=") else {"field": value})
