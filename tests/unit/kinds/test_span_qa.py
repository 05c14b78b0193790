from __future__ import annotations

import json

import numpy as np
import pytest

from harness.backends.heads import open_head
from harness.backends.loading import open_tokenizer
from harness.errors import ModelError
from harness.kinds.span_qa import SpanHead, SpanQA
from harness.records import Answer, Example, SpanQAInputs
from harness.specs.settings import NullableQASettings, SpanQASettings

CONTEXT = (
    "the quick brown Fox jumps over the lazy Dog while 12 cats sleep. Zürich liegt in der Schweiz. who What 7"
)


def question(number: int, answer: str = "Zürich", context: str = CONTEXT, asked: str = "  who ") -> Example:
    answers = (Answer(answer, context.index(answer)),) if answer else ()
    return Example(str(number), SpanQAInputs(asked, context, answers), json.dumps([answer]))


SMALL = SpanQASettings(max_length=20, doc_stride=6, max_query_length=4)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_training_windows_point_at_the_answer_or_the_first_token(tiny_model, family):
    tokenizer = open_tokenizer(tiny_model(family))
    features = SpanHead().features([question(0, answer="Fox")], tokenizer, SMALL)
    hit = [f for f in features if f["start"]]
    assert hit and len(hit) < len(features)
    for feature in features:
        assert len(feature["input_ids"]) <= SMALL.max_length
        if feature["start"]:
            text = tokenizer.decode(feature["input_ids"][feature["start"] : feature["end"] + 1])
            assert "".join(text.split()).replace("##", "") == "Fox"
        else:
            assert feature["end"] == 0


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_windows_are_those_of_the_tokenizer(tiny_model, family):
    tokenizer = open_tokenizer(tiny_model(family))
    features = SpanHead().features([question(0)], tokenizer, SMALL)
    asked = tokenizer("who", add_special_tokens=False)["input_ids"]
    assert len(asked) <= SMALL.max_query_length
    room = SMALL.max_length - len(asked) - tokenizer.num_special_tokens_to_add(pair=True)
    expected = tokenizer(
        "who",
        CONTEXT,
        truncation="only_second",
        max_length=SMALL.max_length,
        stride=room - SMALL.doc_stride,
        return_overflowing_tokens=True,
    )
    assert [f["input_ids"].tolist() for f in features] == expected["input_ids"]
    if "token_type_ids" in expected:
        assert [f["token_type_ids"].tolist() for f in features] == expected["token_type_ids"]


def test_white_space_around_a_question_does_not_count(tiny_model):
    tokenizer = open_tokenizer(tiny_model())
    plain, padded = (
        SpanHead().features([question(0, asked=q)], tokenizer, SMALL)
        for q in ("where when", "\n   where when ")
    )
    assert [f["input_ids"].tolist() for f in plain] == [f["input_ids"].tolist() for f in padded]


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_outputs_are_spans_of_the_context_and_independent_of_the_batch(tiny_model, family):
    head = SpanHead()
    model, tokenizer = open_head(tiny_model(family), head, fresh_seed=1)
    contexts = [CONTEXT, "今天天气很好。我们去公园。", "نمر القطة تنام على السجادة", "Fox", CONTEXT * 3]
    examples = [question(i, answer="", context=c) for i, c in enumerate(contexts)]
    done = []
    outputs = head.outputs(examples, model, tokenizer, SMALL, done.append)
    assert sum(done) == len(examples)
    assert all(o and o in c for o, c in zip(outputs, contexts, strict=True))
    assert [head.outputs([e], model, tokenizer, SMALL, done.append)[0] for e in examples] == outputs


def test_a_context_without_subwords_has_an_empty_answer(tiny_model):
    head = SpanHead()
    model, tokenizer = open_head(tiny_model(), head, fresh_seed=1)
    assert head.outputs([question(0, "", context=" ")], model, tokenizer, SMALL, lambda n: None) == [""]
    assert head.outputs([], model, tokenizer, SMALL, lambda n: None) == []


def test_perfect_logits_give_the_gold_answer(tiny_model, monkeypatch):
    """With logits that point at the gold span, every answer is found again, whatever the window."""
    head = SpanHead()
    model, tokenizer = open_head(tiny_model("xlm-roberta"), head, fresh_seed=1)
    examples = [question(i, answer=a) for i, a in enumerate(("Fox", "12 cats", "Zürich", "Schweiz"))]
    gold = head.features(examples, tokenizer, SMALL)

    def pointed(features, model, collate):
        for index in reversed(range(len(features))):
            size = len(features[index]["input_ids"])
            start, end = np.zeros(size, np.float32), np.zeros(size, np.float32)
            if gold[index]["start"]:
                start[gold[index]["start"]], end[gold[index]["end"]] = 5, 5
            yield index, {"start_logits": np.append(start, 99), "end_logits": np.append(end, 99)}

    monkeypatch.setattr("harness.kinds.span_qa.forward", pointed)
    outputs = head.outputs(examples, model, tokenizer, SMALL, lambda n: None)
    assert outputs[:3] == ["Fox", "12 cats", "Zürich"]
    assert outputs[3].startswith("Schweiz")


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_a_question_without_an_answer_points_at_the_first_token(tiny_model, family):
    tokenizer = open_tokenizer(tiny_model(family))
    features = SpanHead().features([question(3, answer=""), question(4)], tokenizer, SMALL)
    none, some = ([f for f in features if f["example"] == number] for number in (0, 1))
    assert len(none) == len(some) > 1
    assert [(f["start"], f["end"]) for f in none] == [(0, 0)] * len(none)
    assert any(f["start"] for f in some)


def test_no_answer_is_given_where_the_first_token_scores_higher_and_the_task_allows_it(
    tiny_model, monkeypatch
):
    head = SpanHead()
    model, tokenizer = open_head(tiny_model(), head, fresh_seed=1)
    examples = [question(0), question(1)]

    def pointed(features, model, collate):
        for index, feature in enumerate(features):
            size = len(feature["input_ids"])
            start = np.zeros(size, np.float32)
            # The second question's first token is below its spans in one window, which settles it.
            start[0] = 5 if feature["example"] == 0 or index % 2 else -5
            yield index, {"start_logits": start, "end_logits": start.copy()}

    monkeypatch.setattr("harness.kinds.span_qa.forward", pointed)
    nullable = NullableQASettings(**SMALL.model_dump(), null_answers=True)
    outputs = head.outputs(examples, model, tokenizer, nullable, lambda n: None)
    assert outputs[0] == "" and outputs[1] in CONTEXT and outputs[1]
    for settings in (SMALL, NullableQASettings(**SMALL.model_dump())):
        assert all(head.outputs(examples, model, tokenizer, settings, lambda n: None))


def test_what_cannot_be_run_is_refused(tiny_model):
    model, tokenizer = open_head(tiny_model(), SpanHead(), fresh_seed=1)
    with pytest.raises(ModelError, match=r"384 subwords.*128 positions"):
        SpanHead().outputs([question(0)], model, tokenizer, SpanQASettings(), lambda n: None)


def test_gold_is_decoded():
    assert SpanQA().decode_gold('["a","b"]') == ["a", "b"]
