from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from harness.backends.checkpoint import choose_adapter, open_model
from harness.backends.weights import settings_sha256, tensor_shapes, weights_sha256
from harness.errors import ModelError
from harness.paths import builtin
from harness.specs.adapter import AdapterSpec

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def adapters() -> dict[str, AdapterSpec]:
    found = {}
    for file in sorted(builtin("adapters").glob("*.yaml")):
        spec = AdapterSpec.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        assert spec.name == file.stem
        found[spec.name] = spec
    return found


@pytest.mark.parametrize(
    "name, model_type, modules, expected",
    [
        ("xlm-roberta-base", "xlm-roberta", False, "xlm-roberta"),
        ("my-own-xlmr", "xlm-roberta", False, "xlm-roberta"),
        ("bert-base-multilingual-cased", "bert", False, "bert-multilingual"),
        ("bert-base-uncased", "bert", False, "generic"),
        ("all-MiniLM-L6-v2", "bert", True, "sentence-transformers"),
        ("LaBSE", "bert", True, "labse"),
        ("multilingual-e5-large", "xlm-roberta", True, "multilingual-e5"),
        ("multilingual-e5-large-instruct", "xlm-roberta", True, "sentence-transformers"),
        ("multilingual-e5-small", "bert", True, "multilingual-e5"),
        ("mdeberta-v3-base", "deberta-v2", False, "mdeberta-v3"),
        ("mmBERT-base", "modernbert", False, "mmbert"),
        ("EuroBERT-210m", "eurobert", False, "eurobert"),
        ("gte-multilingual-base", "new", True, "gte-multilingual"),
        ("gte-multilingual-base", "gte", True, "gte-multilingual"),
        ("something", "electra", False, "generic"),
    ],
)
def test_the_adapter_of_each_family(
    adapters: dict[str, AdapterSpec], tmp_path: Path, name: str, model_type: str, modules: bool, expected: str
) -> None:
    if modules:
        (tmp_path / "modules.json").write_text("[]", encoding="utf-8")
    adapter, reason = choose_adapter(name, tmp_path, {"model_type": model_type}, adapters=adapters)
    assert adapter.name == expected
    assert model_type in reason or name in reason or "modules.json" in reason


def test_the_adapter_asked_for_wins(adapters: dict[str, AdapterSpec], tiny: Path) -> None:
    model, why = open_model(str(tiny), adapters=adapters, asked_adapter=adapters["generic"], device="cpu")
    assert model.adapter.name == "generic"
    assert why == "adapter generic: asked for"


def test_equal_priorities_go_by_name(tmp_path: Path) -> None:
    def spec(name: str) -> AdapterSpec:
        fields = {"version": "1", "title": "t", "source": "s", "match": {"model_types": ["bert"]}}
        return AdapterSpec.model_validate({"name": name, **fields})

    adapters = {"b": spec("b"), "a": spec("a")}
    assert choose_adapter("x", tmp_path, {"model_type": "bert"}, adapters=adapters)[0].name == "a"
    with pytest.raises(ModelError, match="'generic'"):
        choose_adapter("x", tmp_path, {"model_type": "t5"}, adapters=adapters)


def test_a_folder_is_opened(adapters: dict[str, AdapterSpec], tiny: Path) -> None:
    model, why = open_model(str(tiny), adapters=adapters, device="cpu", dtype="float32")
    assert (model.hidden_size, model.num_layers) == (16, 3)
    assert (model.path, model.revision, model.device, model.dtype) == (tiny, None, "cpu", "float32")
    assert len(model.weights_sha256) == 64
    assert why == "adapter xlm-roberta: the model type is 'xlm-roberta' and it has no modules.json"


def test_the_hash_is_that_of_the_weights(checkpoint: Write, adapters: dict[str, AdapterSpec]) -> None:
    first, second = checkpoint(), checkpoint()
    assert weights_sha256(first, allow_pickle=False) == weights_sha256(second, allow_pickle=False)
    other = checkpoint(hidden_size=32)
    assert weights_sha256(first, allow_pickle=False) != weights_sha256(other, allow_pickle=False)
    (first / "notes.txt").write_text("anything", encoding="utf-8")
    assert weights_sha256(first, allow_pickle=False) == weights_sha256(second, allow_pickle=False)


def check_refused(path: Path, adapters: dict[str, AdapterSpec], match: str) -> None:
    with pytest.raises(ModelError, match=match):
        open_model(str(path), adapters=adapters, device="cpu", dtype="float32")


def test_what_is_no_checkpoint(tmp_path: Path, adapters: dict[str, AdapterSpec], checkpoint: Write) -> None:
    check_refused(tmp_path, adapters, "no config.json")
    check_refused(tmp_path / "no" / "such" / "folder", adapters, "no such folder")
    path = checkpoint()
    check_refused(path / "model.safetensors", adapters, "is a file")
    (path / "config.json").write_text("{", encoding="utf-8")
    check_refused(path, adapters, "cannot be read as JSON")
    (path / "config.json").write_text("{}", encoding="utf-8")
    check_refused(path, adapters, "model_type")


def test_no_weights(checkpoint: Write, adapters: dict[str, AdapterSpec]) -> None:
    path = checkpoint()
    (path / "model.safetensors").unlink()
    check_refused(path, adapters, "it holds no weights")
    (path / "tf_model.h5").write_bytes(b"x")
    check_refused(path, adapters, r"tf_model\.h5")
    (path / "adapter_model.safetensors").write_bytes(b"x")
    check_refused(path, adapters, "PEFT")


def test_pickled_weights_only_when_allowed(checkpoint: Write, adapters: dict[str, AdapterSpec]) -> None:
    import torch
    from safetensors.torch import load_file

    path = checkpoint()
    torch.save(load_file(path / "model.safetensors"), path / "pytorch_model.bin")
    shapes = tensor_shapes(path, allow_pickle=True)
    (path / "model.safetensors").unlink()
    check_refused(path, adapters, "--allow-pickle")
    assert tensor_shapes(path, allow_pickle=True) == shapes
    from harness.backends.encoder import open_encoder

    model, _ = open_model(
        str(path), adapters={"generic": adapters["generic"]}, device="cpu", dtype="float32", allow_pickle=True
    )
    assert open_encoder(model).encode(["a dog"], role="query").shape == (1, 16)


def test_damaged_weights(checkpoint: Write, adapters: dict[str, AdapterSpec]) -> None:
    path = checkpoint()
    file = path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    check_refused(path, adapters, "not a complete safetensors file")
    file.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", encoding="utf-8")
    check_refused(path, adapters, "git lfs pull")


def test_a_missing_shard(checkpoint: Write, adapters: dict[str, AdapterSpec]) -> None:
    path = checkpoint()
    shutil.move(path / "model.safetensors", path / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (path / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    check_refused(path, adapters, "1 of 2 shards are missing")
    (path / "model.safetensors.index.json").write_text("[]", encoding="utf-8")
    check_refused(path, adapters, "not an index")


def test_code_from_the_checkpoint(checkpoint: Write, adapters: dict[str, AdapterSpec]) -> None:
    path = checkpoint()
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    config |= {"auto_map": {"AutoModel": "modeling.NewModel"}}
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    # The architecture is native: the code is not needed.
    open_model(str(path), adapters=adapters, device="cpu", dtype="float32")
    (path / "config.json").write_text(json.dumps(config | {"model_type": "new"}), encoding="utf-8")
    check_refused(path, adapters, "--trust-remote-code")
    del config["auto_map"]
    (path / "config.json").write_text(json.dumps(config | {"model_type": "new"}), encoding="utf-8")
    check_refused(path, adapters, "does not know the model type 'new'")


def test_encoder_decoders_are_refused(checkpoint: Write, adapters: dict[str, AdapterSpec]) -> None:
    path = checkpoint()
    config = {"model_type": "mt5", "d_model": 16}
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    check_refused(path, adapters, "encoder-decoder")


def test_the_settings_hash_sees_tokenizer_and_pooling(tmp_path: Path) -> None:
    pooling = tmp_path / "1_Pooling"
    pooling.mkdir()
    (tmp_path / "modules.json").write_text(
        '[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},'
        ' {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},'
        ' {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"}]',
        encoding="utf-8",
    )
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    (pooling / "config.json").write_text('{"pooling_mode_mean_tokens": true}', encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    seen = {settings_sha256(tmp_path)}
    (pooling / "config.json").write_text('{"pooling_mode_cls_token": true}', encoding="utf-8")
    seen.add(settings_sha256(tmp_path))
    (tmp_path / "tokenizer.json").write_text('{"a": 1}', encoding="utf-8")
    seen.add(settings_sha256(tmp_path))
    assert len(seen) == 3
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    (tmp_path / "README.md").write_text("a card", encoding="utf-8")
    assert settings_sha256(tmp_path) in seen
