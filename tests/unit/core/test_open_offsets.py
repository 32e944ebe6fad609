"""Who looks at a commit from outside sees the same as the one who wrote it."""

from hypothesis import given
from hypothesis import strategies as st

from consumer.core.offsets import Ledger, open_in, open_test


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
