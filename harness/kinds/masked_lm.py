"""Masked language modelling on lines of text: trained on between pretraining and the target task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import ModelError
from harness.kinds.base import Head
from harness.kinds.sequences import IGNORED, Feature, frame, pad, subwords
from harness.records import Example, TextInputs
from harness.specs.settings import KindSettings, MaskedLMSettings

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class MaskedLMHead(Head):
    """The language model that the encoder was pretrained with; its decoder is tied to the embeddings.

    A text longer than `max_length` is cut into consecutive pieces. What is masked is drawn anew every
    time an example is used.
    """

    auto_class = "AutoModelForMaskedLM"
    labels: tuple[str, ...] = ()

    def features(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerBase, settings: KindSettings
    ) -> list[Feature]:
        """Return one feature per piece of text: the subwords, what to mask among them, and how.

        `inner` int32 [k]: the places that may be masked, those of the text itself that hold no special
        token; `ordinary` int32 [v]: the subwords that may come in their place, the same array in all. A
        piece of special tokens alone is left out.

        Raises:
            ModelError: if the tokenizer has no mask token.
        """
        assert isinstance(settings, MaskedLMSettings)
        check_mask_token(tokenizer)
        special = np.array(sorted(tokenizer.all_special_ids), dtype=np.int32)
        ordinary = np.setdiff1d(np.array(sorted(tokenizer.get_vocab().values()), dtype=np.int32), special)
        around = frame(tokenizer, texts=1)
        room = max(1, settings.max_length - around.size)
        texts = [_text(example) for example in examples]
        spelled = subwords(texts, tokenizer)
        features = []
        for text in texts:
            ids = spelled[text]
            for start in range(0, len(ids), room):
                piece = ids[start : start + room]
                feature = around.assemble(piece)
                # A text may hold special tokens itself: unknown characters, or the very words `</s>`.
                inner = len(around.specials[0]) + np.flatnonzero(~np.isin(piece, special))
                if len(inner):
                    feature["inner"] = inner.astype(np.int32)
                    feature["mask_probability"] = settings.mask_probability
                    feature["ordinary"] = ordinary
                    features.append(feature)
        return features

    def draw(self, feature: Feature, tokenizer: PreTrainedTokenizerBase, rng: np.random.Generator) -> Feature:
        """Return the feature masked: `labels` int32 [length], -100 except where something is to be filled in.

        The number of places is `mask_probability` of the text's subwords, rounded at random so that it is
        that share in expectation, and at least one. Of them 80% become the mask token, 10% a random
        subword that is no special token, and 10% stay.
        Source: Devlin et al. 2019, BERT, section 3.1 and appendix A.1.
        """
        inner, ids = feature["inner"], feature["input_ids"].copy()
        exact = feature["mask_probability"] * len(inner)
        count = max(1, int(exact + rng.random()))
        places = rng.choice(inner, size=min(count, len(inner)), replace=False)
        labels = np.full(len(ids), IGNORED, dtype=np.int32)
        labels[places] = ids[places]
        how = rng.random(len(places))
        ids[places[how < 0.8]] = tokenizer.mask_token_id
        changed = places[(how >= 0.8) & (how < 0.9)]
        ids[changed] = rng.choice(feature["ordinary"], size=len(changed))
        return {**feature, "input_ids": ids, "labels": labels}

    def collate(self, features: Sequence[Feature], tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
        """Pad a batch; tensors int64 [batch, longest]."""
        return pad(features, tokenizer)

    def weight(self, batch: Mapping[str, Any]) -> int:
        """Return the number of subwords to be filled in."""
        return int((batch["labels"] != IGNORED).sum())


def check_mask_token(tokenizer: PreTrainedTokenizerBase) -> None:
    """Check that there is a token to mask with.

    Raises:
        ModelError: if there is none.
    """
    if tokenizer.mask_token_id is None:
        raise ModelError(
            "masked language modelling: the checkpoint's tokenizer has no mask token; name one as "
            "'mask_token' in tokenizer_config.json, or leave `mlm` out"
        )


def _text(example: Example) -> str:
    assert isinstance(example.inputs, TextInputs)
    return example.inputs.text
