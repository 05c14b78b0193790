"""A whole run: what it writes, that it is done once, and that it can be scored again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.errors import DataError, RequestError, ResultError
from harness.evaluate import Evaluation, evaluate, score_run
from harness.progress import Progress

QUIET = Progress(quiet=True)
LANGUAGES = ["qaa", "qab", "qac", "qad"]


def files_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a run by relative path, but its lock and the record with its paths and times."""
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p.name not in (".lock", "run.json")
    }


def test_every_task_kind_is_scored_in_every_language(finished: Evaluation) -> None:
    scores = json.loads((finished.folder / "scores.json").read_bytes())
    assert finished.incomplete == ()
    assert scores["missing"] == {}
    assert sorted(scores["tasks"]) == [
        "demo-bitext",
        "demo-choice",
        "demo-passages",
        "demo-qa",
        "demo-tagging",
    ]
    for name, task in scores["tasks"].items():
        expected = LANGUAGES[1:] if name == "demo-bitext" else LANGUAGES
        for metric in task["metrics"].values():
            assert sorted(metric["languages"]) == expected
            cells = [*metric["languages"].values(), metric["average"]]
            assert all(0 <= c["low"] <= c["value"] <= c["high"] <= 100 for c in cells)
            mean = sum(c["value"] for c in metric["languages"].values()) / len(expected)
            assert metric["average"]["value"] == pytest.approx(mean)
    tasks = scores["tasks"]
    qa = [tasks["demo-qa"]["metrics"][m]["average"]["value"] for m in ("f1", "exact_match")]
    assert scores["groups"]["qa"]["value"] == pytest.approx(sum(qa) / 2)
    parts = [
        tasks["demo-bitext"]["metrics"]["accuracy"]["average"]["value"],
        tasks["demo-passages"]["metrics"]["map@20"]["average"]["value"],
        tasks["demo-tagging"]["metrics"]["f1"]["average"]["value"],
        sum(qa) / 2,
        tasks["demo-choice"]["metrics"]["accuracy"]["average"]["value"],
    ]
    assert scores["overall"]["value"] == pytest.approx(sum(parts) / 5)


def test_training_on_the_source_language_is_learnt_and_transfers_by_shared_words(
    finished: Evaluation,
) -> None:
    tagging = finished.scores.tasks["demo-tagging"].metrics["accuracy"].languages
    assert tagging["qaa"].value > 90  # a tagger that guessed the commonest tag would reach 43
    assert tagging["qaa"].value > tagging["qac"].value > tagging["qad"].value


def test_predictions_are_in_the_official_layout(finished: Evaluation, inputs: Any) -> None:
    predictions = finished.folder / "predictions"
    rows = (predictions / "demo-bitext" / "test-qab.tsv").read_text(encoding="utf-8").splitlines()
    assert len(rows) == 200
    assert all(0 <= int(row) < 200 for row in rows)
    assert (
        len((finished.folder / "extra" / "demo-bitext" / "to_en-qab.tsv").read_text("utf-8").splitlines())
        == 200
    )
    blocks = (predictions / "demo-tagging" / "test-qac.tsv").read_text(encoding="utf-8").strip().split("\n\n")
    assert [len(b.split("\n")) for b in blocks] == [7] * 100
    answers = json.loads((predictions / "demo-qa" / "test-qad.json").read_bytes())
    assert len(answers) == 90
    contexts = json.loads((inputs.data / "demo-qa" / "test.qad.json").read_bytes())["data"]
    by_id = {q["id"]: p["context"] for a in contexts for p in a["paragraphs"] for q in p["qas"]}
    assert all(answer in by_id[key] for key, answer in answers.items())


def test_examples_hold_gold_and_statistics(finished: Evaluation) -> None:
    table = pq.read_table(finished.folder / "examples" / "demo-qa" / "qab.parquet")
    assert table.column_names[:5] == ["seed", "example_id", "parallel_id", "cluster_id", "gold"]
    assert table.num_rows == 90
    f1 = finished.scores.tasks["demo-qa"].metrics["f1"].languages["qab"].value
    column = [name for name in table.column_names if name.startswith("f1/")]
    sums = [sum(table.column(name).to_pylist()) for name in column]
    assert 100 * sums[0] / sums[1] == pytest.approx(f1)


def test_the_same_command_does_the_work_once(
    finished: Evaluation, inputs: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files_of(finished.folder)

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a finished run loads no network")

    monkeypatch.setattr("harness.backends.loading.load_network", refuse)
    monkeypatch.setattr("harness.backends.encoder.open_encoder", refuse)
    again = evaluate(inputs.request(finished.folder), QUIET)
    assert again.incomplete == ()
    assert files_of(finished.folder) == before


def test_lost_predictions_are_made_again_with_the_same_bytes(
    finished: Evaluation, inputs: Any, copy_of: Callable[[Path], Path]
) -> None:
    folder = copy_of(finished.folder)
    (folder / "predictions" / "demo-tagging" / "test-qac.tsv").unlink()
    (folder / "predictions" / "demo-passages" / "test-qab.json").unlink()
    (folder / "scores.json").unlink()
    evaluate(inputs.request(folder), QUIET)
    assert files_of(folder) == files_of(finished.folder)


def test_scoring_again_gives_the_same_bytes_without_model_or_data(
    finished: Evaluation, copy_of: Callable[[Path], Path], tmp_path: Path, inputs: Any
) -> None:
    folder = copy_of(finished.folder)
    before = files_of(folder)
    score_run(folder, progress=QUIET)
    score_run(folder, data_dir=inputs.data, progress=QUIET)
    assert files_of(folder) == before
    score_run(folder, out=tmp_path / "again", progress=QUIET)
    copied = files_of(tmp_path / "again")
    assert copied.keys() == {name for name in before if not name.startswith("training/")}
    assert all(copied[name] == before[name] for name in copied)


def test_damaged_predictions_are_made_again(
    finished: Evaluation, inputs: Any, copy_of: Callable[[Path], Path]
) -> None:
    folder = copy_of(finished.folder)
    cut = folder / "predictions" / "demo-bitext" / "test-qab.tsv"
    cut.write_bytes(cut.read_bytes()[:40])
    (folder / "predictions" / "demo-passages" / "test-qac.json").write_bytes(b"")
    (folder / "examples" / "demo-choice" / "qad.parquet").write_bytes(b"PAR1")
    evaluate(inputs.request(folder), QUIET)
    assert files_of(folder) == files_of(finished.folder)


def test_beginning_anew_deletes_nothing_that_a_run_did_not_write(inputs: Any, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    (folder / "predictions").mkdir(parents=True)
    (folder / "predictions" / "mine.txt").write_text("precious", encoding="utf-8")
    (folder / "run.json").write_text("hi", encoding="utf-8")
    with pytest.raises(ResultError, match="not a record of a run"):
        evaluate(inputs.request(folder, tasks=("demo-bitext",), resume=False), QUIET)
    assert (folder / "predictions" / "mine.txt").read_text(encoding="utf-8") == "precious"


def test_a_copy_cannot_lie_inside_its_run(finished: Evaluation) -> None:
    with pytest.raises(RequestError, match="inside the run folder"):
        score_run(finished.folder, out=finished.folder / "predictions" / "again", progress=QUIET)
    assert not (finished.folder / "predictions" / "again").exists()


def test_a_record_that_forgets_cells_is_not_consistent(
    finished: Evaluation, copy_of: Callable[[Path], Path]
) -> None:
    folder = copy_of(finished.folder)
    tree = json.loads((folder / "run.json").read_bytes())
    del tree["data"]["demo-qa"]["qac"]
    tree["seeds"] = [1, 2]
    (folder / "run.json").write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(ResultError) as caught:
        score_run(folder, progress=QUIET)
    assert "'qac' has no data fingerprint" in str(caught.value)
    assert "run.json says [1, 2]" in str(caught.value)


@pytest.mark.parametrize("edit", ["code", "content"])
def test_a_hostile_record_is_refused(
    finished: Evaluation, copy_of: Callable[[Path], Path], edit: str
) -> None:
    folder = copy_of(finished.folder)
    tree = json.loads((folder / "run.json").read_bytes())
    spec = next(s for s in tree["specs"] if s["name"] == "demo-qa")
    if edit == "code":
        spec["content"]["metrics"][0]["computes"] = "this:s"
    else:
        spec["content"]["metrics"] = []
    (folder / "run.json").write_text(json.dumps(tree), encoding="utf-8")
    with pytest.raises(ResultError, match="this:s" if edit == "code" else "metrics"):
        score_run(folder, progress=QUIET)


def test_two_tasks_of_one_name_are_refused(inputs: Any, tmp_path: Path, repository: Path) -> None:
    import shutil

    other = tmp_path / "demo-bitext.yaml"
    shutil.copy(repository / "tasks" / "targets" / "demo-bitext.yaml", other)
    with pytest.raises(RequestError, match="both called 'demo-bitext'"):
        evaluate(inputs.request(tmp_path / "run", suite=None, tasks=("demo-bitext", str(other))), QUIET)


def test_an_output_that_the_kind_lacks_is_said_before_anything_runs(
    inputs: Any, tmp_path: Path, repository: Path
) -> None:
    text = (repository / "tasks" / "targets" / "demo-bitext.yaml").read_text(encoding="utf-8")
    path = tmp_path / "demo-bitext.yaml"
    path.write_text(text.replace("output: to_en", "output: to_fr"), encoding="utf-8")
    with pytest.raises(RequestError, match=r"'to_fr'.*prediction, to_en"):
        evaluate(inputs.request(tmp_path / "run", suite=None, tasks=(str(path),), recipe="none"), QUIET)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("change", ["score", "prediction", "gold"])
def test_what_was_edited_does_not_pass_as_consistent(
    finished: Evaluation, copy_of: Callable[[Path], Path], change: str
) -> None:
    folder = copy_of(finished.folder)
    if change == "score":
        path = folder / "scores.json"
        value = f'"value": {finished.scores.tasks["demo-qa"].metrics["f1"].languages["qab"].value}'
        text = path.read_text(encoding="utf-8")
        assert value in text
        path.write_text(text.replace(value, '"value": 99.0', 1), encoding="utf-8")
        expected = "is not what the predictions"
    elif change == "prediction":
        path = folder / "predictions" / "demo-choice" / "test-qab.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines()
        row = json.loads(lines[0])
        lines[0] = json.dumps(row | {"label": 1 - row["label"]})
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        expected = "is not what the predictions"
    else:
        from dataclasses import replace

        from harness.results.examples import read_examples, write_examples

        path = folder / "examples" / "demo-choice" / "qab.parquet"
        cell = read_examples(path, task="demo-choice", language="qab")
        flipped = tuple("1" if gold == "0" else "0" for gold in cell.golds)
        columns = {"accuracy": ("correct", "total")}
        write_examples(path, replace(cell, golds=flipped), columns)
        expected = "was changed after the run"
    with pytest.raises(ResultError, match=expected):
        score_run(folder, progress=QUIET)


def test_gold_that_is_not_the_sources_is_found(finished: Evaluation, inputs: Any, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(inputs.data, tmp_path / "data")
    path = tmp_path / "data" / "demo-choice" / "qad" / "test.qad.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    row = json.loads(lines[3])
    lines[3] = json.dumps(row | {"label": 1 - row["label"]})
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(ResultError, match=r"task 'demo-choice', language 'qad'"):
        score_run(finished.folder, data_dir=tmp_path / "data", progress=QUIET)


def test_another_request_into_the_same_folder_is_refused(finished: Evaluation, inputs: Any) -> None:
    before = files_of(finished.folder)
    with pytest.raises(ResultError, match="limit"):
        evaluate(inputs.request(finished.folder, limit=5), QUIET)
    assert files_of(finished.folder) == before


def test_beginning_anew_gives_the_same_bytes(
    finished: Evaluation, inputs: Any, copy_of: Callable[[Path], Path]
) -> None:
    folder = copy_of(finished.folder)
    request = inputs.request(folder, resume=False)
    evaluate(request, QUIET)
    assert (folder / "scores.json").read_bytes() == (finished.folder / "scores.json").read_bytes()


def test_some_languages_have_no_average_but_a_named_mean(inputs: Any, tmp_path: Path) -> None:
    request = inputs.request(tmp_path / "run", tasks=("demo-bitext",), languages=("qab", "qad"))
    result = evaluate(request, QUIET)
    tree = json.loads((tmp_path / "run" / "scores.json").read_bytes())
    assert tree["tasks"]["demo-bitext"]["metrics"]["accuracy"]["average"] is None
    assert tree["missing"]["demo-bitext"] == ["qac"]
    assert sorted(tree["missing"]) == [
        "demo-bitext",
        "demo-choice",
        "demo-passages",
        "demo-qa",
        "demo-tagging",
    ]
    assert tree["overall"] is None
    assert set(tree["groups"].values()) == {None}
    values = [
        tree["tasks"]["demo-bitext"]["metrics"]["accuracy"]["languages"][c]["value"] for c in ("qab", "qad")
    ]
    mean = result.findings.partial["demo-bitext"]["accuracy"]
    assert mean.estimate.value == pytest.approx(sum(values) / 2)
    assert "mean of qab, qad" in (tmp_path / "run" / "report.md").read_text(encoding="utf-8")


def test_two_seeds_train_twice_and_retrieval_once(inputs: Any, tmp_path: Path) -> None:
    request = inputs.request(
        tmp_path / "run", tasks=("demo-bitext", "demo-choice"), languages=("qab",), seeds=(3, 5)
    )
    evaluate(request, QUIET)
    trained = pq.read_table(tmp_path / "run" / "examples" / "demo-choice" / "qab.parquet")
    assert trained.column("seed").to_pylist() == [3] * 100 + [5] * 100
    retrieved = pq.read_table(tmp_path / "run" / "examples" / "demo-bitext" / "qab.parquet")
    assert retrieved.column("seed").to_pylist() == [3] * 200
    further = tmp_path / "run" / "seeds" / "5" / "predictions"
    assert [p.name for p in further.iterdir()] == ["demo-choice"]
    first = tmp_path / "run" / "predictions" / "demo-choice" / "test-qab.jsonl"
    assert first.read_bytes() != (further / "demo-choice" / "test-qab.jsonl").read_bytes()
    per_seed = trained.column("accuracy/correct").to_numpy().reshape(2, 100).mean(axis=1)
    tree = json.loads((tmp_path / "run" / "scores.json").read_bytes())
    value = tree["tasks"]["demo-choice"]["metrics"]["accuracy"]["languages"]["qab"]["value"]
    assert value == pytest.approx(100 * per_seed.mean())


def test_a_limited_run_is_stamped_everywhere(inputs: Any, tmp_path: Path) -> None:
    request = inputs.request(tmp_path / "run", tasks=("demo-bitext",), limit=7)
    assert evaluate(request, QUIET).findings.few_units == {"demo-bitext": 7}
    assert json.loads((tmp_path / "run" / "run.json").read_bytes())["limit"] == 7
    for suffix in ("md", "html", "tex"):
        text = (tmp_path / "run" / f"report.{suffix}").read_text(encoding="utf-8").lower()
        assert "limit 7" in text
        assert "fewer than 20 independent units" in text


def test_missing_data_are_all_named_and_nothing_is_written(inputs: Any, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(inputs.data, tmp_path / "data")
    (tmp_path / "data" / "demo-bitext" / "demo.qac-qaa.qac").unlink()
    (tmp_path / "data" / "demo-choice" / "qaa" / "train.qaa.jsonl").unlink()
    request = inputs.request(tmp_path / "run", data_dir=str(tmp_path / "data"))
    with pytest.raises(DataError) as caught:
        evaluate(request, QUIET)
    message = str(caught.value)
    assert "demo.qac-qaa.qac" in message
    assert "train.qaa.jsonl" in message
    assert "--recipe none" in message
    assert not (tmp_path / "run").exists()


def test_a_recipe_that_trains_nothing_needs_a_head(inputs: Any, tmp_path: Path) -> None:
    from harness.errors import ModelError

    request = inputs.request(tmp_path / "run", tasks=("demo-tagging",), recipe="none")
    with pytest.raises(ModelError, match="no head"):
        evaluate(request, QUIET)
    assert not (tmp_path / "run").exists()


def test_a_trained_head_is_used_as_it_is(finished: Evaluation, inputs: Any, tmp_path: Path) -> None:
    record = json.loads((finished.folder / "run.json").read_bytes())
    key = record["training"]["demo-tagging"][0]["key"]
    trained = finished.folder / "training" / key / "1-tagged"
    result = evaluate(
        inputs.request(tmp_path / "run", model=str(trained), tasks=("demo-tagging",), recipe="none"), QUIET
    )
    again = result.scores.tasks["demo-tagging"].metrics["f1"].languages
    assert again == finished.scores.tasks["demo-tagging"].metrics["f1"].languages


def test_unknown_languages_are_refused_with_the_nearest(inputs: Any, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"'qabb'.*did you mean 'qab'"):
        evaluate(inputs.request(tmp_path / "run", languages=("qabb",)), QUIET)
