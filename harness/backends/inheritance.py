"""What a checkpoint written here takes over from those that it was made of, beside the weights."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from harness.backends.kept_heads import CARD
from harness.backends.loading import VOCABULARIES
from harness.backends.model import Model
from harness.backends.reading import readable
from harness.backends.sentence_modules import has_modules, module_folders

_TOKENIZER = (
    "tokenizer*.json",
    "vocab*",
    "merges.txt",
    "*.model",
    "special_tokens_map.json",
    "added_tokens.json",
)
_MODULES = ("modules.json", "config_sentence_transformers.json", "sentence_*_config.json")


def inherit_settings(folder: Path, own: Path, base: Model) -> None:
    """Copy tokenizer, pooling modules and provenance into a checkpoint folder.

    The tokenizer and the modules are those in `own` where it has any, else the base's. The base's card goes
    along, without its heads: what the base was trained on, its descendant was trained on as well.

    Raises:
        ModelError: something of the base cannot be read.
    """
    with readable(base.path):
        copy_tokenizer(own if _has_tokenizer(own) else base.path, folder)
        _copy_modules(own if has_modules(own) else base.path, folder)
        if base.trust_remote_code:
            _copy(base.path, folder, ("*.py",))
        if (base.path / CARD).is_file():
            card = json.loads((base.path / CARD).read_text(encoding="utf-8")) | {"heads": []}
            text = json.dumps(card, ensure_ascii=False, indent=2, sort_keys=True)
            (folder / CARD).write_text(text + "\n", encoding="utf-8")


def inherit_readout(folder: Path, parent: Model) -> None:
    """Copy what says how a checkpoint is run and read, its code and pooling modules, to one trained from it.

    Raises:
        ModelError: something of the parent cannot be read.
    """
    with readable(parent.path):
        _copy_modules(parent.path, folder)
        if parent.trust_remote_code:
            _copy(parent.path, folder, ("*.py",))


def _copy_modules(source: Path, folder: Path) -> None:
    if not has_modules(source):
        return
    _copy(source, folder, _MODULES)
    for part in module_folders(source):
        if part.is_dir() and part.resolve() != source.resolve():
            shutil.copytree(part, folder / part.relative_to(source), dirs_exist_ok=True)


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy the files of a checkpoint's tokenizer into another folder."""
    _copy(source, folder, _TOKENIZER)


def _has_tokenizer(path: Path) -> bool:
    return any((path / name).is_file() for name in VOCABULARIES)


def _copy(source: Path, target: Path, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        for file in source.glob(pattern):
            if file.is_file():
                shutil.copyfile(file, target / file.name)
