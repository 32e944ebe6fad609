"""One request as it came over the wire."""

from dataclasses import dataclass, field
from urllib.parse import parse_qsl


@dataclass(slots=True, kw_only=True)
class Arrived:
    """
    A request, recorded before it is answered.

    Attributes:
        at: Unix time at which its last byte was read.
        line: The request line, without its line end.
        headers: As sent: names in their case, in their order.
        connection: Number of the connection that it came on.
        nth: How many requests with this Idempotency-Key came to this path, this one included.
        status: What was answered; None until then, and when nothing was.
        answered_at: Unix time of the answer's last byte.
    """

    at: float
    line: bytes
    headers: list[tuple[str, str]]
    body: bytes
    connection: int
    nth: int = 1
    status: int | None = None
    answered_at: float | None = field(default=None)

    @property
    def method(self) -> str:
        return self.line.split(b" ", 1)[0].decode("ascii")

    @property
    def target(self) -> str:
        return self.line.split(b" ")[1].decode("ascii")

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def parameters(self) -> dict[str, str]:
        """What the query or, without one, the form says; of a repeated name the last."""
        return dict(parse_qsl(self.query or self.body.decode(), keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """The value of the first header of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def key(self) -> str:
        """The Idempotency-Key; empty when there is none."""
        return self.header("Idempotency-Key") or ""

    @property
    def succeeded(self) -> bool:
        return self.status is not None and 200 <= self.status < 300
