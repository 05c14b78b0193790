"""XNLI and PAWS-X from files in their releases' layouts to scores, and scored again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from harness.demo.world import LANGUAGES, World, text_of
from harness.errors import DataError
from harness.evaluate import evaluate, score_run
from harness.progress import Progress
from harness.specs.run import RunSpec

QUIET = Progress(quiet=True)
CODES = dict(zip(("en", "de", "fr"), LANGUAGES, strict=False))
SPELLED = ("contradictory", "entailment", "neutral")
TRAINED, TESTED = 96, 60


def write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_pairs(root: Path) -> None:
    """Write both releases in three languages: who acts in a sentence, and who is said to act."""
    world = World(0)
    for split, count in (("dev", TRAINED), ("test", TESTED)):
        meanings, others = world.meanings(count), world.meanings(count)
        columns = [f"c{i}" for i in range(19)]
        columns[:2], columns[6:8] = ["language", "gold_label"], ["sentence1", "sentence2"]
        nli = ["\t".join(columns)]
        for code, toy in CODES.items():
            paws = ["id\tsentence1\tsentence2\tlabel"]
            for number, (meaning, other) in enumerate(zip(meanings, others, strict=True)):
                sentence = text_of([word for word, _ in world.sentence(meaning, toy)])
                label = number % 3
                said = text_of([w for w, _ in world.subject(meaning if label == 1 else other, toy)])
                fields = [f"x{i}" for i in range(19)]
                fields[:2], fields[6:8] = [code, SPELLED[label]], [f'"{sentence}', said]
                nli.append("\t".join(fields))
                # Ids leave gaps, other ones in every language, as where translations are missing.
                if (number + len(code) * ord(code[0])) % 10:
                    paws.append(f"{number + 1}\t{sentence}\t{said}\t{int(label == 1)}")
            write(root / "x-final" / code / f"{split}_2k.tsv", paws)
        write(root / "XNLI-1.0" / f"xnli.{split}.tsv", nli)


@pytest.fixture
def short_tasks(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`short-xnli` and `short-pawsx`: the shipped tasks, but for the size of what they train on."""
    folder = tmp_path / "own" / "tasks" / "targets"
    folder.mkdir(parents=True)
    for name, rows in (("xnli", "2490"), ("pawsx", "2000")):
        text = (repository / "tasks" / "targets" / f"{name}.yaml").read_text(encoding="utf-8")
        smoke = text.index("  smoke:\n")
        for old, new, start in (
            ("        epochs: 3\n", "        epochs: 3\n        max_steps: 6\n", smoke),
            (f"    rows: {rows}\n", "", 0),
            (f"name: {name}\n", f"name: short-{name}\n", 0),
        ):
            assert old in text[start:]
            text = text[:start] + text[start:].replace(old, new, 1)
        (folder / f"short-{name}.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setenv("XHARNESS_PATH", str(tmp_path / "own"))


def request(inputs: Any, tmp_path: Path, **changes: object) -> RunSpec:
    fields = {
        "suite": None,
        "tasks": ("short-xnli", "short-pawsx"),
        "recipe": "smoke",
        "languages": tuple(CODES),
        "data_dir": str(tmp_path / "data"),
    }
    return RunSpec.model_validate(inputs.request(tmp_path / "run", **(fields | changes)))


def test_a_run_from_release_files_to_scores_and_back(inputs: Any, tmp_path: Path, short_tasks: None) -> None:
    write_pairs(tmp_path / "data")
    result = evaluate(request(inputs, tmp_path), QUIET)
    assert result.incomplete == ()
    run = tmp_path / "run"
    scores = json.loads((run / "scores.json").read_bytes())
    for name, labels in (
        ("short-xnli", {"contradiction", "entailment", "neutral"}),
        ("short-pawsx", {"0", "1"}),
    ):
        accuracy = scores["tasks"][name]["metrics"]["accuracy"]
        assert list(accuracy["languages"]) == sorted(CODES)
        assert accuracy["average"] is None  # the other languages of the benchmark are missing
        for code, cell in accuracy["languages"].items():
            lines = (run / "predictions" / name / f"test-{code}.tsv").read_text(encoding="utf-8").splitlines()
            table = pq.read_table(run / "examples" / name / f"{code}.parquet")
            golds = table.column("gold").to_pylist()
            assert set(lines) <= labels == set(golds)
            right = sum(line == gold for line, gold in zip(lines, golds, strict=True))
            assert cell["n"] == len(golds) and cell["value"] == pytest.approx(100 * right / len(golds))
            if name == "short-xnli":
                numbers = [str(i) for i in range(TESTED)]
                assert table.column("example_id").to_pylist() == numbers
                assert table.column("parallel_id").to_pylist() == numbers
    record = json.loads((run / "run.json").read_bytes())
    assert record["smoke"] is True
    assert {t: runs[0]["phases"][0]["max_steps"] for t, runs in record["training"].items()} == {
        "short-xnli": 6,
        "short-pawsx": 6,
    }
    again = score_run(run, data_dir=tmp_path / "data", progress=QUIET)
    assert again.scores == result.scores


def test_pawsx_languages_are_joined_by_id_and_not_by_row(
    inputs: Any, tmp_path: Path, short_tasks: None
) -> None:
    write_pairs(tmp_path / "data")
    evaluate(request(inputs, tmp_path, tasks=("short-pawsx",)), QUIET)
    found = {
        code: pq.read_table(tmp_path / "run" / "examples" / "short-pawsx" / f"{code}.parquet")
        for code in CODES
    }
    gold = {
        code: dict(zip(t.column("parallel_id").to_pylist(), t.column("gold").to_pylist(), strict=True))
        for code, t in found.items()
    }
    shared = set(gold["en"]) & set(gold["de"]) & set(gold["fr"])
    assert len(shared) < len(gold["en"])
    assert all(gold["en"][i] == gold["de"][i] == gold["fr"][i] for i in shared)
    by_row = [found[code].column("gold").to_pylist() for code in CODES]
    assert by_row[0] != by_row[1]


def test_the_shipped_recipe_takes_no_other_number_of_rows(inputs: Any, tmp_path: Path) -> None:
    write_pairs(tmp_path / "data")
    with pytest.raises(DataError, match=r"'xnli_en_dev' of task 'xnli' has 96 examples, expected 2,490"):
        evaluate(request(inputs, tmp_path, tasks=("xnli",)), QUIET)
    assert not (tmp_path / "run").exists()
