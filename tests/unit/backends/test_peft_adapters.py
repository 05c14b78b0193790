from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import peft
import pytest
import torch
import transformers

from harness.backends.checkpoint import check_model, open_model
from harness.backends.encoder import open_encoder
from harness.backends.heads import head_in, open_head
from harness.backends.merging import default_cache
from harness.backends.weights import tensor_shapes
from harness.errors import ModelError
from harness.specs.adapter import AdapterSpec

Write = Callable[..., Path]
TAGS = ("NOUN", "VERB", "ADJ")
QUERY_VALUE = ["query", "value"]
TAGGING = {"task_type": "TOKEN_CLS", "target_modules": QUERY_VALUE}
IDS = torch.tensor([[0, 5, 6, 7, 8, 2]])
ADAPTERS = {
    "generic": AdapterSpec.model_validate({"name": "generic", "version": "1", "title": "t", "source": "s"}),
    "named": AdapterSpec.model_validate(
        {"name": "named", "version": "1", "title": "t", "source": "s", "match": {"names": ["tiny*"]}}
    ),
}


class Shape:
    def __init__(self, auto_class: str, labels: tuple[str, ...] = ()) -> None:
        self.auto_class, self.labels = auto_class, labels


TAGGER = Shape("AutoModelForTokenClassification", TAGS)


def tune(
    base: Path,
    folder: Path,
    config: Any,
    auto_class: str = "AutoModelForTokenClassification",
    *,
    tokens: int = 0,
    trained: tuple[str, ...] = (),
    **overrides: Any,
) -> dict[str, torch.Tensor]:
    """Write an adapter with random values for a base, and return what PEFT's own model computes."""
    torch.manual_seed(7)
    network = getattr(transformers, auto_class).from_pretrained(base, **overrides)
    if tokens:
        tokenizer = transformers.AutoTokenizer.from_pretrained(base)
        tokenizer.add_tokens([f"new{i}" for i in range(tokens)])
        network.resize_token_embeddings(network.config.vocab_size + tokens, mean_resizing=False)
        tokenizer.save_pretrained(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = peft.get_peft_model(network, config)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.requires_grad or any(part in name for part in trained):
                    parameter.add_(torch.randn_like(parameter) * 0.05)
        model.eval().save_pretrained(str(folder), save_embedding_layers=bool(tokens) or "auto")
    ids = torch.cat([IDS, torch.tensor([[60, 61]])], dim=1) if tokens else IDS
    if auto_class.endswith("MultipleChoice"):
        ids = ids.reshape(1, 2, -1)
    with torch.inference_mode():
        return {k: v for k, v in model(ids).items() if isinstance(v, torch.Tensor)}


def opened(folder: Path, cache: Path, **options: Any) -> tuple[Any, str]:
    return open_model(
        str(folder), adapters=ADAPTERS, device="cpu", dtype="float32", merge_cache=cache, **options
    )


def close(left: torch.Tensor, right: torch.Tensor) -> None:
    torch.testing.assert_close(left, right, rtol=0, atol=1e-5)


CONFIGS: dict[str, Callable[[], Any]] = {
    "lora": lambda: peft.LoraConfig(**TAGGING, r=4),
    "rslora with biases": lambda: peft.LoraConfig(**TAGGING, r=4, use_rslora=True, lora_bias=True),
    "dora": lambda: peft.LoraConfig(**TAGGING, r=4, use_dora=True),
    "pissa": lambda: peft.LoraConfig(**TAGGING, r=4, init_lora_weights="pissa"),
    "on embeddings": lambda: peft.LoraConfig(
        task_type="TOKEN_CLS", target_modules=[*QUERY_VALUE, "word_embeddings"], r=4
    ),
    "ia3": lambda: peft.IA3Config(
        task_type="TOKEN_CLS",
        target_modules=["key", "value", "output.dense"],
        feedforward_modules=["output.dense"],
    ),
    "adalora": lambda: peft.AdaLoraConfig(**TAGGING, init_r=4, total_step=10),
    "loha": lambda: peft.LoHaConfig(**TAGGING, r=4),
    "lokr": lambda: peft.LoKrConfig(**TAGGING, r=4),
    "oft": lambda: peft.OFTConfig(**TAGGING, oft_block_size=4),
    "vera": lambda: peft.VeraConfig(**TAGGING, r=4),
}


@pytest.mark.parametrize("method", CONFIGS)
def test_merged_computes_what_the_adapter_does(method: str, tiny: Path, tmp_path: Path) -> None:
    before = tune(tiny, tmp_path / "tuned", CONFIGS[method](), num_labels=3)
    model, _ = opened(tmp_path / "tuned", tmp_path / "cache")
    check_model(model, embeds=False)
    assert head_in(model, TAGGER) == "fits"
    network, _ = open_head(model, TAGGER)
    with torch.inference_mode():
        after = network(IDS).logits
        plain = transformers.AutoModel.from_pretrained(tiny)(IDS).last_hidden_state
        tuned = network.base_model(IDS).last_hidden_state
    close(after, before["logits"])
    assert (plain - tuned).abs().max() > 1e-3  # the adapter does something


def test_its_own_head_over_a_base_with_another(checkpoint: Write, tmp_path: Path) -> None:
    # The base tags with 5 labels, the adapter brought a head of 3.
    base = checkpoint("AutoModelForTokenClassification", num_labels=5)
    config = peft.LoraConfig(**TAGGING, modules_to_save=["classifier"])
    before = tune(base, tmp_path / "tuned", config, num_labels=3, ignore_mismatched_sizes=True)
    model, _ = opened(tmp_path / "tuned", tmp_path / "cache")
    assert tensor_shapes(model.path, allow_pickle=False)["classifier.weight"] == (3, 16)
    with torch.inference_mode():
        close(open_head(model, TAGGER)[0](IDS).logits, before["logits"])


def test_labels_come_from_the_configuration_beside_the_adapter(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    before = tune(tiny, folder, peft.LoraConfig(**TAGGING), num_labels=3)
    own = ("ADJ", "NOUN", "VERB")
    config = json.loads((tiny / "config.json").read_text(encoding="utf-8"))
    config |= {"id2label": dict(enumerate(own)), "label2id": {n: i for i, n in enumerate(own)}}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    model, _ = opened(folder, tmp_path / "cache")
    said: list[str] = []
    network, _ = open_head(model, TAGGER, say=said.append)
    with torch.inference_mode():
        close(network(IDS).logits, before["logits"][..., [1, 2, 0]])
    assert not said


@pytest.mark.parametrize("embeddings", ["saved", "single"])
def test_added_tokens(embeddings: str, tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    config = peft.LoraConfig(**TAGGING)
    if embeddings == "single":
        config = peft.LoraConfig(**TAGGING, trainable_token_indices={"word_embeddings": list(range(60, 64))})
    before = tune(tiny, folder, config, tokens=4, num_labels=3, trained=("word_embeddings",))
    model, _ = opened(folder, tmp_path / "cache")
    check_model(model, embeds=False)
    name = "roberta.embeddings.word_embeddings.weight"
    assert tensor_shapes(model.path, allow_pickle=False)[name] == (64, 16)
    network, tokenizer = open_head(model, TAGGER)
    assert "new3" in tokenizer.get_vocab()
    with torch.inference_mode():
        close(network(torch.cat([IDS, torch.tensor([[60, 61]])], dim=1)).logits, before["logits"])


def test_added_tokens_that_nobody_saved(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    tune(tiny, folder, peft.LoraConfig(**TAGGING), num_labels=3)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    config["trainable_token_indices"] = {"word_embeddings": [63]}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelError, match=r"64 embeddings, its base has 60.*the 3 new ones"):
        opened(folder, tmp_path / "cache")


def test_an_encoder_s_adapter_embeds(tiny: Path, tmp_path: Path, texts: list[str]) -> None:
    config = peft.LoraConfig(task_type="FEATURE_EXTRACTION", target_modules=QUERY_VALUE)
    before = tune(tiny, tmp_path / "tuned", config, "AutoModel")
    model, _ = opened(tmp_path / "tuned", tmp_path / "cache")
    network = transformers.AutoModel.from_pretrained(model.path)
    with torch.inference_mode():
        close(network(IDS).last_hidden_state, before["last_hidden_state"])
    check_model(model, embeds=True)
    assert open_encoder(model).encode(texts, role="symmetric").shape == (len(texts), 16)


def test_the_class_is_taken_from_what_peft_noted(tiny: Path, tmp_path: Path) -> None:
    config = peft.LoraConfig(target_modules=QUERY_VALUE, modules_to_save=["classifier"])
    before = tune(tiny, tmp_path / "tuned", config, "AutoModelForMultipleChoice")
    model, _ = opened(tmp_path / "tuned", tmp_path / "cache")
    shape = Shape("AutoModelForMultipleChoice")
    assert head_in(model, shape) == "fits"
    with torch.inference_mode():
        close(open_head(model, shape)[0](IDS.reshape(1, 2, -1)).logits, before["logits"])


def test_a_head_that_nobody_saved_is_left_out(tiny: Path, tmp_path: Path) -> None:
    tune(tiny, tmp_path / "tuned", peft.LoraConfig(target_modules=QUERY_VALUE), num_labels=3)
    said: list[str] = []
    model, _ = opened(tmp_path / "tuned", tmp_path / "cache", say=said.append)
    assert head_in(model, TAGGER) == "absent"
    assert "the head is left out" in said[-1]
    check_model(model, embeds=False)
    # Random or trained, the pooler was the base's and stayed.
    assert not any("classifier" in name for name in tensor_shapes(model.path, allow_pickle=False))


def test_it_is_written_once_and_identified(tiny: Path, tmp_path: Path) -> None:
    tune(tiny, tmp_path / "tuned", peft.LoraConfig(**TAGGING), num_labels=3)
    said: list[str] = []
    first, text = opened(tmp_path / "tuned", tmp_path / "cache", say=said.append)
    assert said and said[0].startswith("merging the LORA adapter")
    written = (first.path / "model.safetensors").stat().st_mtime_ns
    said.clear()
    second, _ = opened(tmp_path / "tuned", tmp_path / "cache", say=said.append)
    assert second == first and not said
    assert (first.path / "model.safetensors").stat().st_mtime_ns == written
    base, _ = open_model(str(tiny), adapters=ADAPTERS, device="cpu", dtype="float32")
    assert first.merged is not None and first.merged.base_weights_sha256 == base.weights_sha256
    assert first.weights_sha256 != base.weights_sha256 and first.model_id == str(tmp_path / "tuned")
    assert "merged: LORA adapter" in text
    assert not list((tmp_path / "cache").glob("*.tmp"))
    # Another adapter, or the same over another base, is another checkpoint.
    tune(tiny, tmp_path / "other", peft.LoraConfig(**TAGGING, r=2), num_labels=3)
    assert opened(tmp_path / "other", tmp_path / "cache")[0].path != first.path


def test_what_was_damaged_is_merged_anew(tiny: Path, tmp_path: Path) -> None:
    tune(tiny, tmp_path / "tuned", peft.LoraConfig(**TAGGING), num_labels=3)
    first, _ = opened(tmp_path / "tuned", tmp_path / "cache")
    whole = (first.path / "model.safetensors").read_bytes()
    (first.path / "model.safetensors").write_bytes(whole[:-10])
    (first.path.parent / f"{first.path.name}.0.tmp").mkdir()
    again, _ = opened(tmp_path / "tuned", tmp_path / "cache")
    assert again == first and (first.path / "model.safetensors").read_bytes() == whole
    assert not list((tmp_path / "cache").glob("*.tmp"))


def test_the_cache_lies_beside_the_hub_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    assert default_cache() == tmp_path / "xharness" / "merged"


def test_a_cache_that_cannot_be_written(tiny: Path, tmp_path: Path) -> None:
    tune(tiny, tmp_path / "tuned", peft.LoraConfig(**TAGGING), num_labels=3)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ModelError, match=r"cannot be kept there.*--merge-cache"):
        opened(tmp_path / "tuned", tmp_path / "file" / "cache")


def test_the_base_can_be_named(tiny: Path, tmp_path: Path, checkpoint: Write) -> None:
    folder = tmp_path / "tuned"
    tune(tiny, folder, peft.LoraConfig(**TAGGING), num_labels=3)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    elsewhere = "/no/such/place"
    (folder / "adapter_config.json").write_text(
        json.dumps(config | {"base_model_name_or_path": elsewhere}), encoding="utf-8"
    )
    with pytest.raises(ModelError, match=r"own base: /no/such/place: no such folder.*--base-model"):
        opened(folder, tmp_path / "cache")
    model, text = opened(folder, tmp_path / "cache", base_model=str(tiny))
    assert model.merged is not None and model.merged.base_id == str(tiny)
    assert f"warning: the adapter was trained on {elsewhere}" in text
    with pytest.raises(ModelError, match=r"--base-model other/base: .*cache"):
        opened(folder, tmp_path / "cache", base_model="other/base", offline=True)
    with pytest.raises(ModelError, match=r"cannot merge this LORA adapter.*Is this the base"):
        opened(folder, tmp_path / "cache", base_model=str(checkpoint(hidden_size=32)))
    with pytest.raises(ModelError, match="Is this the base that it was trained on"):
        opened(folder, tmp_path / "cache", base_model=str(checkpoint(num_hidden_layers=4)))
    with pytest.raises(ModelError, match="holds no adapter"):
        opened(tiny, tmp_path / "cache", base_model=str(tiny))
    with pytest.raises(ModelError, match="is a PEFT adapter itself"):
        opened(folder, tmp_path / "cache", base_model=str(folder))


def test_a_base_of_the_hub_is_held_to_the_same_rules(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    repo = tmp_path / "hub" / "models--owner--tiny-model"
    shutil.copytree(tiny, repo / "snapshots" / commit)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(commit, encoding="utf-8")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    folder = tmp_path / "tuned"
    tune(tiny, folder, peft.LoraConfig(**TAGGING), num_labels=3)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = "owner/tiny-model"
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    model, text = opened(folder, tmp_path / "cache", offline=True)
    assert model.merged is not None
    assert (model.merged.base_id, model.merged.base_revision) == ("owner/tiny-model", commit)
    assert "warning: owner/tiny-model is not pinned" in text
    # Of the two names only the base's is one that a family is known by.
    assert model.adapter.name == "named"
    (folder / "adapter_config.json").write_text(json.dumps(config | {"revision": commit}), encoding="utf-8")
    assert "not pinned" not in opened(folder, tmp_path / "cache", offline=True)[1]


def test_pooling_modules_and_the_base_s_card_go_along(tiny: Path, tmp_path: Path) -> None:
    base, folder = tmp_path / "base", tmp_path / "tuned"
    shutil.copytree(tiny, base)
    (base / "1_Pooling").mkdir()
    (base / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}', encoding="utf-8")
    listed = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (base / "modules.json").write_text(json.dumps(listed), encoding="utf-8")
    (base / "xharness.json").write_text('{"key": "k", "heads": []}', encoding="utf-8")
    config = peft.LoraConfig(task_type="FEATURE_EXTRACTION", target_modules=QUERY_VALUE)
    tune(base, folder, config, "AutoModel")
    model, _ = opened(folder, tmp_path / "cache")
    assert (model.path / "1_Pooling" / "config.json").is_file()
    assert json.loads((model.path / "xharness.json").read_text(encoding="utf-8"))["key"] == "k"


def test_an_adapter_that_lacks_tensors(tiny: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "tuned"
    tune(tiny, folder, peft.LoraConfig(**TAGGING), num_labels=3)
    tensors = load_file(folder / "adapter_model.safetensors")
    del tensors["base_model.model.roberta.encoder.layer.1.attention.self.query.lora_A.weight"]
    save_file(tensors, folder / "adapter_model.safetensors")
    with pytest.raises(ModelError, match="lacks 1 of the 14 tensors"):
        opened(folder, tmp_path / "cache")


def test_a_merge_that_computes_something_else_is_refused(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(tiny, tmp_path / "tuned", peft.LoraConfig(**TAGGING), num_labels=3)
    monkeypatch.setattr(peft.tuners.lora.Linear, "merge", lambda self, **options: None)
    with pytest.raises(ModelError, match="computes something else than before"):
        opened(tmp_path / "tuned", tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*/config.json"))


@pytest.mark.parametrize(
    "config",
    [
        peft.PrefixTuningConfig(task_type="TOKEN_CLS", num_virtual_tokens=4),
        peft.PromptTuningConfig(task_type="TOKEN_CLS", num_virtual_tokens=4),
    ],
    ids=["prefix", "prompt"],
)
def test_what_changes_no_weight_is_refused(config: Any, tiny: Path, tmp_path: Path) -> None:
    network = transformers.AutoModelForTokenClassification.from_pretrained(tiny, num_labels=3)
    peft.get_peft_model(network, config).save_pretrained(str(tmp_path / "tuned"))
    with pytest.raises(ModelError, match=r"changes no weight.*LoRA, DoRA and IA3 can"):
        opened(tmp_path / "tuned", tmp_path / "cache")


def test_folders_that_are_no_adapter(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "tuned"
    tune(tiny, folder, peft.LoraConfig(**TAGGING), num_labels=3)

    def refused(match: str, **options: Any) -> None:
        with pytest.raises(ModelError, match=match):
            opened(folder, tmp_path / "cache", **options)

    shutil.copy(tiny / "model.safetensors", folder)
    refused(r"a whole model \(model.safetensors\) and a PEFT adapter")
    (folder / "model.safetensors").unlink()
    weights = folder / "adapter_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-9])
    refused("not a complete safetensors file")
    weights.unlink()
    refused("no adapter_model.safetensors")
    torch.save({}, folder / "adapter_model.bin")
    refused("--allow-pickle")
    (folder / "adapter_model.bin").unlink()
    weights.write_bytes(content)
    text = (folder / "adapter_config.json").read_text(encoding="utf-8")
    config = json.loads(text)
    for wrong, match in [
        ("{", "cannot be read as JSON"),
        ("[]", "expected an object"),
        (json.dumps(config | {"base_model_name_or_path": None}), "names no base model"),
        (json.dumps(config | {"base_model_name_or_path": 3}), "must be texts"),
        (json.dumps(config | {"peft_type": "MADE_UP"}), "cannot merge this MADE_UP adapter"),
        (json.dumps(config | {"task_type": "SEQ_2_SEQ_LM"}), "does not say on which network"),
        (json.dumps(config | {"task_type": None}), "does not say on which network"),
        (json.dumps({"config": {}, "model_name": "xlm-roberta-base"}), "AdapterHub"),
    ]:
        (folder / "adapter_config.json").write_text(wrong, encoding="utf-8")
        refused(match)
    (folder / "adapter_config.json").unlink()
    refused("but no adapter_config.json")


def test_without_peft_the_message_says_what_to_install(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tune(tiny, tmp_path / "tuned", peft.LoraConfig(**TAGGING), num_labels=3)
    known = metadata.version

    def version(name: str) -> str:
        if name == "peft":
            raise metadata.PackageNotFoundError(name)
        return known(name)

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(ModelError, match=r"pip install 'xharness\[peft\]'"):
        opened(tmp_path / "tuned", tmp_path / "cache")
