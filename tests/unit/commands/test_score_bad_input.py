"""What is refused in a submission: exit code 2, file and line or id, and nothing written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harness.cli import app


def score(folder: Path, *more: str, suite: str = "xtreme") -> Result:
    given = ["--predictions", str(folder / "predictions"), "--labels", str(folder / "labels")]
    return CliRunner().invoke(app, ["score", *given, "--suite", suite, *more])


def refuse(folder: Path, *expected: str, suite: str = "xtreme") -> str:
    """Check exit code 2, the message, and that nothing was written."""
    before = sorted(folder.rglob("*"))
    result = score(folder, "--out", str(folder / "run"), "--json", str(folder / "scores.json"), suite=suite)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    assert sorted(folder.rglob("*")) == before
    message = " ".join(result.stderr.split())
    for text in expected:
        assert text in message, message
    return message


def rows(folder: Path, part: str, name: str) -> list[str]:
    return (folder / part / name).read_text(encoding="utf-8").splitlines(keepends=True)


# --- one broken file ---------------------------------------------------------------------------

Change = Callable[[list[str]], bytes | str]
LINES: dict[str, tuple[str, str, Change, str]] = {
    # what is wrong: part, file, change, message
    "a line too few": (
        "predictions",
        "xnli/test-de.tsv",
        lambda r: "".join(r[:-1]),
        "one line per example is due",
    ),
    "a line too many": (
        "predictions",
        "tatoeba/test-af.tsv",
        lambda r: "".join([*r, "3\n"]),
        "one line per example",
    ),
    "a label of no set": (
        "predictions",
        "xnli/test-de.tsv",
        lambda r: "".join([r[0], "entailed\n", *r[2:]]),
        "test-de.tsv, line 2: 'entailed' is not a label of 'xnli' (did you mean 'entailment'?)",
    ),
    "a gold label of no set": (
        "labels",
        "xnli/test-de.tsv",
        lambda r: "".join([r[0], "yes\n", *r[2:]]),
        "xnli/test-de.tsv:2: the label is 'yes'",
    ),
    "not a number": (
        "predictions",
        "tatoeba/test-af.tsv",
        lambda r: "".join(["nan\n", *r[1:]]),
        "line 1: 'nan'",
    ),
    "a number with a zero before it": (
        "predictions",
        "tatoeba/test-af.tsv",
        lambda r: "".join(["01\n", *r[1:]]),
        "line 1: '01' is not a row number",
    ),
    "a huge number": (
        "predictions",
        "tatoeba/test-af.tsv",
        lambda r: "".join(["9" * 5000 + "\n", *r[1:]]),
        "line 1: '999",
    ),
    "CRLF": (
        "predictions",
        "xnli/test-de.tsv",
        lambda r: "".join(r).replace("\n", "\r\n"),
        "line 1: holds a carriage return",
    ),
    "CRLF in labels": (
        "labels",
        "xnli/test-de.tsv",
        lambda r: r[0] + "".join(r[1:]).replace("\n", "\r\n"),
        "xnli/test-de.tsv:2: holds a carriage return",
    ),
    "BOM": (
        "predictions",
        "xnli/test-de.tsv",
        lambda r: "\ufeff" + "".join(r),
        "line 1: begins with a byte order mark",
    ),
    "BOM in labels": (
        "labels",
        "xnli/test-de.tsv",
        lambda r: "\ufeff" + "".join(r),
        "test-de.tsv:1: begins with a byte",
    ),
    "empty": ("predictions", "xnli/test-de.tsv", lambda r: "", "test-de.tsv: the file is empty (0 bytes)"),
    "empty labels": ("labels", "xnli/test-de.tsv", lambda r: "\n\n", "xnli/test-de.tsv: the file is empty"),
    "no pair at all": ("predictions", "bucc2018/test-fr.tsv", lambda r: "", "test-fr.tsv: the file is empty"),
    "binary junk": (
        "predictions",
        "xnli/test-de.tsv",
        lambda r: b"\x89PNG\r\n\x1a\n\x00",
        "line 1: byte 0x89 is not valid UTF-8",
    ),
    "binary labels": (
        "labels",
        "xnli/test-de.tsv",
        lambda r: b"\x89PNG\r\n\x1a\n\x00",
        "test-de.tsv:1: byte 0 (0x89)",
    ),
    "a pair twice": (
        "predictions",
        "bucc2018/test-fr.tsv",
        lambda r: "".join([*r, r[0]]),
        "in line 1 already",
    ),
    "a gold pair twice": (
        "labels",
        "bucc2018/test-fr.tsv",
        lambda r: "".join([*r, r[0]]),
        "occurs twice (first at",
    ),
    "one id of a pair": (
        "predictions",
        "bucc2018/test-fr.tsv",
        lambda r: "fr-1\n",
        "line 1: 1 fields where two are due",
    ),
    "a tag too few": (
        "predictions",
        "panx/test-jv.tsv",
        lambda r: "".join(r[1:]),
        "line 1: sentence 1 has",
    ),
    "a sentence too few": (
        "predictions",
        "panx/test-jv.tsv",
        lambda r: "".join(r).split("\n\n", 1)[1],
        "9 sentences for 10 examples",
    ),
    "a tag of no set": (
        "predictions",
        "panx/test-jv.tsv",
        lambda r: "".join(["B-MISC\n", *r[1:]]),
        "line 1: 'B-MISC' is not a label of 'panx'",
    ),
    "words beside the tags": (
        "labels",
        "panx/test-jv.tsv",
        lambda r: "".join(x if x == "\n" else f"w\t{x}" for x in r),
        "'w\\t",
    ),
}


@pytest.mark.parametrize("case", LINES)
def test_a_broken_file_of_lines(folder: Path, case: str) -> None:
    part, name, change, message = LINES[case]
    broken = change(rows(folder, part, name))
    (folder / part / name).write_bytes(broken if isinstance(broken, bytes) else broken.encode("utf-8"))
    refuse(folder, message, name)


def test_a_later_sentence_of_another_length_is_named_with_its_own_line(folder: Path) -> None:
    name = "panx/test-jv.tsv"
    lines = rows(folder, "predictions", name)
    second = lines.index("\n", lines.index("\n") + 1)
    (folder / "predictions" / name).write_text(
        "".join([*lines[: second + 1], "O\n", *lines[second + 1 :]]), encoding="utf-8"
    )
    refuse(folder, f"line {second + 2}: sentence 3 has", name)


def first(tree: dict[str, object]) -> str:
    return next(iter(tree))


TREES: dict[str, tuple[str, str, Callable[[dict[str, object]], str], str]] = {
    "a list for a map": (
        "xtreme",
        "xquad/test-el.json",
        lambda t: json.dumps(list(t.values())),
        "holds a list; an object",
    ),
    "only a part": (
        "xtreme",
        "xquad/test-el.json",
        lambda t: json.dumps({first(t): "x"}),
        "no prediction for 9 of 10 ids",
    ),
    "another id": ("xtreme", "xquad/test-el.json", lambda t: json.dumps({**t, "q": "x"}), "the first is 'q'"),
    "an id twice": (
        "xtreme",
        "xquad/test-el.json",
        lambda t: json.dumps(t, indent=1)[:-1] + f',"{first(t)}": "x"}}',
        "line 12: 'el-0' appears twice",
    ),
    "NaN": (
        "xtreme",
        "xquad/test-el.json",
        lambda t: json.dumps({**t, first(t): float("nan")}),
        "NaN is not a number of JSON",
    ),
    "a number": (
        "xtreme",
        "xquad/test-el.json",
        lambda t: json.dumps({**t, first(t): 3}),
        "id 'el-0': 3 is not an answer",
    ),
    "half a file": ("xtreme", "xquad/test-el.json", lambda t: json.dumps(t)[:50], "line 1: not valid JSON"),
    "nested without end": ("xtreme", "xquad/test-el.json", lambda t: "[" * 100_000, "test-el.json"),
    "a huge number": (
        "xtreme",
        "xquad/test-el.json",
        lambda t: '{"el-0": ' + "9" * 5000 + "}",
        "not a predictions file",
    ),
    "an id for a list": (
        "xtreme-r",
        "mewslix/test-pl.json",
        lambda t: json.dumps({**t, first(t): "Q1"}),
        "is not a ranking",
    ),
    "a candidate twice": (
        "xtreme-r",
        "lareqa/test-th.json",
        lambda t: json.dumps({**t, "q0": ["a", "a"]}),
        "id 'q0': candidate 'a' is ranked twice",
    ),
}


@pytest.mark.parametrize("case", TREES)
def test_a_broken_json_file(folder: Path, case: str) -> None:
    suite, name, change, message = TREES[case]
    path = folder / "predictions" / name
    path.write_text(change(json.loads(path.read_bytes())), encoding="utf-8")
    refuse(folder, message, name, suite=suite)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"label": 2}', "line 3: '2' is not a label of 'xcopa'"),
        ('{"label": "1"}', "line 3: '1' is not a number"),
        ('{"label": NaN}', "line 3: not a predictions file: NaN"),
        ("[1]", "line 3: '[1]' has no label"),
        ('{"label": 1, "label": 0}', "line 3: 'label' appears twice"),
        (f'{{"label": {"9" * 5000}}}', "line 3: not a predictions file"),
    ],
)
def test_a_broken_row_of_choices(folder: Path, row: str, message: str) -> None:
    path = folder / "predictions/xcopa/test-et.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[2] = row
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    refuse(folder, message, "test-et.jsonl", suite="xtreme-r")


def test_every_broken_file_is_named_at_once(folder: Path) -> None:
    (folder / "predictions/xnli/test-de.tsv").write_bytes(b"")
    (folder / "predictions/panx/test-xx.tsv").write_bytes(b"O\n")
    (folder / "labels/tatoeba/test-af.tsv").unlink()
    message = refuse(folder, "3 problems", "xnli/test-de.tsv: the file is empty")
    assert "panx/test-xx.tsv: is no prediction file of 'panx'" in message
    assert "tatoeba/test-af.tsv: has no label file" in message


# --- files that are not what they should be ----------------------------------------------------


def test_hidden_gold_is_never_scored(folder: Path) -> None:
    path = folder / "labels/xquad/test-el.json"
    tree = json.loads(path.read_bytes())
    articles = tree["data"] if isinstance(tree, dict) else tree
    articles[0]["paragraphs"][0]["qas"][0]["answers"] = [{"answer_start": 0, "text": ""}]
    path.write_text(json.dumps(tree), encoding="utf-8")
    (folder / "labels/xnli/test-de.tsv").write_text("neutral\n" * 50, encoding="utf-8")
    message = refuse(folder, "question 'el-0': the gold is hidden (the answer is empty)")
    assert "xnli/test-de.tsv: the gold is hidden (it is 'neutral' in all 50 examples)" in message


def test_links_that_leave_the_folder(folder: Path) -> None:
    for part in ("predictions", "labels"):
        path = folder / part / "xnli/test-de.tsv"
        path.rename(folder / f"{part}.tsv")
        path.symlink_to(folder / f"{part}.tsv")
    refuse(folder, "predictions/xnli/test-de.tsv: leads out of")
    (folder / "predictions/xnli/test-de.tsv").unlink()
    (folder / "predictions.tsv").rename(folder / "predictions/xnli/test-de.tsv")
    refuse(folder, "labels/xnli/test-de.tsv: leads out of")


def test_links_in_a_circle_pipes_and_folders(folder: Path) -> None:
    loop, pipe, inner = (
        folder / "predictions" / name for name in ("panx/test-af.tsv", "panx/test-ar.tsv", "panx/test-bg.tsv")
    )
    for path in (loop, pipe, inner):
        shutil.copy(folder / "labels/panx/test-jv.tsv", folder / "labels/panx" / path.name)
    loop.symlink_to(loop)
    os.mkfifo(pipe)
    inner.mkdir()
    message = refuse(folder, "3 problems", "panx/test-af.tsv: cannot be read")
    assert "panx/test-ar.tsv: is no file" in message and "panx/test-bg.tsv: is no file" in message


def test_stray_files_are_said_and_hidden_ones_are_not(folder: Path) -> None:
    (folder / "predictions/README.md").write_text("mine", encoding="utf-8")
    (folder / "predictions/.DS_Store").write_bytes(b"\0")
    (folder / "predictions/xnli/._test-de.tsv").write_bytes(b"\0")
    (folder / "predictions/xnli/notes.txt").write_text("mine", encoding="utf-8")
    shutil.copy(folder / "predictions/xquad/test-el.json", folder / "predictions/xquad/test-ro.json")
    result = score(folder)
    assert result.exit_code == 0
    assert (
        "README.md: is not of suite" in result.stderr and "notes.txt: is no prediction file" in result.stderr
    )
    assert "the suite does not test 'ro' in 'xquad'" in result.stderr
    assert "DS_Store" not in result.stderr and "._test" not in result.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("xnly/test-de.tsv", "suite 'xtreme' has no task 'xnly' (did you mean 'xnli'?)"),
        ("xnli/test-dee.tsv", "'xnli' (did you mean 'test-de.tsv'"),
        ("xnli/test-de.txt", "due are test-<language>.tsv for ar, bg"),
        ("xnli/test_de/x", None),
    ],
)
def test_slips_of_the_pen(folder: Path, name: str, message: str | None) -> None:
    path = folder / "predictions" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("neutral\n", encoding="utf-8")
    if message is None:
        assert score(folder).exit_code == 0
    else:
        refuse(folder, message)


def test_folders_that_are_none(folder: Path) -> None:
    (folder / "file").write_text("", encoding="utf-8")
    given = ["--labels", str(folder / "labels"), "--suite", "xtreme"]
    for path, message in (
        ("file", "is a file, not a folder"),
        ("nowhere", "there is no such folder"),
        ("labels/xnli", "holds nothing of"),
    ):
        result = CliRunner().invoke(app, ["score", "--predictions", str(folder / path), *given])
        assert result.exit_code == 2 and message in " ".join(result.stderr.split()), result.output
    refuse(folder, "did you mean 'xtreme", suite="xtrem")


def test_a_run_folder_is_not_written_over_nor_into_the_submission(folder: Path) -> None:
    for out, message in (("predictions/run", "lies inside"), ("labels", "lies inside")):
        result = score(folder, "--out", str(folder / out))
        assert result.exit_code == 2 and message in " ".join(result.stderr.split())
    assert not (folder / "predictions/run").exists()
    assert score(folder, "--out", str(folder / "run")).exit_code == 0
    result = score(folder, "--out", str(folder / "run"))
    assert result.exit_code == 2 and "is a run folder already" in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give --run, or --predictions with --labels and --suite"),
        (["--predictions", "p"], "2 problems"),
        (["--run", "r", "--suite", "xtreme"], "give one of them"),
        (["--predictions", "p", "--labels", "l", "--suite", ""], "--suite: is empty"),
        (["--predictions", "p", "--labels", "l", "--suite", "xtreme", "--data-dir", "d"], "goes with --run"),
    ],
)
def test_options_that_do_not_go_together(options: list[str], message: str) -> None:
    result = CliRunner().invoke(app, ["score", *options])
    assert result.exit_code == 2 and message in " ".join(result.stderr.split())
