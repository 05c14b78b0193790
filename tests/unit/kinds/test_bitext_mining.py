from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.backends import encoder as encoder_module
from harness.data.bucc import read_bucc
from harness.data.reading import Reading
from harness.data.sources import apply_limit
from harness.errors import SpecError
from harness.kinds.base import Work
from harness.kinds.bitext_mining import BitextMining
from harness.metrics.pairs import PairF1
from harness.progress import Progress
from harness.records import NO_GOLD, Cell, DataSet
from harness.specs.task import LocalSource, TaskSpec

SOURCE = {
    "reader": "bucc_release",
    "files": {"corpus_target": ["c.de"], "corpus_source": ["c.en"], "gold": ["c.gold"]},
}
TASK = {
    "name": "mining",
    "version": "1",
    "kind": "bitext_mining",
    "title": "t",
    "licence": "l",
    "citation": "c",
    "source_language": None,
    "languages": {"de": {"tag": "de"}, "fr": {"tag": "fr"}},
    "data": {"local": SOURCE, "dev": {"local": SOURCE}},
    "metrics": [{"name": "f1", "computes": "pair_f1"}],
    "main_metric": "f1",
    "recipes": {"none": {"source": "s"}},
    "settings": {"max_length": 7, "neighbours": 2, "margin": "absolute"},
}


class Letters:
    """An encoder that counts letters: equal bags of letters have equal vectors."""

    def __init__(self) -> None:
        self.calls: list[tuple[Sequence[str], str, int | None]] = []

    def encode(self, texts: Sequence[str], *, role: str, max_length: int | None, advance: Any) -> Any:
        self.calls.append((list(texts), role, max_length))
        advance(len(texts))
        return np.array([[t.lower().count(chr(97 + i)) for i in range(26)] for t in texts], dtype=np.float32)


@pytest.fixture
def letters(monkeypatch: pytest.MonkeyPatch) -> Letters:
    fake = Letters()
    monkeypatch.setattr(encoder_module, "open_encoder", lambda model, **options: fake)
    return fake


def read(folder: Path, foreign: str, english: str, gold: str) -> DataSet:
    """Read corpora whose sentences are given as words: `de-1`, `de-2` .. and `en-1`, `en-2` .."""
    for suffix, text in (("de", foreign), ("en", english)):
        lines = [f"{suffix}-{i}\t{word}\n" for i, word in enumerate(text.split(), 1)]
        (folder / f"c.{suffix}").write_text("".join(lines), encoding="utf-8")
    pairs = "".join(f"de-{p.split('=')[0]}\ten-{p.split('=')[1]}\n" for p in gold.split())
    (folder / "c.gold").write_text(pairs, encoding="utf-8")
    source = LocalSource.model_validate(SOURCE)
    return read_bucc(Reading("mining", "de", source, folder, {"de": {"code": "de"}}))


def work(
    model: Any, test: DataSet, *, dev: DataSet | None = None, limited: bool = False, **settings: Any
) -> Work:
    task = TaskSpec.model_validate({**TASK, "settings": {**TASK["settings"], **settings}})  # type: ignore[dict-item]
    return Work(
        task=task,
        settings=task.settings_for(task.recipes["none"]),
        data={"de": test},
        languages=("de",),
        model=model,
        search="exact",
        progress=Progress(quiet=True),
        dev={} if dev is None else {"de": dev},
        limited=limited,
    )


def predict(work: Work) -> dict[str, Any]:
    [(language, outputs)] = list(BitextMining().predict(work))
    assert language == "de"
    assert set(outputs) == set(BitextMining.formats)
    return dict(outputs)


# Cosines of the mined pairs: 1 (abc), 1 (xyz), then 2 letters of 3 (mno, mnp), then 1 of 3 (rst, rvw).
FOREIGN, ENGLISH = "abc xyz mno rst", "cab zyx mnp rvw"


def test_the_threshold_of_dev_decides_and_best_on_test_stands_beside_it(
    tmp_path: Path, letters: Letters, tiny_model: Callable[..., Any]
) -> None:
    test = read(tmp_path, FOREIGN, ENGLISH, "1=1 2=2 3=3")
    dev = read(tmp_path, "abc mno", "bca mnp", "1=1")
    outputs = predict(work(tiny_model(), test, dev=dev))
    assert outputs["prediction"] == [("de-1", "en-1"), ("de-2", "en-2")]
    assert outputs["best_on_test"] == [("de-1", "en-1"), ("de-2", "en-2"), ("de-3", "en-3")]
    [chosen, best] = outputs["threshold"]
    assert chosen == ("prediction", pytest.approx((1 + 2 / 3) / 2), "dev", 100.0)
    assert best == ("best_on_test", pytest.approx((2 / 3 + 1 / 3) / 2), "test", 100.0)
    assert {(role, length) for _, role, length in letters.calls} == {("symmetric", 7)}


def test_a_threshold_of_test_or_a_number_needs_no_dev(
    tmp_path: Path, letters: Letters, tiny_model: Callable[..., Any]
) -> None:
    test = read(tmp_path, FOREIGN, ENGLISH, "1=1")
    tuned = predict(work(tiny_model(), test, threshold="test"))
    assert tuned["prediction"] == tuned["best_on_test"] == [("de-1", "en-1"), ("de-2", "en-2")]
    fixed = predict(work(tiny_model(), test, threshold=0.3))
    assert len(fixed["prediction"]) == 4
    assert fixed["threshold"][0] == ("prediction", 0.3, "fixed", None)
    with pytest.raises(SpecError, match=r"threshold 'dev' needs development data.*none in de"):
        predict(work(tiny_model(), test))


def test_where_keeping_every_pair_is_best_every_pair_is_kept(
    tmp_path: Path, letters: Letters, tiny_model: Callable[..., Any]
) -> None:
    test = read(tmp_path, FOREIGN, ENGLISH, "1=1 2=2 3=3 4=4")
    tuned = predict(work(tiny_model(), test, threshold="test"))
    assert len(tuned["prediction"]) == len(tuned["best_on_test"]) == 4
    assert tuned["threshold"][0] == ("prediction", pytest.approx(1 / 3), "test", 100.0)


def test_a_specification_without_dev_data_cannot_choose_on_it() -> None:
    with pytest.raises(ValueError, match=r"recipe 'none' chooses its threshold on development data"):
        TaskSpec.model_validate({**TASK, "data": {"local": SOURCE}})


def test_equal_sentences_are_searched_once_and_stand_for_the_first_id(
    tmp_path: Path, letters: Letters, tiny_model: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    test = read(tmp_path, "xyz abc abc", "zzz cab cab", "3=2 2=2 1=3")
    loud = replace(work(tiny_model(), test, threshold=0.9), progress=Progress())
    outputs = predict(loud)
    assert outputs["prediction"] == [("de-2", "en-2")]
    assert [texts for texts, _, _ in letters.calls] == [["xyz", "abc"], ["zzz", "cab"]]
    said = capsys.readouterr().err
    assert "2 x 2 distinct sentences" in said
    assert "2 gold pairs name a repetition" in said
    assert "threshold 0.9 (fixed), 1 of 2 mined pairs are above it" in said


def test_a_limited_run_keeps_what_its_gold_speaks_of(
    tmp_path: Path, letters: Letters, tiny_model: Callable[..., Any]
) -> None:
    test = apply_limit(read(tmp_path, FOREIGN, ENGLISH, "3=3 1=1 2=2"), 1)
    assert predict(work(tiny_model(), test, threshold=0.1, limited=True))["prediction"] == [("de-3", "en-3")]
    assert len(predict(work(tiny_model(), test, threshold=0.1))["prediction"]) == 4
    assert all(len(texts) == 4 for texts, _, _ in letters.calls)  # the corpora are whole


def test_nothing_due_opens_no_model(tmp_path: Path) -> None:
    test = read(tmp_path, FOREIGN, ENGLISH, "1=1")
    assert list(BitextMining().predict(replace(work(None, test, threshold=0.1), languages=()))) == []


# --- lining up ---------------------------------------------------------------------------------

GOLD = Cell(
    task="mining",
    language="de",
    seeds=(1, 2),
    example_ids=("de-9\ten-1", "de-2\ten-2"),
    parallel_ids=(None, None),
    cluster_ids=("de-9", "de-2"),
    golds=('["de-9","en-1"]', '["de-2","en-2"]'),
    statistics={},
)


def test_rows_are_gold_and_then_whatever_any_seed_predicts() -> None:
    first = {
        "prediction": [("de-9", "en-1"), ("de-5", "en-5")],
        "best_on_test": [("de-2", "en-3")],
        "threshold": [("prediction", 1.0, "dev", 50.0)],
    }
    second: dict[str, Any] = {
        "prediction": [],
        "best_on_test": [("de-5", "en-5"), ("de-6", "en-1")],
        "threshold": [],
    }
    cell, rows = BitextMining().line_up(GOLD, [first, second])
    assert cell.example_ids == ("de-9\ten-1", "de-2\ten-2", "de-2\ten-3", "de-5\ten-5", "de-6\ten-1")
    assert cell.cluster_ids == ("de-9", "de-2", "de-2", "de-5", "de-6")
    assert cell.golds == (*GOLD.golds, NO_GOLD, NO_GOLD, NO_GOLD)
    assert rows[0]["prediction"] == [True, False, False, True, False]
    assert rows[0]["best_on_test"] == [False, False, True, False, False]
    assert rows[1]["prediction"] == [False] * 5
    assert rows[1]["best_on_test"] == [False, False, False, True, True]
    assert cell.tested == 2
    assert cell.without_statistics() == GOLD
    kind = BitextMining()
    golds = [kind.decode_gold(gold) for gold in cell.golds]
    assert golds == [True, True, False, False, False]
    statistics = PairF1().per_example(golds, rows[0]["prediction"], "de")
    assert PairF1().value(statistics.sum(axis=0)) == pytest.approx(50.0)


def test_lining_up_takes_only_the_outputs_that_are_there() -> None:
    cell, rows = BitextMining().line_up(GOLD, [{"prediction": [["de-2", "en-2"]]}])
    assert rows == [{"prediction": [False, True]}]
    assert cell.example_ids == GOLD.example_ids


def test_head() -> None:
    assert BitextMining().head(TaskSpec.model_validate(TASK)) is None
