from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.data.choices import read_copa, read_siqa, read_xcopa
from harness.data.reading import Reader, Reading
from harness.errors import DataError, SpecError
from harness.records import ChoiceInputs, DataSet
from harness.specs.task import LocalSource


def item(idx: int, **changes: Any) -> dict[str, Any]:
    question = "cause" if idx % 2 else "effect"
    return {
        "premise": f"Premisse {idx}.",
        "choice1": "eins",
        "choice2": "zwei",
        "question": question,
        "label": idx % 2,
        "idx": idx,
        **changes,
    }


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")


def read(folder: Path, reader: Reader, **options: bool) -> DataSet:
    files = {"items": ("{code}.jsonl",)}
    if reader is read_xcopa:
        files["reference"] = ("et.jsonl", "ht.jsonl")
    source = LocalSource(reader="any", files=files, options=options)
    return reader(Reading("xcopa", "th", source, folder, {"th": {"code": "th"}}))


def test_question_is_taken_from_the_reference_by_idx(tmp_path: Path) -> None:
    write(tmp_path / "et.jsonl", [item(i) for i in (3, 2, 1, 0)])
    write(tmp_path / "th.jsonl", [item(i, question="effect") for i in range(4)])
    data = read(tmp_path, read_xcopa)
    assert data.repairs == {"question": 2}
    assert [(e.example_id, e.parallel_id, e.gold) for e in data.examples] == [
        (str(i), str(i), str(i % 2)) for i in range(4)
    ]
    assert data.examples[1].inputs == ChoiceInputs("Premisse 1. What was the cause?", ("eins", "zwei"))
    assert data.examples[2].inputs == ChoiceInputs("Premisse 2. What was the effect?", ("eins", "zwei"))
    assert [s.path for s in data.sources] == ["th.jsonl", "et.jsonl"]


def test_another_language_serves_where_the_first_is_absent(tmp_path: Path) -> None:
    write(tmp_path / "ht.jsonl", [item(1)])
    write(tmp_path / "th.jsonl", [item(1, question="effect")])
    data = read(tmp_path, read_xcopa)
    assert data.repairs == {"question": 1}
    assert data.sources[1].path == "ht.jsonl"


def test_raw_questions_are_kept_on_request_without_reference(tmp_path: Path) -> None:
    write(tmp_path / "th.jsonl", [item(1, question="effect")])
    data = read(tmp_path, read_xcopa, raw_questions=True)
    assert data.examples[0].inputs == ChoiceInputs("Premisse 1. What was the effect?", ("eins", "zwei"))
    assert data.repairs == {} and len(data.sources) == 1


def test_reference_that_is_itself_corrupt_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "et.jsonl", [item(i, question="effect") for i in range(50)])
    write(tmp_path / "th.jsonl", [item(0)])
    with pytest.raises(DataError, match=r"et\.jsonl: every 'question' is 'effect'"):
        read(tmp_path, read_xcopa)


def test_missing_reference_and_missing_idx_are_named(tmp_path: Path) -> None:
    write(tmp_path / "th.jsonl", [item(0), item(5)])
    with pytest.raises(DataError, match=r"no et\.jsonl or ht\.jsonl under"):
        read(tmp_path, read_xcopa)
    write(tmp_path / "et.jsonl", [item(0)])
    with pytest.raises(DataError, match=r"th\.jsonl:2: idx 5 is not in et\.jsonl"):
        read(tmp_path, read_xcopa)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": -1}, "the label is hidden"),
        ({"label": 2}, "'label' is 2; allowed are 0"),
        ({"label": "0"}, "'label' must be a whole number"),
        ({"label": True}, "'label' must be a whole number"),
        ({"question": "why"}, "'question' is 'why'; allowed are 'cause' and 'effect'"),
        ({"premise": 3}, "'premise' must be text"),
    ],
)
def test_bad_rows_name_file_and_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    for name in ("et", "th"):
        write(tmp_path / f"{name}.jsonl", [item(0)])
    write(tmp_path / "th.jsonl", [item(0), item(1, **change)])
    for reader in (read_copa, read_xcopa):
        if reader is read_xcopa:
            write(tmp_path / "et.jsonl", [item(0), item(1)])
        with pytest.raises(DataError, match=rf"^th\.jsonl:2: {message}"):
            read(tmp_path, reader)


def test_hidden_label_key(tmp_path: Path) -> None:
    row = item(0)
    del row["label"]
    write(tmp_path / "th.jsonl", [row])
    with pytest.raises(DataError, match=r"th\.jsonl:1: the label is hidden"):
        read(tmp_path, read_copa)


def test_labels_that_xtreme_overwrote_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "th.jsonl", [item(i, label=0) for i in range(49)])
    assert len(read(tmp_path, read_copa).examples) == 49
    write(tmp_path / "th.jsonl", [item(i, label=0) for i in range(50)])
    with pytest.raises(DataError, match=r"^th\.jsonl: the gold is hidden \(it is '0' in all 50 examples"):
        read(tmp_path, read_copa)


def test_copa_is_read_as_it_is(tmp_path: Path) -> None:
    write(tmp_path / "th.jsonl", [item(0), item(1)])
    data = read(tmp_path, read_copa)
    assert [(e.example_id, e.gold, e.parallel_id) for e in data.examples] == [
        ("0", "0", None),
        ("1", "1", None),
    ]


@pytest.mark.parametrize(
    ("label", "gold"), [({"correct": "B"}, "1"), ({"label": "3"}, "2"), ({"label": 1}, "0")]
)
def test_siqa_in_both_releases(tmp_path: Path, label: dict[str, Any], gold: str) -> None:
    row = {
        "context": "Kontext.",
        "question": "Warum?",
        "answerA": "a",
        "answerB": "b",
        "answerC": "c",
        **label,
    }
    write(tmp_path / "th.jsonl", [row])
    (example,) = read(tmp_path, read_siqa).examples
    assert (example.example_id, example.gold) == ("0", gold)
    assert example.inputs == ChoiceInputs("Kontext. Warum?", ("a", "b", "c"))


@pytest.mark.parametrize("label", [{}, {"correct": "D"}, {"label": ""}, {"label": "0"}])
def test_siqa_without_label_is_refused(tmp_path: Path, label: dict[str, Any]) -> None:
    row = {"context": "K", "question": "W", "answerA": "a", "answerB": "b", "answerC": "c", **label}
    write(tmp_path / "th.jsonl", [row])
    with pytest.raises(DataError, match=r"th\.jsonl:1: "):
        read(tmp_path, read_siqa)


def test_unknown_and_mistyped_options_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "th.jsonl", [item(0)])
    with pytest.raises(SpecError, match=r"no option 'raw_question' .did you mean 'raw_questions'"):
        read(tmp_path, read_xcopa, raw_question=True)
    with pytest.raises(SpecError, match="must be of the kind of False, found 1"):
        read(tmp_path, read_xcopa, raw_questions=1)  # type: ignore[arg-type]
