"""The card of a checkpoint that `xharness train` made: what it was trained on, from what, and how."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.errors import ModelError
from harness.languages import language_of
from harness.specs.intermediate import Overlap

CARD = "xharness.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class TrainedLanguage(_Part):
    """What was trained on in one language of one task.

    `tag` is its BCP 47 tag. `fingerprint` is the SHA-256 over everything that a model sees of the examples
    that were used, `examples` their number.
    """

    tag: str
    examples: int = Field(ge=0)
    fingerprint: str


class TrainedTask(_Part):
    """One intermediate task. `dev` are the development sets that selected the checkpoint, by language."""

    name: str
    version: str
    sha256: str
    kind: str
    head: str
    languages: dict[str, TrainedLanguage]
    dev: dict[str, TrainedLanguage] = Field(default_factory=dict)
    overlaps: tuple[Overlap, ...] = ()


class HeadRecord(_Part):
    """A head that was trained: the class of transformers it belongs to, its labels, and where it lies.

    `file` is relative to the checkpoint folder; it is empty where the checkpoint itself is of that class.
    """

    name: str
    auto_class: str
    labels: tuple[str, ...] = ()
    file: str = ""


class ParentRecord(_Part):
    """The checkpoint that training began from."""

    id: str
    revision: str | None
    weights_sha256: str
    settings_sha256: str
    adapter: str = ""


class Card(_Part):
    """The whole of a card. `earlier` are the cards of the parent's own phases, the oldest first.

    `key` names the training: equal for the same parent, recipe, data and seed.
    """

    schema_version: Literal[1] = 1
    key: str
    parent: ParentRecord
    mixture: dict[str, Any]
    seed: int
    tasks: tuple[TrainedTask, ...]
    heads: tuple[HeadRecord, ...] = ()
    steps: int
    best_step: int | None = None
    dtype: str
    versions: dict[str, str] = Field(default_factory=dict)
    finished: str = ""
    earlier: tuple[Card, ...] = ()

    @property
    def phases(self) -> tuple[Card, ...]:
        """The cards of all intermediate phases, the oldest first, this one last."""
        return (*self.earlier, self)

    @property
    def languages(self) -> dict[str, str]:
        """The languages that any phase was trained on: code -> BCP 47 tag."""
        return {
            code: language.tag
            for phase in self.phases
            for task in phase.tasks
            for code, language in task.languages.items()
        }

    def seen(self, target: str, tags: Mapping[str, str], *, source: str | None) -> dict[str, tuple[str, ...]]:
        """Return the languages of a target that are no longer unseen, and why: `task: reason`, each once.

        `tags` are the target's languages, code -> BCP 47 tag; see `language_of` for which are the same.
        Training spoils nothing in the `source` language, in which every recipe trains;
        selection on its test texts does.
        """
        found: dict[str, dict[str, None]] = {}
        for task in (task for phase in self.phases for task in phase.tasks):
            for overlap in task.overlaps:
                read = task.languages if overlap.part == "train" else task.dev
                if overlap.target != target or not read:
                    continue
                own = {language_of(language.tag) for language in read.values()}
                for code, tag in tags.items():
                    if overlap.part == "train" and code == source:
                        continue
                    if overlap.languages == "all" or language_of(tag) in own:
                        found.setdefault(code, {})[f"{task.name}: {overlap.why}"] = None
        return {code: tuple(why) for code, why in found.items()}


def encode_card(card: Card) -> bytes:
    """Write a card as JSON, keys sorted."""
    tree = card.model_dump(mode="json")
    text = json.dumps(tree, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
    return (text + "\n").encode("utf-8")


def read_card(folder: Path) -> Card | None:
    """Return the card of a checkpoint folder, or None where it has none.

    Raises:
        ModelError: it has one that this version cannot read.
    """
    path = folder / CARD
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: the card of the checkpoint cannot be read: {error}") from None
    try:
        return Card.model_validate_json(text)
    except (ValidationError, RecursionError) as error:
        first = error.errors()[0] if isinstance(error, ValidationError) else {"loc": (), "msg": str(error)}
        raise ModelError(
            f"{path}: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}; it was edited, or "
            "written by another version. Restore it, or remove it if nobody needs to know of the training"
        ) from None
