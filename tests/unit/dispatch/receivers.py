"""Receivers in memory: a sender that answers as it is told to, and keeps what they would have received."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from consumer.core.answer import Answer, Answered, Unanswered
from consumer.core.request import Request
from tests.unit.dispatch.fakes import Clock


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that was made, as the receiver sees it."""

    at_ms: int
    endpoint: str
    delivery_id: str
    params: Mapping[str, str]

    @property
    def event(self) -> str:
        return self.params["event"]

    @property
    def profile(self) -> str:
        return self.params["profile"]


def _as_received(request: Request, at_ms: int) -> Sent:
    return Sent(at_ms, request.endpoint, request.key or "", dict(parse_qsl(urlsplit(request.url).query)))


def status(code: int, retry_after: str | None = None) -> Answer:
    return Answered(code, retry_after, 1.0, b"")


def timeout() -> Answer:
    return Unanswered("timeout", "no answer within 30 s", 30_000.0)


def network() -> Answer:
    return Unanswered("network", "connection refused", 1.0)


class FakeSender:
    """
    Attributes:
        answer: Says what becomes of a request; None: it stays under way.
        sent: All requests, in the order in which they were made.
        ended: How many of them were answered.
        waited_seconds: At most, for answers.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._under_way: list[tuple[Any, Sent]] = []
        self.answer: Callable[[Sent], Answer | None] = lambda _: status(200)
        self.sent: list[Sent] = []
        self.ended = 0
        self.waited_seconds = 0.0
        self.most_under_way: dict[str, int] = {}
        self.on_start: Callable[[Sent], None] = lambda _: None
        self.on_answer: Callable[[Sent, Answer], None] = lambda _sent, _answer: None

    @property
    def in_flight(self) -> int:
        return len(self._under_way)

    @property
    def under_way(self) -> list[Sent]:
        return [sent for _, sent in self._under_way]

    def start(self, token: Any, request: Request) -> None:
        sent = _as_received(request, self._clock.now_ms)
        self.sent.append(sent)
        self._under_way.append((token, sent))
        at_once = sum(one.endpoint == sent.endpoint for one in self.under_way)
        self.most_under_way[sent.endpoint] = max(at_once, self.most_under_way.get(sent.endpoint, 0))
        self.on_start(sent)

    def forget_under_way(self) -> None:
        """The process died: whoever comes next has a sender of its own."""
        self._under_way.clear()

    def wait(self, timeout_seconds: float) -> list[tuple[Any, Answer]]:
        self.waited_seconds += timeout_seconds
        ended: list[tuple[Any, Answer]] = []
        still: list[tuple[Any, Sent]] = []
        for token, sent in self._under_way:
            answer = self.answer(sent)
            if answer is None:
                still.append((token, sent))
            else:
                ended.append((token, answer))
                self.on_answer(sent, answer)
        self._under_way = still
        self.ended += len(ended)
        return ended
