"""What the receiver answers: values, and rules that choose among them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tests.receiver.arrived import Arrived


class Fault(StrEnum):
    """Ways to misbehave instead of answering."""

    HANG = "hang"  # the request is read, and then nothing
    DROP = "drop"  # the connection is closed without an answer
    RESET = "reset"  # the same with a TCP reset
    DRIP = "drip"  # one byte of the answer a second
    ENDLESS_HEADERS = "endless_headers"
    ENDLESS_BODY = "endless_body"
    NOT_HTTP = "not_http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    Attributes:
        after_seconds: How late the answer is; the connection stays open meanwhile.
        fault: What to do instead of answering.
        then_close: Close the kept connection after the answer without announcing it.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    after_seconds: float = 0
    fault: Fault | None = None
    then_close: bool = False

    def to_bytes(self) -> bytes:
        """The whole answer as it goes over the wire."""
        lines = [f"HTTP/1.1 {self.status} x", f"Content-Length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body


Rule = Callable[[Arrived], Answer]


def always(answer: Answer) -> Rule:
    """The same answer to everything."""
    return lambda _: answer


def per_delivery(*answers: Answer) -> Rule:
    """The first answer to the first attempt of a delivery, and so on; the last one for ever."""
    return lambda arrived: answers[min(arrived.nth, len(answers)) - 1]


def in_turn(*answers: Answer) -> Rule:
    """The first answer to the first request, whatever it is, and so on; the last one for ever."""
    seen: Counter[str] = Counter()

    def choose(_: Arrived) -> Answer:
        seen["all"] += 1
        return answers[min(seen["all"], len(answers)) - 1]

    return choose
