from __future__ import annotations

import pytest

from harness.backends.heads import open_head
from harness.backends.loading import open_tokenizer
from harness.errors import DataError
from harness.kinds.multiple_choice import ChoiceHead, MultipleChoice
from harness.records import ChoiceInputs, Example
from harness.specs.settings import ChoiceSettings

PROMPT = "the lazy Dog sleeps. What was the cause?"


def choice(number: int, *choices: str, gold: str = "0", prompt: str = PROMPT) -> Example:
    return Example(str(number), ChoiceInputs(prompt, choices), gold)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_features_are_those_of_the_tokenizer(tiny_model, family):
    tokenizer = open_tokenizer(tiny_model(family))
    (feature,) = ChoiceHead().features([choice(0, "cats sleep", "12")], tokenizer, ChoiceSettings())
    expected = tokenizer([PROMPT] * 2, ["cats sleep", "12"])
    assert [r.tolist() for r in feature["input_ids"]] == expected["input_ids"]
    if "token_type_ids" in expected:
        assert [r.tolist() for r in feature["token_type_ids"]] == expected["token_type_ids"]
    batch = ChoiceHead().collate([feature, feature], tokenizer)
    assert batch["input_ids"].shape[:2] == (2, 2) and batch["labels"].tolist() == [0, 0]


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_outputs_are_the_argmax_of_the_model(tiny_model, family):
    import torch

    head = ChoiceHead()
    model, tokenizer = open_head(tiny_model(family), head, fresh_seed=5)
    examples = [choice(i, *[f"cats {'sleep ' * j}{i}" for j in range(2 + i % 2)]) for i in range(9)]
    done = []
    outputs = head.outputs(examples, model, tokenizer, ChoiceSettings(), done.append)
    assert sum(done) == len(examples) and all(isinstance(o, int) for o in outputs)
    for example, output in zip(examples, outputs, strict=True):
        choices = example.inputs.choices
        encoded = tokenizer([PROMPT] * len(choices), list(choices), padding=True, return_tensors="pt")
        with torch.no_grad():
            scores = model(**{k: v[None] for k, v in encoded.items()}).logits[0]
        assert output == int(scores.argmax())


def test_bad_golds_are_named(tiny_model):
    tokenizer = open_tokenizer(tiny_model())
    with pytest.raises(DataError, match=r"'4': gold '2' .* 2 choices \(0 to 1\)"):
        ChoiceHead().features([choice(4, "a", "b", gold="2")], tokenizer, ChoiceSettings())
    with pytest.raises(DataError, match="'5' has 3 choices, the first example has 2"):
        ChoiceHead().features([choice(4, "a", "b"), choice(5, "a", "b", "c")], tokenizer, ChoiceSettings())


def test_gold_stays_text():
    assert MultipleChoice().decode_gold("1") == "1"
