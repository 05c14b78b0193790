"""The card of a trained checkpoint: read, written, and asked what is no longer unseen."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ModelError
from harness.mixture.describing import write_for_people
from harness.results.card import (
    CARD,
    Card,
    HeadRecord,
    ParentRecord,
    TrainedLanguage,
    TrainedTask,
    encode_card,
    read_card,
)
from harness.specs.intermediate import Overlap

TAGS = {"en": "en", "de": "de", "zh": "zh", "pt": "pt-BR"}


def languages(*tags: str) -> dict[str, TrainedLanguage]:
    return {tag: TrainedLanguage(tag=tag, examples=1200, fingerprint="ef") for tag in tags}


def task(*overlaps: Overlap, train: tuple[str, ...] = ("de",), dev: tuple[str, ...] = (), name: str = "ner"):
    return TrainedTask(
        name=name,
        version="1",
        sha256="ab",
        kind="tagging",
        head=name,
        languages=languages(*train),
        dev=languages(*dev),
        overlaps=overlaps,
    )


def card(*tasks: TrainedTask, **changes: Any) -> Card:
    parent = ParentRecord(id="some/parent", revision=None, weights_sha256="a" * 64, settings_sha256="b" * 64)
    given: dict[str, Any] = {
        "key": "k",
        "parent": parent,
        "mixture": {"source": "test", "learning_rate": 1e-5},
        "seed": 1,
        "tasks": tasks or (task(),),
        "steps": 1234,
        "dtype": "float32",
    }
    return Card(**given | changes)


def overlap(target: str = "panx", **changes: Any) -> Overlap:
    return Overlap(**{"target": target, "why": "the same articles", **changes})


def test_a_card_is_read_as_it_was_written(tmp_path: Path) -> None:
    head = HeadRecord(name="ner", auto_class="AutoModelForTokenClassification", labels=("B", "O"), file="")
    first = card(task(overlap()), heads=(head,), best_step=3, earlier=(card(),))
    (tmp_path / CARD).write_bytes(encode_card(first))
    assert read_card(tmp_path) == first
    assert encode_card(first) == encode_card(first.model_copy()) and encode_card(first).endswith(b"}\n")
    assert read_card(tmp_path / "nowhere") is None


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "the file: .*JSON"),
        ("[]", "the file"),
        ('{"schema_version": 2}', "schema_version|key"),
        ("[" * 100_000, "the file"),
        (json.dumps(json.loads(encode_card(card())) | {"more": 1}), "more: .*edited, or written by another"),
        (json.dumps(json.loads(encode_card(card())) | {"steps": "many"}), "steps"),
    ],
)
def test_a_card_that_is_wrong(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / CARD).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=match):
        read_card(tmp_path)


def test_a_card_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / CARD).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ModelError, match="cannot be read"):
        read_card(tmp_path)
    (tmp_path / CARD).unlink()
    (tmp_path / CARD).mkdir()
    with pytest.raises(ModelError, match="cannot be read"):
        read_card(tmp_path)


def test_languages_of_all_phases() -> None:
    found = card(task(train=("de", "zh-Hant")), earlier=(card(task(train=("fi",))),))
    assert found.languages == {"fi": "fi", "de": "de", "zh-Hant": "zh-Hant"}
    assert [phase.steps for phase in found.phases] == [1234, 1234]


def test_training_spoils_its_own_languages_by_primary_subtag() -> None:
    found = card(task(overlap(), train=("de", "zh-Hant", "pt-PT")))
    assert found.seen("panx", TAGS, source="en") == {
        code: ("ner: the same articles",) for code in ("de", "zh", "pt")
    }
    assert found.seen("udpos", TAGS, source="en") == {}


def test_training_spoils_nothing_in_the_source_language_and_selection_does() -> None:
    both = card(task(overlap(), overlap(part="dev"), train=("en", "de"), dev=("en",)))
    assert set(both.seen("panx", TAGS, source="en")) == {"de", "en"}
    assert set(both.seen("panx", TAGS, source="de")) == {"en"}
    trained = card(task(overlap(), overlap(part="dev"), train=("en", "de")))
    assert set(trained.seen("panx", TAGS, source="en")) == {"de"}
    assert set(trained.seen("panx", TAGS, source=None)) == {"en", "de"}


def test_all_languages_are_spoiled_where_an_overlap_says_so() -> None:
    whole = card(task(overlap(languages="all"), train=("sw",)))
    assert set(whole.seen("panx", TAGS, source="en")) == {"de", "zh", "pt"}
    # Nothing was selected on these: the overlap does not count.
    assert card(task(overlap(part="dev", languages="all"))).seen("panx", TAGS, source="en") == {}


def test_reasons_of_all_phases_each_once() -> None:
    first = card(task(overlap(), name="one"))
    later = card(task(overlap(), overlap(), name="two"), earlier=(first,))
    assert later.seen("panx", TAGS, source="en") == {
        "de": ("one: the same articles", "two: the same articles")
    }


def test_the_card_for_people() -> None:
    import yaml

    head = HeadRecord(name="ner", auto_class="AutoModelForTokenClassification", labels=("B", "O"), file="")
    given = card(task(overlap(), overlap("xnli", part="dev"), train=("no", "de-AT")), heads=(head,))
    text = write_for_people(given)
    _, front, body = text.split("---\n", 2)
    # Norwegian is a text and not the word for false.
    assert yaml.safe_load(front)["language"] == ["de", "no"]
    assert "base_model" not in yaml.safe_load(front)
    assert "| ner 1 | no 1,200, de-AT 1,200 | 2,400 | ner |" in body
    assert "Heads: ner (TokenClassification, 2 labels)." in body
    assert "1,234 updates in float32. Training `k`" in body
    assert "- panx (its training languages): the same articles" in body and "xnli" not in body
    pinned = given.parent.model_copy(update={"revision": "c" * 40})
    front = write_for_people(given.model_copy(update={"parent": pinned})).split("---\n", 2)[1]
    assert yaml.safe_load(front)["base_model"] == "some/parent"
