from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.backends.heads import open_head
from harness.backends.loading import open_tokenizer
from harness.errors import DataError, ModelError
from harness.kinds.base import Work
from harness.kinds.classification import Classification, ClassificationHead
from harness.kinds.sequences import frame
from harness.progress import Progress
from harness.records import ClassificationInputs, DataSet, Example
from harness.specs.settings import ClassificationSettings
from harness.specs.task import TaskSpec

LABELS = ("contradiction", "entailment", "neutral")
FIRST, SECOND = "the lazy Dog sleeps", "12 cats sleep over Zürich"
WORDS = "the quick brown Fox jumps over lazy Dog while 12 cats sleep Zürich liegt in der Schweiz 1990".split()


def pair(number: int, first: str = FIRST, second: str | None = SECOND, gold: str = "neutral") -> Example:
    return Example(str(number), ClassificationInputs(first, second), gold)


def task(**changes: object) -> TaskSpec:
    source = {"local": {"reader": "xnli_tsv", "files": {"pairs": ["x"]}}}
    fields: dict[str, object] = {
        "name": "nli",
        "version": "1",
        "kind": "classification",
        "title": "t",
        "licence": "none",
        "citation": "none",
        "source_language": "en",
        "languages": {"en": {"tag": "en"}, "de": {"tag": "de"}},
        "labels": LABELS,
        "data": source,
        "metrics": [{"name": "accuracy", "computes": "accuracy"}],
        "main_metric": "accuracy",
        "recipes": {"none": {"source": "test"}},
    }
    return TaskSpec.model_validate(fields | changes)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_features_are_those_of_the_tokenizer(tiny_model, family):
    tokenizer = open_tokenizer(tiny_model(family))
    head = ClassificationHead(LABELS)
    examples = [pair(0), pair(1, second=None, gold="contradiction"), pair(2, second="", gold="entailment")]
    features = head.features(examples, tokenizer, ClassificationSettings())
    for feature, texts in zip(features, [(FIRST, SECOND), (FIRST,), (FIRST, "")], strict=True):
        expected = tokenizer(*([text] for text in texts))  # lists: an empty second text is one, too
        assert feature["input_ids"].tolist() == expected["input_ids"][0]
        if "token_type_ids" in expected:
            assert feature["token_type_ids"].tolist() == expected["token_type_ids"][0]
    assert [f["label"] for f in features] == [2, 0, 1]
    batch = head.collate(features, tokenizer)
    assert batch["labels"].tolist() == [2, 0, 1]
    assert batch["input_ids"].shape == batch["attention_mask"].shape == (3, len(features[0]["input_ids"]))


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
@given(first=st.integers(0, 25), second=st.integers(0, 25) | st.none(), length=st.integers(8, 30))
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_long_inputs_lose_the_end_of_the_longer_text(tiny_model, family, first, second, length):
    tokenizer = open_tokenizer(tiny_model(family))
    texts = ["cats sleep " * first] + ([] if second is None else ["Zürich 12 " * second])
    (feature,) = ClassificationHead(LABELS).features(
        [pair(0, *texts, *([None] if second is None else []))],
        tokenizer,
        ClassificationSettings(max_length=length),
    )
    around = frame(tokenizer, texts=len(texts))
    parts = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
    while sum(map(len, parts)) + around.size > length:
        (parts[0] if len(parts) == 1 or len(parts[0]) > len(parts[1]) else parts[1]).pop()
    assert feature["input_ids"].tolist() == around.assemble(*parts)["input_ids"].tolist()


def balance(model, tokenizer, examples) -> None:
    """Make a random classifier, which scores all inputs nearly alike, use all of its labels."""
    import torch

    logits = []
    for example in examples:
        encoded = tokenizer(example.inputs.first, example.inputs.second, return_tensors="pt")
        with torch.no_grad():
            logits.append(model(**encoded).logits[0])
    last = getattr(model.classifier, "out_proj", model.classifier)
    last.bias.data -= torch.stack(logits).mean(dim=0)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_outputs_are_the_argmax_of_the_model(tiny_model, family):
    import torch

    head = ClassificationHead(LABELS)
    model, tokenizer = open_head(tiny_model(family), head, fresh_seed=5)
    texts = [(f"{w} cats", None if i % 4 == 3 else f"{w} {'sleep ' * (i % 5)}") for i, w in enumerate(WORDS)]
    examples = [pair(i, *t) for i, t in enumerate(texts)]
    balance(model, tokenizer, examples)
    done: list[int] = []
    outputs = head.outputs(examples, model, tokenizer, ClassificationSettings(), done.append)
    assert sum(done) == len(examples)
    expected = []
    for first, second in texts:
        encoded = tokenizer(first, second, return_tensors="pt")
        with torch.no_grad():
            expected.append(LABELS[int(model(**encoded).logits[0].argmax())])
    assert outputs == expected and len(set(outputs)) > 1
    assert head.outputs([], model, tokenizer, ClassificationSettings(), done.append) == []


def test_ties_go_to_the_label_listed_first(tiny_model):
    import torch

    head = ClassificationHead(LABELS)
    model, tokenizer = open_head(tiny_model(), head, fresh_seed=5)
    with torch.no_grad():
        model.classifier.weight.zero_()
        model.classifier.bias.copy_(torch.tensor([0.0, 1.0, 1.0]))
    outputs = head.outputs([pair(0)], model, tokenizer, ClassificationSettings(), lambda n: None)
    assert outputs == ["entailment"]


def test_bad_golds_are_named(tiny_model):
    tokenizer = open_tokenizer(tiny_model())
    with pytest.raises(DataError, match=r"'4' has the label 'netural'.*did you mean 'neutral'"):
        ClassificationHead(LABELS).features(
            [pair(3), pair(4, gold="netural")], tokenizer, ClassificationSettings()
        )


def test_a_length_beyond_the_positions_is_refused(tiny_model):
    head = ClassificationHead(LABELS)
    model, tokenizer = open_head(tiny_model(), head, fresh_seed=1)
    with pytest.raises(ModelError, match="129 subwords, but the checkpoint has 128 positions"):
        head.outputs([pair(0)], model, tokenizer, ClassificationSettings(max_length=129), lambda n: None)


def test_the_loss_is_the_cross_entropy_whatever_the_checkpoint_was_before(tiny_model):
    import torch

    head = ClassificationHead(LABELS)
    model, tokenizer = open_head(tiny_model(), head, fresh_seed=1)
    model.config.problem_type = "regression"
    head.prepare(model)
    batch = head.collate(
        head.features([pair(0), pair(1, gold="entailment")], tokenizer, ClassificationSettings()), tokenizer
    )
    with torch.no_grad():
        loss = head.loss(model, batch)
        logits = model(**{k: v for k, v in batch.items() if k != "labels"}).logits
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor([2, 1]))
    torch.testing.assert_close(loss, expected)
    assert head.weight(batch) == 2


def test_predictions_come_by_language_with_the_checkpoint_s_own_order_undone(tiny_model, tmp_path):
    own = ("ENTAILMENT", "NEUTRAL", "CONTRADICTION")
    network, tokenizer = open_head(tiny_model("xlm-roberta"), ClassificationHead(own), fresh_seed=2)
    examples = tuple(pair(i, f"{w} cats", w) for i, w in enumerate(WORDS))
    balance(network, tokenizer, examples)
    network.save_pretrained(str(tmp_path))
    tokenizer.save_pretrained(str(tmp_path))
    data = {code: DataSet("nli", code, examples) for code in ("en", "de")}
    spec = task()
    work = Work(
        task=spec,
        settings=ClassificationSettings(),
        data=data,
        languages=("de",),
        model=tiny_model("xlm-roberta").at(tmp_path),
        search="auto",
        progress=Progress(quiet=True),
    )
    ((language, outputs),) = Classification().predict(work)
    theirs = ClassificationHead(own).outputs(
        examples, network, tokenizer, ClassificationSettings(), lambda n: None
    )
    assert language == "de" and outputs == {"prediction": [label.lower() for label in theirs]}
    assert len(set(theirs)) > 1


def test_gold_stays_text():
    assert Classification().decode_gold("neutral") == "neutral"
    assert Classification().formats == {"prediction": "label_tsv"}
    assert Classification().head(task()).labels == LABELS
