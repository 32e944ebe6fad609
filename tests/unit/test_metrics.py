"""What a Prometheus sees before anything was counted: it counts no increase of a series that begins above 0."""

from prometheus_client import CollectorRegistry

from consumer.metrics import Metrics


def test_every_reason_of_a_dead_letter_begins_at_0() -> None:
    metrics = Metrics(CollectorRegistry())

    for reason in ("undecodable", "no_test_card_field", "too_large", "profile_removed", "gave_up"):
        assert metrics.registry.get_sample_value("postback_dead_letters_total", {"reason": reason}) == 0


def test_what_is_counted_of_a_profile_begins_at_0_when_it_is_put_in_force() -> None:
    metrics = Metrics(CollectorRegistry())

    metrics.by_profile.counts("p")

    for reason in ("converted", "superseded"):
        labels = {"profile": "p", "reason": reason}
        assert metrics.registry.get_sample_value("postback_suppressed_total", labels) == 0
    for outcome in ("delivered", "failed", "suppressed", "dead_lettered"):
        labels = {"profile": "p", "outcome": outcome}
        assert metrics.registry.get_sample_value("postback_deliveries_total", labels) == 0
