"""Masking: how much, how, where, and always the same for the same place."""

from __future__ import annotations

import numpy as np
import pytest

from harness.errors import ModelError
from harness.kinds.masked_lm import MaskedLMHead
from harness.kinds.sequences import IGNORED
from harness.records import Example, TextInputs
from harness.specs.settings import MaskedLMSettings

TEXTS = ["the quick brown Fox jumps over the lazy Dog while 12 cats sleep", "Zürich liegt in der Schweiz"]


def examples(*texts: str) -> list[Example]:
    return [Example(str(i), TextInputs(text), gold="") for i, text in enumerate(texts)]


@pytest.fixture
def tokenizer(tiny_model):
    from harness.backends.loading import open_tokenizer

    return open_tokenizer(tiny_model("xlm-roberta"))


def features(tokenizer, *texts: str, **settings):
    return MaskedLMHead().features(examples(*texts), tokenizer, MaskedLMSettings(**settings))


def draws(feature, tokenizer, count: int):
    return [MaskedLMHead().draw(feature, tokenizer, np.random.default_rng([7, i])) for i in range(count)]


def test_a_text_is_cut_into_consecutive_pieces_within_the_frame(tokenizer):
    found = features(tokenizer, TEXTS[0], max_length=10)
    assert len(found) > 2 and all(len(f["input_ids"]) <= 10 for f in found)
    assert all(f["input_ids"][0] == 0 and f["input_ids"][-1] == 2 for f in found)
    joined = [int(i) for f in found for i in f["input_ids"][1:-1]]
    assert joined == tokenizer(TEXTS[0], add_special_tokens=False)["input_ids"]
    for feature in found:
        assert feature["inner"].tolist() == list(range(1, len(feature["input_ids"]) - 1))


def test_fifteen_per_cent_in_expectation(tokenizer):
    (feature,) = features(tokenizer, TEXTS[0])
    size = len(feature["inner"])
    counts = [int((drawn["labels"] != IGNORED).sum()) for drawn in draws(feature, tokenizer, 3000)]
    # Rounded at random: never further than one from the exact number.
    assert set(counts) == {int(0.15 * size), int(0.15 * size) + 1}
    # Four standard errors.
    assert abs(np.mean(counts) - 0.15 * size) < 4 * 0.5 / np.sqrt(3000)


def test_eighty_ten_ten_in_expectation(tokenizer):
    (feature,) = features(tokenizer, TEXTS[0], mask_probability=0.5)
    before, masked, kept, total = feature["input_ids"], 0, 0, 0
    for drawn in draws(feature, tokenizer, 2000):
        places = drawn["labels"] != IGNORED
        total += int(places.sum())
        masked += int((drawn["input_ids"][places] == tokenizer.mask_token_id).sum())
        kept += int((drawn["input_ids"][places] == before[places]).sum())
        # What is to be filled in is what stood there; all else stays as it was.
        assert (drawn["labels"][places] == before[places]).all()
        assert (drawn["input_ids"][~places] == before[~places]).all()
    assert total > 10_000
    spread = 4 * np.sqrt(0.25 / total)
    chance = 0.1 / len(feature["ordinary"])  # a random subword may be the one that stood there
    assert abs(masked / total - 0.8) < spread
    assert abs(kept / total - 0.1 - chance) < spread
    assert 0.05 < 1 - masked / total - kept / total < 0.15


def test_special_tokens_are_neither_masked_nor_drawn(tokenizer):
    special = set(tokenizer.all_special_ids)
    text = "the cats </s> sleep <mask> over 12 ☃☃☃ Dog"
    (feature,) = features(tokenizer, text, mask_probability=0.9)
    before = feature["input_ids"]
    assert special & set(before[1:-1].tolist()) >= {2, 4}
    assert not special & set(before[feature["inner"]].tolist())
    seen = set()
    for drawn in draws(feature, tokenizer, 500):
        places = np.flatnonzero(drawn["labels"] != IGNORED)
        assert set(places.tolist()) <= set(feature["inner"].tolist())
        changed = places[drawn["input_ids"][places] != before[places]]
        seen |= set(drawn["input_ids"][changed].tolist())
    assert seen & special == {tokenizer.mask_token_id}
    assert seen - special == set(feature["ordinary"].tolist())


def test_at_least_one_place_and_a_piece_without_any_is_left_out(tokenizer):
    (feature,) = features(tokenizer, "the")
    assert all((drawn["labels"] != IGNORED).sum() >= 1 for drawn in draws(feature, tokenizer, 200))
    assert features(tokenizer, "</s> <mask>") == []


def test_the_same_place_draws_the_same_and_another_place_another(tokenizer):
    (feature,) = features(tokenizer, TEXTS[0], mask_probability=0.5)
    one, two = draws(feature, tokenizer, 2)
    again = MaskedLMHead().draw(feature, tokenizer, np.random.default_rng([7, 0]))
    assert np.array_equal(one["input_ids"], again["input_ids"]) and np.array_equal(
        one["labels"], again["labels"]
    )
    assert not np.array_equal(one["labels"], two["labels"])


def test_the_feature_itself_is_not_changed(tokenizer):
    (feature,) = features(tokenizer, TEXTS[0], mask_probability=0.9)
    before = feature["input_ids"].copy()
    draws(feature, tokenizer, 5)
    assert np.array_equal(feature["input_ids"], before) and "labels" not in feature


def test_the_weight_is_what_is_to_be_filled_in(tokenizer):
    head = MaskedLMHead()
    drawn = [draws(feature, tokenizer, 1)[0] for feature in features(tokenizer, *TEXTS, mask_probability=0.5)]
    batch = head.collate(drawn, tokenizer)
    assert head.weight(batch) == sum(int((d["labels"] != IGNORED).sum()) for d in drawn)
    assert batch["input_ids"].shape == batch["labels"].shape == batch["attention_mask"].shape


def test_a_tokenizer_without_a_mask_token(tiny_model):
    from harness.backends.loading import open_tokenizer

    plain = open_tokenizer(tiny_model("bert"))
    assert plain.mask_token_id is None
    with pytest.raises(ModelError, match="no mask token; name one as 'mask_token'"):
        features(plain, TEXTS[0])
