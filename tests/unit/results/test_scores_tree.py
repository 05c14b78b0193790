"""scores.json: the tree of the design, the same bytes, nothing averaged over what is missing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import ResultError
from harness.records import Estimate
from harness.results.findings import Findings
from harness.results.scores import (
    MetricEstimates,
    TaskEstimates,
    build_scores,
    decode_scores,
    encode_plain,
    encode_scores,
    plain,
    read_scores,
    score,
    scores_schema,
)

PATH = Path("run/scores.json")


def test_tree_is_the_one_of_the_design(findings: Findings) -> None:
    tree = json.loads(encode_scores(findings.scores))
    assert list(tree) == sorted(
        ["schema_version", "suite", "recipe", "tasks", "groups", "overall", "missing"]
    )
    assert tree["schema_version"] == 1
    assert tree["tasks"]["tatoeba"]["main"] == "accuracy"
    assert tree["tasks"]["tatoeba"]["source_language"] is None
    cell = tree["tasks"]["tatoeba"]["metrics"]["accuracy"]["languages"]["de"]
    assert cell == {"high": 66.2, "low": 60.1, "n": 1000, "value": 63.2}
    assert tree["tasks"]["xquad"]["metrics"]["f1"]["average"] is None
    assert tree["tasks"]["xquad"]["metrics"]["f1"]["languages"]["en"]["low"] is None
    assert tree["groups"] == {"qa": None, "retrieval": {"high": 36.6, "low": 30.5, "n": 1000, "value": 33.6}}
    assert tree["overall"] is None
    assert tree["missing"] == {"mlqa": ["de", "en"], "xquad": ["ar"]}


def test_bytes_survive_a_round_trip(findings: Findings) -> None:
    written = encode_scores(findings.scores)
    assert written.endswith(b"}\n")
    assert encode_scores(decode_scores(written, PATH)) == written


def test_rounding_hides_the_order_of_summation() -> None:
    third = score(Estimate(100 / 3, -0.0, 100.0, 3, 3))
    assert third == score(Estimate(100 / 3 + 1e-13, 0.0, 100.0, 3, 3))
    assert b"-0.0" not in json.dumps(third.model_dump()).encode()


def test_plain_has_numbers_for_cells(findings: Findings) -> None:
    tree = plain(findings.scores)
    assert tree["tasks"]["tatoeba"]["metrics"]["accuracy"] == {
        "average": 33.6,
        "languages": {"de": 63.2, "zh": 4.0},
    }
    assert tree["tasks"]["xquad"]["metrics"]["f1"]["average"] is None
    assert tree["groups"] == {"retrieval": 33.6, "qa": None}
    assert json.loads(encode_plain(findings.scores)) == tree


def test_average_over_a_gap_is_refused() -> None:
    whole = Estimate(50.0, 40.0, 60.0, 10, 10)
    task = TaskEstimates("f1", "en", {"f1": MetricEstimates({"en": whole}, whole)})
    with pytest.raises(ResultError, match="'xquad' has an average although de is missing"):
        build_scores({"xquad": task}, suite=None, recipe=None, missing={"xquad": ["de"]})
    assert build_scores({"xquad": task}, suite=None, recipe=None, missing={"xquad": []}).missing == {}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b'{"schema_version": ' + b"1" * 5000 + b"}", r"not valid JSON.*digits"),
        (b"[" * 100_000, r"nested more than 64 levels"),
        (b"[]", "schema_version is None"),
        (b'{"schema_version": 2}', "schema_version is 2; this version of xharness reads 1"),
        (b'{"schema_version": 1, "suite": null}', "recipe: Field required"),
        (b'{"schema_version": 1, "suite": null, "recipe": null, "tasks": {}, "x": 1}', "x: Extra inputs"),
        (b'{"schema_version": 1, "suite": null, "recipe": null, "tasks": {"a": {}}}', r"tasks\.a\.main"),
    ],
)
def test_broken_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ResultError, match=message):
        decode_scores(data, PATH)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="is this a run folder"):
        read_scores(tmp_path / "scores.json")


def test_schema_names_the_cells() -> None:
    schema = scores_schema()
    assert set(schema["$defs"]["Score"]["properties"]) == {"value", "low", "high", "n"}
