"""What an evaluation predicted, scored as a submission against label files of the same gold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.evaluate import Evaluation, score_submission
from harness.progress import Progress
from harness.results.examples import read_examples
from harness.specs.run import ScoreSpec

QUIET = Progress(quiet=True)


def label_file(task: str, golds: dict[str, str]) -> str:
    """Write the gold of a cell as its label file."""
    if task == "demo-bitext":
        return "".join(f"{gold}\n" for gold in golds.values())
    if task == "demo-choice":
        return "".join(json.dumps({"idx": int(i), "label": int(gold)}) + "\n" for i, gold in golds.items())
    if task == "demo-tagging":
        return "".join("".join(f"{tag}\n" for tag in json.loads(gold)) + "\n" for gold in golds.values())
    if task == "demo-passages":
        return json.dumps({i: json.loads(gold) for i, gold in golds.items()})
    qas = [{"id": i, "answers": [{"text": text} for text in json.loads(gold)]} for i, gold in golds.items()]
    return json.dumps({"data": [{"title": "one", "paragraphs": [{"qas": qas}]}]})


@pytest.fixture(scope="module")
def labels(finished: Evaluation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labels")
    for path in (finished.folder / "predictions").rglob("test-*"):
        task, code = path.parent.name, path.stem.removeprefix("test-")
        cell = read_examples(
            finished.folder / "examples" / task / f"{code}.parquet", task=task, language=code
        )
        golds = dict(zip(cell.example_ids, cell.golds, strict=True))
        (folder / task).mkdir(exist_ok=True)
        (folder / task / path.name).write_text(label_file(task, golds), encoding="utf-8")
    return folder


def test_the_same_numbers_from_the_same_test_sets(finished: Evaluation, labels: Path, tmp_path: Path) -> None:
    request = ScoreSpec(
        predictions=str(finished.folder / "predictions"), labels=str(labels), suite="demo", resamples=500
    )
    result = score_submission(request, out=tmp_path / "run", progress=QUIET)
    ours, theirs = result.scores, finished.scores
    assert ours.missing == {} and ours.tasks.keys() == theirs.tasks.keys()
    for task, found in ours.tasks.items():
        for metric, scored in found.metrics.items():
            expected = theirs.tasks[task].metrics[metric]
            assert {c: s.value for c, s in scored.languages.items()} == {
                c: s.value for c, s in expected.languages.items()
            }
            assert scored.average is not None and expected.average is not None
            assert scored.average.value == pytest.approx(expected.average.value, abs=1e-9)
    # The way back, which no submission has a place for, is not scored.
    assert set(theirs.tasks["demo-bitext"].metrics) - set(ours.tasks["demo-bitext"].metrics) == {
        "accuracy_to_en"
    }
    assert ours.overall is not None and theirs.overall is not None
    assert ours.overall.value == pytest.approx(theirs.overall.value, abs=1e-9)
    records = [
        json.loads((folder / "run.json").read_bytes()) for folder in (finished.folder, tmp_path / "run")
    ]
    prints = [
        {(t, c): d["fingerprint"] for t, codes in r["data"].items() for c, d in codes.items()}
        for r in records
    ]
    assert prints[0] == prints[1]
