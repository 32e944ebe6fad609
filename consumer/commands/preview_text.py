"""How a preview is shown: plain requests that can be compared byte by byte, curl commands, JSON."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from consumer.commands.reasons import IN_WORDS
from consumer.commands.request_text import curl_text, http_text, masked
from consumer.core.answer import Answer, Answered, Unanswered
from consumer.core.errors import RecordError
from consumer.core.event import Event
from consumer.core.masking import Mask
from consumer.core.outcome import Delivered, Failed, outcome_of
from consumer.core.request import Request
from consumer.core.values import utf8
from consumer.service.preview import Plan, Planned, send
from consumer.settings import Settings


@dataclass(frozen=True, slots=True)
class PreviewOutput:
    """
    What is shown, and whether it is sent.

    Attributes:
        mask: Takes the secrets of the profiles that are shown out of a text.
    """

    settings: Settings
    mask: Mask
    as_curl: bool
    sends: bool

    def answer(self, plan: Plan, planned: Planned) -> Answer | None:
        """What came of sending it; None when it is not to be sent."""
        return send(planned.request, self.settings) if self.sends and not plan.reason else None

    def request(self, request: Request) -> str:
        """A request as it is shown."""
        shown = masked(request, self.mask)
        return (
            curl_text(shown, timeout_seconds=self.settings.http.timeout_seconds) if self.as_curl else http_text(shown)
        )


def text_output(output: PreviewOutput, event: Event | RecordError, plans: Sequence[Plan]) -> int:
    """
    For people and pipes: a single request stands alone on stdout, to its last byte.

    Returns:
        The exit code.
    """
    if isinstance(event, RecordError):
        _write(f"nothing would be sent: the event goes to the dead letters as {event.reason}: {event}\n")
        return 0
    shown = [(plan, planned) for plan in plans for planned in plan.planned or (None,)]
    code = 0
    for number, (plan, planned) in enumerate(shown):
        title = f"=== {plan.profile.name}{f': {planned.delivery.code}' if planned else ''} ===\n"
        _write(f"{title if len(shown) > 1 else ''}{_why_none(plan, output.mask)}")
        if planned is not None:
            is_last = number == len(shown) - 1
            code = max(code, _show_request(output, plan, planned, is_last=is_last))
        elif len(shown) > 1:
            _write("\n")
    return code


def _show_request(output: PreviewOutput, plan: Plan, planned: Planned, *, is_last: bool) -> int:
    for note in planned.notes:
        print(f"{plan.profile.name}: {note}", file=sys.stderr)
    _write(output.request(planned.request))
    answer = output.answer(plan, planned)
    if answer is not None:
        gap = "\n\n" if planned.request.body or output.as_curl else "\n"
        _write(f"{gap}{_answer_text(answer, output.mask)}\n")
    elif sys.stdout.isatty() or output.as_curl or not is_last:
        _write("\n")
    if not is_last:
        _write("\n")
    return 0 if answer is None or isinstance(outcome_of(answer), Delivered) else 1


def _why_none(plan: Plan, mask: Mask) -> str:
    if not plan.reason:
        return ""
    first, *rest = map(mask, plan.lines)
    will = "kept, not sent" if plan.reason == "paused" else "nothing would be sent"
    end = "\n" if plan.planned else ""
    return "".join([f"{will} ({plan.reason}): {first}\n", *(f"  {line}\n" for line in rest), end])


def _answer_text(answer: Answer, mask: Mask) -> str:
    outcome = outcome_of(answer)
    match outcome:
        case Delivered(status=status):
            said = f"delivered: {status}"
        case Failed(reason=reason, status=status, detail=detail):
            said = f"failed ({reason}): {IN_WORDS[reason]}: {status or detail}; a run would attempt it again"
        case _:
            assert_never(outcome)
    start = _printable(answer.body_start) if isinstance(answer, Answered) else ""
    return mask(f"{said} ({answer.duration_ms:.0f} ms){f'{chr(10)}{start}' if start else ''}")


def _printable(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() or letter == "\n" else "·" for letter in text).strip("\n")


def json_output(output: PreviewOutput, event: Event | RecordError, plans: Sequence[Plan]) -> int:
    """
    For machines: one object.

    Returns:
        The exit code.
    """
    if isinstance(event, RecordError):
        _write_json({"event": None, "reason": event.reason, "text": str(event), "profiles": []})
        return 0
    profiles, code = [], 0
    for plan in plans:
        requests = [_request_json(output, plan, planned) for planned in plan.planned]
        if any(one["answer"] and not one["answer"]["delivered"] for one in requests):
            code = 1
        why = {"reason": plan.reason or None, "lines": [output.mask(line) for line in plan.lines]}
        profiles.append({"profile": plan.profile.name, **why, "requests": requests})
    _write_json({"event": _event_json(event), "reason": None, "text": None, "profiles": profiles})
    return code


def _event_json(event: Event) -> dict[str, Any]:
    return {
        "id": event.event_id,
        "customer_types": list(event.customer_types),
        "test_card": event.test_card,
        "campaign": event.campaign,
        "products": sorted(event.products),
    }


def _request_json(output: PreviewOutput, plan: Plan, planned: Planned) -> dict[str, Any]:
    request = masked(planned.request, output.mask)
    answer = output.answer(plan, planned)
    return {
        "customer_type": planned.delivery.code,
        "delivery_id": planned.delivery.id,
        "method": request.method,
        "url": request.url,
        "headers": [[name, value.strip()] for name, _, value in (line.partition(":") for line in request.lines)],
        "body": None if request.body is None else request.body.decode(),
        "notes": list(planned.notes),
        "answer": None if answer is None else _answer_json(answer, output.mask),
    }


def _answer_json(answer: Answer, mask: Mask) -> dict[str, Any]:
    outcome = outcome_of(answer)
    failed = outcome if isinstance(outcome, Failed) else None
    return {
        "delivered": failed is None,
        "status": answer.status if isinstance(answer, Answered) else None,
        "reason": failed and failed.reason.value,
        "detail": mask(answer.detail) if isinstance(answer, Unanswered) else None,
        "duration_ms": round(answer.duration_ms, 1),
        "body_start": mask(answer.body_start.decode("utf-8", "replace")) if isinstance(answer, Answered) else None,
    }


def _write_json(document: dict[str, Any]) -> None:
    _write(f"{json.dumps(document, ensure_ascii=False, indent=2)}\n")


def _write(text: str) -> None:
    """To stdout as it is: no encoding of a terminal changes a request."""
    sys.stdout.flush()
    sys.stdout.buffer.write(utf8(text))
    sys.stdout.buffer.flush()
