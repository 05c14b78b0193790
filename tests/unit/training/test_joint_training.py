"""One encoder with several heads: what an update computes, against a loop in plain torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from toy_mixture import SHAPES, lines, losses, pairs, record, run, tagged, task

from harness.kinds.classification import ClassificationHead
from harness.kinds.masked_lm import MaskedLMHead
from harness.kinds.tagging import TaggingHead
from harness.specs.settings import ClassificationSettings, MaskedLMSettings, TaggingSettings
from harness.training.joint import Joint, Slots
from harness.training.schedule import make_schedule


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


SIZES = {"vocab_size": 260, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


OTHERS = {
    "DebertaV2": {
        **SIZES,
        "intermediate_size": 64,
        "relative_attention": True,
        "pos_att_type": ["p2c", "c2p"],
    },
    "ModernBert": {**SIZES, "intermediate_size": 64, "pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3},
    "DistilBert": {"vocab_size": 260, "dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64},
    "Albert": {**SIZES, "intermediate_size": 64, "embedding_size": 16},
    "RemBert": {**SIZES, "intermediate_size": 64, "input_embedding_size": 16, "output_embedding_size": 48},
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_architectures_share_their_encoder_too(tiny_model, tmp_path, name):
    """The network of each head is still the one of transformers: outputs, gradients, what is saved."""
    import shutil

    import torch
    import transformers

    source, folder = tiny_model("bert"), tmp_path / "model"
    shutil.copytree(source.path, folder)
    config = getattr(transformers, f"{name}Config")(**OTHERS[name])
    with torch.random.fork_rng():
        torch.manual_seed(3)
        getattr(transformers, f"{name}ForMaskedLM")(config).save_pretrained(str(folder))
    model = replace(source, path=folder)
    joint = Joint([TaggingHead(SHAPES), MaskedLMHead()], model, seed=1, say=str)
    storages = [parameter.data_ptr() for parameter in joint.module.parameters()]
    assert len(storages) == len(set(storages))
    for network in joint.networks:
        assert not list(getattr(network, network.base_model_prefix).parameters())
    plain = transformers.AutoModelForMaskedLM.from_pretrained(str(folder)).eval()
    joint.module.eval()
    ids = torch.tensor([[2, 20, 30, 40, 3], [2, 50, 60, 70, 3]])
    given = {"input_ids": ids, "attention_mask": torch.ones_like(ids), "labels": ids}
    losses = [network(**given).loss for network in (joint.networks[1], plain)]
    assert torch.equal(*losses)
    for loss in losses:
        loss.backward()
    own, other = (m.get_input_embeddings().weight.grad for m in (joint.encoder, plain))
    torch.testing.assert_close(own, other)
    joint.save(tmp_path / "saved", single=1, beside={})
    saved, info = transformers.AutoModelForMaskedLM.from_pretrained(
        str(tmp_path / "saved"), output_loading_info=True
    )
    assert not info["missing_keys"] and not info["unexpected_keys"]
    assert torch.equal(saved.eval()(**given).loss, losses[1])
