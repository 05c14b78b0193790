from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import transformers

from harness.backends.checkpoint import check_model
from harness.backends.heads import find_head, head_in, open_head
from harness.backends.kept_heads import read_kept, write_kept
from harness.backends.model import Model
from harness.backends.weights import settings_sha256, weights_sha256
from harness.errors import ModelError

ModelAt = Callable[..., Model]
Write = Callable[..., Path]
TAGS = ("NOUN", "VERB", "ADJ")
IDS = torch.tensor([[0, 5, 6, 2]])


class Shape:
    def __init__(self, auto_class: str, labels: tuple[str, ...] = ()) -> None:
        self.auto_class, self.labels = auto_class, labels


TAGGER = Shape("AutoModelForTokenClassification", TAGS)
QA = Shape("AutoModelForQuestionAnswering")
CHOICE = Shape("AutoModelForMultipleChoice")
SENTENCE = Shape("AutoModelForSequenceClassification", ("yes", "no"))


def several(folder: Path, heads: dict[str, Shape], *, listing: str = "xharness.json") -> dict[str, object]:
    """Put heads beside the encoder of a checkpoint; return the whole networks they belong to."""
    networks, records = {}, []
    for name, shape in heads.items():
        torch.manual_seed(sum(name.encode()))
        options = {"num_labels": len(shape.labels)} if shape.labels else {}
        network = getattr(transformers, shape.auto_class).from_pretrained(folder, **options)
        own = {k: v for k, v in network.state_dict().items() if not k.startswith("roberta.")}
        file = write_kept(folder, name, own)
        entry = {"name": name, "auto_class": shape.auto_class, "labels": list(shape.labels), "file": file}
        records.append(entry)
        networks[name] = network.eval()
    (folder / listing).write_text(json.dumps({"heads": records}), encoding="utf-8")
    return networks


@pytest.mark.parametrize("listing", ["xharness.json", "conversion.json"])
@pytest.mark.parametrize("shape", [TAGGER, QA, CHOICE, SENTENCE])
def test_each_head_runs_as_its_own_network_does(
    checkpoint: Write, model_at: ModelAt, shape: Shape, listing: str
) -> None:
    path = checkpoint()
    heads = {"tags": TAGGER, "squad": QA, "choice": CHOICE, "pairs": SENTENCE}
    networks = several(path, heads, listing=listing)
    model = model_at(path)
    found = find_head(model, shape)
    assert found is not None and found.kept is not None and found.others == ()
    network, _ = open_head(model, shape)
    ids = IDS.reshape(1, 2, 2) if shape is CHOICE else IDS
    with torch.inference_mode():
        after, before = network(ids), networks[found.kept.name](ids)  # type: ignore[operator]
    for key in before:
        torch.testing.assert_close(after[key], before[key], rtol=0, atol=0)
    if shape.labels:
        assert network.config.id2label == dict(enumerate(shape.labels))
    parts = check_model(model, embeds=False)
    assert parts is not None and parts.beside == {} and parts.encoder == 55


def test_labels_in_another_order_are_mapped_by_name(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint()
    networks = several(path, {"tags": Shape(TAGGER.auto_class, ("adj", "noun", "verb"))})
    network, _ = open_head(model_at(path), TAGGER)
    with torch.inference_mode():
        before = networks["tags"](IDS).logits  # type: ignore[operator]
        torch.testing.assert_close(network(IDS).logits, before[..., [1, 2, 0]], rtol=0, atol=0)


def test_of_several_that_fit_the_task_s_own_wins_else_the_first(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint()
    networks = several(path, {"first": QA, "squad": QA, "tags": TAGGER, "more": Shape(*_other())})
    model = model_at(path)
    for name, chosen, others in [("squad", "squad", ("first",)), ("xquad", "first", ("squad",))]:
        found = find_head(model, QA, name=name)
        assert found is not None and found.kept is not None
        assert (found.kept.name, found.others) == (chosen, others)
        network, _ = open_head(model, QA, name=name)
        expected = networks[chosen].state_dict()["qa_outputs.weight"]  # type: ignore[attr-defined]
        assert torch.equal(network.state_dict()["qa_outputs.weight"], expected)
    # A head of the same class with other labels is none for this task, and no error.
    found = find_head(model, TAGGER)
    assert found is not None and found.kept is not None and found.kept.name == "tags" and not found.others


def _other() -> tuple[str, tuple[str, ...]]:
    return TAGGER.auto_class, ("X", "Y", "Z")


def test_none_fits(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint()
    several(path, {"tags": Shape(*_other())})
    model = model_at(path)
    assert head_in(model, TAGGER) == "absent"
    with pytest.raises(ModelError, match=r"it holds tags \(TokenClassification of 3 labels\)"):
        open_head(model, TAGGER)
    fresh, _ = open_head(model, TAGGER, fresh_seed=1)
    assert fresh.config.id2label == dict(enumerate(TAGS))


def test_a_head_of_another_network(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint()
    several(path, {"tags": TAGGER})
    file = write_kept(
        path, "tags", {"classifier.weight": torch.zeros(3, 8), "classifier.bias": torch.zeros(3)}
    )
    assert file == "heads/tags.safetensors"
    with pytest.raises(ModelError, match=r"classifier.weight has shape \[3, 8\] where \[3, 16\]"):
        head_in(model_at(path), TAGGER)


def test_a_head_whose_encoder_lacks_a_pooler(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint("AutoModelForMaskedLM")
    several(path, {"choice": CHOICE})
    config = json.loads((path / "config.json").read_text(encoding="utf-8"))
    (path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(ModelError, match="runs on parts of the encoder that the weights lack"):
        open_head(model_at(path), CHOICE)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "cannot be read"),
        ('{"heads": 3}', "cannot be read"),
        ('{"heads": [{"name": "a"}]}', "needs the texts name, auto_class and file"),
        (
            '{"heads": [{"name": "a", "auto_class": "A", "file": "../x.safetensors"}]}',
            "inside the checkpoint",
        ),
        ('{"heads": [{"name": "a", "auto_class": "A", "file": "/x.safetensors"}]}', "inside the checkpoint"),
        ('{"heads": [{"name": "a", "auto_class": "A", "file": "heads/a.bin"}]}', "inside the checkpoint"),
        ('{"heads": [{"name": "a", "auto_class": "A", "file": "heads/a.safetensors"}]}', "is missing"),
    ],
)
def test_a_list_that_is_wrong(checkpoint: Write, text: str, match: str) -> None:
    path = checkpoint()
    (path / "xharness.json").write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=match):
        read_kept(path)


def test_a_damaged_file(checkpoint: Write, model_at: ModelAt) -> None:
    path = checkpoint()
    several(path, {"tags": TAGGER})
    file = path / "heads" / "tags.safetensors"
    file.write_bytes(file.read_bytes()[:-4])
    with pytest.raises(ModelError, match="not a complete safetensors file"):
        head_in(model_at(path), TAGGER)


def test_a_single_head_is_the_checkpoint_s_own(checkpoint: Write) -> None:
    path = checkpoint()
    entry = {"name": "a", "auto_class": TAGGER.auto_class, "labels": [], "file": ""}
    (path / "xharness.json").write_text(json.dumps({"heads": [entry]}), encoding="utf-8")
    assert read_kept(path) == ()


def test_heads_count_in_the_hashes_and_provenance_does_not(checkpoint: Write) -> None:
    path = checkpoint()
    bare = weights_sha256(path, allow_pickle=False), settings_sha256(path)
    several(path, {"tags": TAGGER})
    first = weights_sha256(path, allow_pickle=False), settings_sha256(path)
    assert first[0] != bare[0] and first[1] != bare[1]
    card = json.loads((path / "xharness.json").read_text(encoding="utf-8"))
    (path / "xharness.json").write_text(json.dumps(card | {"finished": "later"}), encoding="utf-8")
    assert (weights_sha256(path, allow_pickle=False), settings_sha256(path)) == first
    card["heads"][0]["labels"].reverse()
    (path / "xharness.json").write_text(json.dumps(card), encoding="utf-8")
    assert settings_sha256(path) != first[1]
