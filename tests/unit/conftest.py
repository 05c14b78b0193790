"""Tiny random checkpoints with real tokenizers, made on the spot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.backends.model import Model
from harness.specs.adapter import AdapterSpec

TEXTS = [
    "the quick brown Fox jumps over the lazy Dog while 12 cats sleep",
    "Zürich liegt in der Schweiz, und die Straße führt zum See",
    "नमस्ते दुनिया यह एक वाक्य है",
    "القطة تنام على السجادة",
    "今天天气很好。我们去公园。",
    "who What where When why 1990 2004 7",
]


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Model]:
    """Return a factory of checkpoints: `tiny_model("bert" | "xlm-roberta", dropout=0.1)`."""
    made: dict[tuple[str, float], Model] = {}

    def make(family: str = "bert", dropout: float = 0.1) -> Model:
        if (family, dropout) not in made:
            folder = tmp_path_factory.mktemp(family)
            _write(folder, family, dropout)
            made[family, dropout] = Model(
                path=folder,
                model_id=f"tiny-{family}",
                revision=None,
                weights_sha256="0" * 64,
                adapter=AdapterSpec(name="tiny", version="1", title="tiny", source="test"),
                device="cpu",
                dtype="float32",
                hidden_size=32,
                num_layers=2,
            )
        return made[family, dropout]

    return make


def _write(folder: Path, family: str, dropout: float) -> None:
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    if family == "bert":
        specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.train_from_iterator(
            TEXTS, trainers.WordPieceTrainer(vocab_size=260, special_tokens=specials)
        )
        tokenizer.post_processor = processors.TemplateProcessing(
            single="[CLS]:0 $A:0 [SEP]:0",
            pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
        tokenizer.decoder = decoders.WordPiece()
        names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
        inputs = ["input_ids", "token_type_ids", "attention_mask"]
    else:
        specials = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
        )
        tokenizer.train_from_iterator(
            TEXTS * 3, trainers.UnigramTrainer(vocab_size=220, special_tokens=specials, unk_token="<unk>")
        )
        # Training adds up in any order: without rounding and sorting, each session had another vocabulary.
        found = json.loads(tokenizer.to_str())["model"]["vocab"][len(specials) :]
        rounded = sorted(((token, round(score, 3)) for token, score in found), key=lambda e: (-e[1], e[0]))
        tokenizer.model = models.Unigram([*((token, 0.0) for token in specials), *rounded], unk_id=3)
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
        )
        tokenizer.decoder = decoders.Metaspace()
        names = {"pad_token": "<pad>", "unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>"}
        names["mask_token"] = "<mask>"
        inputs = ["input_ids", "attention_mask"]
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_input_names=inputs, **names)
    sizes = {
        "vocab_size": len(fast),
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "hidden_dropout_prob": dropout,
        "attention_probs_dropout_prob": dropout,
    }
    with torch.random.fork_rng():
        torch.manual_seed(0)
        if family == "bert":
            network = BertModel(BertConfig(pad_token_id=0, max_position_embeddings=128, **sizes))
        else:
            network = XLMRobertaModel(
                XLMRobertaConfig(pad_token_id=1, max_position_embeddings=130, type_vocab_size=1, **sizes)
            )
    network.save_pretrained(str(folder))
    fast.save_pretrained(str(folder))
