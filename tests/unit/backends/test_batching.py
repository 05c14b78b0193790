from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.backends.batching import row_limit, token_batches, token_budget


@given(
    st.lists(st.integers(0, 40)),
    st.integers(1, 100),
    st.none() | st.integers(1, 5),
)
def test_batches_partition_the_rows_within_the_budget(
    lengths: list[int], max_tokens: int, max_rows: int | None
) -> None:
    batches = token_batches(lengths, max_tokens=max_tokens, max_rows=max_rows)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= max_tokens
        assert max_rows is None or len(batch) <= max_rows
    flat = [lengths[i] for batch in batches for i in batch]
    assert flat == sorted(flat, reverse=True)


def test_equal_lengths_keep_their_order() -> None:
    assert token_batches([3, 5, 3, 3], max_tokens=6) == [[1], [0, 2], [3]]


def test_gpus_take_more_than_cpus() -> None:
    assert token_budget("cuda:1") > token_budget("cpu")
    assert row_limit("cuda") > row_limit("cpu")
