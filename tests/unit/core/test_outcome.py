"""Where an answer becomes success or a reason to come round again."""

import pytest

from consumer.core.answer import Answered, NoAnswer, Unanswered
from consumer.core.outcome import Delivered, Failed, Reason, outcome_of

OF_THE_ENDPOINT = {"timeout", "network", "tls", "throttled", "server", "refused_address"}


def _expected(status: int) -> str:
    if status == 429:
        return "throttled"
    kinds = {1: "network", 3: "redirect", 4: "rejected"}
    return kinds.get(status // 100, "server")


def test_every_status_from_100_to_999() -> None:
    outcomes = {status: outcome_of(Answered(status, None, 1.0, b"")) for status in range(100, 1000)}

    delivered = {status for status, outcome in outcomes.items() if outcome == Delivered(status)}
    failed = {status: outcome.reason.value for status, outcome in outcomes.items() if isinstance(outcome, Failed)}
    assert delivered == set(range(200, 300))
    assert failed == {status: _expected(status) for status in range(100, 1000) if status not in delivered}


def test_retry_after_is_believed_of_429_and_503_only() -> None:
    outcomes = {status: outcome_of(Answered(status, "120", 1.0, b"")) for status in range(100, 1000)}

    believed = {status for status, one in outcomes.items() if isinstance(one, Failed) and one.retry_after == "120"}
    assert believed == {429, 503}


def test_a_503_with_retry_after_throttles_and_one_without_does_not() -> None:
    assert outcome_of(Answered(503, "1", 1.0, b"")) == Failed(Reason.THROTTLED, 503, "1")
    assert outcome_of(Answered(503, None, 1.0, b"")) == Failed(Reason.SERVER, 503)


@pytest.mark.parametrize("kind", ["timeout", "network", "tls", "refused_address"])
def test_no_answer(kind: NoAnswer) -> None:
    outcome = outcome_of(Unanswered(kind, "what the network said", 1.0))

    assert outcome == Failed(Reason(kind), detail="what the network said")


@pytest.mark.parametrize("reason", Reason)
def test_which_reasons_tell_of_the_endpoint_as_a_whole(reason: Reason) -> None:
    assert Failed(reason).is_endpoints == (reason.value in OF_THE_ENDPOINT)
