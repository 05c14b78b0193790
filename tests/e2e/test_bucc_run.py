"""BUCC in its released layouts, from corpora to a run folder, with a tiny checkpoint."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.demo.world import LANGUAGES, World, text_of
from harness.errors import DataError
from harness.evaluate import Evaluation, evaluate, score_run
from harness.progress import Progress

QUIET = Progress(quiet=True)
SIZES = {"training": (40, 60), "sample": (25, 40)}  # gold pairs, further sentences on either side


def write_corpora(root: Path, code: str, *, seed: int, xtreme: bool = False) -> None:
    """Write corpora of the generated languages as BUCC has them, each with repeated sentences."""
    world = World(seed)
    for split, (shared, alone) in SIZES.items():
        both, left, right = (world.meanings(count) for count in (shared, alone, alone))
        sides = {code: (LANGUAGES[1], both + left), "en": (LANGUAGES[0], right + both)}
        stem = root / "bucc2018" / f"{code}-en" / f"{code}-en.{split}"
        if xtreme:
            stem = root / "bucc2018" / f"{code}-en.{'test' if split == 'training' else 'dev'}"
        stem.parent.mkdir(parents=True, exist_ok=True)
        for side, (language, meanings) in sides.items():
            texts = [text_of([word for word, _ in world.sentence(m, language)]) for m in meanings]
            texts += texts[-3:]
            lines = [f"{side}-{i:09d}\t{text}\n" for i, text in enumerate(texts)]
            Path(f"{stem}.{side}").write_text("".join(lines), encoding="utf-8")
        gold = [f"{code}-{i:09d}\ten-{alone + i:09d}\n" for i in range(shared)]
        Path(f"{stem}.gold").write_text("".join(gold), encoding="utf-8")


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bucc")
    for seed, code in enumerate(("de", "fr")):
        write_corpora(root, code, seed=seed)
    return root


def run(inputs: Any, data: Path, out: Path, **changes: object) -> Evaluation:
    fields = {"suite": None, "tasks": ("bucc2018",), "languages": ("de", "fr"), "data_dir": str(data)}
    return evaluate(inputs.request(out, recipe="none", **(fields | changes)), QUIET)


@pytest.fixture(scope="module")
def mined(inputs: Any, corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    return run(inputs, corpora, tmp_path_factory.mktemp("bucc-runs") / "exact", search="exact")


def pairs(path: Path) -> set[str]:
    return {line.strip() for line in path.read_text(encoding="utf-8").splitlines()}


def f1(gold: set[str], predicted: set[str]) -> float:
    both = len(gold & predicted)
    precision, recall = both / max(1, len(predicted)), both / len(gold)
    return 200 * precision * recall / (precision + recall) if both else 0.0


def test_scores_are_those_of_the_files(mined: Evaluation, corpora: Path) -> None:
    scores = mined.scores.tasks["bucc2018"]
    assert scores.main == "f1"
    for code in ("de", "fr"):
        gold = pairs(corpora / "bucc2018" / f"{code}-en" / f"{code}-en.training.gold")
        predicted = pairs(mined.folder / "predictions" / "bucc2018" / f"test-{code}.tsv")
        best = pairs(mined.folder / "extra" / "bucc2018" / f"best_on_test-{code}.tsv")
        cell = scores.metrics["f1"].languages[code]
        assert cell.value == pytest.approx(f1(gold, predicted), abs=1e-9)
        assert cell.n == len(gold) == 40
        assert 5 < cell.value < 100
        upper = scores.metrics["f1_best_on_test"].languages[code].value
        assert upper == pytest.approx(f1(gold, best), abs=1e-9)
        assert upper >= cell.value
        assert scores.metrics["precision"].languages[code].value == pytest.approx(
            100 * len(gold & predicted) / len(predicted)
        )


def test_the_thresholds_are_on_record(mined: Evaluation) -> None:
    for code in ("de", "fr"):
        text = (mined.folder / "extra" / "bucc2018" / f"threshold-{code}.tsv").read_text(encoding="utf-8")
        rows = [line.split("\t") for line in text.splitlines()]
        assert [(row[0], row[2]) for row in rows] == [("prediction", "dev"), ("best_on_test", "test")]
        assert 0 < float(rows[0][3]) <= 100
        best = mined.scores.tasks["bucc2018"].metrics["f1_best_on_test"].languages[code].value
        assert float(rows[1][3]) == pytest.approx(best)
    record = json.loads((mined.folder / "run.json").read_bytes())
    assert set(record["beside"]["bucc2018"]) == {"de", "fr"}


def test_rows_beside_gold_belong_to_their_foreign_sentence(mined: Evaluation) -> None:
    table = pq.read_table(mined.folder / "examples" / "bucc2018" / "de.parquet").to_pydict()
    ids, golds, clusters = table["example_id"], table["gold"], table["cluster_id"]
    assert all(c == i.split("\t")[0] for i, c in zip(ids, clusters, strict=True))
    beside = [i for i, gold in zip(ids, golds, strict=True) if gold == ""]
    assert beside == sorted(beside) and len(beside) == len(ids) - 40
    assert sum(table["f1/gold"]) == 40


def test_faiss_mines_the_same_pairs(mined: Evaluation, inputs: Any, corpora: Path, tmp_path: Path) -> None:
    flat = run(inputs, corpora, tmp_path / "flat", search="faiss-flat")
    for path in sorted(mined.folder.glob("*/bucc2018/*.tsv")):
        assert (flat.folder / path.relative_to(mined.folder)).read_bytes() == path.read_bytes()
    written = [(folder / "scores.json").read_bytes() for folder in (flat.folder, mined.folder)]
    assert written[0] == written[1]


def test_scored_again_the_bytes_are_the_same(mined: Evaluation, corpora: Path, tmp_path: Path) -> None:
    before = (mined.folder / "scores.json").read_bytes()
    again = score_run(mined.folder, data_dir=corpora, progress=QUIET)
    assert again.scores == mined.scores
    score_run(mined.folder, out=tmp_path / "copy", progress=QUIET)
    assert (tmp_path / "copy" / "scores.json").read_bytes() == before


def test_only_what_is_missing_is_mined_again(inputs: Any, corpora: Path, tmp_path: Path) -> None:
    first = run(inputs, corpora, tmp_path / "run", languages=("de",))
    path = first.folder / "extra" / "bucc2018" / "threshold-de.tsv"
    written, scores = path.read_bytes(), (first.folder / "scores.json").read_bytes()
    path.write_bytes(b"prediction\tmany\tdev\t1\n")
    run(inputs, corpora, tmp_path / "run", languages=("de",))
    assert path.read_bytes() == written
    assert (first.folder / "scores.json").read_bytes() == scores


def test_a_limited_run_asks_for_its_own_pairs_only(inputs: Any, corpora: Path, tmp_path: Path) -> None:
    outcome = run(inputs, corpora, tmp_path / "run", languages=("de",), limit=5)
    foreign = {f"de-{i:09d}" for i in range(5)}
    predicted = pairs(outcome.folder / "predictions" / "bucc2018" / "test-de.tsv")
    assert {pair.split("\t")[0] for pair in predicted} <= foreign
    assert outcome.scores.tasks["bucc2018"].metrics["f1"].languages["de"].n == 5


def test_dev_on_dev_and_best_on_test_say_so_in_every_name(
    mined: Evaluation, inputs: Any, corpora: Path, tmp_path: Path
) -> None:
    tasks = ("bucc2018-dev-on-dev", "bucc2018-best-on-test")
    outcome = run(inputs, corpora, tmp_path / "run", tasks=tasks)
    for name in tasks:
        suffix = name.removeprefix("bucc2018-").replace("-", "_")
        assert all(metric.endswith(suffix) for metric in outcome.scores.tasks[name].metrics)
    upper = outcome.scores.tasks["bucc2018-best-on-test"].metrics["f1_best_on_test"].languages["de"].value
    assert upper == mined.scores.tasks["bucc2018"].metrics["f1_best_on_test"].languages["de"].value
    thresholds = (outcome.folder / "extra" / "bucc2018-dev-on-dev" / "threshold-de.tsv").read_text("utf-8")
    tuned = (mined.folder / "extra" / "bucc2018" / "threshold-de.tsv").read_text("utf-8")
    on_dev = thresholds.splitlines()[0].split("\t")
    assert on_dev[1] == tuned.splitlines()[0].split("\t")[1]
    measured = outcome.scores.tasks["bucc2018-dev-on-dev"].metrics["f1_dev_on_dev"].languages["de"].value
    assert measured == pytest.approx(float(on_dev[3]))


def test_xtreme_s_download_lacks_the_test_gold_until_it_is_put_there(inputs: Any, tmp_path: Path) -> None:
    write_corpora(tmp_path / "data", "de", seed=0, xtreme=True)
    gold = tmp_path / "data" / "bucc2018" / "de-en.test.gold"
    gold.rename(gold.with_name("kept"))
    with pytest.raises(DataError, match=r"de-en\.test\.gold or .*de-en\.training\.gold"):
        run(inputs, tmp_path / "data", tmp_path / "run", languages=("de",))
    gold.with_name("kept").rename(gold.with_name("de-en.training.gold"))
    outcome = run(inputs, tmp_path / "data", tmp_path / "run", languages=("de",))
    assert outcome.incomplete == ()


def test_without_the_sample_split_nothing_is_begun(inputs: Any, tmp_path: Path) -> None:
    write_corpora(tmp_path / "data", "de", seed=0)
    for path in (tmp_path / "data").rglob("*.sample.*"):
        path.unlink()
    with pytest.raises(DataError, match="development set, language 'de'"):
        run(inputs, tmp_path / "data", tmp_path / "run", languages=("de",), sources=("local",))
    assert not (tmp_path / "run").exists()
