"""The receiver: a thread with its own event loop, a port that it keeps, and the list of what arrived."""

import asyncio
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, Self, TypeVar

from tests.ports import free_ports
from tests.receiver.answers import Answer, Rule, always
from tests.receiver.arrived import Arrived
from tests.receiver.connection import Connection
from tests.waiting import wait_for

T = TypeVar("T")


class Receiver:
    """
    Answers 200 to everything until a rule says otherwise.

    Use it as a context manager. `close()` and `open()` take it down and bring it back on the same port.
    """

    def __init__(self, *, port: int | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.port = port or free_ports(1)[0]
        self.most_connections = 0
        self._tls = tls
        self._rules: dict[str, Rule] = {}
        self._rule_of_others: Rule = always(Answer())
        self._arrived: list[Arrived] = []
        self._seen: Counter[tuple[str, str]] = Counter()
        self._connections: set[Connection] = set()
        self._connection_numbers = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="receiver", daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def open(self) -> None:
        """Listen; also again after `close()`."""
        self._in_loop(self._open())

    def close(self) -> None:
        """Refuse connections, and reset those that are open."""
        self._in_loop(self._close())

    def url(self, path: str = "/") -> str:
        scheme = "https" if self._tls is not None else "http"
        return f"{scheme}://127.0.0.1:{self.port}{path}"

    def on(self, path: str, rule: Rule) -> None:
        """Answer requests for *path* by *rule*, from the next one on."""
        self._rules[path] = rule

    def otherwise(self, rule: Rule) -> None:
        """Answer requests for paths without a rule by *rule*."""
        self._rule_of_others = rule

    def arrived(self, path: str | None = None) -> list[Arrived]:
        """What has come so far, in order; for one path or all."""
        return [a for a in list(self._arrived) if path is None or a.path == path]

    def wait_for(
        self,
        count: int,
        path: str | None = None,
        *,
        timeout_seconds: float = 60,
        that: Callable[[Arrived], bool] = lambda _: True,
    ) -> list[Arrived]:
        """Give what has arrived once there are at least *count* requests; *that* says which ones count."""

        def chosen() -> list[Arrived]:
            return [a for a in self.arrived(path) if that(a)]

        wait_for(
            lambda: len(chosen()) >= count,
            timeout_seconds=timeout_seconds,
            what=lambda: f"{count} requests for {path or 'any path'}, {len(chosen())} came",
        )
        return chosen()

    def wait_for_all(self, events: set[str], path: str | None = None, *, timeout_seconds: float = 120) -> None:
        """Return once every event (the parameter `event`) has been answered 2xx."""

        def missing() -> set[str]:
            return events - {a.parameters["event"] for a in self.arrived(path) if a.succeeded}

        wait_for(
            lambda: not missing(),
            timeout_seconds=timeout_seconds,
            what=lambda: f"{len(missing())} events at {path}: {sorted(missing())[:5]} ...",
        )

    def wait_for_quiet(self, seconds: float, *, timeout_seconds: float = 60) -> list[Arrived]:
        """Give all that has arrived once nothing has for so long: what would come twice has had its time."""
        quiet_since = [time.monotonic(), 0.0]

        def quiet() -> bool:
            if len(self._arrived) != quiet_since[1]:
                quiet_since[:] = [time.monotonic(), len(self._arrived)]
            return time.monotonic() - quiet_since[0] >= seconds

        wait_for(quiet, timeout_seconds=timeout_seconds, what="a pause between requests")
        return self.arrived()

    def _answer(self, arrived: Arrived) -> Answer:
        path = arrived.path
        self._seen[path, arrived.key] += 1
        arrived.nth = self._seen[path, arrived.key]
        self._arrived.append(arrived)
        return self._rules.get(path, self._rule_of_others)(arrived)

    def _connection(self) -> Connection:
        self._connection_numbers += 1
        self.most_connections = max(self.most_connections, len(self._connections) + 1)
        return Connection(self._connection_numbers, self._answer, self._connections)

    async def _open(self) -> None:
        self._server = await self._loop.create_server(
            self._connection, "127.0.0.1", self.port, ssl=self._tls, backlog=1024, reuse_address=True
        )

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            connection.abort()
        # A turn of the loop, so that the aborted transports are gone before anybody ends it.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    def _in_loop(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)
