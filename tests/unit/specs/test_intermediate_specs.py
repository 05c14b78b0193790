"""Intermediate tasks as specifications: what they must say, and what the shipped ones do say."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from harness.commands.consistency import intermediate_problems
from harness.specfiles.catalog import list_intermediates, list_tasks, load_intermediates, load_tasks
from harness.specfiles.joins import expand_joins
from harness.specfiles.language_tables import known_languages
from harness.specs.intermediate import IntermediateSpec
from harness.specs.settings import NullableQASettings

NINE = ("anli-plus", "mnli", "qqp", "squad-v1", "squad-v2", "hellaswag", "ccg", "cosmos-qa", "commonsense-qa")
# Section 7 of the benchmarks' traps: target, part, languages.
SPOILED = {
    "squad-v1": {("xquad", "dev", "all"), ("lareqa", "dev", "all")},
    "squad-v2": {("xquad", "dev", "all"), ("lareqa", "dev", "all")},
    "xnli-translate-train": {("xnli", "train", "same")},
    "pawsx-translate-train": {("pawsx", "train", "same"), ("pawsx", "dev", "same")},
    "tydiqa-train": {("tydiqa", "train", "same")},
    "wikiann-train": {("panx", "train", "same")},
    "ud-train": {("udpos", "train", "same")},
}
_TRANSLATED = {(target, "train", "same") for target in ("xquad", "mlqa", "lareqa")} | SPOILED["squad-v1"]
SPOILED |= {"mlqa-translate-train": _TRANSLATED, "squad-translate-train": _TRANSLATED}


SPOILED |= {
    "wt-nli-translated": {("wt-inference", "train", "same")},
    "wt-pos-train": {("wt-pos", "train", "same")},
}


def task(name: str) -> IntermediateSpec:
    return load_intermediates([name])[0].spec


def spec(**changes: Any) -> IntermediateSpec:
    fields: dict[str, Any] = {
        "name": "mine",
        "version": "1",
        "kind": "tagging",
        "title": "t",
        "licence": "l",
        "citation": "c",
        "languages": {"en": {"tag": "en"}},
        "labels": ("A", "B"),
        "train": {"local": {"reader": "tagged_sentences", "files": {"sentences": ("a",)}}},
    }
    return IntermediateSpec.model_validate(fields | changes)


@pytest.mark.parametrize("name", list(list_intermediates()))
def test_every_built_in_task_is_valid(name: str) -> None:
    (loaded,) = load_intermediates([name])
    assert loaded.spec.name == name and loaded.spec.licence and loaded.spec.citation
    assert intermediate_problems(loaded, list(list_tasks())) == []


@pytest.mark.parametrize("name", list(list_intermediates()))
def test_languages_are_those_of_the_targets(name: str) -> None:
    """A language has one code and one tag, or what a task spoils would be looked for in vain."""
    targets = {loaded.spec.name: loaded.spec for loaded in load_tasks(list(list_tasks()))}
    for code, language in task(name).languages.items():
        assert code in known_languages()
        for overlap in task(name).overlaps:
            found = targets[overlap.target].languages.get(code)
            assert found is None or found.tag.split("-")[0] == language.tag.split("-")[0]


def test_the_nine_tasks_of_the_paper_are_there_and_the_multilingual_ones() -> None:
    others = {"siqa", "lines", "anli", "snli", "wt-text", *SPOILED}
    assert set(list_intermediates()) == {*NINE, *others}


def test_what_is_spoiled() -> None:
    found = {
        name: {(o.target, o.part, o.languages) for o in task(name).overlaps}
        for name in list_intermediates()
        if task(name).overlaps
    }
    assert found == SPOILED


def test_counts_of_the_releases() -> None:
    def rows(name: str) -> tuple[int | None, ...]:
        english = task(name).languages["en"]
        return english.rows, english.dev_rows

    assert rows("anli") == (16_946 + 45_460 + 100_459, 1000 + 1000 + 1200)
    assert rows("anli-plus")[0] == sum(rows(name)[0] or 0 for name in ("anli", "mnli", "snli")) == 1_104_934
    assert rows("squad-v2") == (130_319, 11_873) and rows("squad-v1") == (87_599, 10_570)
    assert rows("qqp") == (363_846, 40_430) and rows("cosmos-qa") == (25_262, 2_985)
    assert rows("hellaswag") == (39_905, 10_042) and rows("commonsense-qa") == (9_741, 1_221)
    sizes = [language.rows for language in task("wikiann-train").languages.values()]
    assert [sizes.count(n * 1000) for n in (20, 15, 10, 5, 1)] == [27, 2, 7, 3, 3] and sizes.count(100) == 6


def test_every_repository_is_read_at_one_commit() -> None:
    revisions: dict[str, set[str]] = {}
    sources = [source for name in list_intermediates() for source in (task(name).train, task(name).dev)]
    for loaded in load_tasks(list(list_tasks())):
        sets = loaded.spec.training_sets.values()
        sources += [loaded.spec.data, *(s.train for s in sets), *(s.dev for s in sets)]
    for hub in (source.hub for source in sources if source is not None):
        if hub is not None:
            assert hub.seen
            revisions.setdefault(hub.repo, set()).add(hub.revision)
    assert all(len(found) == 1 for found in revisions.values()), revisions


def test_every_source_says_what_to_do_where_it_is_missing() -> None:
    for name in list_intermediates():
        for source in (task(name).train, task(name).dev):
            assert source is None or source.hint, name


def test_a_head_of_natural_language_inference_fits_the_target() -> None:
    (xnli,) = load_tasks(["xnli"])
    members = [m.spec for m in expand_joins(load_intermediates(["anli-plus"])[0])]
    assert [m.name for m in members] == ["anli", "mnli", "snli"]
    for one in (*members, task("anli-plus"), task("xnli-translate-train")):
        assert one.labels == xnli.spec.labels
    assert [m.spec for m in expand_joins(load_intermediates(["qqp"])[0])] == [task("qqp")]


def test_questions_without_an_answer_are_a_matter_of_squad_v2() -> None:
    for name in list_intermediates():
        if task(name).kind == "span_qa":
            settings = task(name).settings_with({})
            assert isinstance(settings, NullableQASettings)
            assert settings.null_answers == (name == "squad-v2")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"labels": ()}, "lists its labels, or names a labels_file"),
        ({"labels_file": {"files": ("a",)}}, "labels_file is for tagging tasks with data of their own"),
        ({"labels": (), "kind": "span_qa", "labels_file": {"files": ("a",)}}, "labels_file is for tagging"),
        ({"labels": (), "labels_file": {"files": ()}}, "at least 1 item"),
        ({"train": None}, "names no data: give `train`, or `joins`"),
        ({"joins": ("other",)}, "joins other tasks and has data of its own"),
        ({"train": None, "joins": ("mine",)}, "joins itself"),
        ({"settings": {"max_lenght": 3}}, "max_lenght"),
    ],
)
def test_specs_that_contradict_themselves(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        spec(**changes)


def test_labels_may_stand_in_a_file() -> None:
    assert spec(labels=(), labels_file={"files": ("a.json",), "count": 3}).labels_file is not None
