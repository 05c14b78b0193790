"""What a mixture comes to: tasks, languages, heads, and what is wrong with it, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.data.places import Places
from harness.errors import DataError, ModelError, SpecError
from harness.mixture.describing import describe
from harness.mixture.fitting import check_fit
from harness.mixture.planning import MixturePlan, plan_mixture, resolved
from harness.mixture.reading import check_mixture, read_mixture
from harness.progress import Progress
from harness.specs.mixture import Mixture


def _conllu(count: int, tag: str = "NOUN") -> str:
    return "".join(
        f"# sent_id = {i}\n1\tw{i}\t_\t{tag}\t_\t_\t0\troot\t_\t_\n2\tgeht\t_\tVERB\t_\t_\t1\tdep\t_\t_\n\n"
        for i in range(count)
    )


def tagging(folder: Path, name: str, *, labels: str = "NOUN, VERB", dev: bool = False) -> str:
    body = {
        "name": name,
        "version": '"1"',
        "kind": "tagging",
        "title": "t",
        "licence": "none",
        "citation": "none",
        "languages": "{de: {tag: de}, fi: {tag: fi}}",
        "labels": f"[{labels}]",
        "train": "{local: {reader: conllu, files: {treebanks: ['" + name + "-{code}.conllu']}}}",
    }
    if dev:
        body["dev"] = body["train"]
        body["metrics"] = "[{name: accuracy, computes: token_accuracy}]"
    path = folder / f"{name}.yaml"
    path.write_text("".join(f"{key}: {value}\n" for key, value in body.items()), encoding="utf-8")
    for code, count in (("de", 6), ("fi", 4)):
        (folder / f"{name}-{code}.conllu").write_text(_conllu(count), encoding="utf-8")
    return str(path)


def plan(folder: Path, *on: Any, **changes: Any) -> MixturePlan:
    parts = [part if isinstance(part, dict) else {"task": part} for part in on]
    return plan_mixture(Mixture.model_validate({"on": parts, **changes}), Places(folder))


def test_two_tasks_with_the_same_labels_have_two_heads_unless_shared(tmp_path):
    one, two = tagging(tmp_path, "one"), tagging(tmp_path, "two", labels="VERB, NOUN")
    other = tagging(tmp_path, "other", labels="NOUN, VERB, X")
    apart = plan(tmp_path, one, two, other)
    assert [head.name for head in apart.heads] == ["one", "two", "other"]
    assert [i.head for i in apart.ingredients] == [0, 1, 2]
    shared = plan(tmp_path, one, other, two, share_heads=True)
    assert [head.name for head in shared.heads] == ["one", "other"]
    assert [i.head for i in shared.ingredients] == [0, 1, 0]
    # The order of the labels is that of the first; gold goes there by name.
    assert shared.heads[0].head.labels == ("NOUN", "VERB")


def test_languages_and_examples(tmp_path):
    name = tagging(tmp_path, "one")
    found = plan(tmp_path, {"task": name, "languages": {"close": 1}, "examples": 3, "max_length": 32})
    (ingredient,) = found.ingredients
    assert ingredient.languages == ("de",) and ingredient.examples == 3
    assert ingredient.settings.model_dump() == {"max_length": 32}
    (part,) = resolved(found).on
    assert part.languages == ("de",)


def test_masked_text_is_the_last_ingredient(tmp_path):
    (tmp_path / "de.txt").write_text("Eins.\n\nZwei.\n", encoding="utf-8")
    mlm = {"share": 0.2, "files": {"de": "de.txt"}, "max_length": 16}
    found = plan(tmp_path, tagging(tmp_path, "one"), mlm=mlm)
    last = found.ingredients[-1]
    assert (last.name, last.languages, last.settings.model_dump()["max_length"]) == ("files", ("de",), 16)
    assert [head.kind for head in found.heads] == ["tagging", "masked_lm"]
    data = read_mixture(found, Places(tmp_path), seed=1, progress=Progress(quiet=True))
    assert [e.inputs.text for e in data[-1].train["de"].examples] == ["Eins.", "Zwei."]


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    one, two = tagging(tmp_path, "one"), tagging(tmp_path, "two")
    (tmp_path / "again").mkdir()
    again = tagging(tmp_path / "again", "two")
    with pytest.raises(SpecError) as raised:
        plan(tmp_path, {"task": one, "languages": ["dee"]}, two, again, mlm={"share": 0.5, "task": "mnli"})
    told = str(raised.value)
    assert "3 problems" in told
    assert "task 'one': has no language 'dee' (did you mean 'de'?)" in told
    assert "task 'two' is in the mixture twice" in told
    assert "mlm: task 'mnli' is of kind 'classification', not text (masked_lm)" in told
    with pytest.raises(SpecError, match=r"no intermediate task 'mnly'.*did you mean 'mnli'"):
        plan(tmp_path, "mnly")


def test_missing_files_are_all_named(tmp_path):
    name = tagging(tmp_path, "one")
    for code in ("de", "fi"):
        (tmp_path / f"one-{code}.conllu").unlink()
    found = plan(tmp_path, name, mlm={"share": 0.5, "files": {"de": "nowhere.txt"}})
    with pytest.raises(DataError) as raised:
        check_mixture(found, Places(tmp_path))
    for file in ("one-de.conllu", "one-fi.conllu", "nowhere.txt"):
        assert file in str(raised.value)


def test_selection_needs_development_data(tmp_path):
    name, other = tagging(tmp_path, "one"), tagging(tmp_path, "other", dev=True)
    selection = {"every_steps": 2}
    with pytest.raises(DataError, match="selection: none of one has a development set"):
        check_mixture(plan(tmp_path, name, selection=selection), Places(tmp_path))
    # One task that has some is enough; the others do not count.
    found = plan(tmp_path, name, other, selection=selection)
    check_mixture(found, Places(tmp_path))
    data = read_mixture(found, Places(tmp_path), seed=1, progress=Progress(quiet=True))
    assert [sorted(each.dev) for each in data] == [[], ["de", "fi"]]
    # Without selection no development data are read.
    assert [
        each.dev
        for each in read_mixture(
            plan(tmp_path, other), Places(tmp_path), seed=1, progress=Progress(quiet=True)
        )
    ] == [{}]


def test_joined_tasks_need_metrics_to_select_by(tmp_path):
    tagging(tmp_path, "one", dev=True)
    joined = (tmp_path / "one.yaml").read_text(encoding="utf-8")
    joined = "".join(
        line for line in joined.splitlines(True) if not line.startswith(("train", "dev", "metrics", "name"))
    )
    path = tmp_path / "both.yaml"
    path.write_text(f"name: both\n{joined}joins: [mnli, snli]\n", encoding="utf-8")
    with pytest.raises(SpecError, match="joins"):
        plan(tmp_path, str(path), selection={"every_steps": 2})
    nli = """\
name: nli
version: "1"
kind: classification
title: t
licence: none
citation: none
languages: {en: {tag: en}}
labels: [neutral, contradiction, entailment]
joins: [mnli, snli]
"""
    path.write_text(nli, encoding="utf-8")
    assert len(plan(tmp_path, str(path)).ingredients[0].read) == 2
    with pytest.raises(SpecError, match="task 'nli': joins tasks with development sets, but has no metrics"):
        plan(tmp_path, str(path), selection={"every_steps": 2})


def test_examples_are_drawn_by_the_seed_and_too_few_is_said(tmp_path):
    name = tagging(tmp_path, "one")

    def read(count, seed=1):
        found = plan(tmp_path, {"task": name, "examples": count})
        (data,) = read_mixture(found, Places(tmp_path), seed=seed, progress=Progress(quiet=True))
        return {code: [e.example_id for e in each.examples] for code, each in data.train.items()}

    assert {code: len(ids) for code, ids in read(7).items()} == {"de": 4, "fi": 3}
    assert read(7) == read(7) != read(7, seed=2)
    with pytest.raises(
        DataError, match="task 'one': 10 examples over 2 languages are 5 of each, but fi has 4"
    ):
        read(10)


def test_the_card_names_tasks_and_no_paths(tmp_path, tiny_model):
    found = plan(tmp_path, tagging(tmp_path, "one"))
    data = read_mixture(found, Places(tmp_path), seed=1, progress=Progress(quiet=True))
    card = describe(found, data, model=tiny_model(), parent=None, seed=1)
    assert card.mixture["on"][0]["task"] == "one"
    assert str(tmp_path) not in card.model_dump_json()
    # The same task from another place is the same training; another seed is another.
    (tmp_path / "moved").mkdir()
    moved = plan(tmp_path, tagging(tmp_path / "moved", "one"))
    assert describe(moved, data, model=tiny_model(), parent=None, seed=1).key == card.key
    assert describe(found, data, model=tiny_model(), parent=None, seed=2).key != card.key


def test_each_earlier_phase_stands_in_a_card_once(tmp_path, tiny_model):
    found = plan(tmp_path, tagging(tmp_path, "one"))
    data = read_mixture(found, Places(tmp_path), seed=1, progress=Progress(quiet=True))
    card = None
    for seed in range(4):
        card = describe(found, data, model=tiny_model(), parent=card, seed=seed)
    assert card is not None
    assert [phase.seed for phase in card.phases] == [0, 1, 2, 3]
    assert all(phase.earlier == () for phase in card.earlier)


def test_texts_longer_than_the_checkpoint_has_positions_for(tmp_path, tiny_model):
    name = tagging(tmp_path, "one")
    check_fit(plan(tmp_path, {"task": name, "max_length": 128}), tiny_model())
    with pytest.raises(
        ModelError, match="task 'one': reads up to 129 tokens, the checkpoint has positions for 128"
    ):
        check_fit(plan(tmp_path, {"task": name, "max_length": 129}), tiny_model())


def test_a_head_that_the_architecture_does_not_have(tmp_path, tiny_model):
    import json
    import shutil
    from dataclasses import replace

    from transformers import GPT2Config

    model = tiny_model("bert")
    folder = tmp_path / "gpt"
    shutil.copytree(model.path, folder)
    GPT2Config(n_embd=32, n_layer=2, n_head=2).save_pretrained(str(folder))
    assert json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"] == "gpt2"
    (tmp_path / "de.txt").write_text("Eins.\n", encoding="utf-8")
    mlm = {"share": 0.2, "files": {"de": "de.txt"}}
    found = plan(tmp_path, tagging(tmp_path, "one"), mlm=mlm)
    with pytest.raises(
        ModelError, match=r"task 'files': .*no AutoModelForMaskedLM for the model type 'gpt2'"
    ):
        check_fit(found, replace(model, path=folder))


def test_masked_text_needs_a_mask_token(tmp_path, tiny_model):
    (tmp_path / "de.txt").write_text("Eins.\n", encoding="utf-8")
    found = plan(tmp_path, tagging(tmp_path, "one"), mlm={"share": 0.2, "files": {"de": "de.txt"}})
    with pytest.raises(ModelError, match=r"task 'files': .*no mask token"):
        check_fit(found, tiny_model("bert"))
    check_fit(found, tiny_model("xlm-roberta"))
