"""`xharness compare`: what is left out and named, and what is refused."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from compare_runs import GAINS, compare, system, write_runs
from run_folders import write_run

from harness import typology


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folders by name; tests must not change them."""
    return write_runs(tmp_path_factory.mktemp("runs"))


def test_languages_and_tasks_of_one_side_are_named(runs: Path) -> None:
    result = compare(runs, "base", "part")
    assert result.exit_code == 0, result.output
    assert "Left out on both sides, of means too: sw (held by base alone)." in result.stdout
    assert "Tasks left out on both sides: bitext (held by base alone)." in result.stdout
    assert "difference over these 3 languages" in result.stdout
    tree = json.loads(compare(runs, "base", "part", "--json", "-").stdout)["comparisons"][0]
    assert tree["left_out"] == {"bitext": ["fr", "th"], "nli": ["sw"]}


def test_cells_that_a_run_lacks_are_left_out_and_said(runs: Path, tmp_path: Path) -> None:
    unfinished = tmp_path / "unfinished"
    shutil.copytree(runs / "cand", unfinished)
    (unfinished / "examples/nli/sw.parquet").unlink()
    record = json.loads((unfinished / "run.json").read_bytes())
    record["finished"] = None
    record["failures"] = [{"task": "nli", "language": "sw", "message": "out of memory"}]
    (unfinished / "run.json").write_text(json.dumps(record), encoding="utf-8")
    result = compare(runs, "base", str(unfinished))
    assert result.exit_code == 0, result.output
    said = "sw (no score in the run of unfinished, which is not complete)"
    assert f"Left out on both sides, of means too: {said}." in result.stdout


def test_without_the_source_language_there_is_no_gap(runs: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "no-english", system(GAINS, codes=("de", "fr")))
    result = compare(runs, "base", str(tmp_path / "no-english"))
    assert "No gap: English (en), the source language, is not held by both." in result.stdout


def edit_record(folder: Path, change: dict[str, object]) -> None:
    record = json.loads((folder / "run.json").read_bytes())
    (folder / "run.json").write_text(json.dumps(record | change), encoding="utf-8")


def edit_rows(path: Path, column: str, rows: Mapping[int, str]) -> None:
    table = pq.read_table(path)
    values = table.column(column).to_pylist()
    for row, value in rows.items():
        values[row] = value
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, column, pa.array(values, pa.string())), path, store_schema=False)


def broken(runs: Path, tmp_path: Path, how: str) -> Path:
    """Return a copy of `cand` that is wrong in one way."""
    folder = tmp_path / "broken"
    shutil.copytree(runs / "cand", folder)
    german = folder / "examples/nli/de.parquet"
    if how == "twice":
        edit_rows(german, "example_id", {1: "0"})
    elif how == "fingerprint":
        record = json.loads((folder / "run.json").read_bytes())
        record["data"]["nli"]["de"]["fingerprint"] = "ab" * 32
        edit_record(folder, record)
    elif how == "examples":
        edit_rows(german, "example_id", {3: "another"})
    elif how == "version":
        record = json.loads((folder / "run.json").read_bytes())
        spec = next(s for s in record["specs"] if s["name"] == "nli")
        spec["version"] = spec["content"]["version"] = "2"
        edit_record(folder, record)
    elif how == "limit":
        edit_record(folder, {"limit": 10})
    elif how == "no examples":
        shutil.rmtree(folder / "examples")
    elif how == "no statistics":
        table = pq.read_table(german)
        names = [name for name in table.column_names if "/" not in name]
        pq.write_table(table.select(names), german, store_schema=False)
    elif how == "a statistic too few":
        table = pq.read_table(german)
        pq.write_table(table.drop_columns(["accuracy/total"]), german, store_schema=False)
    elif how == "statistics exchanged":
        table = pq.read_table(german)
        names = [*table.column_names[:5], "accuracy/total", "accuracy/correct"]
        pq.write_table(table.select(names), german, store_schema=False)
    elif how == "below zero":
        table = pq.read_table(german)
        place = table.column_names.index("accuracy/correct")
        wrong = pa.array([-1.0] * table.num_rows)
        pq.write_table(table.set_column(place, "accuracy/correct", wrong), german, store_schema=False)
    elif how == "seeds claimed":
        edit_record(folder, {"seeds": list(range(1, 5001))})
    elif how == "no record":
        (folder / "run.json").unlink()
    return folder


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("twice", ["de.parquet", "an example id appears twice"]),
        ("fingerprint", ["'nli'", "'de'", "different data", "abababababababab", "fingerprints"]),
        ("examples", ["'de'", "another"]),
        ("version", ["'nli'", "version", '"1"', '"2"']),
        ("limit", ["--limit 10"]),
        ("no examples", ["example files"]),
        ("no statistics", ["de.parquet", "no statistics of accuracy"]),
        ("a statistic too few", ["de.parquet", "accuracy are correct, and must be correct, total"]),
        ("statistics exchanged", ["de.parquet", "are total, correct, and must be correct, total"]),
        ("below zero", ["de.parquet", "accuracy is -100 to -100", "between 0 and 100"]),
        ("seeds claimed", ["en.parquet", "the seeds [1],", "9, 10] and 4,990 more are due"]),
        ("no record", ["run.json", "is this a run folder?"]),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(
    runs: Path, tmp_path: Path, how: str, said: list[str]
) -> None:
    result = compare(runs, "base", str(broken(runs, tmp_path, how)), "--json", "-")
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert all(part in result.stderr for part in said), result.stderr


@pytest.mark.parametrize(
    ("arguments", "resamples", "said"),
    [
        (["base", "cand", "--scope", "recipes"], 499, ["--scope recipes", "at least two runs"]),
        (["base3", "cand", "--scope", "recipes"], 499, ["at least two runs"]),
        (["base", "cand", "--interval", "percentile"], 120, ["family of 4", "at least --resamples 159"]),
        (["base", "cand", "--interval", "bca"], 120, ["family of 4", "at least --resamples 159"]),
        (["base3", "cand3", "--interval", "bca"], 499, ["--interval bca", "one run on either side"]),
        (["base", "cand", "--alpha", "5"], 499, ["--alpha '5'", "above 0 and below 1"]),
        (["base", "cand", "--alpha", "nan"], 499, ["--alpha 'nan'"]),
        (["base", "cand", "--alpha", "five"], 499, ["--alpha 'five'"]),
        (["base", "cand"], 10, ["--resamples 10"]),
        (["base", "cand", "--seed", "-1"], 499, ["--seed -1"]),
        (["base", "cand", "--correction", "hlom"], 499, ["--correction 'hlom'", "did you mean 'holm'?"]),
        (["base", "cand", "--interval", "T"], 499, ["must be one of t, percentile, bca"]),
        (
            ["base", "cand", "--scope", "x", "--format", "y"],
            499,
            ["2 problems", "--scope 'x'", "--format 'y'"],
        ),
        (["base", "nowhere"], 499, ["nowhere: there is no such folder", "`xharness eval --out`"]),
        (["base", "cand", "cand"], 499, ["cand", "given more than once"]),
        (["base", "cand", "--distances", "tables"], 499, ["'tables'", "did you mean 'table'?"]),
        (["base", "cand", "--distances", "table,table"], 499, ["--distances", "more than once"]),
        (["base"], 499, []),
    ],
)
def test_requests_that_make_no_sense_are_refused(
    runs: Path, arguments: list[str], resamples: int, said: list[str]
) -> None:
    result = compare(runs, *arguments, resamples=resamples)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert all(part in result.stderr for part in said), result.stderr


def test_a_file_in_the_place_of_a_run_folder_is_said(runs: Path) -> None:
    result = compare(runs, str(runs / "base" / "run.json"), "cand")
    assert result.exit_code == 2
    assert "run.json: is a file; give the run folder" in result.stderr


def test_links_that_lead_in_a_circle_are_said(runs: Path, tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    for arguments in (["base", str(loop)], [str(loop), "base"]):
        result = compare(runs, *arguments)
        assert result.exit_code == 2, result.output
        assert f"{loop}: there is no such folder" in result.stderr


def test_names_that_are_no_utf8_are_written_nonetheless(runs: Path, tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/n\xff")
    try:
        shutil.copytree(runs / "cand", odd)
    except OSError:
        pytest.skip("this file system holds no such names")
    for how in (["--json", "-"], ["--format", "csv"], ["--format", "md"]):
        result = compare(runs, "base", odd, *how)
        assert result.exit_code == 0, result.output
        assert "xff" in result.stdout and "\ufffd" not in result.stdout


def test_only_the_source_language_in_common_gives_no_gap(runs: Path, tmp_path: Path) -> None:
    write_run(tmp_path / "english", system(GAINS, codes=("en", "sw")))
    write_run(tmp_path / "german", system(codes=("en", "de")))
    result = compare(runs, str(tmp_path / "german"), str(tmp_path / "english"))
    said = "No gap: English (en), the source language, is the only one held by both. Source loss: English"
    assert said in result.stdout


def test_a_run_of_another_version_is_named_once_with_its_folder(runs: Path, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(runs / "cand", old)
    record = json.loads((old / "run.json").read_bytes())
    spec = next(s for s in record["specs"] if s["name"] == "nli")
    spec["content"]["data"]["local"]["gone"] = 1
    edit_record(old, record)
    result = compare(runs, str(old), str(old))
    assert result.exit_code == 2 and "problems" not in result.stderr
    assert f"error: {old}: run.json, specs, task 'nli'" in result.stderr
    assert "evaluate or score anew with this version" in result.stderr


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("folder", "--json {place} is a folder"),
        ("base/run.json", "lies inside a run folder"),
        ("file/found.json", "is a file and no folder"),
    ],
)
def test_json_is_not_written_over_folders_and_runs(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, said: str
) -> None:
    shutil.copytree(runs / "base", tmp_path / "base")
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x", encoding="utf-8")
    before = (tmp_path / "base" / "run.json").read_bytes()
    # Nothing is computed first.
    monkeypatch.setattr("harness.compare.read_systems", None)
    result = compare(runs, "base", "cand", "--json", str(tmp_path / place))
    assert result.exit_code == 2 and result.stdout == ""
    assert said.format(place=tmp_path / place) in result.stderr
    assert (tmp_path / "base" / "run.json").read_bytes() == before


def test_an_unknown_distance_is_refused_before_anything_is_read(runs: Path) -> None:
    result = compare(runs, "nowhere", "nor-here", "--distances", "wrong,table,uriel syntax")
    assert result.exit_code == 2 and result.stdout == ""
    assert "nowhere" not in result.stderr
    assert "2 problems" in result.stderr and "did you mean 'uriel syntactic'" in result.stderr
    for name in ("table", "uriel syntactic", "uriel featural", "uriel genetic", "uriel geographic"):
        assert f"{name!r}" in result.stderr.partition("no distance 'wrong'")[2].splitlines()[0]


def test_a_missing_extra_is_named_before_anything_is_read(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}")

    typology._uriel.cache_clear()
    monkeypatch.setattr(typology.importlib, "import_module", absent)
    result = compare(runs, "nowhere", "nor-here", "--distances", "table,uriel genetic")
    assert result.exit_code == 2 and result.stdout == ""
    assert "nowhere" not in result.stderr
    assert "pip install 'xharness[typology]'" in result.stderr
