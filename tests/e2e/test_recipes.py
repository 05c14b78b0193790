"""Which recipe a task gets, what it trains on, and what is kept out of the test."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import harness
from harness.errors import ModelError, RequestError
from harness.evaluate import Evaluation, evaluate
from harness.progress import Progress
from harness.results.record import read_record

QUIET = Progress(quiet=True)
TRAINED = 10  # articles of the test release


@pytest.fixture
def own_tasks(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with `quick-qa`, trained on part of the test release, and `quick-bitext` on its encoder."""
    folder = tmp_path / "own" / "tasks" / "targets"
    folder.mkdir(parents=True)
    builtin = repository / "tasks" / "targets"
    text = (builtin / "demo-qa.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("name: demo-qa\n", "name: quick-qa\n"),
        ("    rows: 180\n", f"    first_clusters: {TRAINED}\n    hold_out: true\n"),
        ("demo-qa/train.{code}.json", "demo-qa/test.{code}.json"),
        ("epochs: 12", "epochs: 1"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "quick-qa.yaml").write_text(text, encoding="utf-8")
    text = (builtin / "demo-bitext.yaml").read_text(encoding="utf-8")
    for old, new in (
        ("name: demo-bitext\n", "name: quick-bitext\n"),
        ("    stamp: smoke\n", "    encoder_of: quick-qa\n"),
    ):
        assert old in text
        text = text.replace(old, new)
    (folder / "quick-bitext.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("XHARNESS_PATH", str(tmp_path / "own"))
    return folder


def test_what_was_trained_on_is_tested_in_no_language_and_the_encoder_is_shared(
    inputs: Any, tmp_path: Path, own_tasks: Path, finished: Evaluation
) -> None:
    request = inputs.request(
        tmp_path / "run",
        suite=None,
        tasks=("quick-qa", "quick-bitext"),
        recipe="smoke",
        languages=("qaa", "qad"),
    )
    result = evaluate(request, QUIET)
    assert result.incomplete == ()
    trained = {f"test-{i}" for i in range(TRAINED)}
    for code in ("qaa", "qad"):
        clusters = pq.read_table(tmp_path / "run" / "examples" / "quick-qa" / f"{code}.parquet").column(
            "cluster_id"
        )
        assert len(clusters) == 90 - 3 * TRAINED
        assert not trained & set(clusters.to_pylist())
    record = json.loads((tmp_path / "run" / "run.json").read_bytes())
    runs = record["training"]
    assert runs["quick-qa"][0]["key"] == runs["quick-bitext"][0]["key"]
    assert runs["quick-bitext"][0]["task"] == "quick-qa"
    assert runs["quick-qa"][0]["phases"][0]["epochs"] == 1
    assert len(list((tmp_path / "run" / "training").iterdir())) == 1
    # The encoder moved, so retrieval is no longer that of the checkpoint.
    plain = (finished.folder / "extra" / "demo-bitext" / "to_en-qad.tsv").read_bytes()
    tuned = (tmp_path / "run" / "extra" / "quick-bitext" / "to_en-qad.tsv").read_bytes()
    assert plain != tuned


def test_an_encoder_that_was_trained_already_is_not_trained_again(
    inputs: Any, tmp_path: Path, own_tasks: Path, finished: Evaluation
) -> None:
    key = json.loads((finished.folder / "run.json").read_bytes())["training"]["demo-qa"][0]["key"]
    trained = finished.folder / "training" / key / "1-articles"
    request = inputs.request(
        tmp_path / "run", suite=None, tasks=("quick-bitext",), recipe="smoke", model=str(trained)
    )
    evaluate(request, QUIET)
    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["training"] == {}
    assert not (tmp_path / "run" / "training").exists()


def test_an_encoder_of_a_task_without_that_recipe_is_refused(
    inputs: Any, tmp_path: Path, own_tasks: Path
) -> None:
    path = own_tasks / "quick-bitext.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("  smoke:\n", "  jiant:\n"), encoding="utf-8")
    request = inputs.request(tmp_path / "run", suite=None, tasks=("quick-bitext",), recipe="jiant")
    with pytest.raises(RequestError, match=r"neither a recipe 'jiant' nor 'xtreme'"):
        evaluate(request, QUIET)


def test_a_smoke_run_is_stamped_everywhere(finished: Evaluation) -> None:
    assert json.loads((finished.folder / "run.json").read_bytes())["smoke"] is True
    for suffix in ("md", "html", "tex", "csv"):
        assert "smoke" in (finished.folder / f"report.{suffix}").read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("sentence_encoder", [True, False])
def test_a_sentence_encoder_retrieves_as_it_is(inputs: Any, tmp_path: Path, sentence_encoder: bool) -> None:
    model = tmp_path / "model"
    shutil.copytree(inputs.checkpoint, model)
    if sentence_encoder:
        (model / "1_Pooling").mkdir()
        (model / "1_Pooling" / "config.json").write_text(
            '{"word_embedding_dimension": 96, "pooling_mode_mean_tokens": true}', encoding="utf-8"
        )
        kinds = (("", "Transformer"), ("1_Pooling", "Pooling"))
        modules = [
            {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{kind}"}
            for i, (path, kind) in enumerate(kinds)
        ]
        (model / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    request = inputs.request(tmp_path / "run", model=str(model), tasks=("demo-bitext",), languages=("qab",))
    evaluate(request, QUIET)
    record = json.loads((tmp_path / "run" / "run.json").read_bytes())
    assert record["tasks"]["demo-bitext"]["recipe"] == ("none" if sentence_encoder else "smoke")


def test_a_checkpoint_with_too_few_positions_is_refused_at_once(
    inputs: Any, tmp_path: Path, own_tasks: Path
) -> None:
    path = own_tasks / "quick-qa.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("max_length: 128", "max_length: 384"), encoding="utf-8")
    request = inputs.request(tmp_path / "run", suite=None, tasks=("quick-qa",), recipe="smoke")
    with pytest.raises(ModelError, match=r"up to 384 tokens.*positions for 128"):
        evaluate(request, QUIET)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("articles", [None, 4], ids=["the test set", "a part of it"])
def test_selection_on_test_rows_is_on_record_in_the_report_and_leaves_no_p(
    inputs: Any, tmp_path: Path, own_tasks: Path, articles: int | None
) -> None:
    # TyDiQA under jiant's recipe: the development set is the test set. XQuAD: it holds the test questions.
    data = tmp_path / "data"
    shutil.copytree(inputs.data / "demo-qa", data / "demo-qa")
    tests = json.loads((data / "demo-qa" / "test.qaa.json").read_bytes())
    tests["data"] = tests["data"][:articles]
    (data / "demo-qa" / "dev.qaa.json").write_text(json.dumps(tests), encoding="utf-8")
    text = (own_tasks / "quick-qa.yaml").read_text(encoding="utf-8")
    for old, new in (
        (f"    first_clusters: {TRAINED}\n    hold_out: true\n", "    rows: 180\n"),
        (
            '          articles: ["demo-qa/test.{code}.json"]\nrecipes:',
            '          articles: ["demo-qa/train.{code}.json"]\n    dev:\n      local:\n'
            "        reader: squad_json\n        files:\n"
            '          articles: ["demo-qa/dev.{code}.json"]\nrecipes:',
        ),
        ("epochs: 1,", "epochs: 1, max_steps: 2, selection: {every_steps: 2, first_examples: 9},"),
    ):
        assert old in text
        text = text.replace(old, new)
    (own_tasks / "quick-qa.yaml").write_text(text, encoding="utf-8")
    request = inputs.request(
        tmp_path / "run",
        suite=None,
        tasks=("quick-qa",),
        recipe="smoke",
        languages=("qaa", "qab"),
        data_dir=str(data),
    )
    evaluate(request, QUIET)
    record = read_record(tmp_path / "run" / "run.json")
    assert record.selected_on("quick-qa") == ("qaa",)
    assert [run.test_rows for run in record.training["quick-qa"]] == [{"qaa": 9}]
    for suffix in ("md", "html"):
        report = (tmp_path / "run" / f"report.{suffix}").read_text(encoding="utf-8")
        assert "selected on these very test rows: quick-qa (qaa)" in report
    compared = harness.compare(tmp_path / "run", [tmp_path / "run"], resamples=199).comparisons[0]
    for language in compared.tasks["quick-qa"].languages.values():
        assert "tuned" in language.flags
        assert (language.difference.p, language.difference.p_adjusted) == (None, None)
