"""Where a trained checkpoint goes: what stands there already, and what lies unfinished beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from harness.backends.checkpoint import check_model
from harness.backends.kept_heads import kept_shapes, read_kept
from harness.backends.model import Model
from harness.backends.weights import tensor_shapes
from harness.errors import HarnessError, ModelError, ResultError
from harness.progress import Progress
from harness.results.card import CARD, Card, encode_card, read_card
from harness.results.folder import refusing, write_bytes
from harness.training.mixture import RECORD, unfinished

_ELSEWHERE = "choose another place"


def find_place(given: str) -> Path:
    """Return the folder that `--out` names.

    A link is followed: it stays one, and what it leads to is replaced.

    Raises:
        ResultError: there is something that `xharness train` did not write, or no folder can appear there.
    """
    out = Path(given).expanduser()
    if out.name in ("", ".."):
        raise ResultError(f"--out {given}: give the name of a folder that is yet to appear, not this place")
    with refusing(out, "cannot be used as --out", _ELSEWHERE):
        if out.is_symlink():
            out = out.resolve()
        if out.exists() and not out.is_dir():
            raise ResultError(f"--out {out}: is a file; a checkpoint is a folder, so {_ELSEWHERE}")
        if out.is_dir() and any(out.iterdir()) and not (out / CARD).exists():
            raise ResultError(
                f"--out {out}: is there already and holds no checkpoint of `xharness train`; {_ELSEWHERE}"
            )
    return out


def find_finished(out: Path, card: Card, model: Model, *, resume: bool, progress: Progress) -> Card | None:
    """Return the card of `out` where it is this very training, finished; None where it is to be done.

    What a killed process left beside a finished one is removed.

    Raises:
        ResultError: the folder holds another training.
    """
    found = _card_at(out, "--out")
    if found is None:
        return None
    if found.key != card.key:
        raise ResultError(
            f"--out {out}: holds another training ({found.key}: {_difference(found, card)}); {_ELSEWHERE}"
        )
    if not resume:
        return None
    damage = _damage(out, model)
    if damage is not None:
        progress.warn(f"--out {out}: what was trained is damaged and is trained again: {damage}")
        return None
    shutil.rmtree(unfinished(out), ignore_errors=True)
    return found


def claim(out: Path, card: Card, *, resume: bool) -> None:
    """Put the card of a training that begins, or goes on, where its checkpoints are to lie.

    Without `resume` those of an earlier try are removed.

    Raises:
        ResultError: there lie those of another training, or nothing can be written there.
    """
    work = unfinished(out)
    with refusing(work, "cannot be used for the checkpoints of the training", _ELSEWHERE):
        found = _card_at(work, "--out, unfinished")
        # What a process leaves that was killed before it had written the card begins with a dot.
        others = [] if not work.exists() or found else [p for p in work.iterdir() if p.name[0] != "."]
        if others:
            raise ResultError(
                f"{work}: is there already and is no unfinished training of `xharness train`; checkpoints "
                f"would lie there. Remove it, or {_ELSEWHERE}"
            )
        if found is not None and found.key != card.key and any(work.glob("checkpoint-*")):
            raise ResultError(
                f"{work}: holds another training that is not finished ({found.key}: "
                f"{_difference(found, card)}); finish that one, remove the folder, or {_ELSEWHERE}"
            )
        if not resume and work.exists():
            shutil.rmtree(work)
        if found is None or found.key != card.key or not resume:
            work.mkdir(parents=True, exist_ok=True)
            write_bytes(work / CARD, encode_card(card))


def _card_at(folder: Path, what: str) -> Card | None:
    try:
        return read_card(folder)
    except ModelError as error:
        raise ResultError(
            f"{what} {folder}: {error}. To train anew remove the whole folder, or {_ELSEWHERE}"
        ) from None


def _damage(out: Path, model: Model) -> str | None:
    """Return what keeps a finished training from being used, or None."""
    trained = model.at(out)
    try:
        json.loads((out / RECORD).read_text(encoding="utf-8"))
        check_model(trained, embeds=False)
        tensor_shapes(out, allow_pickle=False)
        for kept in read_kept(out):
            kept_shapes(kept)
    except (HarnessError, OSError, ValueError, RecursionError) as error:
        return str(error)
    return None


def _difference(found: Card, card: Card) -> str:
    """Return in words what differs between two trainings, the first of what a user would look at first."""
    if found.seed != card.seed:
        return f"seed {found.seed}, now {card.seed}"
    if (one := found.parent).weights_sha256 != (other := card.parent).weights_sha256:
        return f"parent weights {one.weights_sha256[:16]} ({one.id}), now {other.weights_sha256[:16]}"
    if found.parent.settings_sha256 != card.parent.settings_sha256:
        return "another configuration or tokenizer of the parent"
    keys = [
        key for key in {**found.mixture, **card.mixture} if found.mixture.get(key) != card.mixture.get(key)
    ]
    if keys:
        return f"another mixture: {', '.join(keys)}"
    if found.dtype != card.dtype:
        return f"dtype {found.dtype}, now {card.dtype}"
    tasks = [now.name for was, now in zip(found.tasks, card.tasks, strict=True) if was != now]
    return f"other data, or another version, of {', '.join(tasks)}"
