"""A histogram's buckets, as Prometheus reads them."""

import pytest

from consumer.core.profile_counts import Histogram


@pytest.mark.parametrize(
    ("value", "below_or_at_one", "below_or_at_five"),
    [(0.0, 1, 1), (1.0, 1, 1), (1.001, 0, 1), (5.0, 0, 1), (5.001, 0, 0), (1e9, 0, 0)],
)
def test_a_value_counts_in_every_bucket_whose_bound_it_does_not_exceed(
    value: float, below_or_at_one: int, below_or_at_five: int
) -> None:
    histogram = Histogram((1.0, 5.0))
    histogram.observe(value)
    assert histogram.buckets() == [("1.0", below_or_at_one), ("5.0", below_or_at_five), ("+Inf", 1)]
    assert histogram.sum == value


def test_counts_and_sum_grow_with_each_value() -> None:
    histogram = Histogram((1.0, 5.0))
    for value in (0.5, 0.5, 3.0, 7.0):
        histogram.observe(value)
    assert histogram.buckets() == [("1.0", 2), ("5.0", 3), ("+Inf", 4)]
    assert histogram.sum == 11.0
