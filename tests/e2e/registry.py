"""A schema registry of the Confluent kind, as far as a consumer asks it."""

import json
from collections.abc import Mapping
from typing import Self

from tests.events import Schema
from tests.receiver import Answer, Receiver, always

_JSON = (("Content-Type", "application/vnd.schemaregistry.v1+json"),)


class SchemaRegistry:
    """Gives schemas by id on loopback; can be taken down and brought back."""

    def __init__(self, schemas: Mapping[int, Schema]) -> None:
        self._receiver = Receiver()
        self._receiver.otherwise(always(Answer(status=404, headers=_JSON, body=b'{"error_code":40403,"message":"x"}')))
        for number, schema in schemas.items():
            body = json.dumps({"schema": json.dumps(schema)}).encode()
            self._receiver.on(f"/schemas/ids/{number}", always(Answer(headers=_JSON, body=body)))

    def __enter__(self) -> Self:
        self._receiver.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._receiver.__exit__()

    @property
    def url(self) -> str:
        return self._receiver.url("").rstrip("/")

    @property
    def requests(self) -> int:
        """How many schemas have been asked for."""
        return len([a for a in self._receiver.arrived() if a.path.startswith("/schemas/ids/")])

    def close(self) -> None:
        self._receiver.close()

    def open(self) -> None:
        self._receiver.open()
