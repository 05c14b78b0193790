"""Training on a mixture: its shares, what is selected and what is written."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from toy_mixture import SHAPES, lines, losses, mixture, pairs, record, run, shape, tagged, task

from harness.kinds.classification import ClassificationHead
from harness.kinds.masked_lm import MaskedLMHead
from harness.kinds.tagging import TaggingHead
from harness.records import DataSet
from harness.specs.settings import ClassificationSettings
from harness.training import mixture as mixture_module
from harness.training.joint import Joint


def test_several_heads_lie_beside_a_bare_encoder(tiny_model, tmp_path):
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModel

    model, out = tiny_model("xlm-roberta", dropout=0.0), tmp_path / "out"
    tasks = [task("tagging", tagged(20)), task("classification", pairs(20), head=1)]
    tasks.append(task("masked_lm", lines(20), head=2, text=True))
    heads = [
        ("tags", TaggingHead(SHAPES)),
        ("pairs", ClassificationHead(("yes", "no"))),
        ("x", MaskedLMHead()),
    ]
    trained = run(model, out, tasks, heads, mixture={"mlm": {"share": 0.25, "task": "lines"}, "max_steps": 8})
    assert trained.files == {0: "heads/tags.safetensors", 1: "heads/pairs.safetensors"}
    assert sorted(p.name for p in (out / "heads").iterdir()) == ["pairs.safetensors", "tags.safetensors"]
    tags = load_file(out / "heads" / "tags.safetensors")
    assert {name: tuple(t.shape) for name, t in tags.items()} == {
        "classifier.weight": (3, 32),
        "classifier.bias": (3,),
    }
    encoder, info = AutoModel.from_pretrained(str(out), output_loading_info=True)
    # The parent held a pooler, so it is held; nothing trained it.
    assert not info["missing_keys"] and not info["unexpected_keys"]
    held = load_file(model.path / "model.safetensors")
    assert torch.equal(encoder.pooler.dense.weight, held["pooler.dense.weight"])
    assert not torch.equal(
        encoder.embeddings.word_embeddings.weight, held["embeddings.word_embeddings.weight"]
    )


def test_a_pooler_that_nothing_trained_is_not_made_up(masked_bert, tiny_model, tmp_path):
    """The parent (a masked language model) has no pooler; taggers use none, sentence classifiers do."""
    from safetensors.torch import load_file

    two = [("a", TaggingHead(SHAPES)), ("b", TaggingHead(SHAPES))]
    tasks = [task("tagging", tagged(9), name="a"), task("tagging", tagged(9), name="b", head=1)]
    run(masked_bert, tmp_path / "without", tasks, two, mixture={"max_steps": 2})
    assert not [n for n in load_file(tmp_path / "without" / "model.safetensors") if "pooler" in n]
    tasks[1] = task("classification", pairs(9), head=1)
    heads = [two[0], ("b", ClassificationHead(("yes", "no")))]
    run(masked_bert, tmp_path / "with", tasks, heads, mixture={"max_steps": 2})
    assert [n for n in load_file(tmp_path / "with" / "model.safetensors") if "pooler" in n]


def test_a_shared_head_takes_gold_by_name(tiny_model, tmp_path):
    """Both tasks' gold goes to the rows of the one head, whose labels have the order of the first."""
    model, out = tiny_model("bert", dropout=0.0), tmp_path / "out"
    head = ClassificationHead(("yes", "no"))
    tasks = [
        task("classification", pairs(24), name="one"),
        task("classification", pairs(24), name="two"),
    ]
    trained = run(model, out, tasks, [("one", head)], mixture={"max_steps": 50, "learning_rate": 5e-3})
    assert trained.files == {0: ""} and record(out)["updates"] == {"one": 50}
    from harness.backends.heads import open_head

    network, tokenizer = open_head(model.at(out), head)
    found = head.outputs(pairs(24), network, tokenizer, ClassificationSettings(max_length=32), lambda n: None)
    assert sum(o == e.gold for o, e in zip(found, pairs(24), strict=True)) >= 20
    # Another task's order of the labels changes nothing but the order.
    turned = ClassificationHead(("no", "yes"))
    network, tokenizer = open_head(model.at(out), turned)
    settings = ClassificationSettings(max_length=32)
    assert turned.outputs(pairs(24), network, tokenizer, settings, lambda n: None) == found


def test_selection_is_the_mean_over_tasks_of_the_mean_of_metrics(tiny_model, tmp_path):
    """By hand: the tagger is right in two of three words of the task, and F1 and accuracy are averaged."""
    model = tiny_model("bert", dropout=0.0)
    right = tagged(6)
    dev = {"en": DataSet("a", "en", right[:2]), "de": DataSet("a", "de", right[2:6])}
    tasks = [
        task("tagging", tagged(9), name="a", dev=dev, computes=("token_accuracy", "chunk_f1_legacy")),
        task("classification", pairs(9), name="b", head=1),
        task(
            "classification",
            pairs(9),
            name="c",
            head=2,
            dev={"en": DataSet("c", "en", pairs(4))},
            computes=("accuracy",),
        ),
    ]
    heads = [
        ("a", TaggingHead(SHAPES)),
        ("b", ClassificationHead(("yes", "no"))),
        ("c", ClassificationHead(("yes", "no"))),
    ]
    joint = Joint([head for _, head in heads], model, seed=1, say=str)
    chosen = mixture(selection={"every_steps": 1, "first_examples": 3})
    asked: list[tuple[str, list[str]]] = []

    def spy(number, answers):
        def outputs(examples, network, tokenizer, settings, advance):
            assert network is joint.networks[number]
            asked.append((tasks[number].name, [e.example_id for e in examples]))
            return answers(examples)

        return outputs

    # Everything is LOW: what share of the words that is, is counted below.
    joint.heads[0].outputs = spy(0, lambda es: [["LOW"] * len(e.inputs.words) for e in es])
    joint.heads[2].outputs = spy(2, lambda es: ["yes"] * len(es))
    value = mixture_module._scorer(chosen, tasks, joint)(None)
    assert asked == [("a", ["0", "1"]), ("a", ["2", "3", "4"]), ("c", ["0", "1", "2"])]
    words = [shape(w) for e in right[:5] for w in e.inputs.words]
    low = 100 * words.count("LOW") / len(words)
    from harness.metrics.table import metric_named

    f1 = metric_named("chunk_f1_legacy")
    golds = [json.loads(e.gold) for e in right[:5]]
    rows = f1.per_example(golds, [["LOW"] * len(g) for g in golds], "en")
    of_a = (low + float(f1.value(rows.sum(axis=0)))) / 2
    of_c = 100 * [e.gold for e in pairs(3)].count("yes") / 3
    assert value == pytest.approx((of_a + of_c) / 2)


def test_the_best_checkpoint_is_kept(tiny_model, tmp_path, monkeypatch):
    dev = {"en": DataSet("a", "en", tagged(4))}
    tasks = [task("tagging", tagged(30), dev=dev, computes=("token_accuracy",))]
    heads = [("a", TaggingHead(SHAPES))]

    def go(name, scores, **selection):
        found = iter(scores)
        monkeypatch.setattr(mixture_module, "_scorer", lambda *_: lambda model: next(found))
        changes = {"selection": {"every_steps": 2, **selection}, "max_steps": 8}
        trained = run(tiny_model(), tmp_path / name, tasks, heads, mixture=changes)
        return trained, (tmp_path / name / "model.safetensors").read_bytes()

    trained, best = go("best", [10.0, 30.0, 30.0, 20.0])
    assert (trained.best_step, trained.steps) == (4, 8)
    assert record(tmp_path / "best")["selection"] == [[2, 10], [4, 30], [6, 30], [8, 20]]
    trained, early = go("early", [10.0, 30.0, 20.0], patience=1)
    assert (trained.best_step, trained.steps) == (4, 6) and early == best
    trained, last = go("last", [1.0, 2.0, 3.0, 4.0])
    assert trained.best_step == 8 and last != best


def test_what_cannot_be_trained_is_said(tiny_model, tmp_path):
    from harness.errors import DataError, SpecError

    model = tiny_model("bert", dropout=0.0)
    heads = [("a", TaggingHead(SHAPES)), ("b", ClassificationHead(("yes", "no")))]
    tasks = [task("tagging", tagged(99), name="a"), task("classification", pairs(1), name="b", head=1)]
    with pytest.raises(SpecError, match="task 'b': its share comes to none of the 5 updates"):
        run(model, tmp_path / "x", tasks, heads, mixture={"max_steps": 5})
    tasks[1] = task("classification", pairs(5, ("yes", "maybe")), name="b", head=1)
    with pytest.raises(DataError, match="'maybe', which is not among the task's labels yes, no"):
        run(model, tmp_path / "x", tasks, heads)
    with pytest.raises(DataError, match="task 'a', language 'en': no example to train on"):
        run(model, tmp_path / "x", [task("tagging", (), name="a")], heads[:1])
    assert list(tmp_path.iterdir()) == []


class Seen(Exception):
    """Carries what the schedule is asked for, so that nothing need be trained."""


def asked_for(monkeypatch, model, out: Path, mixed, heads, **changes) -> tuple[Any, Any, int]:
    def spy(sets, head_shares, *, steps, batch_size, seed):
        raise Seen(sets, head_shares, steps)

    with monkeypatch.context() as patch:
        patch.setattr(mixture_module, "make_schedule", spy)
        with pytest.raises(Seen) as raised:
            run(model, out, mixed, heads, mixture={"max_steps": None, **changes})
    return raised.value.args  # type: ignore[return-value]


def test_shares_of_tasks_languages_and_text(tiny_model, tmp_path, monkeypatch):
    """By hand: 40 + 10 tagged, 30 pairs, and text for a fifth of the updates."""
    model = tiny_model("xlm-roberta")
    many = {"en": DataSet("a", "en", tagged(40)), "de": DataSet("a", "de", tagged(10))}
    tasks = [
        task("tagging", (), name="a", train=many),
        task("classification", pairs(30), name="b", head=1),
        task("masked_lm", lines(70), name="c", head=2, text=True),
    ]
    heads = [("a", TaggingHead(SHAPES)), ("b", ClassificationHead(("yes", "no"))), ("c", MaskedLMHead())]
    text = {"mlm": {"share": 0.2, "task": "lines"}}

    sets, of_heads, steps = asked_for(monkeypatch, model, tmp_path, tasks, heads, epochs=1, **text)
    assert of_heads == pytest.approx([0.8 * 50 / 80, 0.8 * 30 / 80, 0.2])
    assert [share for share, _ in sets[0]] == pytest.approx([0.5 * 0.8, 0.5 * 0.2])
    assert [numbers.tolist() for _, numbers in sets[0]] == [list(range(40)), list(range(40, 50))]
    # One pass over the 80 examples of the tasks, and text on top: 80 / 0.8 / 8.
    assert steps == 13
    assert asked_for(monkeypatch, model, tmp_path, tasks, heads, epochs=2.5, **text)[2] == 32

    sampling = {"tasks": {"by": "uniform"}, "languages": {"by": "temperature", "temperature": 2}}
    sets, of_heads, _ = asked_for(monkeypatch, model, tmp_path, tasks, heads, **text, **sampling)
    assert of_heads == pytest.approx([0.4, 0.4, 0.2])
    assert [share for share, _ in sets[0]] == pytest.approx([0.4 * 2 / 3, 0.4 / 3])  # the roots of 40 and 10


def test_shares_of_tasks_under_one_head(tiny_model, tmp_path, monkeypatch):
    tasks = [task("tagging", tagged(20), name="a"), task("tagging", tagged(5), name="b")]
    heads = [("a", TaggingHead(SHAPES))]
    sets, of_heads, steps = asked_for(
        monkeypatch, tiny_model(), tmp_path, tasks, heads, tasks={"by": "capped", "cap": 10}, epochs=2
    )
    assert of_heads == pytest.approx([1.0]) and steps == 7
    assert [share for share, _ in sets[0]] == pytest.approx([10 / 15, 5 / 15])
    assert [numbers.tolist() for _, numbers in sets[0]] == [list(range(20)), list(range(20, 25))]


def test_autocast_trains_float32_weights(tiny_model, tmp_path):
    import torch
    from safetensors.torch import load_file

    tasks = [task("tagging", tagged(20)), task("masked_lm", lines(20), head=1, text=True)]
    heads = [("tags", TaggingHead(SHAPES)), ("x", MaskedLMHead())]
    found = {}
    for dtype in ("float32", "bfloat16"):
        model = replace(tiny_model("xlm-roberta", dropout=0.0), dtype=dtype)
        changes = {"mlm": {"share": 0.5, "task": "lines"}, "max_steps": 6}
        run(model, tmp_path / dtype, tasks, heads, mixture=changes)
        found[dtype] = losses(tmp_path / dtype)
    assert {t.dtype for t in load_file(tmp_path / "bfloat16" / "model.safetensors").values()} == {
        torch.float32
    }
    assert found["bfloat16"] == pytest.approx(found["float32"], rel=0.02)
    assert found["bfloat16"] != found["float32"]


def test_the_losses_do_not_depend_on_how_batches_are_cut(tiny_model, tmp_path, monkeypatch):
    found = []
    tasks = [task("tagging", tagged(21)), task("classification", pairs(13), head=1)]
    tasks.append(task("masked_lm", lines(17), head=2, text=True))
    heads = [("t", TaggingHead(SHAPES)), ("p", ClassificationHead(("yes", "no"))), ("m", MaskedLMHead())]
    for micro in (8, 2):
        monkeypatch.setattr("harness.training.plan.largest_micro_batch", lambda *a, size=micro, **k: size)
        out = tmp_path / str(micro)
        changes = {"mlm": {"share": 0.3, "task": "lines"}, "max_steps": 12}
        run(tiny_model("xlm-roberta", dropout=0.0), out, tasks, heads, mixture=changes)
        assert record(out)["plan"]["accumulation"] == 8 // micro
        found.append(losses(out))
    assert found[1] == pytest.approx(found[0], rel=1e-4)
    assert record(tmp_path / "8")["updates"] == {"m": 4, "p": 3, "t": 5}
