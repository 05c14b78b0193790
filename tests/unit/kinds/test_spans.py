from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.backends.loading import open_tokenizer
from harness.kinds.spans import answer_tokens, best_span, cut, fullest, span_text


@given(st.integers(0, 200), st.integers(1, 40), st.integers(1, 40))
def test_windows_cover_the_context_without_a_gap(length, room, stride):
    windows = cut(length, room, stride)
    assert windows[0][0] == 0 and windows[-1][1] == length
    assert all(stop - start <= room for start, stop in windows)
    assert all(b[0] - a[0] == min(stride, room) and b[0] <= a[1] for a, b in pairwise(windows))
    assert all(stop < length for _, stop in windows[:-1])


@given(st.integers(0, 120), st.integers(1, 40), st.integers(1, 40))
def test_every_token_is_owned_by_the_window_with_most_context(length, room, stride):
    windows = fullest(cut(length, room, stride), place=5)
    owners = [
        [w for w, v in enumerate(windows) if v.start <= t < v.stop and v.owned[t - v.start]]
        for t in range(length)
    ]
    for token, owner in enumerate(owners):
        scores = {
            w: min(token - v.start, v.stop - 1 - token) + 0.01 * (v.stop - v.start)
            for w, v in enumerate(windows)
            if v.start <= token < v.stop
        }
        assert owner == [max(scores, key=lambda w: (scores[w], -w))]


def reference(windows, logits, n_best, max_length, may_be_null=False):
    """The official procedure as loops: candidates in order, then the first of the highest."""
    null = min(float(start[0]) + float(end[0]) for start, end in logits)
    candidates = []
    for window, (start_logits, end_logits) in zip(windows, logits, strict=True):
        starts = sorted(range(len(start_logits)), key=lambda i: start_logits[i], reverse=True)[:n_best]
        ends = sorted(range(len(end_logits)), key=lambda i: end_logits[i], reverse=True)[:n_best]
        for start in starts:
            for end in ends:
                first, last = start - window.place, end - window.place
                size = window.stop - window.start
                if not (0 <= first < size and 0 <= last < size):
                    continue
                if not window.owned[first] or last < first or last - first + 1 > max_length:
                    continue
                score = float(start_logits[start]) + float(end_logits[end])
                candidates.append((score, first + window.start, last + window.start))
    if not candidates:
        return None
    best = sorted(candidates, key=lambda c: c[0], reverse=True)[0]
    return None if may_be_null and null > best[0] else best[1:]


@settings(max_examples=200)
@given(st.data())
def test_best_span_equals_the_loops(data):
    length, room = data.draw(st.integers(0, 30)), data.draw(st.integers(1, 12))
    place = data.draw(st.integers(1, 4))
    windows = fullest(cut(length, room, data.draw(st.integers(1, 12))), place)
    # Few distinct values, so that there are ties.
    values = st.sampled_from([-1.0, 0.0, 0.5, 2.0])
    logits = []
    for window in windows:
        size = place + window.stop - window.start + 1
        pair = [
            np.array(data.draw(st.lists(values, min_size=size, max_size=size)), dtype=np.float32)
            for _ in "se"
        ]
        logits.append(tuple(pair))
    n_best, max_length = data.draw(st.integers(1, 20)), data.draw(st.integers(1, 10))
    may_be_null = data.draw(st.booleans())
    found = best_span(windows, logits, n_best=n_best, max_length=max_length, may_be_null=may_be_null)
    assert found == reference(windows, logits, n_best, max_length, may_be_null)


CONTEXTS = [
    ("Die Straße in Zürich führt zum See.", "Zürich"),
    ("今天天气很好。我们去公园。", "公园"),
    ("القطة تنام على السجادة", "السجادة"),
    ("नमस्ते दुनिया यह एक वाक्य है", "दुनिया"),
    ("Flags 🇩🇪🇹🇷 and 👩‍👩‍👧 and the Fox e\u0301te\u0301 sleep", "Fox"),
    ("\u200f the  Dog\u00a0sleeps  ", "Dog"),
]


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
@pytest.mark.parametrize(("context", "answer"), CONTEXTS)
def test_answers_survive_the_way_to_tokens_and_back(tiny_model, family, context, answer):
    tokenizer = open_tokenizer(tiny_model(family))
    offsets = np.array(
        tokenizer(context, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    )
    start = context.index(answer)
    tokens = answer_tokens(offsets, start, start + len(answer))
    assert tokens is not None
    text = span_text(context, offsets, *tokens)
    # A subword may hold more than the answer, never less.
    assert answer in text and text == text.strip()
    assert len(text) <= len(answer) + 6


def test_marks_that_no_token_holds_are_kept():
    # As accent-stripping tokenizers give it: the vowel sign at 5 belongs to no token.
    context = "नमस्ते दुनिया"
    offsets = np.array([(0, 1), (1, 2), (2, 3), (4, 5), (7, 8)])
    assert span_text(context, offsets, 0, 3) == "नमस्ते"
    assert span_text("e\u0301te\u0301", np.array([(0, 1), (2, 3), (3, 4)]), 0, 2) == "e\u0301te\u0301"
    # A mark that the next token holds is not taken.
    assert span_text("te\u0301", np.array([(0, 2), (2, 3)]), 0, 0) == "te"


def test_an_answer_without_tokens_is_none():
    assert answer_tokens(np.array([(0, 2), (2, 2), (4, 6)]), 2, 4) is None
    assert answer_tokens(np.zeros((0, 2), dtype=np.int64), 0, 3) is None
