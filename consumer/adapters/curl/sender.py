"""The loop that drives the transfers."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final, Generic, TypeVar

import pycurl

from consumer.adapters.curl.errors import why_impossible
from consumer.adapters.curl.gate import Gate
from consumer.adapters.curl.look_ups import EndpointQueue, Turns
from consumer.adapters.curl.transfer import Transfer
from consumer.core.address import Network
from consumer.core.answer import Answer, Unanswered
from consumer.core.request import Request

T = TypeVar("T")

_TICK_SECONDS: Final = 0.01
_CLOSE_SECONDS: Final = 1.0


class CurlSender(Generic[T]):
    """
    Sends requests side by side and says what came of each.

    Nothing in here retries, but for the repeat when a kept connection turns out to be closed without a byte of an
    answer: libcurl's own on others that it kept, then once on a fresh one. Connections are kept; each was checked when
    it was opened, against networks that cannot change in the lifetime of a sender.

    Waiting is done with an edge-triggered epoll of our own that every socket joins when it is opened: libcurl's
    ``select`` cannot see descriptors above 1,023, and its socket callbacks cost half as much again per request
    (tests/benchmarks). An edge only means "drive the transfers"; whatever no edge tells of (a name that was looked
    up, a rest that libcurl left in a socket) waits for one tick at most.

    Args:
        timeout: For a whole attempt, to the end of the answer; it begins when the name of a cold endpoint is known.
        max_connections: Kept at most when idle; no limit on what is in flight, which the caller bounds.
    """

    def __init__(self, *, timeout: timedelta, allow_networks: Sequence[Network], max_connections: int) -> None:
        self._timeout = timeout
        self._gate = Gate(allow_networks)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_MAXCONNECTS, max_connections)
        self._running: dict[pycurl.Curl, tuple[T, Transfer, EndpointQueue[T]]] = {}
        self._leading: dict[Transfer, EndpointQueue[T]] = {}
        self._queues: dict[str, EndpointQueue[T]] = {}
        self._turns: Turns[T] = Turns()
        self._waiting = 0
        self._idle: list[Transfer] = []
        self._finished: list[tuple[T, Answer]] = []

    @property
    def in_flight(self) -> int:
        """Requests that were started and not yet handed back."""
        return len(self._running) + self._waiting + len(self._finished)

    def start(self, token: T, request: Request) -> None:
        """Begin to send; never blocks. What libcurl refuses outright is handed back by ``wait`` like everything."""
        queue = self._queues.get(request.endpoint)
        if queue is None:
            queue = self._queues[request.endpoint] = EndpointQueue(request.endpoint)
        if queue.waiting is not None:
            queue.waiting.append((token, request))
            self._waiting += 1
            return
        if not queue.is_cold():
            self._begin(token, request, queue)
        elif self._turns.begin(queue):
            self._lead(token, request, queue)
        else:
            queue.waiting = [(token, request)]
            self._waiting += 1

    def _lead(self, token: T, request: Request, queue: EndpointQueue[T]) -> None:
        """Send the first request after a pause: all others to its endpoint wait until the name is looked up."""
        if queue.waiting is None:
            queue.waiting = []
        transfer = self._begin(token, request, queue, fresh=True)
        if transfer is not None:
            self._leading[transfer] = queue
        else:
            self._turns.end(queue, found=True)
            self._release(queue)

    def _begin(self, token: T, request: Request, queue: EndpointQueue[T], *, fresh: bool = False) -> Transfer | None:
        transfer = self._idle.pop() if self._idle else Transfer(self._gate, self._timeout)
        try:
            transfer.prepare(request, fresh=fresh)
            self._multi.add_handle(transfer.curl)
        except (pycurl.error, ValueError, TypeError) as error:
            transfer.curl.close()
            self._finished.append((token, Unanswered("network", why_impossible(error), 0.0)))
            return None
        queue.running += 1
        self._running[transfer.curl] = (token, transfer, queue)
        return transfer

    def wait(self, timeout_seconds: float) -> list[tuple[T, Answer]]:
        """Drive what is in flight until something finished or the time is over; give what finished."""
        until = time.monotonic() + timeout_seconds
        while True:
            self._drive()
            if self._finished:
                finished, self._finished = self._finished, []
                return finished
            left = until - time.monotonic()
            if left <= 0:
                return []
            self._gate.epoll.poll(self._bounded(left))

    def cancel_all(self) -> list[T]:
        """Break off what is in flight and give its tokens: whether it arrived is unknown."""
        tokens = [token for token, _transfer, _line in self._running.values()]
        for curl, (_token, transfer, _line) in self._running.items():
            self._multi.remove_handle(curl)
            self._idle.append(transfer)
        for queue in self._queues.values():
            tokens += [token for token, _request in queue.released()]
        self._running.clear()
        self._leading.clear()
        self._turns.clear()
        self._queues.clear()
        self._waiting = 0
        return tokens

    def close(self) -> None:
        """
        Break off what is in flight and close every connection.

        libcurl waits for look-ups that are under way, and a dead name server can make that long: then it is left
        alone with them.
        """
        self.cancel_all()
        closing = threading.Thread(target=self._multi.close, name="curl-close", daemon=True)
        closing.start()
        closing.join(_CLOSE_SECONDS)
        for transfer in self._idle:
            transfer.curl.close()
        self._idle.clear()
        self._gate.close()

    def _bounded(self, seconds: float) -> float:
        if not self._running:
            return seconds
        timer_ms = self._multi.timeout()
        return min(seconds, _TICK_SECONDS, timer_ms / 1000) if timer_ms >= 0 else min(seconds, _TICK_SECONDS)

    def _drive(self) -> None:
        self._multi.perform()
        self._gate.settle()
        if self._leading:
            self._release_looked_up()
        queued = 1
        while queued:
            queued, done, failed = self._multi.info_read()
            for curl in done:
                self._finish(curl, pycurl.E_OK, "")
            for curl, code, message in failed:
                self._finish(curl, code, message)

    def _release_looked_up(self) -> None:
        for transfer in [transfer for transfer in self._leading if transfer.is_looked_up]:
            queue = self._leading.pop(transfer)
            queue.looked_up()
            self._looked_up(queue, found=True)
            self._release(queue)

    def _looked_up(self, queue: EndpointQueue[T], *, found: bool) -> None:
        self._turns.end(queue, found=found)
        while (following := self._turns.next()) is not None:
            waiting = following.waiting or []
            token, request = waiting.pop(0)
            self._waiting -= 1
            self._lead(token, request, following)

    def _finish(self, curl: pycurl.Curl, code: int, message: str) -> None:
        token, transfer, queue = self._running.pop(curl)
        self._multi.remove_handle(curl)
        if transfer.came_to_a_closed_connection(code) and self._repeats(curl, transfer):
            self._running[curl] = (token, transfer, queue)
            return
        answer = transfer.answer(code, message)
        self._finished.append((token, answer))
        transfer.forget()
        self._idle.append(transfer)
        queue.running -= 1
        if not self._leading or self._leading.pop(transfer, None) is None:
            return
        is_unknown = code in {pycurl.E_COULDNT_RESOLVE_HOST, pycurl.E_OPERATION_TIMEDOUT}
        self._looked_up(queue, found=not is_unknown)
        if is_unknown:
            self._share(queue, answer)
        else:
            self._release(queue)

    def _repeats(self, curl: pycurl.Curl, transfer: Transfer) -> bool:
        """Whether it goes out once more, on a new connection: libcurl itself takes the next one that it kept."""
        try:
            transfer.repeat()
            self._multi.add_handle(curl)
        except pycurl.error:
            return False
        return True

    def _release(self, queue: EndpointQueue[T]) -> None:
        waited = queue.released()
        self._waiting -= len(waited)
        for token, request in waited:
            self.start(token, request)

    def _share(self, queue: EndpointQueue[T], answer: Answer) -> None:
        """Let the look-up that failed be the answer to everything that waited for it."""
        waited = queue.released()
        self._waiting -= len(waited)
        self._finished += [(token, answer) for token, _request in waited]
