"""Whole submissions against the arithmetic of google-research/xtreme@838c13b, evaluate.py, in own words.

What is expected is worked out here from the files alone, with no code of the harness; the chunk scores
are those of seqeval 0.0.12, stored by cases/make_cases.py.
"""

from __future__ import annotations

import json
import re
import shutil
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from make_submission import write_submission

from harness.evaluate import score_run, score_submission
from harness.progress import Progress
from harness.results.scores import plain
from harness.specs.run import ScoreSpec

QUIET = Progress(quiet=True)
STORED = json.loads(
    (Path(__file__).parent / "cases" / "submissions-seqeval-0.0.12.json").read_text(encoding="utf-8")
)
CHUNKS = {(suite, task, code): scores for suite, task, code, scores in STORED["cases"]}
GROUPS = {
    "xtreme": {
        "classification": ["pawsx", "xnli"],
        "tagging": ["udpos", "panx"],
        "qa": ["xquad", "mlqa", "tydiqa"],
        "retrieval": ["bucc2018", "tatoeba"],
    },
    "xtreme-r": {
        "classification": ["xnli", "xcopa"],
        "tagging": ["udpos", "panx"],
        "qa": ["xquad", "mlqa", "tydiqa"],
        "retrieval": ["tatoeba", "mewslix"],
        "multi_choice": ["xcopa"],
        "retrieval_with_lareqa": ["tatoeba", "mewslix", "lareqa"],  # ours, beside the official ones
    },
}
METRIC = {"panx": "f1", "udpos": "f1", "bucc2018": "f1", "mewslix": "map@20", "lareqa": "map@20"}

# --- the official numbers ----------------------------------------------------------------------


def lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]


def accuracy(labels: list[Any], given: list[Any]) -> dict[str, float]:
    assert len(labels) == len(given)
    return {"accuracy": 100 * sum(a == b for a, b in zip(labels, given, strict=True)) / len(given)}


def pair_scores(labels: list[str], given: list[str]) -> dict[str, float]:
    gold, mined = set(labels), set(given)
    right = len(gold & mined)
    precision, recall = right / len(mined), right / len(gold)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {"f1": 100 * f1, "precision": 100 * precision, "recall": 100 * recall}


def squad_words(text: str, language: str) -> list[str]:
    kept = "".join(char for char in text.lower() if char not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


MARKS = {chr(i) for i in range(sys.maxunicode + 1) if unicodedata.category(chr(i)).startswith("P")} | set(
    string.punctuation
)
ARTICLES = {
    "en": r"\b(a|an|the)\b",
    "es": r"\b(un|una|unos|unas|el|la|los|las)\b",
    "vi": r"\b(của|là|cái|chiếc|những)\b",
    "de": r"\b(ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b",
    "ar": r"\sال^|ال",
}


def mlqa_words(text: str, language: str) -> list[str]:
    kept = "".join(char for char in text.lower() if char not in MARKS)
    if language in ARTICLES:
        kept = re.sub(ARTICLES[language], " ", kept)
    if language == "zh":
        # Every character of the block is a token, runs of others are split at white space.
        kept = re.sub(r"([\u4e00-\u9fa5])", r" \1 ", kept)
    return kept.split()


def answer_scores(
    labels: Any, given: dict[str, str], language: str, words: Callable[[str, str], list[str]]
) -> dict[str, float]:
    exact = f1 = total = 0.0
    for article in labels["data"] if isinstance(labels, dict) else labels:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                total += 1
                best_exact = best_f1 = 0.0
                answer = words(given[question["id"]], language)
                for gold in (words(a["text"], language) for a in question["answers"]):
                    common = sum((Counter(answer) & Counter(gold)).values())
                    if common:
                        precision, recall = common / len(answer), common / len(gold)
                        best_f1 = max(best_f1, 2 * precision * recall / (precision + recall))
                    best_exact = max(best_exact, float(" ".join(answer) == " ".join(gold)))
                exact, f1 = exact + best_exact, f1 + best_f1
    return {"exact_match": 100 * exact / total, "f1": 100 * f1 / total}


def reciprocal_rank(labels: dict[str, list[str]], given: dict[str, list[str]]) -> dict[str, float]:
    ranks = []
    for key, (gold, *_) in labels.items():
        first = given[key][:20]
        ranks.append(1 / (1 + first.index(gold)) if gold in first else 0.0)
    return {"map@20": 100 * sum(ranks) / len(ranks)}


def average_precision(labels: dict[str, list[str]], given: dict[str, list[str]]) -> dict[str, float]:
    """LAReQA, third_party/evaluate_retrieval.py: the divisor is min(number of right answers, 20)."""
    precisions = []
    for key, relevant in labels.items():
        found = [i for i, candidate in enumerate(given[key][:20], 1) if candidate in relevant]
        precisions.append(sum(k / rank for k, rank in enumerate(found, 1)) / min(len(relevant), 20))
    return {"map@20": 100 * sum(precisions) / len(precisions)}


def official_language(folder: Path, suite: str, task: str, path: Path) -> dict[str, float]:
    code = path.stem.removeprefix("test-")
    labels, given = folder / "labels" / task / path.name, path
    if task in ("panx", "udpos"):
        return dict(
            zip(("f1", "precision", "recall"), (100 * x for x in CHUNKS[suite, task, code]), strict=True)
        )
    if task in ("xnli", "pawsx", "tatoeba"):
        return accuracy(lines(labels), lines(given))
    if task == "bucc2018":
        return pair_scores(lines(labels), lines(given))
    if task == "xcopa":
        return accuracy(*([json.loads(row)["label"] for row in lines(part)] for part in (labels, given)))
    gold, answers = (json.loads(part.read_text(encoding="utf-8")) for part in (labels, given))
    if task in ("mewslix", "lareqa"):
        return (reciprocal_rank if task == "mewslix" else average_precision)(gold, answers)
    return answer_scores(gold, answers, code, mlqa_words if task == "mlqa" else squad_words)


def official(folder: Path, suite: str) -> dict[str, Any]:
    tasks: dict[str, Any] = {}
    main: dict[str, float] = {}
    for task in sorted(p.name for p in (folder / "predictions").iterdir()):
        metrics: dict[str, dict[str, float]] = {}
        for path in (folder / "predictions" / task).iterdir():
            for metric, value in official_language(folder, suite, task, path).items():
                metrics.setdefault(metric, {})[path.stem.removeprefix("test-")] = value
        means = {metric: sum(by.values()) / len(by) for metric, by in metrics.items()}
        tasks[task] = {m: {"average": means[m], "languages": by} for m, by in metrics.items()}
        main[task] = (
            (means["exact_match"] + means["f1"]) / 2
            if "exact_match" in means
            else means[METRIC.get(task, "accuracy")]
        )
    groups = {name: sum(main[t] for t in members) / len(members) for name, members in GROUPS[suite].items()}
    return {"tasks": tasks, "groups": groups, "overall": sum(main.values()) / len(main)}


# --- the tests ---------------------------------------------------------------------------------


def request(folder: Path, suite: str) -> ScoreSpec:
    return ScoreSpec(
        predictions=str(folder / "predictions"), labels=str(folder / "labels"), suite=suite, resamples=100
    )


@pytest.fixture(scope="module", params=sorted(GROUPS))
def submitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder = tmp_path_factory.mktemp(request.param)
    write_submission(folder, request.param)
    return request.param, folder


def test_every_number_of_a_full_submission_is_the_official_one(submitted: tuple[str, Path]) -> None:
    suite, folder = submitted
    assert STORED["made_by"]["version"] == "0.0.12"
    ours = plain(score_submission(request(folder, suite), progress=QUIET).scores)
    theirs = official(folder, suite)
    assert ours["missing"] == {}
    assert ours["tasks"].keys() == theirs["tasks"].keys()
    for task, metrics in theirs["tasks"].items():
        found = ours["tasks"][task]["metrics"]
        for metric, expected in metrics.items():
            assert found[metric]["languages"] == pytest.approx(expected["languages"], abs=1e-9), (
                task,
                metric,
            )
            assert found[metric]["average"] == pytest.approx(expected["average"], abs=1e-9), (task, metric)
            assert len(set(expected["languages"].values())) > 1
    assert ours["groups"] == pytest.approx(theirs["groups"], abs=1e-9)
    assert ours["overall"] == pytest.approx(theirs["overall"], abs=1e-9)


def permuted(folder: Path, target: Path) -> None:
    """Write a submission with the examples of every file in another order, the same in both files."""
    for path in sorted((folder / "predictions").rglob("test-*")):
        name = path.relative_to(folder / "predictions")
        for part in ("predictions", "labels"):
            text = (folder / part / name).read_text(encoding="utf-8")
            if path.suffix == ".json":
                tree = json.loads(text)
                body = tree["data"] if isinstance(tree, dict) and "data" in tree else tree
                turned = list(reversed(body)) if isinstance(body, list) else dict(reversed(body.items()))
                text = json.dumps(tree | {"data": turned} if body is not tree else turned)
            elif name.parent.name in ("panx", "udpos"):
                text = "\n\n".join(reversed(text.rstrip("\n").split("\n\n"))) + "\n\n"
            else:
                text = "".join(reversed(text.splitlines(keepends=True)))
            (target / part / name).parent.mkdir(parents=True, exist_ok=True)
            (target / part / name).write_text(text, encoding="utf-8")


def test_the_order_of_examples_changes_no_score(submitted: tuple[str, Path], tmp_path: Path) -> None:
    suite, folder = submitted
    permuted(folder, tmp_path)
    before, after = (
        plain(score_submission(request(place, suite), progress=QUIET).scores) for place in (folder, tmp_path)
    )
    for task in before["tasks"]:
        for metric, found in before["tasks"][task]["metrics"].items():
            other = after["tasks"][task]["metrics"][metric]
            assert other["languages"] == pytest.approx(found["languages"], abs=1e-9), (task, metric)
    assert after["overall"] == pytest.approx(before["overall"], abs=1e-9)


def test_a_missing_language_leaves_no_average_to_be_misread(
    submitted: tuple[str, Path], tmp_path: Path
) -> None:
    suite, folder = submitted
    shutil.copytree(folder, tmp_path / "part")
    (tmp_path / "part" / "predictions" / "mlqa" / "test-hi.json").unlink()
    shutil.rmtree(tmp_path / "part" / "predictions" / "xnli")
    found = plain(score_submission(request(tmp_path / "part", suite), progress=QUIET).scores)
    theirs = official(folder, suite)
    assert found["missing"]["mlqa"] == ["hi"] and len(found["missing"]["xnli"]) == 15
    f1 = found["tasks"]["mlqa"]["metrics"]["f1"]
    assert f1["average"] is None
    expected = theirs["tasks"]["mlqa"]["f1"]["languages"]
    del expected["hi"]
    assert f1["languages"] == pytest.approx(expected, abs=1e-9)
    assert found["overall"] is None
    assert found["groups"]["qa"] is None and found["groups"]["classification"] is None
    assert found["groups"]["tagging"] == pytest.approx(theirs["groups"]["tagging"], abs=1e-9)


def test_the_run_folder_of_a_submission_is_scored_again_to_the_same_bytes(
    submitted: tuple[str, Path], tmp_path: Path
) -> None:
    suite, folder = submitted
    first = score_submission(request(folder, suite), out=tmp_path / "run", progress=QUIET)
    assert score_run(tmp_path / "run", progress=QUIET).scores == first.scores
    score_run(tmp_path / "run", out=tmp_path / "again", progress=QUIET)
    again = score_submission(request(folder, suite), out=tmp_path / "twice", progress=QUIET)
    for other in (tmp_path / "again", again.folder):
        for name in ("scores.json", "report.md"):
            assert (other / name).read_bytes() == (tmp_path / "run" / name).read_bytes()
    for path in (folder / "predictions").rglob("test-*"):
        copy = tmp_path / "run" / "predictions" / path.relative_to(folder / "predictions")
        assert copy.read_bytes() == path.read_bytes()
