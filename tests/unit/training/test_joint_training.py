"""One encoder with several heads: what an update computes, against a loop in plain torch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.kinds.classification import Classification, ClassificationHead
from harness.kinds.masked_lm import MaskedLMHead
from harness.kinds.tagging import Tagging, TaggingHead
from harness.progress import Progress
from harness.records import ClassificationInputs, DataSet, Example, TaggingInputs, TextInputs
from harness.specs.mixture import Mixture
from harness.specs.settings import ClassificationSettings, MaskedLMSettings, TaggingSettings
from harness.training import mixture as mixture_module
from harness.training.joint import Joint, Slots
from harness.training.mixture import MixedTask, TrainedMixture, train_mixture
from harness.training.schedule import make_schedule

WORDS = "the quick brown Fox jumps over lazy Dog while 12 cats sleep Zürich 1990 Schweiz See 7".split()
SHAPES = ("CAP", "LOW", "NUM")
QUIET = Progress(quiet=True)


def shape(word: str) -> str:
    return "NUM" if word.isdigit() else "CAP" if word[0].isupper() else "LOW"


def _words(i: int) -> tuple[str, ...]:
    return tuple(WORDS[(i * 5 + j * (1 + i % 3)) % len(WORDS)] for j in range(2 + i % 6))


def tagged(count: int, shift: int = 0) -> tuple[Example, ...]:
    drawn = [_words(i) for i in range(shift, shift + count)]
    return tuple(
        Example(str(i), TaggingInputs(words), json.dumps([shape(w) for w in words]))
        for i, words in enumerate(drawn)
    )


def pairs(count: int, labels: Sequence[str] = ("yes", "no")) -> tuple[Example, ...]:
    return tuple(
        Example(
            str(i),
            ClassificationInputs(" ".join(_words(i)), " ".join(_words(i + 1))),
            labels[shape(_words(i)[0]) == "LOW"],
        )
        for i in range(count)
    )


def lines(count: int) -> tuple[Example, ...]:
    return tuple(Example(str(i), TextInputs(" ".join(_words(i + 3))), gold="") for i in range(count))


def task(kind: str, examples: Sequence[Example], *, head: int = 0, **changes: Any) -> MixedTask:
    settings = {
        "tagging": TaggingSettings(max_length=32),
        "classification": ClassificationSettings(max_length=32),
        "masked_lm": MaskedLMSettings(max_length=32),
    }[kind]
    decode = {"tagging": Tagging().decode_gold, "classification": Classification().decode_gold}.get(kind, str)
    given: dict[str, Any] = {
        "name": kind,
        "head": head,
        "settings": settings,
        "train": {"en": DataSet(kind, "en", tuple(examples))},
        "dev": {},
        "computes": (),
        "decode_gold": decode,
    }
    return MixedTask(**{**given, **changes})


def mixture(**changes: Any) -> Mixture:
    given = {"on": [{"task": "t"}], "learning_rate": 2e-3, "batch_size": 8, "max_steps": 20, **changes}
    return Mixture.model_validate(given)


def run(model, out: Path, tasks, heads, *, seed: int = 1, **options) -> TrainedMixture:
    told: list[TrainedMixture] = []
    changes = options.pop("mixture", {})
    train_mixture(
        mixture(**changes),
        tasks,
        heads,
        model=model,
        out=out,
        seed=seed,
        progress=QUIET,
        begin=lambda: None,
        finish=lambda folder, trained: told.append(trained),
        **options,
    )
    return told[0]


def losses(out: Path) -> list[float]:
    return [loss for _, loss in record(out)["losses"]]


def record(out: Path) -> dict[str, Any]:
    return json.loads((out / "training.json").read_text(encoding="utf-8"))


def plain_loop(network, batches, *, rate: float, warmup: int, decay: float = 0.01) -> list[float]:
    """AdamW with linear warm-up and decay and clipping at 1, written out with torch alone."""
    import torch

    apart = {"decay": [], "none": []}
    normed = {id(p) for m in network.modules() if isinstance(m, torch.nn.LayerNorm) for p in m.parameters()}
    for name, parameter in network.named_parameters():
        without = id(parameter) in normed or name.endswith("bias")
        apart["none" if without else "decay"].append(parameter)
    optimizer = torch.optim.AdamW(
        [{"params": apart["decay"], "weight_decay": decay}, {"params": apart["none"], "weight_decay": 0.0}],
        lr=rate,
        betas=(0.9, 0.999),
        eps=1e-8,
    )
    steps, found = len(batches), []
    network.train()
    for step, batch in enumerate(batches):
        factor = step / warmup if step < warmup else (steps - step) / (steps - warmup)
        for group in optimizer.param_groups:
            group["lr"] = rate * factor
        optimizer.zero_grad()
        loss = network(**batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        found.append(float(loss.detach()))
    return found


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_one_head_on_one_task_computes_what_a_plain_loop_computes(tiny_model, tmp_path, family):
    from harness.backends.heads import open_head

    model, head, examples = tiny_model(family, dropout=0.0), TaggingHead(SHAPES), tagged(50)
    run(model, tmp_path / "out", [task("tagging", examples)], [("tags", head)])

    network, tokenizer = open_head(model, head, fresh_seed=1)
    features = head.features(examples, tokenizer, TaggingSettings(max_length=32))
    import numpy as np

    schedule = make_schedule([[(1.0, np.arange(50))]], [1.0], steps=20, batch_size=8, seed=1)
    batches = [head.collate([features[i] for i in slots], tokenizer) for slots in schedule.slots]
    expected = plain_loop(network, batches, rate=2e-3, warmup=2)
    assert losses(tmp_path / "out") == pytest.approx(expected, abs=1e-5)
    assert expected[-1] < 0.8 * expected[0]

    from safetensors.torch import load_file

    saved, own = load_file(tmp_path / "out" / "model.safetensors"), network.state_dict()
    assert saved.keys() == own.keys()
    assert max(float((saved[name] - own[name]).abs().max()) for name in own) < 1e-5


def test_two_heads_in_turns_compute_what_a_plain_loop_computes(tiny_model, tmp_path):
    """The plain loop has one encoder in two networks of transformers, and knows nothing of loans."""
    import numpy as np
    import torch
    from transformers import BertForSequenceClassification, BertForTokenClassification

    from harness.backends.loading import open_tokenizer

    model = tiny_model("bert", dropout=0.0)
    examples, more = tagged(30), pairs(20)
    heads = [("tags", TaggingHead(SHAPES)), ("pairs", ClassificationHead(("yes", "no")))]
    tasks = [task("tagging", examples), task("classification", more, head=1)]
    run(model, tmp_path / "out", tasks, heads, mixture={"tasks": {"by": "uniform"}})

    # What the heads begin with is read off a joint network; all else here is plain.
    begun = Joint([head for _, head in heads], model, seed=1, say=str).networks
    tagger = BertForTokenClassification.from_pretrained(str(model.path), num_labels=3)
    classifier = BertForSequenceClassification.from_pretrained(str(model.path), num_labels=2)
    with torch.no_grad():
        for network, source in zip((tagger, classifier), begun, strict=True):
            network.classifier.load_state_dict(source.classifier.state_dict())
    tagger.bert.embeddings, tagger.bert.encoder = classifier.bert.embeddings, classifier.bert.encoder
    both = torch.nn.ModuleList([tagger, classifier])

    tokenizer = open_tokenizer(model)
    features = [
        heads[0][1].features(examples, tokenizer, TaggingSettings(max_length=32)),
        heads[1][1].features(more, tokenizer, ClassificationSettings(max_length=32)),
    ]
    schedule = make_schedule(
        [[(0.5, np.arange(30))], [(0.5, np.arange(20))]], [0.5, 0.5], steps=20, batch_size=8, seed=1
    )

    class InTurns(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.both = both

        def forward(self, head, **batch):
            return self.both[head](**batch)

    batches = []
    for number, slots in zip(schedule.head_of.tolist(), schedule.slots, strict=True):
        batch = heads[number][1].collate([features[number][i] for i in slots], tokenizer)
        batches.append({**batch, "head": number})
    expected = plain_loop(InTurns(), batches, rate=2e-3, warmup=2)
    assert losses(tmp_path / "out") == pytest.approx(expected, abs=1e-5)
    assert record(tmp_path / "out")["updates"] == {"tags": 10, "pairs": 10}


def opened(model, *, seed: int = 1) -> Joint:
    heads = [TaggingHead(SHAPES), ClassificationHead(("yes", "no")), MaskedLMHead()]
    return Joint(heads, model, seed=seed, say=str)


def batch_of(joint: Joint, number: int, count: int = 6) -> dict[str, Any]:
    examples = [tagged, pairs, lines][number](count)
    kind = ("tagging", "classification", "masked_lm")[number]
    made = joint.heads[number].features(examples, joint.tokenizer, task(kind, ()).settings)
    slots = Slots(
        make_schedule(
            [[(1.0, _range(len(made)))] if number == h else [(1.0, _range(1))] for h in range(3)],
            [float(number == h) for h in range(3)],
            steps=1,
            batch_size=count,
            seed=1,
        ),
        [made] * 3,
        joint.heads,
        joint.tokenizer,
        seed=1,
    )
    return joint.collate([slots[i] for i in range(count)])


def _range(count: int):
    import numpy as np

    return np.arange(count)


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_the_encoder_is_one(tiny_model, masked_bert, family):
    model = masked_bert if family == "bert" else tiny_model(family, dropout=0.0)
    joint = opened(model)
    for network in joint.networks:
        inner = getattr(network, network.base_model_prefix)
        assert inner.embeddings is joint.encoder.embeddings and inner.encoder is joint.encoder.encoder
    names = [name for name, _ in joint.module.named_parameters()]
    storages = [parameter.data_ptr() for parameter in joint.module.parameters()]
    assert len(names) == len(set(names)) == len(set(storages))
    # Nothing of the encoder is left in a network of its own, pooler included.
    assert {name.split(".")[0] for name in names} == {"encoder", "networks"}
    prefixes = tuple(f"networks.{i}.{n.base_model_prefix}." for i, n in enumerate(joint.networks))
    assert not [name for name in names if name.startswith(prefixes)]
    decoder = joint.networks[2].get_output_embeddings()
    assert decoder.weight is joint.encoder.get_input_embeddings().weight
    assert set(joint.module.state_dict()) == set(names) | {
        name for name, _ in joint.module.named_buffers() if name in joint.module.state_dict()
    }


@pytest.mark.parametrize("number", [0, 1, 2])
def test_an_update_changes_the_encoder_and_the_head_of_its_task_alone(tiny_model, number):
    import torch

    joint = opened(tiny_model("xlm-roberta", dropout=0.0))
    before = {name: p.detach().clone() for name, p in joint.module.named_parameters()}
    optimizer = torch.optim.AdamW(joint.module.parameters(), lr=1e-2, weight_decay=0.1)
    joint.loss(joint.module, batch_of(joint, number)).backward()
    optimizer.step()
    changed = {name for name, p in joint.module.named_parameters() if not torch.equal(p, before[name])}
    assert {name.split(".")[1] for name in changed if name.startswith("networks.")} == {str(number)}
    assert all(
        name in changed for name in before if name.startswith(("encoder.encoder.", "encoder.embeddings.word"))
    )
    assert all(name in changed for name in before if name.startswith(f"networks.{number}."))


@pytest.mark.parametrize("number", [0, 1, 2])
def test_micro_batches_have_the_gradient_of_the_whole(tiny_model, number):
    import torch

    joint = opened(tiny_model("xlm-roberta", dropout=0.0))
    joint.module.train()
    whole = batch_of(joint, number)

    def gradient(parts):
        joint.module.zero_grad()
        total = sum(joint.weight(part) for part in parts)
        for part in parts:
            (joint.loss(joint.module, part) * (joint.weight(part) / total)).backward()
        return {n: p.grad.clone() for n, p in joint.module.named_parameters() if p.grad is not None}

    def cut(a, b):
        return {k: v[a:b] if hasattr(v, "shape") else v for k, v in whole.items()}

    one, many = gradient([whole]), gradient([cut(0, 1), cut(1, 4), cut(4, 6)])
    assert one.keys() == many.keys()
    for name, found in one.items():
        torch.testing.assert_close(many[name], found, rtol=1e-4, atol=1e-6)


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


@pytest.fixture(scope="module")
def masked_bert(tiny_model, tmp_path_factory):
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


@pytest.mark.parametrize("family", ["bert", "xlm-roberta"])
def test_masked_lm_alone_leaves_a_loadable_network_that_is_tied(tiny_model, masked_bert, tmp_path, family):
    import torch
    from transformers import AutoModelForMaskedLM

    model = masked_bert if family == "bert" else tiny_model(family, dropout=0.0)
    out = tmp_path / "out"
    trained = run(model, out, [task("masked_lm", lines(40))], [("lines", MaskedLMHead())])
    assert trained.files == {0: ""} and not (out / "heads").exists()
    network, info = AutoModelForMaskedLM.from_pretrained(str(out), output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"]
    words = network.get_input_embeddings().weight
    assert network.get_output_embeddings().weight.data_ptr() == words.data_ptr()
    begun = Joint([MaskedLMHead()], model, seed=1, say=str).encoder.get_input_embeddings().weight
    assert not torch.equal(words, begun)
    assert sum(losses(out)[-5:]) < sum(losses(out)[:5])


def test_the_pretrained_head_is_taken_over_and_a_new_one_is_said(tiny_model, masked_bert):
    import torch
    from safetensors.torch import load_file

    said: list[str] = []
    joint = Joint([MaskedLMHead()], masked_bert, seed=1, say=said.append)
    held = load_file(masked_bert.path / "model.safetensors")
    own = joint.networks[0].state_dict()
    assert said == []
    assert torch.equal(
        own["cls.predictions.transform.dense.weight"], held["cls.predictions.transform.dense.weight"]
    )
    Joint([MaskedLMHead()], tiny_model("xlm-roberta"), seed=1, say=said.append)
    assert len(said) == 1 and "lacks lm_head." in said[0]


def test_masked_lm_learns_the_same_as_a_plain_loop(masked_bert, tmp_path):
    import numpy as np
    from transformers import AutoModelForMaskedLM

    from harness.backends.loading import open_tokenizer

    head, examples = MaskedLMHead(), lines(24)
    run(masked_bert, tmp_path / "out", [task("masked_lm", examples)], [("lines", head)])
    network, tokenizer = (
        AutoModelForMaskedLM.from_pretrained(str(masked_bert.path)),
        open_tokenizer(masked_bert),
    )
    features = head.features(examples, tokenizer, MaskedLMSettings(max_length=32))
    schedule = make_schedule([[(1.0, np.arange(len(features)))]], [1.0], steps=20, batch_size=8, seed=1)
    slots = Slots(schedule, [features], [head], tokenizer, seed=1)
    batches = [
        head.collate([slots[step * 8 + i][1] for i in range(8)], tokenizer) for step in range(schedule.steps)
    ]
    expected = plain_loop(network, batches, rate=2e-3, warmup=2)
    assert losses(tmp_path / "out") == pytest.approx(expected, abs=1e-5)


def test_the_item_decides_what_is_masked(tiny_model):
    import numpy as np

    joint = opened(tiny_model("xlm-roberta", dropout=0.0))
    made = joint.heads[2].features(lines(5), joint.tokenizer, MaskedLMSettings())
    schedule = make_schedule([[(1.0, np.arange(len(made)))]], [1.0], steps=4, batch_size=5, seed=1)

    def slots(seed):
        return Slots(schedule, [made], [MaskedLMHead()], joint.tokenizer, seed=seed)

    first, again, other = slots(1), slots(1), slots(2)
    assert len(first) == 20
    # A resumed training asks for the later items alone.
    for item in (19, 7, 7):
        assert np.array_equal(first[item][1]["input_ids"], again[item][1]["input_ids"])
        assert np.array_equal(first[item][1]["labels"], again[item][1]["labels"])
    assert any(not np.array_equal(first[i][1]["labels"], other[i][1]["labels"]) for i in range(20))
    # The same example, masked anew in the next pass.
    flat = schedule.slots.ravel()
    twice = [int(i) for i in np.flatnonzero(flat == flat[0])]
    assert any(not np.array_equal(first[twice[0]][1]["labels"], first[i][1]["labels"]) for i in twice[1:])


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
