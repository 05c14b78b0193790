"""Running a model with a head over a test set: what tagging, span QA and multiple choice share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from harness.backends.batching import row_limit, token_batches, token_budget
from harness.backends.heads import open_head
from harness.kinds.base import Head, Work
from harness.records import Outputs

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def predict_with_head(work: Work, head: Head, verb: str) -> Iterator[tuple[str, Mapping[str, Outputs]]]:
    """Open the model with its head and yield (language, {"prediction": outputs}) language by language.

    Raises:
        ModelError: if the checkpoint's head does not fit the task.
    """
    model, tokenizer = open_head(work.model, head, name=work.task.name, say=work.progress.say)
    for language in work.languages:
        examples = work.data[language].examples
        with work.progress.phase(f"{verb} {work.task.name} {language}", len(examples), "examples") as advance:
            outputs = head.outputs(examples, model, tokenizer, work.settings, advance)
        yield language, {"prediction": outputs}


def forward(
    features: Sequence[Mapping[str, Any]],
    model: PreTrainedModel,
    collate: Callable[[Sequence[Any]], Mapping[str, Any]],
    *,
    rows_each: int = 1,
) -> Iterator[tuple[int, Mapping[str, NDArray[np.float32]]]]:
    """Yield (index of the feature, its logits by name) in the order that computing them took.

    Batches hold features of similar length under the device's token budget; their composition
    depends on `features` alone. A feature's length is that of its `input_ids`, or of its longest row
    where it has `rows_each` of them. Logits are float32, padding included.
    """
    import torch

    device = str(model.device)
    longest = [max(map(len, f["input_ids"])) if rows_each > 1 else len(f["input_ids"]) for f in features]
    batches = token_batches(
        longest,
        max_tokens=max(1, token_budget(device) // rows_each),
        max_rows=max(1, row_limit(device) // rows_each),
    )
    for batch in batches:
        tensors = {k: v.to(model.device) for k, v in collate([features[i] for i in batch]).items()}
        tensors.pop("labels", None)
        with torch.inference_mode():
            output = model(**tensors)
        logits = {
            k: output[k].float().cpu().numpy()
            for k in ("logits", "start_logits", "end_logits")
            if k in output
        }
        for row, index in enumerate(batch):
            yield index, {k: v[row] for k, v in logits.items()}
