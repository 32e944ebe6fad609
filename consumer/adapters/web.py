"""`/metrics`, `/healthz` and `/readyz`: read-only, for Prometheus and the kubelet."""

import socket
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from consumer.core.errors import SettingsError
from consumer.log import EventLog

Check = Callable[[], str | None]
"""What is wrong, or None."""

_CLIENT_TIMEOUT_S: Final = 5

_log = EventLog("web")


class WebServer:
    """Serves on a thread of its own until it is closed."""

    def __init__(self, host: str, port: int, *, registry: CollectorRegistry, healthy: Check, ready: Check) -> None:
        try:
            self._server = (_ServerOfIPv6 if ":" in host else _Server)((host, port), _Handler)
        except OSError as error:
            raise SettingsError(f"web.address {host}:{port} cannot be listened on: {error.strerror}") from error
        self._server.registry = registry
        self._server.checks = {"/healthz": healthy, "/readyz": ready}
        self._thread = Thread(target=self._server.serve_forever, name="web", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens, also when port 0 was asked for."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    registry: CollectorRegistry
    checks: dict[str, Check]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Scrapers and probes may go away before they have their answer: that is nobody's error."""
        del request, client_address
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            _log.debug("client.gone", text=str(error))
        else:
            _log.exception("web.failed")


class _ServerOfIPv6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _CLIENT_TIMEOUT_S
    server_version = "postback"
    sys_version = ""

    def do_GET(self) -> None:
        """The three pages; all else is not found."""
        path = self.path.partition("?")[0]
        check = self.server.checks.get(path)
        if check is not None:
            problem = check()
            self._answer(503 if problem else 200, "text/plain; charset=utf-8", f"{problem or 'ok'}\n".encode())
        elif path == "/metrics":
            encode, content_type = choose_encoder(self.headers.get("Accept", ""))
            self._answer(200, content_type, encode(self.server.registry))
        else:
            self._answer(404, "text/plain; charset=utf-8", b"there is /metrics, /healthz and /readyz\n")

    def do_HEAD(self) -> None:
        """The same without the page."""
        self.do_GET()

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Probes and scrapes come every few seconds: they are not logged."""
