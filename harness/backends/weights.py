"""The weight files of a checkpoint folder: which they are, their hash, what tensors they hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from harness.backends.kept_heads import LISTS, listed_heads, read_kept
from harness.backends.reading import read_pickle, readable
from harness.backends.sentence_modules import has_modules, module_folders
from harness.errors import ModelError
from harness.records import canonical_json

_SAFE = "model.safetensors"
_PICKLED = "pytorch_model.bin"
_CHUNK = 1 << 22
_SETTINGS = (".json", ".txt", ".model")


def weight_files(path: Path, *, allow_pickle: bool) -> list[Path]:
    """Return the weight files in a checkpoint folder, all shards, safetensors before pickles.

    Raises:
        ModelError: if there are none, if a shard is missing or a Git LFS pointer, if there are
            pickled weights only and those are not allowed, or if anything cannot be read.
    """
    with readable(path):
        return _weight_files(path, allow_pickle)


def _weight_files(path: Path, allow_pickle: bool) -> list[Path]:
    for name in (_SAFE, _PICKLED):
        files = _shards(path, name)
        if not files:
            continue
        if name == _PICKLED and not allow_pickle:
            raise ModelError(
                f"{path}: holds pickled weights only ({files[0].name}), which can run any code when they "
                "are read. Convert them to safetensors (load with transformers, then save_pretrained), or "
                "pass --allow-pickle if you trust their source."
            )
        for file in files:
            check_content(file)
        return files
    others = sorted(
        p.name for p in path.iterdir() if p.suffix in (".h5", ".msgpack", ".onnx", ".pt", ".pth", ".p")
    )
    seen = f"it holds {', '.join(others[:4])}" if others else "it holds no weights"
    raise ModelError(f"{path}: expected {_SAFE} (or its shards), but {seen}.")


def weights_sha256(path: Path, *, allow_pickle: bool) -> str:
    """Return SHA-256 over names and bytes of all weight files, pooling modules and kept heads included.

    Files count in the order of their paths relative to the folder.
    """
    files = weight_files(path, allow_pickle=allow_pickle)
    files += [head.file for head in read_kept(path)]
    if has_modules(path):
        for folder in module_folders(path):
            files += [f for f in (folder / _SAFE, folder / _PICKLED) if f.is_file()]
    return hash_files(path, files)


def settings_sha256(path: Path) -> str:
    """Return SHA-256 over names and bytes of what else decides a checkpoint's outputs.

    That is every JSON, text and tokenizer model file of the folder and of its pooling modules:
    the same weights with another tokenizer or another pooling are another model. Of the files that say
    where a checkpoint comes from only the list of its heads counts.
    """
    folders = [path, *(module_folders(path) if has_modules(path) else [])]
    # Modules without settings (Normalize) often have no folder.
    there = [folder for folder in folders if folder.is_dir()]
    found = {f for folder in there for f in folder.iterdir() if f.suffix in _SETTINGS and f.is_file()}
    heads = listed_heads(path)
    return hash_files(
        path,
        (f for f in found if f.parent != path or f.name not in LISTS),
        beside=canonical_json(heads) if heads else "",
    )


def hash_files(path: Path, files: Iterable[Path], *, beside: str = "") -> str:
    """Return SHA-256 over a text and over names and bytes of files, in the order of their paths in `path`."""
    digest = hashlib.sha256(beside.encode())
    for name, file in sorted({f.relative_to(path).as_posix(): f for f in files}.items()):
        digest.update(f"{name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def tensor_shapes(path: Path, *, allow_pickle: bool) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor in the weights by name.

    Raises:
        ModelError: as `weight_files`, and for a broken file.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for file in weight_files(path, allow_pickle=allow_pickle):
        if file.suffix == ".safetensors":
            from safetensors import safe_open

            with readable(file), safe_open(file, framework="numpy") as tensors:
                for name in tensors.keys():
                    shapes[name] = tuple(tensors.get_slice(name).get_shape())
        else:
            for name, tensor in read_pickle(file, device="meta").items():
                shapes[name] = tuple(tensor.shape)
    return shapes


def _shards(path: Path, name: str) -> list[Path]:
    index = path / f"{name}.index.json"
    if (path / name).is_file():
        return [path / name]
    if not index.is_file():
        return []
    try:
        listed = list(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{index}: not an index of weight shards: {error}") from error
    # A shard lies beside its index; a link to elsewhere, as in the hub's cache, is the user's own.
    bad = [n for n in listed if not isinstance(n, str) or n in ("", "..") or n != Path(n).name]
    if bad:
        raise ModelError(f"{index}: {bad[0]!r} is not the name of a shard, a file in the same folder")
    names = sorted(set(listed))
    missing = [n for n in names if not (path / n).is_file()]
    if missing or not names:
        raise ModelError(
            f"{index}: {len(missing)} of {len(names)} shards are missing, e.g. {', '.join(missing[:2])}"
        )
    return [path / n for n in names]


def check_content(file: Path) -> None:
    """Refuse a weight file that is a Git LFS pointer or no complete safetensors file.

    Raises:
        ModelError: naming the file.
    """
    with file.open("rb") as stream:
        start = stream.read(40)
    if start.startswith(b"version https://git-lfs"):
        raise ModelError(
            f"{file}: is a Git LFS pointer, not the weights: run `git lfs pull` in the checkpoint."
        )
    if file.suffix != ".safetensors":
        return
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy"):
            pass
    except SafetensorError as error:
        raise ModelError(
            f"{file}: not a complete safetensors file ({error}): copy or download it again."
        ) from error
