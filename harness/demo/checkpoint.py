"""A tiny randomly initialised XLM-R with a tokenizer trained on the generated languages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

VOCABULARY = 600
SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")


def write_checkpoint(folder: Path, sentences: Sequence[str], *, seed: int = 0) -> None:
    """Write config, safetensors weights (about 1 MB) and a fast tokenizer to `folder`.

    The weights are random: nothing was learnt. What transfer there is comes from words that
    languages share.
    """
    import torch
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast, XLMRobertaConfig, XLMRobertaModel

    from harness.backends.loading import quiet_transformers

    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=VOCABULARY, special_tokens=list(SPECIAL), unk_token="<unk>", show_progress=False
    )
    tokenizer.train_from_iterator(sentences, trainer)
    # Training adds up in any order: without rounding and sorting, every checkpoint had other token numbers.
    found = json.loads(tokenizer.to_str())["model"]["vocab"][len(SPECIAL) :]
    pieces = sorted(((piece, round(score, 3)) for piece, score in found), key=lambda e: (-e[1], e[0]))
    specials = [(token, 0.0) for token in SPECIAL]
    tokenizer.model = models.Unigram([*specials, *pieces], unk_id=SPECIAL.index("<unk>"))
    ids = {token: tokenizer.token_to_id(token) for token in SPECIAL}
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", ids["<s>"]), ("</s>", ids["</s>"])],
    )
    fast = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token="<mask>",
        model_max_length=128,
    )
    config = XLMRobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=96,
        num_hidden_layers=3,
        num_attention_heads=4,
        intermediate_size=192,
        max_position_embeddings=130,
        pad_token_id=ids["<pad>"],
        bos_token_id=ids["<s>"],
        eos_token_id=ids["</s>"],
        type_vocab_size=1,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = XLMRobertaModel(config)
    with quiet_transformers():
        model.save_pretrained(folder)
        fast.save_pretrained(folder)
