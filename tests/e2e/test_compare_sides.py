"""`xharness compare`: what is said of either side, and of sides that are alike."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from compare_runs import compare, system, write_runs
from run_folders import Language, Task, write_run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders by name; tests must not change them."""
    return write_runs(tmp_path_factory.mktemp("runs"))


def test_the_same_scores_under_another_seed_are_said(runs: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "again", system(), seeds=(9,))
    text = compare(runs, "base", str(tmp_path / "again")).stdout
    # Under each of both tasks, under their mean, and once in the sentences.
    assert text.count("Both sides were scored the same in every example") == 4


def test_a_single_unit_has_no_p_and_none_is_claimed(runs: Path, tmp_path: Path) -> None:
    rows = {"en": Language([[1.0]]), "de": Language([[0.0]])}
    write_run(tmp_path / "one", {"nli": Task(rows, source="en")})
    result = compare(runs, str(tmp_path / "one"), str(tmp_path / "one"))
    assert result.exit_code == 0
    assert "so every difference is 0 and p = 1 where there is a p." in result.stdout


def test_two_scored_submissions_say_what_label_files_do_not_hold(runs: Path, tmp_path: Path) -> None:
    for name in ("base", "cand"):
        shutil.copytree(runs / name, tmp_path / name)
        record = json.loads((tmp_path / name / "run.json").read_bytes())
        scored = {"model": None, "submission": {"name": name, "sha256": "ab" * 32, "files": 6}}
        asked = {"predictions": name, "labels": "labels", "suite": "xtreme"}
        changed = record | scored | {"request": asked, "training": {}}
        (tmp_path / name / "run.json").write_text(json.dumps(changed), encoding="utf-8")
    said = "Label files hold no texts"
    both = compare(runs, str(tmp_path / "base"), str(tmp_path / "cand"))
    assert both.exit_code == 0, both.output
    assert both.stdout.count(said) == 3
    assert said not in compare(runs, "base", str(tmp_path / "cand")).stdout


@pytest.mark.parametrize(("base", "cand"), [("base", "cand"), ("base3", "cand3")])
def test_scores_and_gaps_of_both_sides_have_intervals(runs: Path, base: str, cand: str) -> None:
    tree = json.loads(compare(runs, base, cand, "--json", "-").stdout)["comparisons"][0]
    nli = tree["tasks"]["nli"]
    sides = [nli["average"]["score"], nli["average"]["gap"], tree["suite"]["score"]]
    sides += [found[part] for found in nli["languages"].values() for part in ("gap",) if found[part]]
    for found in (*nli["languages"].values(), *sides):
        for side in ("baseline", "candidate"):
            low, high = found["intervals"][side]
            assert low < found[side] < high
    for means in (nli["average"], tree["suite"]):
        score = means["score"]
        assert score["candidate"] - score["baseline"] == pytest.approx(means["difference"]["value"])
    gap, reduction = nli["average"]["gap"], nli["average"]["gap_reduction"]
    assert gap["baseline"] - gap["candidate"] == pytest.approx(reduction["value"])
    # One of the two tasks has gaps, and its are the suite's.
    assert tree["suite"]["gap"] == gap
    assert tree["suite"]["gap_reduction"]["value"] == reduction["value"]
    # With runs that differ, an interval about recipes is the wider one.
    if base == "base3":
        fixed = json.loads(compare(runs, base, cand, "--scope", "checkpoints", "--json", "-").stdout)
        these = fixed["comparisons"][0]["tasks"]["nli"]["languages"]["de"]
        ends = [found["intervals"]["baseline"] for found in (nli["languages"]["de"], these)]
        assert ends[0][1] - ends[0][0] >= ends[1][1] - ends[1][0]
