"""A checkpoint with the head that it was pretrained with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.backends.model import Model


@pytest.fixture(scope="session")
def masked_bert(tiny_model: Callable[..., Model], tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A BERT that brings the head it was pretrained with, and a mask token."""
    import shutil

    import torch
    from transformers import AutoTokenizer, BertConfig, BertForMaskedLM

    source = tiny_model("bert", dropout=0.0)
    folder = tmp_path_factory.mktemp("masked") / "bert"
    shutil.copytree(source.path, folder)
    tokenizer = AutoTokenizer.from_pretrained(str(folder))
    tokenizer.mask_token = "[MASK]"
    with torch.random.fork_rng():
        torch.manual_seed(4)
        BertForMaskedLM(BertConfig.from_pretrained(str(folder))).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return replace(source, path=folder)
