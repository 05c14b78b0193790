"""Subword sequences: the special tokens around texts, assembling, padding, and the length limit.

The kinds cut texts into windows themselves, so they need to know what a tokenizer puts around one
text or between two. That is read off the tokenizer by encoding a probe, for every family alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.backends.loading import position_limit
from harness.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

Ids = NDArray[np.int32]
T = TypeVar("T", Ids, "list[int]")
Feature = dict[str, Any]

IGNORED = -100  # the label torch's cross-entropy leaves out
_TEXTS_AT_ONCE = 10_000  # fast tokenizers keep far more of each text than its subwords


@dataclass(frozen=True, slots=True)
class Frame:
    """What a tokenizer puts before, between and after its texts.

    `specials` has one more entry than there are texts; `types` holds the token type of each part
    in order (special, text, special, ...), or is None where the model takes no token types.
    """

    specials: tuple[tuple[int, ...], ...]
    types: tuple[int, ...] | None

    @property
    def size(self) -> int:
        """The number of special tokens."""
        return sum(map(len, self.specials))

    def assemble(self, *texts: Sequence[int] | Ids) -> Feature:
        """Return `input_ids` (and `token_type_ids`) as int32 [length] for subwords of each text."""
        parts: list[Sequence[int] | Ids] = [self.specials[0]]
        for text, special in zip(texts, self.specials[1:], strict=True):
            parts += [text, special]
        feature: Feature = {"input_ids": np.concatenate([np.asarray(p, dtype=np.int32) for p in parts])}
        if self.types is not None:
            lengths = [len(p) for p in parts]
            feature["token_type_ids"] = np.repeat(np.asarray(self.types, dtype=np.int32), lengths)
        return feature


def frame(tokenizer: PreTrainedTokenizerBase, *, texts: int) -> Frame:
    """Read off what the tokenizer puts around one text or around a pair.

    Raises:
        ModelError: if the tokenizer is a slow one, which keeps no offsets.
    """
    if not tokenizer.is_fast:
        raise ModelError(
            f"the checkpoint's tokenizer ({type(tokenizer).__name__}) is a slow one, which keeps no "
            "character offsets: convert it once with transformers and save it as tokenizer.json"
        )
    probe = tokenizer(*(["a"] * texts), truncation=False)
    owner = probe.sequence_ids(0)
    ids, types = probe["input_ids"], probe.get("token_type_ids")
    edges = [0]
    for text in range(texts):
        places = [i for i, o in enumerate(owner) if o == text]
        edges += [places[0], places[-1] + 1]
    edges.append(len(ids))
    spans = list(pairwise(edges))
    specials = tuple(tuple(ids[a:b]) for a, b in spans[::2])
    if types is None or "token_type_ids" not in tokenizer.model_input_names:
        return Frame(specials, None)
    # An empty part (no special token there) has no type of its own and none is needed.
    return Frame(specials, tuple(types[a] if b > a else 0 for a, b in spans))


def subwords(texts: Iterable[str], tokenizer: PreTrainedTokenizerBase) -> dict[str, Ids]:
    """Return the subwords of each distinct text, int32 [length], without special tokens; uncut."""
    distinct = list(dict.fromkeys(texts))
    found: dict[str, Ids] = {}
    for start in range(0, len(distinct), _TEXTS_AT_ONCE):
        part = distinct[start : start + _TEXTS_AT_ONCE]
        encoded = tokenizer(part, add_special_tokens=False, verbose=False)["input_ids"]
        found.update((t, np.asarray(ids, dtype=np.int32)) for t, ids in zip(part, encoded, strict=True))
    return found


def truncate(first: T, second: T, room: int) -> tuple[T, T]:
    """Cut a pair to `room` subwords in all, each time at the end of the longer text.

    Of two equally long texts the second is cut. Source: `longest_first` of transformers.
    """
    excess = len(first) + len(second) - room
    if excess <= 0:
        return first, second
    shorter = min(len(first), len(second))
    if shorter <= room // 2:
        kept = room - shorter
        return (first[:kept], second) if len(first) > len(second) else (first, second[:kept])
    return first[: room - room // 2], second[: room // 2]


def pad(features: Sequence[Mapping[str, Any]], tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """Pad a batch to its longest member, on the right.

    Returns int64 tensors [batch, longest]: `input_ids`, `attention_mask`, and of `token_type_ids`
    and `labels` what the features have (`labels` padded with -100). Other keys are left out.
    """
    import torch

    fills = {"input_ids": tokenizer.pad_token_id or 0, "token_type_ids": 0, "labels": IGNORED}
    longest = max(len(f["input_ids"]) for f in features)
    batch: dict[str, Any] = {}
    for key, fill in fills.items():
        if key in features[0]:
            padded = np.full((len(features), longest), fill, dtype=np.int64)
            for row, feature in zip(padded, features, strict=True):
                row[: len(feature[key])] = feature[key]
            batch[key] = torch.from_numpy(padded)
    mask = np.zeros((len(features), longest), dtype=np.int64)
    for row, feature in zip(mask, features, strict=True):
        row[: len(feature["input_ids"])] = 1
    batch["attention_mask"] = torch.from_numpy(mask)
    return batch


def check_length(model: PreTrainedModel, max_length: int) -> None:
    """Check that sequences of `max_length` subwords fit the model's position embeddings.

    Raises:
        ModelError: if the model has fewer positions.
    """
    positions = position_limit(model.config)
    if positions is not None and max_length > positions:
        raise ModelError(
            f"the task asks for sequences of up to {max_length} subwords, but the checkpoint has {positions} "
            f"positions: set max_length to {positions} or less in the task's settings"
        )
