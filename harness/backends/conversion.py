"""Writing what was read of a foreign checkpoint as one of our own: encoder, kept heads, provenance."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import __version__
from harness.backends.inheritance import copy_tokenizer
from harness.backends.jiant import JiantHead, JiantState
from harness.backends.kept_heads import CONVERSION, write_kept
from harness.backends.loading import build_network, open_config, quiet_transformers
from harness.backends.model import Model
from harness.errors import ModelError, RequestError, did_you_mean, raise_all

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Conversion:
    """What became of a state dict. `left_out` gives for each head that was left out the reason."""

    folder: Path
    encoder: int
    heads: tuple[str, ...]
    left_out: Mapping[str, str]
    unknown: tuple[str, ...]


def convert_jiant(
    file: Path, state: JiantState, base: Model, out: Path, *, labels: Mapping[str, tuple[str, ...]]
) -> Conversion:
    """Write a jiant state as a checkpoint folder: the encoder, heads beside it, and `conversion.json`.

    `base` gives architecture and tokenizer, none of its weights. `labels` name the rows of the tagging heads
    by task model, which jiant's file does not: a tagging head without them is left out.

    Raises:
        ModelError: the encoder is not of the base's architecture, or the folder cannot be written.
        RequestError: `labels` do not fit the heads, or the folder is not empty.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RequestError(f"--out {out}: is there already; give a folder that is new or empty")
    _check_labels(state, labels)
    network, absent = _encoder(file, state, base)
    heads: dict[str, dict[str, Any]] = {}
    left_out: dict[str, str] = {}
    temporary = out.with_name(f".{out.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        temporary.mkdir(parents=True)
        with quiet_transformers():
            kept = {name: tensor for name, tensor in network.state_dict().items() if name not in absent}
            network.save_pretrained(str(temporary), state_dict=kept)
        copy_tokenizer(base.path, temporary)
        for head in state.heads:
            reason = _why_left_out(head, labels)
            if head.auto_class is None or reason:
                left_out[head.name] = reason
                continue
            written = write_kept(temporary, head.name, {k: t.float() for k, t in head.tensors.items()})
            heads[head.name] = {
                "name": head.name,
                "auto_class": head.auto_class,
                "labels": list(labels.get(head.name, ())),
                "file": written,
            }
        record = _record(file, state, base, list(heads.values()), left_out)
        (temporary / CONVERSION).write_text(
            json.dumps(record, ensure_ascii=False, indent=2) + "\n", encoding="utf-8"
        )
        if out.is_dir():
            out.rmdir()
        temporary.replace(out)
    except OSError as error:
        raise ModelError(
            f"--out {out}: cannot be written ({error.strerror or error}); make room, or give another place"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Conversion(out, len(state.encoder), tuple(heads), left_out, state.unknown)


def _encoder(file: Path, state: JiantState, base: Model) -> tuple[PreTrainedModel, set[str]]:
    """Return the encoder with the state's values, and the names of what the state lacks: a pooler at most."""
    import torch

    network = build_network("AutoModel", base, open_config(base))
    network.to(dtype=torch.float32)  # type: ignore[call-arg]
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    held = {name: tuple(tensor.shape) for name, tensor in state.encoder.items()}
    absent = {name for name in expected.keys() - held.keys() if name.startswith("pooler.")}
    other = sorted(
        name
        for name in expected.keys() | held.keys()
        if name not in absent and expected.get(name) != held.get(name)
    )
    if other:
        name = other[0]
        raise ModelError(
            f"{file}: its encoder is not of the architecture of --base {base.model_id}: {len(other)} tensors "
            f"differ, e.g. {name}: {list(held.get(name, ()))} in the file, {list(expected.get(name, ()))} in "
            "the base ([]: none). Give the model that jiant was started from."
        )
    network.load_state_dict({name: t.float() for name, t in state.encoder.items()}, strict=False)
    return network, absent


def _check_labels(state: JiantState, labels: Mapping[str, tuple[str, ...]]) -> None:
    heads = {head.name: head for head in state.heads}
    problems = []
    for name, given in labels.items():
        head = heads.get(name)
        if head is None:
            problems.append(
                f"--labels {name}=..: the file has no such task model{did_you_mean(name, heads)}; it has "
                f"{', '.join(heads) or 'none'}"
            )
        elif "classifier.bias" not in head.tensors:
            problems.append(f"--labels {name}=..: that head has no labels that could be named")
        elif len(given) != (rows := head.tensors["classifier.bias"].shape[0]):
            problems.append(f"--labels {name}=..: {len(given)} labels for a head of {rows}")
    raise_all(RequestError, problems)


def _why_left_out(head: JiantHead, labels: Mapping[str, tuple[str, ...]]) -> str:
    if head.auto_class is None:
        return head.why_not
    rows = head.tensors.get("classifier.bias")
    if rows is not None and head.name not in labels:
        return (
            f"a tagging head whose {rows.shape[0]} labels the file does not name: give them in jiant's order "
            f"with --labels {head.name}=A,B,.."
        )
    return ""


def _record(
    file: Path, state: JiantState, base: Model, heads: list[dict[str, Any]], left_out: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "made_by": f"xharness {__version__}",
        "source": {"file": file.name, "sha256": state.sha256, "format": "a state dict of jiant 2"},
        "base": {
            "id": base.model_id if base.revision else base.path.name,
            "revision": base.revision,
            "settings_sha256": base.settings_sha256,
            "taken": "architecture and tokenizer, no weights",
        },
        "heads": heads,
        "left_out": dict(left_out),
        "unknown_keys": list(state.unknown),
        "trained_on": None,  # a state dict says nothing of data, languages or seeds
    }
