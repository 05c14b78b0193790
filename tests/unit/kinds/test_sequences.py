from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.backends.loading import open_tokenizer
from harness.kinds import sequences
from harness.kinds.sequences import subwords, truncate


@given(st.integers(0, 30), st.integers(0, 30), st.integers(2, 40))
def test_truncation_cuts_the_longer_text_one_by_one(first, second, room):
    a, b = list(range(first)), list(range(second))
    while len(a) + len(b) > room:
        (a if len(a) > len(b) else b).pop()
    assert truncate(list(range(first)), list(range(second)), room) == (a, b)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_each_distinct_text_is_tokenised_once_in_portions(tiny_model, family, monkeypatch):
    tokenizer = open_tokenizer(tiny_model(family))
    texts = ["the lazy Dog", "12 cats", "", "the lazy Dog", "Zürich liegt"]
    expected = {t: tokenizer(t, add_special_tokens=False)["input_ids"] for t in texts}
    seen = []

    def counted(part, **options):
        seen.append(list(part))
        return tokenizer(part, **options)

    monkeypatch.setattr(sequences, "_TEXTS_AT_ONCE", 3)
    found = subwords(texts, counted)
    assert {t: ids.tolist() for t, ids in found.items()} == expected
    assert all(ids.dtype == np.int32 for ids in found.values())
    assert seen == [["the lazy Dog", "12 cats", ""], ["Zürich liegt"]]
    assert subwords([], counted) == {} and len(seen) == 2
