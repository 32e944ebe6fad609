"""Who looks at a commit from outside sees the same as the one who wrote it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumer.core.offsets import METADATA_LIMIT, Ledger, open_in, open_test


@given(start=st.integers(0, 1 << 40), taken=st.integers(0, 300), data=st.data())
def test_what_a_commit_says_is_open_is_what_the_ledger_had_open(start: int, taken: int, data: st.DataObject) -> None:
    ledger = Ledger(start)
    offsets = range(start, start + taken)
    settled = data.draw(st.sets(st.sampled_from(offsets))) if taken else set()
    for offset in offsets:
        ledger.take(offset)
    for offset in settled:
        ledger.settle(offset)
    position, metadata = ledger.committable()

    is_open = open_test(position, metadata)

    end = start + taken + 5
    still_open = [offset for offset in range(position, end) if is_open(offset)]
    assert still_open == [*sorted(set(offsets) - settled), *range(start + taken, end)]
    assert len(still_open) == open_in(position, metadata, end)


@pytest.mark.parametrize("open_of_ten", [1, 5, 9])
def test_a_commit_tells_of_many_thousands_that_are_open_side_by_side(open_of_ten: int) -> None:
    ledger = Ledger(7)
    offsets = range(7, 7 + 20_000)
    for offset in offsets:
        ledger.take(offset)
    chosen = Random(open_of_ten)
    still_open = [offset for offset in offsets[:-1] if chosen.randrange(10) < open_of_ten]
    for offset in set(offsets) - set(still_open):
        ledger.settle(offset)

    position, metadata = ledger.committable()

    is_open = open_test(position, metadata)
    assert len(metadata) <= METADATA_LIMIT
    assert [offset for offset in range(position, offsets.stop) if is_open(offset)] == still_open
    assert not ledger.is_crowded


@pytest.mark.parametrize("aside_of_ten", [1, 3, 5, 9])
def test_what_is_set_aside_until_a_ledger_is_crowded_can_be_told(aside_of_ten: int) -> None:
    ledger, aside, chosen = Ledger(0), [], Random(aside_of_ten)
    offset = 0
    while not ledger.is_crowded:
        ledger.take(offset)
        if chosen.randrange(10) < aside_of_ten:
            ledger.set_aside(offset)
            aside.append(offset)
        else:
            ledger.settle(offset)
        offset += 1

    position, metadata = ledger.committable()

    is_open = open_test(position, metadata)
    assert len(aside) > 1_000
    assert [one for one in range(position, aside[-1] + 1) if is_open(one)] == aside
