from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from harness.backends.checkpoint import check_model, open_model
from harness.backends.conversion import convert_jiant
from harness.backends.heads import head_in, open_head
from harness.backends.jiant import read_state
from harness.backends.model import Model
from harness.errors import ModelError, RequestError
from harness.specs.adapter import AdapterSpec

ModelAt = Callable[..., Model]
Write = Callable[..., Path]
TAGS = ("ADJ", "NOUN", "VERB")
IDS = torch.tensor([[0, 5, 6, 7, 8, 2]])
GENERIC = AdapterSpec.model_validate({"name": "generic", "version": "1", "title": "t", "source": "s"})


class Shape:
    def __init__(self, auto_class: str, labels: tuple[str, ...] = ()) -> None:
        self.auto_class, self.labels = auto_class, labels


TAGGER = Shape("AutoModelForTokenClassification", TAGS)
QA = Shape("AutoModelForQuestionAnswering")


def modules(**layers: torch.nn.Module) -> torch.nn.Module:
    return torch.nn.ModuleDict(layers)


def model_of_jiant(base: Path, *, named: dict[str, str] | None = None) -> torch.nn.Module:
    """Put a model together as jiant does: one encoder, shared by task models that have a head each."""
    torch.manual_seed(3)
    encoder = transformers.AutoModel.from_pretrained(base)
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    # What transformers 4 saved along.
    encoder.embeddings.register_buffer("position_ids", torch.arange(34).expand(1, -1))
    heads = {
        "udpos_en": modules(classifier=torch.nn.Linear(16, 3)),
        "squad_v1": modules(qa_outputs=torch.nn.Linear(16, 2)),
        "mnli": modules(dense=torch.nn.Linear(16, 16), out_proj=torch.nn.Linear(16, 3)),
        "cosmosqa": modules(dense=torch.nn.Linear(16, 16), out_proj=torch.nn.Linear(16, 1)),
        "mlm_simple": modules(dense=torch.nn.Linear(16, 16), decoder=torch.nn.Linear(16, 60)),
    }
    whole = torch.nn.Module()
    whole.encoder = encoder
    whole.taskmodels_dict = torch.nn.ModuleDict()
    for name, head in heads.items():
        part = torch.nn.Module()
        part.encoder = encoder
        setattr(part, (named or {}).get(name, "head"), head)
        whole.taskmodels_dict[name] = part
    return whole.eval()


def converted(base: Model, file: Path, out: Path, **labels: tuple[str, ...]) -> tuple[Model, Any]:
    state = read_state(file, allow_pickle=True)
    done = convert_jiant(file, state, base, out, labels=labels)
    model, _ = open_model(str(out), adapters={"generic": GENERIC}, device="cpu", dtype="float32")
    check_model(model, embeds=True)
    return model, done


EARLIER = {
    "udpos_en": "token_classification_head",
    "squad_v1": "qa_head",
    "mnli": "classification_head",
    "cosmosqa": "choice_scoring_head",
    "mlm_simple": "mlm_head",
}


@pytest.mark.parametrize("named", [{}, EARLIER], ids=["head", "earlier names"])
def test_encoder_and_heads_compute_what_jiant_s_do(
    tiny: Path, tmp_path: Path, model_at: ModelAt, named: dict[str, str]
) -> None:
    jiant = model_of_jiant(tiny, named=named)
    torch.save(jiant.state_dict(), tmp_path / "best_model.p")
    model, done = converted(model_at(tiny), tmp_path / "best_model.p", tmp_path / "out", udpos_en=TAGS)
    encoder = transformers.AutoModel.from_pretrained(model.path, output_hidden_states=True)
    with torch.inference_mode():
        before = jiant.encoder(IDS, output_hidden_states=True)
        after = encoder(IDS)
        for left, right in zip(after.hidden_states, before.hidden_states, strict=True):
            torch.testing.assert_close(left, right, rtol=0, atol=1e-6)
        torch.testing.assert_close(after.pooler_output, before.pooler_output, rtol=0, atol=1e-6)
        # The heads as jiant applies them: to every token's hidden state.
        tagging = jiant.taskmodels_dict["udpos_en"].get_submodule(named.get("udpos_en", "head"))
        asking = jiant.taskmodels_dict["squad_v1"].get_submodule(named.get("squad_v1", "head"))
        tags = tagging["classifier"](before.last_hidden_state)
        spans = asking["qa_outputs"](before.last_hidden_state)
        torch.testing.assert_close(open_head(model, TAGGER)[0](IDS).logits, tags, rtol=0, atol=1e-6)
        answer = open_head(model, QA)[0](IDS)
        torch.testing.assert_close(answer.start_logits, spans[..., 0], rtol=0, atol=1e-6)
        torch.testing.assert_close(answer.end_logits, spans[..., 1], rtol=0, atol=1e-6)
    assert done.heads == ("udpos_en", "squad_v1")
    assert set(done.left_out) == {"mnli", "cosmosqa", "mlm_simple"} and not done.unknown
    assert "pooler's output" in done.left_out["mnli"]
    record = json.loads((model.path / "conversion.json").read_text(encoding="utf-8"))
    assert record["trained_on"] is None and record["source"]["file"] == "best_model.p"
    assert not (model.path / "xharness.json").exists()
    assert not list(tmp_path.glob(".out.*"))


def test_why_a_sentence_head_is_left_out(tiny: Path) -> None:
    # In the class of transformers that has tensors of these names and shapes, they compute something else.
    jiant = model_of_jiant(tiny)
    head = jiant.taskmodels_dict["mnli"].head
    network = transformers.AutoModelForSequenceClassification.from_pretrained(tiny, num_labels=3).eval()
    network.roberta.load_state_dict(jiant.encoder.state_dict(), strict=False)
    network.classifier.load_state_dict(head.state_dict())
    with torch.inference_mode():
        pooled = jiant.encoder(IDS).pooler_output
        before = head["out_proj"](torch.tanh(head["dense"](pooled)))
        assert (network(IDS).logits - before).abs().max() > 0.01


def test_a_tagging_head_needs_its_labels(tiny: Path, tmp_path: Path, model_at: ModelAt) -> None:
    file = tmp_path / "model.p"
    torch.save(model_of_jiant(tiny).state_dict(), file)
    model, done = converted(model_at(tiny), file, tmp_path / "out")
    assert done.heads == ("squad_v1",) and "--labels udpos_en=A,B,.." in done.left_out["udpos_en"]
    assert head_in(model, TAGGER) == "absent"
    state = read_state(file, allow_pickle=True)
    wrong = {"udpos_en": ("A", "B"), "udpos": TAGS, "squad_v1": ("start", "end")}
    with pytest.raises(RequestError) as caught:
        convert_jiant(file, state, model_at(tiny), tmp_path / "other", labels=wrong)
    assert "2 labels for a head of 3" in str(caught.value)
    assert "did you mean 'udpos_en'" in str(caught.value)
    assert "no labels that could be named" in str(caught.value)
    with pytest.raises(RequestError, match="is there already"):
        convert_jiant(file, state, model_at(tiny), tmp_path / "out", labels={})
    assert not (tmp_path / "other").exists()


def test_keys_of_no_known_part_are_listed(tiny: Path, tmp_path: Path, model_at: ModelAt) -> None:
    state = dict(model_of_jiant(tiny).state_dict()) | {"dds_model.x": torch.zeros(1)}
    torch.save(state, tmp_path / "model.p")
    _, done = converted(model_at(tiny), tmp_path / "model.p", tmp_path / "out")
    assert done.unknown == ("dds_model.x",)


def test_without_a_pooler_none_is_made_up(tiny: Path, tmp_path: Path, model_at: ModelAt) -> None:
    state = {k: t for k, t in model_of_jiant(tiny).state_dict().items() if "pooler" not in k}
    torch.save(state, tmp_path / "model.p")
    model, _ = converted(model_at(tiny), tmp_path / "model.p", tmp_path / "out")
    _, info = transformers.AutoModel.from_pretrained(model.path, output_loading_info=True)
    assert {name.partition(".")[0] for name in info["missing_keys"]} == {"pooler"}


def test_what_is_refused(tiny: Path, tmp_path: Path, model_at: ModelAt, checkpoint: Write) -> None:
    file = tmp_path / "model.p"
    whole = model_of_jiant(tiny).state_dict()
    torch.save(whole, file)
    with pytest.raises(ModelError, match="pass --allow-pickle"):
        read_state(file, allow_pickle=False)
    with pytest.raises(ModelError, match="no such file"):
        read_state(tmp_path / "none.p", allow_pickle=True)
    state = read_state(file, allow_pickle=True)
    for base in (checkpoint(hidden_size=32), checkpoint(num_hidden_layers=4)):
        with pytest.raises(ModelError, match="not of the architecture of --base"):
            convert_jiant(file, state, model_at(base), tmp_path / "out", labels={})
    torch.save(transformers.AutoModel.from_pretrained(tiny).state_dict(), file)
    with pytest.raises(ModelError, match=r"none is called `encoder\.\*`|not of the architecture"):
        found = read_state(file, allow_pickle=True)
        convert_jiant(file, found, model_at(tiny), tmp_path / "out", labels={})
    changed = dict(whole)
    name = "taskmodels_dict.mnli.encoder.embeddings.word_embeddings.weight"
    changed[name] = changed[name] + 1
    torch.save(changed, file)
    with pytest.raises(ModelError, match="not the same as in `encoder"):
        read_state(file, allow_pickle=True)
    torch.save({"runner_state": {"model": whole}}, tmp_path / "checkpoint.p")
    with pytest.raises(ModelError, match="for its own resuming"):
        read_state(tmp_path / "checkpoint.p", allow_pickle=True)
    assert not (tmp_path / "out").exists()


class _Touch:
    """Runs code when it is unpickled without care."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.target,))


def test_no_code_of_a_pickle_is_run(tmp_path: Path) -> None:
    torch.save({"encoder.x": torch.zeros(1), "evil": _Touch(tmp_path / "ran")}, tmp_path / "model.p")
    with pytest.raises(ModelError, match="cannot be read as pickled weights"):
        read_state(tmp_path / "model.p", allow_pickle=True)
    assert not (tmp_path / "ran").exists()
