from __future__ import annotations

from dataclasses import replace

import pytest

from harness.backends.heads import open_head
from harness.backends.loading import open_tokenizer
from harness.errors import DataError, ModelError, SpecError
from harness.kinds.dual_encoder import DualEncoderHead, sentence_at
from harness.records import Answer, Example, QueryInputs, QueryPassageInputs, SpanQAInputs
from harness.specs.settings import EntityRetrievalSettings, PassageRetrievalSettings

CONTEXT = "Dr. Fox met 3.5 cats in 1990. They slept!\nWhy? 今天天气很好。我们去公园。 The end"


def example(answer: str, context: str = CONTEXT) -> Example:
    return Example("1", SpanQAInputs(" who? ", context, (Answer(answer, context.index(answer)),)), "[]")


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ("3.5", "Fox met 3.5 cats in 1990."),
        ("slept", "They slept!"),
        ("Why", "Why?"),
        ("天气", "今天天气很好。"),
        ("公园", "我们去公园。"),
        ("end", "The end"),
    ],
)
def test_sentences_end_where_the_docstring_says(answer, sentence):
    assert sentence_at(CONTEXT, CONTEXT.index(answer)) == sentence


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])  # the second one sees spaces
def test_a_passage_is_sentence_and_paragraph_without_space_or_newline(tiny_model, family):
    tokenizer = open_tokenizer(tiny_model(family))
    (feature,) = DualEncoderHead().features([example("slept")], tokenizer, PassageRetrievalSettings())
    expected = tokenizer("They slept!" + CONTEXT.replace("\n", ""))["input_ids"]
    assert feature["passage"]["input_ids"].tolist() == expected[:256]
    assert feature["query"]["input_ids"].tolist() == tokenizer("who?")["input_ids"]


def test_pairs_are_taken_as_they_are_at_the_length_of_their_kind(tiny_model):
    tokenizer = open_tokenizer(tiny_model())
    pair = Example("1", QueryPassageInputs("cats: 12 { cats } sleep", CONTEXT), "[]")
    (feature,) = DualEncoderHead().features([pair], tokenizer, EntityRetrievalSettings(max_length=7))
    query, passage = (tokenizer(t)["input_ids"] for t in ("cats: 12 { cats } sleep", CONTEXT))
    assert len(query) > 7 and len(passage) > 7
    assert feature["query"]["input_ids"].tolist() == [*query[:6], query[-1]]
    assert feature["passage"]["input_ids"].tolist() == [*passage[:6], passage[-1]]
    (longer,) = DualEncoderHead().features([pair], tokenizer, PassageRetrievalSettings())
    assert longer["passage"]["input_ids"].tolist() == passage


def test_loss_is_the_softmax_over_the_batch(tiny_model):
    import torch
    from torch.nn.functional import log_softmax, normalize

    head = DualEncoderHead()
    model, tokenizer = open_head(tiny_model(), head, fresh_seed=0)
    before = set(model.state_dict())
    head.prepare(model)
    features = head.features(
        [example(a) for a in ("slept", "公园", "3.5")], tokenizer, PassageRetrievalSettings()
    )
    batch = head.collate(features, tokenizer)
    loss = head.loss(model, batch)
    with torch.no_grad():
        q, p = (normalize(model(**batch[s]).pooler_output, dim=-1) for s in ("query", "passage"))
    assert torch.allclose(loss, -log_softmax(100 * q @ p.T, dim=-1).diagonal().mean())
    loss.backward()
    assert model.retrieval_scale.grad is not None
    head.finish(model)
    assert set(model.state_dict()) == before


def test_what_it_cannot_do_is_refused(tiny_model):
    head = DualEncoderHead()
    model, tokenizer = open_head(tiny_model(), head, fresh_seed=0)
    empty = replace(example("Why"), inputs=SpanQAInputs("q", "c", ()))
    with pytest.raises(DataError, match="'1' has no answer"):
        head.features([empty], tokenizer, PassageRetrievalSettings())
    with pytest.raises(DataError, match=r"'1' has QueryInputs; .* choose a reader"):
        head.features([Example("1", QueryInputs("q"), "[]")], tokenizer, EntityRetrievalSettings())
    with pytest.raises(SpecError, match="selection"):
        head.outputs([], model, tokenizer, PassageRetrievalSettings(), lambda n: None)
    model.pooler = None
    with pytest.raises(ModelError, match="no pooler"):
        head.prepare(model)
