"""A state dict of jiant 2, turned into an ordinary encoder with the heads that transformers computes alike.

jiant saves `model__*.p`, `best_model.p` and `last_model.p` with `torch.save(model.state_dict())`. The
encoder is there as `encoder.*` and once more, the same tensors, as `taskmodels_dict.<task model>.encoder.*`;
the heads are `taskmodels_dict.<task model>.head.*`, in earlier versions `.classification_head.*` and so on.

Source: nyu-mll/jiant, jiant/proj/main/modeling/{primary,taskmodels,heads}.py and
jiant/proj/main/metarunner.py.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.backends.reading import read_pickle, readable
from harness.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor

_TASK_MODEL = re.compile(r"taskmodels_dict\.(?P<name>[^.]+)\.(?P<part>\w+)\.(?P<tensor>.+)")
_HEADS = frozenset(
    {
        "head",
        "classification_head",
        "regression_head",
        "choice_scoring_head",
        "span_comparison_head",
        "span_prediction_head",
        "token_classification_head",
        "qa_head",
        "mlm_head",
        "pooler_head",
    }
)
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Buffers that transformers 4 saved and 5 works out by itself.
_BUFFERS = frozenset({"embeddings.position_ids", "embeddings.token_type_ids"})
_TAGGER, _QA = "AutoModelForTokenClassification", "AutoModelForQuestionAnswering"


@dataclass(frozen=True, slots=True)
class JiantHead:
    """A head of a task model: `part` is what jiant calls it, `tensors` go by their names inside it."""

    name: str
    part: str
    tensors: Mapping[str, Tensor]

    @property
    def auto_class(self) -> str | None:
        """The class of transformers whose head computes the same, or None where there is none."""
        named = {key: tuple(tensor.shape) for key, tensor in self.tensors.items()}
        if named.keys() == {"classifier.weight", "classifier.bias"} and self.part != "span_prediction_head":
            return _TAGGER
        if named.keys() == {"qa_outputs.weight", "qa_outputs.bias"} and named["qa_outputs.bias"] == (2,):
            return _QA
        return None

    @property
    def why_not(self) -> str:
        """Why a head without such a class is left out."""
        names = self.tensors.keys()
        if names == {"dense.weight", "dense.bias", "out_proj.weight", "out_proj.bias"}:
            return (
                "a sentence or choice head: jiant computes it from the pooler's output, transformers' "
                "classes from the first token itself or with one layer less, so the same weights give other "
                "scores"
            )
        if any(name.startswith("span_attention_extractor.") for name in names):
            return "compares spans, for which transformers has no class"
        if "decoder.weight" in names:
            return "predicts masked words, which no task here asks for"
        return "no head that transformers has"


@dataclass(frozen=True, slots=True)
class JiantState:
    """What a file holds: the encoder by the names of its own network, the heads, and keys of neither."""

    sha256: str
    encoder: Mapping[str, Tensor]
    heads: tuple[JiantHead, ...]
    unknown: tuple[str, ...]


def read_state(file: Path, *, allow_pickle: bool) -> JiantState:
    """Read a state dict of jiant; nothing but tensors is unpickled.

    Raises:
        ModelError: it is not allowed, cannot be read, is no state dict of jiant's model, or its task models
            have encoders that differ from the one they are said to share.
    """
    if not file.is_file():
        raise ModelError(
            f"{file}: there is no such file; give jiant's best_model.p, last_model.p or model__*.p"
        )
    if not allow_pickle:
        raise ModelError(
            f"{file}: is a pickle, as all that jiant saves. Nothing but tensors is read from it, but a file "
            "made to do harm may still find a way: pass --allow-pickle if you trust its source."
        )
    try:
        tensors = read_pickle(file, device="cpu")
    except ModelError as error:
        if file.name != "checkpoint.p":
            raise
        raise ModelError(
            f"{error} jiant's checkpoint.p is for its own resuming; give best_model.p, last_model.p or "
            "model__*.p, which lie in the same folder"
        ) from error
    encoder = {n.removeprefix("encoder."): t for n, t in tensors.items() if n.startswith("encoder.")}
    if not encoder:
        raise ModelError(
            f"{file}: of its {len(tensors)} tensors none is called `encoder.*`, as in a model that jiant "
            f"trained; the first is {next(iter(tensors), 'none')!r}. What jiant exported from transformers "
            "before training is that model itself: give its hub id."
        )
    heads: dict[tuple[str, str], dict[str, Tensor]] = {}
    unknown = []
    for name, tensor in tensors.items():
        found = _TASK_MODEL.fullmatch(name)
        if name.startswith("encoder."):
            continue
        if found is not None and found["part"] == "encoder":
            _check_shared(file, name, tensor, encoder.get(found["tensor"]))
        elif found is not None and found["part"] in _HEADS:
            heads.setdefault((found["name"], found["part"]), {})[found["tensor"]] = tensor
        else:
            unknown.append(name)
    bad = [name for name, _ in heads if not _SAFE_NAME.fullmatch(name)]
    if bad:
        raise ModelError(f"{file}: the task model {bad[0]!r} has no name that could be a file's")
    with readable(file), file.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return JiantState(
        digest,
        {name: tensor for name, tensor in encoder.items() if name not in _BUFFERS},
        tuple(JiantHead(name, part, own) for (name, part), own in heads.items()),
        tuple(unknown),
    )


def _check_shared(file: Path, name: str, tensor: Tensor, shared: Tensor | None) -> None:
    import torch

    if shared is None or not torch.equal(tensor, shared):
        raise ModelError(
            f"{file}: {name} is not the same as in `encoder.*`, which all task models of jiant share: the "
            "file is of a changed jiant, and which of its encoders is meant cannot be told"
        )
