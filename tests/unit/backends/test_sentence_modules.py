from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from harness.backends.encoder import open_encoder
from harness.backends.model import Model
from harness.backends.sentence_modules import read_modules
from harness.errors import ModelError

ModelAt = Callable[..., Model]


def write_json(file: Path, value: Any) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps(value), encoding="utf-8")


@pytest.fixture
def sentence(tiny: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a sentence-transformers checkpoint around the tiny encoder."""

    def write(
        *modules: str, pooling: dict[str, Any] | None = None, own: dict[str, Any] | None = None
    ) -> Path:
        path = tmp_path / "sentence"
        shutil.copytree(tiny, path)
        write_json(path / "sentence_bert_config.json", own or {"max_seq_length": 16, "do_lower_case": False})
        write_json(path / "1_Pooling" / "config.json", pooling or {"pooling_mode_mean_tokens": True})
        names = ["sentence_transformers.models.Transformer", "sentence_transformers.models.Pooling", *modules]
        write_json(
            path / "modules.json",
            [
                {
                    "idx": i,
                    "name": str(i),
                    "path": f"{i}_{name.rpartition('.')[2]}" if i else "",
                    "type": name,
                }
                for i, name in enumerate(names)
            ],
        )
        return path

    return write


def embed(path: Path, model_at: ModelAt, texts: list[str], **embedding: Any) -> Any:
    return open_encoder(model_at(path, modules=True, **embedding)).encode(texts, role="symmetric")


def test_old_and_new_keys_mean_the_same(sentence: Callable[..., Path]) -> None:
    old = {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": True, "pooling_mode_lasttoken": True}
    path = sentence(pooling=old)
    modules = read_modules(path, allow_pickle=False, device="cpu")
    assert modules.modes == ("cls", "mean", "lasttoken")
    write_json(path / "1_Pooling" / "config.json", {"pooling_mode": ["cls", "mean", "lasttoken"]})
    assert read_modules(path, allow_pickle=False, device="cpu").modes == modules.modes
    write_json(path / "1_Pooling" / "config.json", {"pooling_mode": "max"})
    assert read_modules(path, allow_pickle=False, device="cpu").modes == ("max",)
    write_json(path / "1_Pooling" / "config.json", {"word_embedding_dimension": 16})
    assert read_modules(path, allow_pickle=False, device="cpu").modes == ("mean",)
    write_json(path / "1_Pooling" / "config.json", {"pooling_mode": "median"})
    with pytest.raises(ModelError, match="'median'"):
        read_modules(path, allow_pickle=False, device="cpu")


def test_several_modes_are_concatenated_in_the_library_order(
    sentence: Callable[..., Path], model_at: ModelAt, texts: list[str]
) -> None:
    path = sentence(pooling={"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": True})
    both = embed(path, model_at, texts)
    assert both.shape == (len(texts), 32)
    write_json(path / "1_Pooling" / "config.json", {"pooling_mode": "cls"})
    assert np.array_equal(both[:, :16], embed(path, model_at, texts))


def test_dense_and_normalize(sentence: Callable[..., Path], model_at: ModelAt, texts: list[str]) -> None:
    path = sentence("sentence_transformers.models.Dense", "sentence_transformers.models.Normalize")
    weight, bias = torch.randn(5, 16, generator=torch.Generator().manual_seed(1)), torch.arange(5.0)
    config = {
        "in_features": 16,
        "out_features": 5,
        "bias": True,
        "activation_function": "torch.nn.modules.activation.Tanh",
    }
    write_json(path / "2_Dense" / "config.json", config)
    save_file({"linear.weight": weight, "linear.bias": bias}, path / "2_Dense" / "model.safetensors")
    found = embed(path, model_at, texts)
    mean = embed_mean(path, model_at, texts)
    expected = torch.nn.functional.normalize(torch.tanh(mean @ weight.T + bias), dim=1)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)

    for activation in ("os.system", "torch.nn.modules.linear.Linear"):
        write_json(path / "2_Dense" / "config.json", config | {"activation_function": activation})
        with pytest.raises(ModelError, match="activation"):
            embed(path, model_at, texts)
    write_json(path / "2_Dense" / "config.json", config | {"out_features": 6})
    with pytest.raises(ModelError, match="do not fit"):
        embed(path, model_at, texts)
    write_json(path / "2_Dense" / "config.json", config)
    (path / "2_Dense" / "model.safetensors").unlink()
    torch.save({"linear.weight": weight, "linear.bias": bias}, path / "2_Dense" / "pytorch_model.bin")
    with pytest.raises(ModelError, match="--allow-pickle"):
        embed(path, model_at, texts)
    modules = read_modules(path, allow_pickle=True, device="cpu")
    assert len(modules.stages) == 2


def embed_mean(path: Path, model_at: ModelAt, texts: list[str]) -> torch.Tensor:
    plain = model_at(path, modules=False, normalize=False, max_length=16)
    return torch.from_numpy(open_encoder(plain).encode(texts, role="symmetric"))


def test_layer_norm_and_dropout(sentence: Callable[..., Path], model_at: ModelAt, texts: list[str]) -> None:
    path = sentence("sentence_transformers.models.Dropout", "sentence_transformers.models.LayerNorm")
    write_json(path / "3_LayerNorm" / "config.json", {"dimension": 16})
    tensors = {"norm.weight": torch.full((16,), 2.0), "norm.bias": torch.ones(16)}
    save_file(tensors, path / "3_LayerNorm" / "model.safetensors")
    expected = torch.nn.functional.layer_norm(embed_mean(path, model_at, texts), (16,)) * 2 + 1
    np.testing.assert_allclose(embed(path, model_at, texts), expected.numpy(), atol=1e-4)


def test_unknown_modules_are_named(sentence: Callable[..., Path], model_at: ModelAt) -> None:
    path = sentence("sentence_transformers.models.LSTM")
    with pytest.raises(ModelError, match="module 'LSTM' is not supported"):
        embed(path, model_at, ["a dog"])
    write_json(path / "modules.json", [{"path": "", "type": "sentence_transformers.models.BoW"}])
    with pytest.raises(ModelError, match="the modules are BoW"):
        embed(path, model_at, ["a dog"])
    write_json(path / "modules.json", {"a": 1})
    with pytest.raises(ModelError, match="list of objects"):
        embed(path, model_at, ["a dog"])


def test_sequence_length_and_case(sentence: Callable[..., Path], model_at: ModelAt, texts: list[str]) -> None:
    path = sentence(own={"max_seq_length": 4, "do_lower_case": True})
    vectors = embed(path, model_at, [texts[-1], "ONE two THREE", "one two"])
    assert np.array_equal(vectors[0], vectors[1]) and np.array_equal(vectors[1], vectors[2])


def test_prompts_of_the_checkpoint_count_where_the_adapter_has_none(
    sentence: Callable[..., Path], model_at: ModelAt
) -> None:
    path = sentence()
    prompts = {"query": "a ", "document": "die ", "sts": "on "}
    write_json(path / "config_sentence_transformers.json", {"prompts": prompts, "default_prompt_name": "sts"})
    model = model_at(path, modules=True)
    plain = open_encoder(model_at(path, modules=False, normalize=False, max_length=16))
    encoder = open_encoder(model)
    for role, prompt in (("query", "a "), ("passage", "die "), ("symmetric", "on ")):
        expected = plain.encode([prompt + "dog"], role="symmetric")
        np.testing.assert_array_equal(encoder.encode(["dog"], role=role), expected)  # type: ignore[arg-type]
    write_json(path / "1_Pooling" / "config.json", {"pooling_mode": "mean", "include_prompt": False})
    with pytest.raises(ModelError, match="leaves out the prompt"):
        open_encoder(model).encode(["dog"], role="query")


def test_without_modules_the_adapter_decides(tiny: Path, model_at: ModelAt, texts: list[str]) -> None:
    assert np.array_equal(
        embed(tiny, model_at, texts), open_encoder(model_at(tiny)).encode(texts, role="symmetric")
    )
