from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.data.reading import Reading
from harness.data.wikiann import read_wikiann
from harness.errors import DataError
from harness.records import DataSet, TaggingInputs
from harness.results.formats import format_named
from harness.specs.task import LocalSource

LABELS = ("O", "B-PER", "I-PER", "B-ORG", "I-ORG", "B-LOC", "I-LOC")


def read(folder: Path, text: str, **options: bool | str) -> DataSet:
    (folder / "en-test").write_bytes(text.encode())
    source = LocalSource(reader="wikiann_lines", files={"sentences": ("{code}-test",)}, options=options)
    return read_wikiann(Reading("panx", "en", source, folder, {"en": {"code": "en"}}, LABELS))


def sentences(data: DataSet) -> list[tuple[str, ...]]:
    return [e.inputs.words for e in data.examples if isinstance(e.inputs, TaggingInputs)]


def test_words_labels_and_ids(tmp_path: Path) -> None:
    data = read(tmp_path, "en:Bonn\tB-LOC\nen:is\tO\n\nen:10:30\tO\n\n")
    assert sentences(data) == [("Bonn", "is"), ("10:30",)]
    assert [(e.example_id, e.gold) for e in data.examples] == [("0", '["B-LOC","O"]'), ("1", '["O"]')]
    assert all(e.parallel_id is None and e.cluster_id is None for e in data.examples)
    assert data.repairs == {} and [s.path for s in data.sources] == ["en-test"]


@pytest.mark.parametrize("end", ["", "\n", "\n\n"])
def test_one_empty_last_line_does_not_count(tmp_path: Path, end: str) -> None:
    assert sentences(read(tmp_path, "en:a\tO\n\nen:b\tO" + end)) == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("line", "expected", "repairs"),
    [
        ("Wort\tO", [("a", "b")], {"no_colon": 1}),
        ("en:Wort", [("a",), ("b",)], {"broken_line": 1}),
        ("en:Wort\tO\tO", [("a",), ("b",)], {"broken_line": 1}),
        ("en:Wort\t", [("a",), ("b",)], {"broken_line": 1}),
        ("en: \tO", [("a",), ("b",)], {"empty_token": 1}),
        ("en::\tO", [("a", ":", "b")], {}),
        (" en:\u00a0c \t O ", [("a", "c", "b")], {}),
        ("", [("a",), ("b",)], {}),
        ("\n", [("a",), (), ("b",)], {"empty_sentence": 1}),
    ],
)
def test_odd_lines_as_the_official_code_takes_them(
    tmp_path: Path, line: str, expected: list[tuple[str, ...]], repairs: dict[str, int]
) -> None:
    data = read(tmp_path, f"en:a\tO\n{line}\nen:b\tO\n\n")
    assert sentences(data) == expected
    assert data.repairs == repairs


def test_empty_sentences_are_kept_for_the_numbering_or_dropped(tmp_path: Path) -> None:
    text = "\nen:a\tO\n\n\nen:b\tB-PER\n\n\n"
    data = read(tmp_path, text)
    assert [(e.example_id, e.gold) for e in data.examples] == [
        ("0", "[]"), ("1", '["O"]'), ("2", "[]"), ("3", '["B-PER"]'),
    ]  # fmt: skip
    data = read(tmp_path, text, keep_empty=False)
    assert [(e.example_id, e.gold) for e in data.examples] == [("0", '["O"]'), ("1", '["B-PER"]')]


def official_label_file(lines: Sequence[str]) -> str:
    """Write labels as XTREME's preprocessing would, had it kept them: a line for each word it keeps."""
    if lines[-1].strip() == "":
        lines = lines[:-1]
    written = []
    for line in lines:
        fields = line.strip().split("\t")
        if len(fields) == 2:
            place = fields[0].find(":")
            if place != -1:
                written.append(fields[1].strip() if fields[0][place + 1 :].strip() else "")
        else:
            written.append("")
    return "".join(f"{line}\n" for line in written)


LINE = st.sampled_from(["", "en:a\tO", "en:b\tB-LOC", "en:c:d\tI-LOC", "en:\tO", "en:x", "x\tO", " \t ", "y"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.lists(LINE, min_size=1, max_size=14), st.sampled_from(["", "\n"]))
def test_numbering_agrees_with_the_official_label_file(tmp_path: Path, lines: list[str], end: str) -> None:
    lines = ["en:first\tO", "en:second\tO", "en:third\tO", *["en:more\tO"] * len(lines), *lines]
    data = read(tmp_path, "\n".join(lines) + end)
    text = official_label_file(("\n".join(lines) + end).splitlines(keepends=True))
    ids = [e.example_id for e in data.examples]
    labels = format_named("labels_tsv").decode(text.encode(), ids, tmp_path / "test-en.tsv")
    assert ids == [str(i) for i in range(len(labels))]
    assert [json.loads(e.gold) for e in data.examples] == labels


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("en:a\tB-MISC\n", r"^en-test:1: the label is 'B-MISC'.*allowed are O, B-PER"),
        ("en:a\tO\nen:b\tB-LOK\n", r"^en-test:2: the label is 'B-LOK' \(did you mean 'B-LOC'"),
        ("Bonn\tB-LOC\nist\tO\nen:a\tO\n", "^en-test: 2 of 3 words have no language and colon"),
        ("Bonn\nist\n\nhier\n", "^en-test: the lines hold words and no labels: XTREME's .*Get den Rest"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, text, original="den Rest")


def test_windows_line_ends_and_bom(tmp_path: Path) -> None:
    data = read(tmp_path, "\ufeffen:a\tO\r\n\r\nen:b\tO\r\n\r\n")
    assert sentences(data) == [("a",), ("b",)] and data.repairs == {"bom": 1}
