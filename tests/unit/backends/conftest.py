"""Tiny random checkpoints, written once per test run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.backends.model import Model
from harness.specs.adapter import AdapterSpec

TEXTS = [
    "the cat sat on the mat",
    "a dog",
    "der Hund schläft heute den ganzen Tag im Garten und träumt",
    "",
    "die Katze",
    "a dog",
    "one two three four five six seven eight nine ten eleven twelve",
]


def write_tokenizer(folder: Path, *, model_max_length: int = 512) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = sorted({word for text in TEXTS for word in text.split()})
    vocabulary = {t: i for i, t in enumerate(["<s>", "<pad>", "</s>", "<unk>", "<mask>", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=model_max_length,
    ).save_pretrained(folder)


def write_network(
    folder: Path, auto_class: str = "AutoModel", *, kind: str = "xlm-roberta", **config: object
) -> None:
    import torch
    import transformers

    settings: dict[str, object] = {
        "vocab_size": 60,
        "hidden_size": 16,
        "num_hidden_layers": 3,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 34 if kind == "xlm-roberta" else 32,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "initializer_range": 0.5,
    } | config
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = getattr(transformers, auto_class).from_config(
            transformers.AutoConfig.for_model(kind, **settings)
        )
    network.save_pretrained(folder)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An XLM-R of 3 layers, 16 dimensions and room for 32 tokens."""
    folder = tmp_path_factory.mktemp("tiny")
    write_network(folder)
    write_tokenizer(folder)
    return folder


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """Write a checkpoint with a given head class and configuration."""

    def write(auto_class: str = "AutoModel", **config: object) -> Path:
        folder = tmp_path / f"checkpoint-{len(list(tmp_path.iterdir()))}"
        write_network(folder, auto_class, **config)
        write_tokenizer(folder)
        return folder

    return write


def model_at(path: Path, **embedding: object) -> Model:
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    adapter = AdapterSpec.model_validate(
        {"name": "test", "version": "1", "title": "test", "source": "test", "embedding": embedding}
    )
    return Model(
        path=path,
        model_id=path.name,
        revision=None,
        weights_sha256="",
        adapter=adapter,
        device="cpu",
        dtype="float32",
        hidden_size=config["hidden_size"],
        num_layers=config["num_hidden_layers"],
    )


@pytest.fixture(name="model_at")
def model_at_fixture() -> Callable[..., Model]:
    return model_at


@pytest.fixture(name="texts")
def texts_fixture() -> list[str]:
    return list(TEXTS)
