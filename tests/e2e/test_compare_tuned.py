"""`xharness compare` where threshold, layer or checkpoint was chosen on test rows: flagged, and no p."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from compare_runs import GAINS, compare, system, write_runs
from run_folders import Task, write_run

FORMATS = ("rich", "md", "tex", "csv", "html")
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders by name; tests must not change them."""
    folder = write_runs(tmp_path_factory.mktemp("runs"))
    for name, gains in (("base-qa", None), ("cand-qa", GAINS)):
        tasks = system(gains)
        write_run(folder / name, tasks | {"qa": Task(tasks["nli"].languages, source="en", qa=True)})
    return folder


def changed(source: Path, target: Path, change: Change) -> Path:
    shutil.copytree(source, target)
    record = json.loads((target / "run.json").read_bytes())
    change(record)
    (target / "run.json").write_text(json.dumps(record), encoding="utf-8")
    return target


def by_checkpoint(record: dict[str, Any]) -> None:
    """The development set had the fingerprint of the English test set."""
    record["training"]["nli"][0]["selected_on"] = {"own/en": record["data"]["nli"]["en"]}


def by_some_rows(record: dict[str, Any]) -> None:
    record["training"]["nli"][0]["test_rows"] = {"en": 3}


def by_layer(record: dict[str, Any]) -> None:
    content = {"name": "mine", "embedding": {"layer": 7, "chosen_on": ["nli"]}}
    spec = {"kind": "adapter", "name": "mine", "version": "1", "sha256": "ab" * 32, "content": content}
    record["specs"].append(spec)


def by_threshold(record: dict[str, Any]) -> None:
    record["tasks"]["nli"]["settings"] = {"threshold": "test"}


def effects(tree: Mapping[str, Any], task: str) -> list[dict[str, Any]]:
    found = tree["comparisons"][0]["tasks"][task]
    languages = found["languages"].values()
    return [
        *(language["difference"] for language in languages),
        *(language["gap"]["reduction"] for language in languages if language["gap"]),
        *(found["average"][what] for what in ("difference", "gap_reduction") if found["average"][what]),
    ]


@pytest.mark.parametrize("change", [by_checkpoint, by_some_rows, by_layer, by_threshold])
@pytest.mark.parametrize("side", ["base", "cand"])
def test_what_was_chosen_on_test_rows_has_no_p_and_is_in_no_family(
    runs: Path, tmp_path: Path, change: Change, side: str
) -> None:
    names = {"base": str(runs / "base-qa"), "cand": str(runs / "cand-qa")}
    plain = json.loads(compare(runs, *names.values(), "--json", "-").stdout)
    names[side] = str(changed(Path(names[side]), tmp_path / "tuned", change))
    tuned = json.loads(compare(runs, *names.values(), "--json", "-").stdout)
    for code, language in tuned["comparisons"][0]["tasks"]["nli"]["languages"].items():
        assert "tuned" in language["flags"], code
        assert language["gap"] is None or language["gap"]["claim"] is None
    for before, after in zip(effects(plain, "nli"), effects(tuned, "nli"), strict=True):
        assert before["p"] is not None and before["family"] > 1
        assert (after["p"], after["p_adjusted"], after["detectable"], after["family"]) == (
            None,
            None,
            None,
            0,
        )
        assert [after[key] for key in ("value", "low", "high")] == [
            before[k] for k in ("value", "low", "high")
        ]
    # The other tasks stay, their averages in a family that is smaller by one.
    average = [tree["comparisons"][0]["tasks"]["qa"]["average"]["difference"] for tree in (plain, tuned)]
    assert [effect["family"] for effect in average] == [3, 2]
    assert average[0]["p"] == average[1]["p"]
    suite = tuned["comparisons"][0]["suite"]["difference"]["value"]
    rest = [tuned["comparisons"][0]["tasks"][t]["average"]["difference"]["value"] for t in ("bitext", "qa")]
    assert suite == pytest.approx(sum(rest) / 2)
    typology = tuned["comparisons"][0]["typology"]["tasks"]["nli"]
    assert typology["slopes"]["table"]["these_languages"]["p"] is None
    assert typology["slopes"]["table"]["these_languages"]["detectable"] is None
    assert typology["spread"]["sd"]["p"] is None


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_so(runs: Path, tmp_path: Path, form: str) -> None:
    tuned = changed(runs / "cand-qa", tmp_path / "tuned", by_some_rows)
    text = compare(runs, str(runs / "base-qa"), str(tuned), "--format", form).stdout
    if form == "csv":
        rows = [row for row in csv.DictReader(io.StringIO(text)) if row["task"] == "nli"]
        assert len(rows) == 9
        for row in rows:
            assert "tuned" in row["flags"]
            assert (row["p"], row["p_adjusted"], row["detectable"], row["claim"]) == ("", "", "", "")
        return
    plain = re.sub(r"<[^>]+>|\\(?=[_~*])", "", text)
    said = "Tuned on their own test rows, so without p, in no family and in no mean: nli."
    for words in (said, "threshold, layer or checkpoint was chosen on test rows of this task", "no p"):
        assert words in plain, words
    assert "mean of 2: bitext (accuracy), qa" in plain
    assert "selected on these very test rows: nli (en)" in plain
    if form == "tex":
        caption = next(line for line in text.splitlines() if "nli (accuracy)" in line and "caption" in line)
        assert "no p (tuned on test rows" in caption and "Holm over" not in caption


def test_a_tuned_task_that_did_not_change_is_given_no_p_in_words(runs: Path, tmp_path: Path) -> None:
    tuned = changed(runs / "cand", tmp_path / "tuned", by_layer)
    text = compare(runs, "base", str(tuned)).stdout.split("\n\nThese checkpoints")[0]
    assert "so difference 0: fr." in text and "p = 1" not in text
    assert "English itself changed by -11.0 (no p)." in text
    assert "p: none here, hence no family of tests." in text
    assert "Layer or pooling were chosen on the test set, says the adapter: nli." in text


def test_of_several_candidates_only_the_tuned_one_leaves_the_family(runs: Path, tmp_path: Path) -> None:
    tuned = changed(runs / "other", tmp_path / "tuned", by_checkpoint)
    result = compare(runs, "base", "cand", str(tuned), "--json", "-")
    cand, other = json.loads(result.stdout)["comparisons"]
    german = [tree["tasks"]["nli"]["languages"]["de"]["difference"] for tree in (cand, other)]
    assert [effect["family"] for effect in german] == [4, 0]
    assert german[0]["p_adjusted"] is not None and german[1]["p"] is None
    printed = compare(runs, "base", "cand", str(tuned)).stdout
    # Of the tuned candidate the other task stands in the overview.
    assert re.search(r"^tuned .* bitext, 2 languages$", printed, re.MULTILINE)
