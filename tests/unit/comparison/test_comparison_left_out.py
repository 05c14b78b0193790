"""Languages that are left out on request, and intermediate phases that were run once."""

from __future__ import annotations

from pathlib import Path

import pytest
from compare_runs import write_runs

from harness.compare import compare
from harness.errors import RequestError
from harness.results.card import Card, ParentRecord
from harness.results.folder import RunFolder
from harness.results.record import read_record, write_record


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_runs(tmp_path_factory.mktemp("runs"))


def test_left_out_languages_count_nowhere(runs: Path) -> None:
    whole = compare(runs / "base", [runs / "cand"], resamples=200).comparisons[0]
    part = compare(
        runs / "base", [runs / "cand"], resamples=200, leave_out={"nli": ["sw"], "bitext": ["fr", "th"]}
    ).comparisons[0]
    assert set(part.tasks) == {"nli"} and set(part.tasks["nli"].languages) == {"en", "de", "fr"}
    for code in ("de", "fr"):
        one, other = (found.tasks["nli"].languages[code] for found in (whole, part))
        assert one.gap.reduction.value == other.gap.reduction.value
        assert one.gap.reduction.p == other.gap.reduction.p
    reductions = [part.tasks["nli"].languages[code].gap.reduction.value for code in ("de", "fr")]
    assert part.tasks["nli"].average.gap_reduction.value == pytest.approx(sum(reductions) / 2)
    assert part.suite is None


def test_a_phase_run_once_is_a_checkpoint(runs: Path) -> None:
    folder = RunFolder(runs / "cand3")
    record = read_record(folder.run_json)
    recipes = compare(runs / "base3", [runs / "cand3"], resamples=200).comparisons[0]
    assert recipes.scope == "recipes"
    parent = ParentRecord(id="parent", revision=None, weights_sha256="ab", settings_sha256="cd")
    card = Card(key="k", parent=parent, mixture={}, seed=1, tasks=(), steps=1, dtype="float32")
    model = record.model.model_copy(update={"card": card})
    write_record(folder.run_json, record.model_copy(update={"model": model}))
    try:
        once = compare(runs / "base3", [runs / "cand3"], resamples=200).comparisons[0]
        assert once.scope == "checkpoints"
        with pytest.raises(RequestError, match="phase of cand3 was run once"):
            compare(runs / "base3", [runs / "cand3"], resamples=200, scope="recipes")
        further = record.model_copy(update={"model": model, "further_models": (model, model)})
        write_record(folder.run_json, further)
        again = compare(runs / "base3", [runs / "cand3"], resamples=200, leave_out={"bitext": ["fr", "th"]})
        assert again.comparisons[0].scope == "recipes"
    finally:
        write_record(folder.run_json, record)
