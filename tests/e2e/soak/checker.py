"""Compares what was produced with what arrived: pure, so that its own tests can plant every kind of breach."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.e2e.boundaries import first_runs, next_boundary
from tests.e2e.soak.ledger import Broken, Delivery, Destination, History, Produced
from tests.receiver import Arrived

SLACK_SECONDS = 3.0
"""What a commit, a rebalance's commit included, may take on a machine that is busy with the faults themselves."""

LATE_RUN_SECONDS = 12.0
"""How late a run may be after a fault before a conversion must have stopped the partials that it sends."""

LONGEST_WRITE_SECONDS = 30.0
"""How long after its production an event can be in a transaction that is still open: its writer may have been stuck."""


class Facts:
    """
    A history, indexed.

    Attributes:
        attempts: The requests of every delivery that arrived, in order of arrival.
        expected: Every delivery that the events make, those that a partial rule may suppress included.
        periods: Seconds, by profile.
    """

    def __init__(self, history: History) -> None:
        self.history = history
        self.events = {event.event_id: event for event in history.produced}
        self.periods = {to.name: to.period_seconds for to in history.destinations}
        self.attempts: dict[Delivery, list[Arrived]] = defaultdict(list)
        for profile, requests in history.arrived.items():
            for request in requests:
                self.attempts[_delivery_of(profile, request)].append(request)
        self.expected = {
            Delivery(profile=to.name, order_id=event.order_id, event_id=event.event_id, code=code): event
            for event in history.produced
            for to in history.destinations
            for code in to.codes(event)
        }


def check(history: History) -> list[Broken]:
    """Every promise that was broken, for every delivery; empty when all were kept."""
    facts = Facts(history)
    return [broken for rule in _RULES for broken in rule(facts)]


def _delivery_of(profile: str, request: Arrived) -> Delivery:
    said = request.parameters
    return Delivery(profile=profile, order_id=int(said["order"]), event_id=said["event"], code=said["type"])


def _lost(facts: Facts) -> Iterator[Broken]:
    newest: dict[int, int] = {}
    converted = {event.order_id for event in facts.history.produced if event.is_conversion}
    for event in facts.history.produced:
        if event.is_partial and not event.is_test_card:
            newest[event.order_id] = event.number
    for delivery, event in facts.expected.items():
        if any(request.succeeded for request in facts.attempts.get(delivery, ())):
            continue
        if event.is_partial and (event.order_id in converted or newest[event.order_id] > event.number):
            continue
        tried = len(facts.attempts.get(delivery, ()))
        yield Broken(promise="lost", what=str(delivery), detail=f"{tried} attempts arrived, none was answered 2xx")


def _out_of_nothing(facts: Facts) -> Iterator[Broken]:
    for delivery, requests in facts.attempts.items():
        event = facts.events.get(delivery.event_id)
        if event is not None and event.is_test_card:
            yield Broken(promise="test card out", what=str(delivery), detail=f"{len(requests)} requests")
        elif delivery not in facts.expected:
            yield Broken(promise="not asked for", what=str(delivery), detail="no event and route make this delivery")


def _early(facts: Facts) -> Iterator[Broken]:
    for delivery, requests in facts.attempts.items():
        event = facts.expected.get(delivery)
        if event is None:
            continue
        boundary = next_boundary(event.at, facts.periods[delivery.profile])
        if requests[0].at < boundary:
            seconds = boundary - requests[0].at
            yield Broken(promise="early", what=str(delivery), detail=f"{seconds:.3f} s before its boundary")


def _repeated(facts: Facts) -> Iterator[Broken]:
    history = facts.history
    margin = history.commit_interval_seconds + SLACK_SECONDS
    for delivery, requests in facts.attempts.items():
        successes = [request for request in requests if request.succeeded]
        for first, again in pairwise(successes):
            excused = any(
                breakage.repeats
                and breakage.began_at - margin <= first.at <= breakage.ended_at + margin
                and again.at >= breakage.began_at
                for breakage in history.breakages
            )
            if not excused and not _may_be_doubled(history, facts.events[delivery.event_id].at, first.at):
                detail = f"answered 2xx at {first.at:.2f} and sent again at {again.at:.2f}, with no fault to excuse it"
                yield Broken(promise="wrong duplicate", what=str(delivery), detail=detail)


def _may_be_doubled(history: History, produced_at: float, first_seen_at: float | None = None) -> bool:
    """Whether it was on its way when something happened that leaves it in the log twice."""
    return any(
        breakage.doubles
        and breakage.began_at - LONGEST_WRITE_SECONDS <= produced_at <= breakage.ended_at
        and (first_seen_at is None or first_seen_at >= breakage.began_at)
        for breakage in history.breakages
    )


def _keys(facts: Facts) -> Iterator[Broken]:
    owners: dict[str, Delivery] = {}
    for delivery, requests in facts.attempts.items():
        keys = {request.key for request in requests}
        if len(keys) > 1 or "" in keys:
            yield Broken(promise="different Idempotency-Key", what=str(delivery), detail=str(sorted(keys)))
        for key in keys:
            if owners.setdefault(key, delivery) != delivery:
                yield Broken(promise="shared Idempotency-Key", what=str(delivery), detail=f"also of {owners[key]}")


def _older_partial(facts: Facts) -> Iterator[Broken]:
    for profile, requests in facts.history.arrived.items():
        newest: dict[int, int] = {}
        for request in requests:
            event = facts.events.get(request.parameters["event"])
            if event is None or not event.is_partial:
                continue
            if newest.get(event.order_id, 0) > event.number:
                detail = f"event {event.event_id} at {request.at:.2f}, after a newer version had been sent"
                yield Broken(
                    promise="older partial after newer", what=f"{profile}, order {event.order_id}", detail=detail
                )
            newest[event.order_id] = max(newest.get(event.order_id, 0), event.number)


def _converted_partial(facts: Facts) -> Iterator[Broken]:
    placed: dict[int, float] = {}
    for event in facts.history.produced:
        if event.is_conversion:
            placed.setdefault(event.order_id, event.acknowledged_at)
    for delivery, event in facts.expected.items():
        if not event.is_partial or event.order_id not in placed:
            continue
        at = placed[event.order_id]
        for request in facts.attempts.get(delivery, ()):
            if _must_have_known(facts.history, event, at, request, facts.periods[delivery.profile]):
                detail = f"sent at {request.at:.2f}, the order was placed at {at:.2f}"
                yield Broken(promise="converted partial sent", what=str(delivery), detail=detail)


def _must_have_known(history: History, event: Produced, placed_at: float, request: Arrived, period: float) -> bool:
    """Whether the run that sent *request* must have known that the order had been placed."""
    earliest_run = next_boundary(event.at, period)
    known_by = first_runs((placed_at, placed_at), period)[1]
    if known_by <= earliest_run and not _is_disturbed(history, placed_at, earliest_run):
        return True
    disturbed = _is_disturbed(history, placed_at, request.at)
    return request.at > known_by + period + LATE_RUN_SECONDS and not disturbed


def _is_disturbed(history: History, since: float, until: float) -> bool:
    """Whether a fault may have delayed ingest or a run in that time."""
    return any(
        breakage.began_at - SLACK_SECONDS < until and breakage.ended_at + LATE_RUN_SECONDS > since
        for breakage in history.breakages
    )


def _overtaken(facts: Facts) -> Iterator[Broken]:
    history = facts.history
    for to in history.destinations:
        if to.rejects:
            continue
        first_success: dict[str, float] = {}
        for request in history.arrived.get(to.name, ()):
            if request.succeeded:
                first_success.setdefault(request.parameters["event"], request.at)
        yield from _overtaken_at(to, history.produced, first_success)


def _overtaken_at(to: Destination, produced: Sequence[Produced], succeeded_at: dict[str, float]) -> Iterator[Broken]:
    last: dict[int, tuple[float, Produced]] = {}
    for event in produced:
        # The two source topics are read independently of each other: only what came by one of them has an order.
        if event.is_partial or event.event_id not in succeeded_at:
            continue
        at = succeeded_at[event.event_id]
        before = last.get(event.order_id)
        if before is not None and at < before[0]:
            detail = f"event {event.event_id} was delivered before the earlier {before[1].event_id}"
            yield Broken(promise="order overtaken", what=f"{to.name}, order {event.order_id}", detail=detail)
        last[event.order_id] = max((at, event), before or (0.0, event), key=lambda one: one[0])


def _bad_events(facts: Facts) -> Iterator[Broken]:
    history = facts.history
    kept, put_in = Counter(history.dead_letters), Counter(one.value for one in history.garbage)
    doubled = {one.value for one in history.garbage if _may_be_doubled(history, one.at)}
    for value in put_in - kept:
        yield Broken(promise="bad event not kept", what=value.hex()[:40], detail="it is not in the dead letters")
    for value in (kept - put_in).keys() - doubled:
        yield Broken(promise="dead letter too many", what=value.hex()[:40], detail="twice, or never produced so")


def _test_cards_are_told(facts: Facts) -> Iterator[Broken]:
    told = facts.history.suppressed_test_cards
    with_one = [event for event in facts.history.produced if event.is_test_card]
    wanted = len(with_one)
    if not wanted <= told <= wanted + sum(_may_be_doubled(facts.history, event.at) for event in with_one):
        detail = f"{told} outcomes say so, {wanted} were produced"
        yield Broken(promise="test cards told once", what="outcomes", detail=detail)


def _ended_badly(facts: Facts) -> Iterator[Broken]:
    for what in facts.history.ended_badly:
        yield Broken(promise="runs until it is ended", what="a process", detail=what)


_RULES = (
    _lost,
    _out_of_nothing,
    _early,
    _repeated,
    _keys,
    _older_partial,
    _converted_partial,
    _overtaken,
    _bad_events,
    _test_cards_are_told,
    _ended_badly,
)
