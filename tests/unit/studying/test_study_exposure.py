"""Which cells an arm was trained on, by language and by overlap."""

from __future__ import annotations

from harness.data.places import Places
from harness.languages import language_of
from harness.mixture.planning import plan_mixture
from harness.planning import Selected
from harness.results.card import Card, ParentRecord, TrainedLanguage, TrainedTask
from harness.specfiles.catalog import load_task
from harness.specs.intermediate import Overlap
from harness.specs.mixture import Mixture, MixtureSelection
from harness.studying.exposure import (
    find_exposed,
    intended_card,
    unseen_languages,
    without_exposed,
    without_unseen,
)

PARENT = ParentRecord(id="parent", revision=None, weights_sha256="ab", settings_sha256="cd")


def selected(*names: str) -> list[Selected]:
    tasks = [load_task(name) for name in names]
    return [Selected(task, tuple(task.spec.languages), tuple(task.spec.languages)) for task in tasks]


def card(name: str, tags: dict[str, str], *overlaps: Overlap, earlier: tuple[Card, ...] = ()) -> Card:
    languages = {code: TrainedLanguage(tag=tag, examples=1, fingerprint="ef") for code, tag in tags.items()}
    task = TrainedTask(
        name=name,
        version="1",
        sha256="ab",
        kind="classification",
        head=name,
        languages=languages,
        overlaps=overlaps,
    )
    return Card(
        key=name, parent=PARENT, mixture={}, seed=1, tasks=(task,), steps=1, dtype="float32", earlier=earlier
    )


def test_a_language_counts_in_whatever_task_and_script() -> None:
    targets = selected("xnli", "mlqa")
    found = find_exposed(targets, {"a": [card("ner", {"x": "zh-Hant"})], "b": []})
    assert {task: tuple(codes) for task, codes in found.items()} == {"xnli": ("zh",), "mlqa": ("zh",)}
    assert found["mlqa"]["zh"] == ("a: trained on ner in this language",)


def test_the_source_language_is_never_exposed() -> None:
    assert find_exposed(selected("xnli"), {"a": [card("mnli", {"en": "en"})]}) == {}


def test_overlaps_and_earlier_phases_count() -> None:
    why = Overlap(target="xquad", part="train", languages="all", why="the same articles")
    first = card("qa", {"en": "en"}, why)
    found = find_exposed(selected("xquad", "mlqa"), {"a": [card("next", {"fi": "fi"}, earlier=(first,))]})
    assert set(found) == {"xquad"}
    assert set(found["xquad"]) == {c for c in load_task("xquad").spec.languages if c != "en"}
    assert found["xquad"]["ar"] == ("a: qa: the same articles",)


def test_what_is_left_out() -> None:
    targets = selected("mlqa", "xcopa")
    exposed = {"mlqa": {"de": ("a",)}}
    assert without_exposed(targets, exposed) == {"mlqa": ("de",), "xcopa": ()}
    apart = without_unseen(targets, exposed)
    assert set(apart["mlqa"]) == {"ar", "es", "hi", "vi", "zh"}  # English stays, for the gap
    assert apart["xcopa"] == targets[1].languages
    everything = {"mlqa": {c: ("a",) for c in targets[0].languages if c != "en"}}
    assert without_exposed(targets, everything)["mlqa"] == targets[0].languages


def test_unseen_languages_go_by_primary_subtag() -> None:
    found = unseen_languages(selected("mlqa"), {"zh", "de"})
    assert found == {"mlqa": ("ar", "es", "hi", "vi")}


def test_a_macrolanguage_is_its_languages() -> None:
    """XCOPA's Quechua is Eastern Apurímac Quechua (qve); WikiANN's is any (qu)."""
    found = find_exposed(selected("xcopa"), {"a": [card("ner", {"qu": "qu"})]})
    assert found == {"xcopa": {"qu": ("a: trained on ner in this language",)}}
    assert language_of("cmn-Hant") == language_of("zho") == language_of("zh-Hans") == "zh"
    assert language_of("sr-Latn") == "sr" and language_of("qaa") == "qaa"
    own = Overlap(target="xcopa", why="its own")
    assert card("x", {"q": "qu"}, own).seen("xcopa", {"qu": "qve"}, source="en") == {"qu": ("x: its own",)}
    assert "qu" not in unseen_languages(selected("xcopa"), {"qu"})["xcopa"]


def test_what_an_arm_is_going_to_be_trained_on() -> None:
    mixture = Mixture.model_validate(
        {"on": [{"task": "xnli-translate-train", "languages": ["de"]}, {"task": "anli-plus"}]}
    )
    found = intended_card(plan_mixture(mixture, Places(None)))
    assert found.languages == {"de": "de", "en": "en"}
    assert set(found.seen("xnli", {"de": "de", "fr": "fr"}, source="en")) == {"de"}
    assert all(task.dev == {} for task in found.tasks)
    selecting = mixture.model_copy(update={"selection": MixtureSelection(every_steps=10)})
    assert set(intended_card(plan_mixture(selecting, Places(None))).tasks[0].dev) == {"de"}
