"""
A receiver on loopback that refuses the first request to some paths: so that a retry is seen.

``python -m consumer.demo.receiver`` is one for the desk, which shows what arrives.
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import Final

from consumer.core.printable import printable

PORT: Final = 8080
"""The one that `postback init`'s sample profile sends to; another where it is taken."""

_FAILS_FIRST: Final = "/flaky"


class DemoReceiver:
    """Answers 200, but 503 to the first request under `/flaky`."""

    def __init__(self, show: Callable[[str], None] = lambda _: None) -> None:
        """
        Args:
            show: Called with the method, the target and the body of each request.
        """
        try:
            self._server = _Server(("127.0.0.1", PORT), _Handler, show)
        except OSError:
            self._server = _Server(("127.0.0.1", 0), _Handler, show)
        Thread(target=self._server.serve_forever, name="receiver", daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], show: Callable[[str], None]
    ) -> None:
        super().__init__(address, handler)
        self.show = show
        self._lock = Lock()
        self._has_failed = False

    def status_for(self, path: str) -> int:
        """503 once."""
        with self._lock:
            if path.startswith(_FAILS_FIRST) and not self._has_failed:
                self._has_failed = True
                return 503
        return 200


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Read it, answer it."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("utf-8", "replace")
        self.server.show(printable(f"{self.command} {self.path} {body}".rstrip()))
        self.send_response(self.server.status_for(self.path))
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """What arrived is said by the demo's own lines, or shown."""


def main() -> None:
    """Until Ctrl-C."""
    say = partial(print, flush=True)
    receiver = DemoReceiver(show=say)
    say(f"http://127.0.0.1:{receiver.port}/ answers every request with 200 until Ctrl-C, and shows it here:")
    with suppress(KeyboardInterrupt):
        Event().wait()


if __name__ == "__main__":
    main()
