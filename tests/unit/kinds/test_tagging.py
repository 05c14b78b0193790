from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.backends.heads import open_head
from harness.backends.loading import open_tokenizer
from harness.errors import DataError
from harness.kinds.sequences import IGNORED
from harness.kinds.tagging import Tagging, TaggingHead, split
from harness.records import Example, TaggingInputs
from harness.specs.settings import TaggingSettings

LABELS = ("NOUN", "VERB", "X")


def sentence(number: int, words: tuple[str, ...], label: str = "X") -> Example:
    return Example(str(number), TaggingInputs(words), json.dumps([label] * len(words)))


@given(st.data())
def test_split_puts_every_word_into_exactly_one_window(data):
    budget = data.draw(st.integers(1, 12))
    counts = data.draw(st.lists(st.integers(1, budget), max_size=40))
    ranges = split(counts, budget)
    assert [w for a, b in ranges for w in range(a, b)] == list(range(len(counts)))
    assert all(sum(counts[a:b]) <= budget and b > a for a, b in ranges)
    # Greedy: the first word of a window did not fit into the window before.
    assert all(sum(counts[a:b]) + counts[b] > budget for a, b in ranges[:-1])


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
@settings(max_examples=40, deadline=None)
@given(words=st.lists(st.text(max_size=12), max_size=40), max_length=st.integers(3, 20))
def test_every_word_has_one_first_subword(tiny_model, family, words, max_length):
    tokenizer = open_tokenizer(tiny_model(family))
    example = sentence(0, tuple(words), "VERB")
    features = TaggingHead(LABELS).features([example], tokenizer, TaggingSettings(max_length=max_length))
    labels = np.concatenate([f["labels"] for f in features]) if features else np.array([])
    assert (labels != IGNORED).sum() == len(words)
    assert set(labels[labels != IGNORED]) <= {1}
    for feature in features:
        assert len(feature["input_ids"]) <= max_length
        assert feature["labels"][0] == IGNORED and feature["labels"][-1] == IGNORED


def test_windows_hold_the_same_words_as_the_sentence(tiny_model):
    tokenizer = open_tokenizer(tiny_model())
    example = sentence(0, ("the", "quick", "brown", "Fox", "jumps", "over"))
    whole = TaggingHead(LABELS).features([example], tokenizer, TaggingSettings(max_length=64))
    cut = TaggingHead(LABELS).features([example], tokenizer, TaggingSettings(max_length=6))
    assert len(whole) == 1 and len(cut) > 1
    inner = np.concatenate([f["input_ids"][1:-1] for f in cut])
    assert inner.tolist() == whole[0]["input_ids"][1:-1].tolist()
    assert (
        inner.tolist() == tokenizer("the quick brown Fox jumps over", add_special_tokens=False)["input_ids"]
    )


def test_words_without_or_with_too_many_subwords_are_unknown(tiny_model):
    tokenizer = open_tokenizer(tiny_model())
    example = sentence(0, ("the", "\u200d", "x" * 90, "Dog"))
    (feature,) = TaggingHead(LABELS).features([example], tokenizer, TaggingSettings(max_length=30))
    unknown = tokenizer.unk_token_id
    assert (feature["input_ids"] == unknown).sum() >= 1
    assert (feature["labels"] != IGNORED).sum() == 4


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_outputs_do_not_depend_on_windows_of_other_sentences(tiny_model, family):
    head = TaggingHead(LABELS)
    model, tokenizer = open_head(tiny_model(family), head, fresh_seed=3)
    examples = [sentence(i, tuple(["the", "Fox", "नमस्ते", "今天"] * i)) for i in range(7)]
    how = TaggingSettings(max_length=12)
    done = []
    outputs = head.outputs(examples, model, tokenizer, how, done.append)
    assert [len(o) for o in outputs] == [4 * i for i in range(7)]
    assert sum(done) == len(examples)
    assert {label for o in outputs for label in o} <= set(LABELS)
    alone = [head.outputs([e], model, tokenizer, how, done.append)[0] for e in examples]
    assert alone == outputs


def test_outputs_read_the_first_subword(tiny_model):
    import torch

    head = TaggingHead(LABELS)
    model, tokenizer = open_head(tiny_model(), head, fresh_seed=3)
    words = ("jumps", "Schweiz", "the")
    (output,) = head.outputs([sentence(0, words)], model, tokenizer, TaggingSettings(), lambda n: None)
    encoded = tokenizer(list(words), is_split_into_words=True, return_tensors="pt")
    with torch.no_grad():
        best = model(**encoded).logits[0].argmax(-1)
    first = [encoded.word_ids(0).index(w) for w in range(len(words))]
    assert output == [LABELS[best[i]] for i in first]


def test_bad_training_labels_are_named(tiny_model):
    tokenizer = open_tokenizer(tiny_model())
    head = TaggingHead(LABELS)
    with pytest.raises(DataError, match=r"'7'.*'NOUM'.*did you mean 'NOUN'"):
        head.features([sentence(7, ("a",), "NOUM")], tokenizer, TaggingSettings())
    with pytest.raises(DataError, match="2 words but 1 labels"):
        head.features([Example("8", TaggingInputs(("a", "b")), '["X"]')], tokenizer, TaggingSettings())


def test_the_head_has_the_tasks_labels_and_no_others():
    kind = Tagging()
    assert kind.head(SimpleNamespace(labels=LABELS)).labels == LABELS
    assert kind.decode_gold('["NOUN","X"]') == ["NOUN", "X"]
