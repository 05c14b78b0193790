"""What messages show of a wrong value: enough to find it, never the whole of a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.data.text import require
from harness.errors import DataError, HarnessError, did_you_mean
from harness.results.formats import format_named

LONG = "x" * 100_000


@pytest.mark.parametrize(
    ("seen", "closest"), [("test-DE.tsv", "'test-de.tsv'"), ("XNLI", "'xnli'"), ("O-per", "'O-PER'")]
)
def test_case_is_no_distance(seen: str, closest: str) -> None:
    allowed = ["test-zh.tsv", "test-de.tsv", "xnli", "O-PER", "B-LOC"]
    assert did_you_mean(seen, allowed).startswith(f" (did you mean {closest}")


def test_of_thousands_of_keys_a_few_are_shown() -> None:
    record = {f"q{i}": "answer" for i in range(11_590)} | {LONG: 1}
    with pytest.raises(DataError) as caught:
        require(record, "data", list, where="test-en.json")
    assert "'data' is missing; there are 'q0', 'q1'" in str(caught.value)
    assert str(caught.value).endswith("and 11,579 more")
    assert len(str(caught.value)) < 300
    with pytest.raises(DataError, match=r"there are 'a', 'b'$"):
        require({"a": 1, "b": 2}, "data", list, where="x")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("choice_jsonl", f'{{"label": "{LONG}"}}\n'),
        ("choice_jsonl", f'{{"id": "{LONG}", "label": 1}}\n'),
        ("answers_json", json.dumps({"0": [LONG]})),
        ("answers_json", json.dumps({"0": "", LONG: ""})),
        ("ranking_json", json.dumps({"0": [LONG, LONG]})),
        ("label_tsv", f"\ufeff\ufeff{LONG}\n"),
    ],
)
def test_a_long_value_is_cut(name: str, data: str) -> None:
    with pytest.raises(HarnessError) as caught:
        format_named(name).decode(data.encode("utf-8"), ["0"], Path("f"))
    assert len(str(caught.value)) < 300
