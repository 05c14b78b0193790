from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.backends import encoder as encoder_module
from harness.errors import DataError
from harness.evaluate import Evaluation, evaluate, score_run
from harness.kinds import entity_retrieval
from harness.kinds.base import Work
from harness.kinds.entity_retrieval import EntityRetrieval
from harness.paths import builtin
from harness.progress import Progress
from harness.records import Candidate, DataSet, Example, QueryInputs
from harness.specfiles.catalog import load_task
from harness.specs.run import RunSpec
from harness.specs.settings import EntityRetrievalSettings

QUIET = Progress(quiet=True)
TASK = load_task("mewslix").spec
WORDS = (
    "the quick brown Fox jumps over lazy Dog while 12 cats sleep who What where When why 1990 2004 7".split()
)
LANGUAGES = ("de", "en")
POOL = {"*": tuple(Candidate(f"Q{i}", text) for i, text in enumerate(["aa", "b", "aa", "cab"]))}


class Letters:
    def __init__(self) -> None:
        self.calls: list[tuple[list[str], str, int | None]] = []
        self.representation = ""

    def encode(self, texts: Any, *, role: str, max_length: int | None, advance: Any) -> Any:
        import numpy as np

        self.calls.append((list(texts), role, max_length))
        advance(len(texts))
        return np.array([[t.count(c) for c in "abc"] for t in texts], dtype=np.float32).reshape(-1, 3)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    fake = Letters()

    def opened(model: Any, *, representation: str, say: Any) -> Letters:
        fake.representation = representation
        return fake

    monkeypatch.setattr(encoder_module, "open_encoder", opened)
    return fake


def work(model: Any, languages: tuple[str, ...], recipe: str = "none", **settings: Any) -> Work:
    asked = {"en": ("a", "c"), "de": ("b",)}
    data = {
        code: DataSet(
            "mewslix", code, tuple(Example(f"{code}{t}", QueryInputs(t), '["Q1"]') for t in asked[code])
        )
        for code in languages
    }
    chosen = TASK.settings_for(TASK.recipes[recipe])
    return Work(
        task=TASK,
        settings=chosen.model_copy(update=settings),
        data=data,
        languages=languages,
        model=model,
        search="exact",
        progress=QUIET,
        pool=POOL,
    )


def test_entities_are_ranked_by_score_and_then_as_in_the_pool(
    letters: Letters, tiny_model: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entity_retrieval, "_BLOCK", 3)
    found = dict(EntityRetrieval().predict(work(tiny_model(), ("en", "de"), top_k=3)))
    assert found["en"]["prediction"] == [["Q0", "Q2", "Q3"], ["Q3", "Q0", "Q1"]]
    assert found["de"]["prediction"] == [["Q1", "Q3", "Q0"]]
    # The pool once, in blocks; then the mentions of each language.
    assert letters.calls == [
        (["aa", "b", "aa"], "passage", 64),
        (["cab"], "passage", 64),
        (["a", "c"], "query", 64),
        (["b"], "query", 64),
    ]


def test_the_official_recipe_reads_the_pooler(letters: Letters, tiny_model: Callable[..., Any]) -> None:
    dict(EntityRetrieval().predict(work(tiny_model(), ("de",), "xtreme")))
    assert letters.representation == "pooler"
    assert list(EntityRetrieval().predict(work(tiny_model(), ()))) == []


def test_settings_of_the_shipped_task() -> None:
    settings = TASK.settings_for(TASK.recipes["xtreme"])
    assert settings == EntityRetrievalSettings(representation="pooler", max_length=64, top_k=20)
    assert sum(language.rows or 0 for language in TASK.languages.values()) == 14_624
    (phase,) = TASK.recipes["xtreme"].phases
    for size, batch, micro, rate in ((768, 256, 64, 2e-5), (1024, 32, 8, 1e-5)):
        numbers = [
            n.for_hidden_size(size) for n in (phase.batch_size, phase.micro_batch, phase.learning_rate)
        ]  # type: ignore[union-attr]
        assert numbers == [batch, micro, rate]


def sentence(i: int) -> str:
    return " ".join(WORDS[(i * 3 + j * (1 + i % 5)) % len(WORDS)] for j in range(4 + i % 3))


def spans(*pairs: tuple[int, int]) -> list[dict[str, int]]:
    return [{"start": start, "end": end} for start, end in pairs]


def in_context(i: int, language: str) -> tuple[dict[str, Any], dict[str, Any]]:
    first, second = sentence(i) + ".", sentence(i + 7) + "."
    text = f"{first}\n{second}"
    context = {
        "document_id": f"{language}-{i // 3}",
        "language": language,
        "text": text,
        "sentence_spans": spans((0, len(first)), (len(first) + 1, len(text))),
    }
    word = second.split()[0]
    start = len(first) + 1
    span = {"start": start, "end": start + len(word), "text": word}
    mention = {"example_id": f"{language}{i}", "mention_span": span, "entity_id": f"Q{i}"}
    return context, mention


def entity(i: int) -> dict[str, Any]:
    text = sentence(i + 7)
    return {"entity_id": f"Q{i}", "description": text, "sentence_spans": spans((0, len(text)))}


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder in the release's layout, and the shipped task cut down to it."""
    rows = []
    for language in LANGUAGES:
        for i in range(12):
            context, mention = in_context(i, language)
            rows.append({"context": context, "mentions": [mention]})
    write(tmp_path / "mewslix" / "wikinews_mentions-test.jsonl", rows)
    write(tmp_path / "mewslix" / "candidate_set_entities.jsonl", [entity(i) for i in range(40)])
    pairs = []
    for i in range(24):
        context, mention = in_context(i, "en")
        pairs.append({"contextual_mention": {"context": context, "mention": mention}, "entity": entity(i)})
    write(tmp_path / "mewslix" / "wikipedia_pairs-train.jsonl", pairs)
    spec = yaml.safe_load((builtin("tasks") / "targets" / "mewslix.yaml").read_text(encoding="utf-8"))
    spec["languages"] = {code: {"tag": code, "rows": 12} for code in LANGUAGES}
    spec["data"]["pool"]["local"]["options"]["rows"] = 40
    spec["training_sets"]["wikipedia_pairs"]["rows"] = 24
    (phase,) = spec["recipes"]["xtreme"]["phases"]
    phase |= {"learning_rate": 1e-3, "batch_size": 12, "micro_batch": 6}
    (tmp_path / "mewslix.yaml").write_text(yaml.safe_dump(spec), encoding="utf-8")
    return tmp_path


def run(folder: Path, model: Any, out: str, **changes: Any) -> Evaluation:
    fields = {
        "model": str(model.path),
        "adapter": "generic",
        "tasks": (str(folder / "mewslix.yaml"),),
        "recipe": "none",
        "data_dir": str(folder),
        "out": str(folder / out),
        "threads": 1,
        "resamples": 200,
    }
    return evaluate(RunSpec.model_validate(fields | changes), QUIET)


def test_a_run_of_generated_mewslix_files(folder: Path, tiny_model: Callable[..., Any]) -> None:
    model = tiny_model("xlm-roberta")
    whole = run(folder, model, "whole")
    assert whole.incomplete == ()
    metric = whole.scores.tasks["mewslix"].metrics["map@20"]
    predictions = whole.folder / "predictions" / "mewslix" / "test-en.json"
    ranked = json.loads(predictions.read_bytes())
    assert list(ranked) == [f"en{i}" for i in range(12)]
    assert all(len(set(ids)) == len(ids) == 20 for ids in ranked.values())
    by_hand = [1 / (1 + ids.index(f"Q{i[2:]}")) if f"Q{i[2:]}" in ids else 0.0 for i, ids in ranked.items()]
    assert metric.languages["en"].value == pytest.approx(100 * sum(by_hand) / 12)
    assert whole.findings.few_units == {"mewslix": 4}  # articles
    assert score_run(whole.folder, data_dir=folder, progress=QUIET).scores == whole.scores
    # The pool does not depend on the languages asked for.
    part = run(folder, model, "part", languages=("en",))
    assert part.scores.tasks["mewslix"].metrics["map@20"].languages["en"] == metric.languages["en"]
    assert (part.folder / "predictions" / "mewslix" / "test-en.json").read_bytes() == predictions.read_bytes()


def test_the_official_recipe_trains_on_pairs(folder: Path, tiny_model: Callable[..., Any]) -> None:
    trained = run(folder, tiny_model("xlm-roberta"), "trained", recipe="xtreme")
    assert trained.incomplete == ()
    (record,) = trained.folder.glob("training/*/1-wikipedia_pairs/training.json")
    told = json.loads(record.read_bytes())
    assert told["plan"]["micro_batch"] == 6 and told["plan"]["accumulation"] == 2
    assert told["plan"]["steps"] == 4 and told["data"]["examples"] == 24


def test_mentions_and_pool_of_two_versions_are_refused_before_anything_is_written(
    folder: Path, tiny_model: Callable[..., Any]
) -> None:
    write(folder / "mewslix" / "candidate_set_entities.jsonl", [entity(i + 3) for i in range(40)])
    with pytest.raises(DataError, match=r"language 'de': 3 of 12 queries have no answer among the 40.*'de0'"):
        run(folder, tiny_model("xlm-roberta"), "lost")
    assert not (folder / "lost").exists()
    write(folder / "mewslix" / "candidate_set_entities.jsonl", [entity(i) for i in range(39)])
    with pytest.raises(DataError, match="39 entities, expected 40"):
        run(folder, tiny_model("xlm-roberta"), "lost")


def test_xtremes_own_folder_is_refused_with_where_the_labels_are(
    folder: Path, tiny_model: Callable[..., Any]
) -> None:
    (folder / "mewslix" / "wikinews_mentions-test.jsonl").unlink()
    for language in LANGUAGES:
        context, mention = in_context(0, language)
        hidden = {"context": context, "mentions": [mention | {"entity_id": ""}]}
        write(folder / "mewslix" / "wikinews_mentions" / f"test-{language}.jsonl", [hidden])
    with pytest.raises(DataError, match=r"test-de\.jsonl:1: the gold is hidden.*get-mewsli-x\.sh"):
        run(folder, tiny_model("xlm-roberta"), "hidden")
