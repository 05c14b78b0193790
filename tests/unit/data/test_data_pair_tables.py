"""Sentence pairs of GLUE, SNLI and ANLI in the form of their releases and of the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import hub_tables
import pytest

from harness.data.fingerprint import fingerprint
from harness.data.reading import Reading
from harness.data.table import reader_named
from harness.errors import DataError, SpecError
from harness.records import ClassificationInputs, DataSet
from harness.specs.task import LocalSource

NLI = ("contradiction", "entailment", "neutral")
QQP = ("not_duplicate", "duplicate")
QQP_HEADER = "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate"
QQP_OPTIONS: dict[str, Any] = {
    "first": "question1",
    "second": "question2",
    "label": "is_duplicate",
    "rename": "0=not_duplicate,1=duplicate",
    "drop_broken": True,
}
SNLI_HEADER = (
    "gold_label\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\t"
    "sentence1\tsentence2\tcaptionID\tpairID\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5"
)


def read(
    root: Path, reader: str, files: dict[str, str | bytes], *, labels: tuple[str, ...], **options: Any
) -> DataSet:
    for role, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        name = "parquet" if data.startswith(b"PAR1") else "jsonl" if data.startswith(b"{") else "tsv"
        (root / f"{role}.{name}").write_bytes(data)
    patterns = {role: (f"{role}.*",) for role in files}
    source = LocalSource(reader=reader, files=patterns, options=options)
    return reader_named(reader)(Reading("t", "en", source, root, {"en": {"code": "en"}}, labels))


def pairs(data: DataSet) -> list[tuple[str, str, str | None, str]]:
    found = []
    for example in data.examples:
        assert isinstance(example.inputs, ClassificationInputs)
        found.append((example.example_id, example.inputs.first, example.inputs.second, example.gold))
    return found


def test_question_pairs_of_glue(tmp_path: Path) -> None:
    lines = [
        QQP_HEADER,
        '0\t1\t2\tWhat is "this"?\tWhat\'s "this?\t1',
        "1\t3\t4\tWhy?\tWhen, then?\t0",
        "2\t5\t6\tA question that was cut off",
        "3\t7\t8\tIs one empty?\t\t0",
        "4\t9\t10\tAnd now?\tWhat now?\t1",
    ]
    data = read(tmp_path, "pair_table", {"pairs": "\n".join(lines) + "\n"}, labels=QQP, **QQP_OPTIONS)
    assert pairs(data) == [
        ("0", 'What is "this"?', "What's \"this?", "duplicate"),
        ("1", "Why?", "When, then?", "not_duplicate"),
        ("4", "And now?", "What now?", "duplicate"),
    ]
    assert data.repairs == {"broken_row": 2}
    rows = [
        {"question1": a, "question2": b, "label": QQP.index(label), "idx": int(i)}
        for i, a, b, label in pairs(data)
    ]
    table = hub_tables.parquet(rows, label=QQP)
    options = {"first": "question1", "second": "question2", "label_names": ",".join(QQP)}
    hub = read(tmp_path, "pair_rows", {"rows": table}, labels=QQP, **options)
    assert [p[1:] for p in pairs(hub)] == [p[1:] for p in pairs(data)]


def test_broken_rows_are_refused_unless_the_source_allows_them(tmp_path: Path) -> None:
    text = f"{QQP_HEADER}\n0\t1\t2\tA?\n"
    with pytest.raises(DataError, match=r"pairs.tsv:2: 4 fields, expected 6 separated by tabs"):
        read(tmp_path, "pair_table", {"pairs": text}, labels=QQP, **{**QQP_OPTIONS, "drop_broken": False})
    with pytest.raises(DataError, match=r"pairs.tsv:2: the label is '2'; allowed are not_duplicate, dup"):
        read(
            tmp_path,
            "pair_table",
            {"pairs": f"{QQP_HEADER}\n0\t1\t2\tA?\tB?\t2\n"},
            labels=QQP,
            **QQP_OPTIONS,
        )
    too_long = f"{QQP_HEADER}\n0\t1\t2\tA?\tB?\t1\textra\n"
    with pytest.raises(DataError, match="7 fields, expected 6"):
        read(tmp_path, "pair_table", {"pairs": too_long}, labels=QQP, **QQP_OPTIONS)
    with pytest.raises(DataError, match="must name the columns question1, question2, is_duplicate"):
        read(tmp_path, "pair_table", {"pairs": "id\tlabel\n1\t1\n"}, labels=QQP, **QQP_OPTIONS)


@pytest.mark.parametrize("rename", ["0", "0=", "=a", "0=a,,1=b"])
def test_a_renaming_of_another_form(tmp_path: Path, rename: str) -> None:
    text = f"{QQP_HEADER}\n0\t1\t2\tA?\tB?\t1\n"
    with pytest.raises(SpecError, match=r"option 'rename' is .* write each label of the files"):
        read(tmp_path, "pair_table", {"pairs": text}, labels=QQP, **{**QQP_OPTIONS, "rename": rename})


def snli_line(label: str, number: int) -> str:
    parses = "( ( A man ) sleeps )\t" * 4
    return f"{label}\t{parses}A man {number}.\tHe sleeps.\t{number}.jpg#4\t{number}.jpg#4r1n\t{label}\t\t\t\t"


def test_pairs_on_which_annotators_did_not_agree_are_left_out(tmp_path: Path) -> None:
    golds = ["neutral", "-", "contradiction", "entailment", "-"]
    lines = [SNLI_HEADER, *(snli_line(label, number) for number, label in enumerate(golds))]
    options = {"label": "gold_label", "drop_unlabelled": True}
    data = read(tmp_path, "pair_table", {"pairs": "\n".join(lines) + "\n"}, labels=NLI, **options)
    assert [(p[0], p[1], p[3]) for p in pairs(data)] == [
        ("0", "A man 0.", "neutral"),
        ("2", "A man 2.", "contradiction"),
        ("3", "A man 3.", "entailment"),
    ]
    assert data.repairs == {"unlabelled": 2}
    names = ("entailment", "neutral", "contradiction")
    rows = [
        {"premise": f"A man {i}.", "hypothesis": "He sleeps.", "label": names.index(g) if g in names else -1}
        for i, g in enumerate(golds)
    ]
    table = hub_tables.parquet(rows, label=names)
    options = {"label_names": ",".join(names), "drop_unlabelled": True}
    hub = read(tmp_path, "pair_rows", {"rows": table}, labels=NLI, **options)
    # Ids count the rows that are left out, so both copies have one fingerprint.
    assert fingerprint(hub) == fingerprint(data) and hub.repairs == {"unlabelled": 2}
    with pytest.raises(DataError, match=r"row 2: 'label': the gold is hidden \(the label is -1\)"):
        read(tmp_path, "pair_rows", {"rows": table}, labels=NLI, label_names=",".join(names))
    with pytest.raises(DataError, match="the gold is hidden"):
        read(tmp_path, "pair_table", {"pairs": "\n".join(lines)}, labels=NLI, label="gold_label")


def anli(number: int, label: str) -> dict[str, Any]:
    return {
        "uid": f"u{number}",
        "context": f"context {number}",
        "hypothesis": f"hypothesis {number}",
        "label": label,
        "model_label": "n",
        "emturk": False,
        "genre": "wiki",
        "reason": "",
        "tag": None,
    }


def test_the_rounds_of_anli_are_joined_in_their_order(tmp_path: Path) -> None:
    rounds = {"r1": "en", "r3": "e", "r2": "cce"}
    files = {r: hub_tables.json_lines([anli(i, x) for i, x in enumerate(s)]) for r, s in rounds.items()}
    options = {"first": "context", "second": "hypothesis", "rename": "e=entailment,n=neutral,c=contradiction"}
    data = read(tmp_path, "pair_rows", files, labels=NLI, **options)
    assert [(e.example_id, e.gold) for e in data.examples] == [
        ("r1/0", "entailment"),
        ("r1/1", "neutral"),
        ("r2/0", "contradiction"),
        ("r2/1", "contradiction"),
        ("r2/2", "entailment"),
        ("r3/0", "entailment"),
    ]
    assert [f.path for f in data.sources] == ["r1.jsonl", "r2.jsonl", "r3.jsonl"]
    with pytest.raises(DataError, match=r"r1.jsonl: row 1: the label is 'e'; allowed are contradiction"):
        read(tmp_path, "pair_rows", files, labels=NLI, first="context", second="hypothesis")
