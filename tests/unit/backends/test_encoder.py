from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from harness.backends.encoder import Encoder, open_encoder
from harness.backends.model import Model
from harness.errors import ModelError

ModelAt = Callable[..., Model]


def by_hand(path: Path, text: str, *, layer: int, special: bool = True) -> np.ndarray[Any, Any]:
    """Embed one text by itself: all layers, no padding, mean pooling, length 1."""
    tokenizer = AutoTokenizer.from_pretrained(path)
    inputs = tokenizer(text, return_tensors="pt", truncation=True, max_length=32)
    with torch.inference_mode():
        output = AutoModel.from_pretrained(path).eval()(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], output_hidden_states=True
        )
    states = output.hidden_states[layer][0]
    states = states if special or len(states) == 2 else states[1:-1]
    mean = states.mean(dim=0)
    return (mean / mean.norm()).numpy()


@pytest.mark.parametrize("layer", [0, 1, 2, 3])
@pytest.mark.parametrize("special", [True, False])
def test_vectors_are_those_of_each_text_alone(
    tiny: Path, model_at: ModelAt, texts: list[str], layer: int, special: bool
) -> None:
    model = model_at(tiny, layer=layer, include_special_tokens=special)
    vectors = open_encoder(model).encode(texts, role="symmetric")
    expected = np.stack([by_hand(tiny, text, layer=layer, special=special) for text in texts])
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_layers_above_the_one_that_is_read_are_not_there(tiny: Path, model_at: ModelAt) -> None:
    encoder = open_encoder(model_at(tiny, layer=1))
    assert len(encoder._network.encoder.layer) == 1
    assert len(open_encoder(model_at(tiny, layer=3))._network.encoder.layer) == 3


def test_an_architecture_with_a_final_norm_is_not_truncated(
    checkpoint: Callable[..., Path], model_at: ModelAt, texts: list[str]
) -> None:
    path = checkpoint(kind="modernbert", global_attn_every_n_layers=1, local_attention=8)
    vectors = open_encoder(model_at(path, layer=2)).encode(texts[:3], role="query")
    expected = np.stack([by_hand(path, text, layer=2) for text in texts[:3]])
    np.testing.assert_allclose(vectors, expected, atol=1e-5)


def test_a_layer_by_depth_and_one_that_is_not_there(tiny: Path, model_at: ModelAt, texts: list[str]) -> None:
    by_depth = open_encoder(model_at(tiny, layer={3: 2, 12: 8})).encode(texts, role="query")
    explicit = open_encoder(model_at(tiny, layer=2)).encode(texts, role="query")
    assert np.array_equal(by_depth, explicit)
    with pytest.raises(ModelError, match="12 layers: 8"):
        open_encoder(model_at(tiny, layer={12: 8}))
    with pytest.raises(ModelError, match=r"hidden_states\[4\]"):
        open_encoder(model_at(tiny, layer=4))


def test_equal_texts_are_encoded_once_and_every_text_is_reported(
    tiny: Path, model_at: ModelAt, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = open_encoder(model_at(tiny))
    rows: list[int] = []
    run = Encoder._run

    def counted(self: Encoder, tokens: Sequence[Sequence[int]]) -> Any:
        rows.append(len(tokens))
        return run(self, tokens)

    monkeypatch.setattr(Encoder, "_run", counted)
    done: list[int] = []
    vectors = encoder.encode(texts, role="symmetric", advance=done.append)
    assert sum(rows) == len(set(texts)) == len(texts) - 1
    assert sum(done) == len(texts)
    assert np.array_equal(vectors[1], vectors[5])


def test_texts_of_equal_subwords_have_one_vector(
    tiny: Path, model_at: ModelAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A vocabulary without their script reads many texts as the same unknown words. Computed in
    # different batches their vectors would differ in the last digits, and a search between them would
    # depend on the batches.
    encoder = open_encoder(model_at(tiny, max_length=6))
    texts = ["кот dog", "one two three four five", "сон dog", "one two three four"]
    rows: list[int] = []
    run = Encoder._run

    def counted(self: Encoder, tokens: Sequence[Sequence[int]]) -> Any:
        rows.append(len(tokens))
        return run(self, tokens)

    monkeypatch.setattr(Encoder, "_run", counted)
    done: list[int] = []
    vectors = encoder.encode(texts, role="symmetric", advance=done.append)
    assert sum(rows) == 2 and sum(done) == 4
    assert np.array_equal(vectors[:2], vectors[2:])


def test_what_a_call_returns_does_not_depend_on_other_calls(
    tiny: Path, model_at: ModelAt, texts: list[str]
) -> None:
    encoder = open_encoder(model_at(tiny))
    first = encoder.encode(texts, role="symmetric")
    encoder.encode(texts[:2], role="query")
    assert np.array_equal(first, encoder.encode(texts, role="symmetric"))


def test_nothing_to_encode(tiny: Path, model_at: ModelAt) -> None:
    assert open_encoder(model_at(tiny)).encode([], role="query").shape == (0, 16)


def test_prefixes_go_by_role(tiny: Path, model_at: ModelAt) -> None:
    plain = open_encoder(model_at(tiny))
    prefixed = open_encoder(model_at(tiny, query_prefix="a ", passage_prefix="die ", symmetric_prefix="on "))
    for role, prefix in (("query", "a "), ("passage", "die "), ("symmetric", "on ")):
        expected = plain.encode([prefix + "dog"], role="query")
        assert np.array_equal(prefixed.encode(["dog"], role=role), expected)  # type: ignore[arg-type]


def test_texts_are_cut_at_the_least_limit(tiny: Path, model_at: ModelAt, texts: list[str]) -> None:
    encoder = open_encoder(model_at(tiny, max_length=6))
    long = texts[-1]
    assert np.array_equal(
        encoder.encode([long], role="query"), encoder.encode(["one two three four"], role="query")
    )
    assert np.array_equal(
        encoder.encode([long], role="query", max_length=4), encoder.encode(["one two"], role="query")
    )


def test_positions_of_the_roberta_family_begin_after_the_padding(tiny: Path, model_at: ModelAt) -> None:
    # 34 position embeddings, of which two number nothing; the tokenizer claims 512.
    encoder = open_encoder(model_at(tiny))
    assert encoder._tokenizer.model_max_length == 32
    assert np.isfinite(encoder.encode(["dog " * 100], role="query")).all()


def test_out_of_memory_halves_the_batch_and_says_so(
    tiny: Path, model_at: ModelAt, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    encoder = open_encoder(model_at(tiny), say=said.append)
    expected = encoder.encode(texts, role="query")
    run = Encoder._run

    def cramped(self: Encoder, tokens: Sequence[Sequence[int]]) -> Any:
        if len(tokens) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return run(self, tokens)

    monkeypatch.setattr(Encoder, "_run", cramped)
    np.testing.assert_allclose(encoder.encode(texts, role="query"), expected, atol=1e-5)
    assert said and "trying 3" in said[0]
    monkeypatch.setattr(
        Encoder, "_run", lambda self, tokens: (_ for _ in ()).throw(torch.OutOfMemoryError("no"))
    )
    with pytest.raises(ModelError, match="single text"):
        encoder.encode(["a dog"], role="query")


def test_other_errors_are_not_taken_for_memory(
    tiny: Path, model_at: ModelAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = open_encoder(model_at(tiny))
    monkeypatch.setattr(Encoder, "_run", lambda self, tokens: (_ for _ in ()).throw(RuntimeError("shape")))
    with pytest.raises(RuntimeError, match="shape"):
        encoder.encode(["a dog"], role="query")


def test_pooler_output(tiny: Path, model_at: ModelAt) -> None:
    model = model_at(tiny, layer=1, query_prefix="die ")
    vector = open_encoder(model, representation="pooler").encode(["a dog"], role="query")[0]
    inputs = AutoTokenizer.from_pretrained(tiny)("a dog", return_tensors="pt")
    with torch.inference_mode():
        network = AutoModel.from_pretrained(tiny).eval()
        expected = network(inputs["input_ids"], inputs["attention_mask"]).pooler_output[0]
    np.testing.assert_allclose(vector, expected / expected.norm(), atol=1e-5)


def test_a_pooler_that_was_never_trained_is_refused(
    checkpoint: Callable[..., Path], model_at: ModelAt
) -> None:
    path = checkpoint("AutoModelForTokenClassification", num_labels=3)  # written without a pooler
    with pytest.raises(ModelError, match="pooler"):
        open_encoder(model_at(path), representation="pooler")
    assert open_encoder(model_at(path)).dimension == 16


def test_weights_of_something_else_are_refused(checkpoint: Callable[..., Path], model_at: ModelAt) -> None:
    from safetensors.torch import load_file, save_file

    path = checkpoint()
    tensors = load_file(path / "model.safetensors")
    del tensors["encoder.layer.0.output.dense.weight"]
    save_file(tensors, path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match="lack 1 parameters"):
        open_encoder(model_at(path))


def test_a_vector_that_is_not_finite_is_an_error(
    tiny: Path, model_at: ModelAt, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder = open_encoder(model_at(tiny))
    monkeypatch.setattr(Encoder, "_run", lambda self, tokens: np.full((len(tokens), 16), np.nan, np.float32))
    with pytest.raises(ModelError, match="'a dog' is not finite"):
        encoder.encode(["a dog"], role="query")


def test_a_slow_tokenizer_is_refused(tiny: Path, model_at: ModelAt, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers

    class Slow:
        is_fast = False

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", lambda *a, **k: Slow())
    with pytest.raises(ModelError, match="slow tokenizer"):
        open_encoder(model_at(tiny))
