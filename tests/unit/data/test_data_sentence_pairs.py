"""Readers of XNLI, MultiNLI, PAWS-X, and of the files that XTREME's download script makes of them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.fingerprint import fingerprint
from harness.data.pair_lines import read_pair_lines
from harness.data.pawsx import read_pawsx
from harness.data.reading import Reader, Reading
from harness.data.text import TextFile
from harness.data.xnli import read_multinli, read_xnli
from harness.errors import DataError, SpecError
from harness.records import ClassificationInputs, DataSet, SourceFile
from harness.specs.task import LocalSource

NLI = ("contradiction", "entailment", "neutral")
XNLI_COLUMNS = (
    "language gold_label sentence1_binary_parse sentence2_binary_parse sentence1_parse sentence2_parse "
    "sentence1 sentence2 promptID pairID genre label1 label2 label3 label4 label5 sentence1_tokenized "
    "sentence2_tokenized match"
).split()
GOOD = ("de", "neutral", "a", "b")


def xnli_row(language: str, label: str, first: str, second: str) -> str:
    values = dict.fromkeys(XNLI_COLUMNS, "") | {"language": language, "gold_label": label}
    values |= {"sentence1": first, "sentence2": second, "genre": "facetoface", "match": "True"}
    return "\t".join(values[name] for name in XNLI_COLUMNS)


def xnli(*rows: tuple[str, str, str, str]) -> str:
    return "\n".join(["\t".join(XNLI_COLUMNS), *(xnli_row(*row) for row in rows)]) + "\n"


def read(
    folder: Path,
    reader: Reader,
    text: str | bytes,
    *,
    language: str = "de",
    labels: tuple[str, ...] = NLI,
    **options: str,
) -> DataSet:
    (folder / "p.tsv").write_bytes(text.encode() if isinstance(text, str) else text)
    source = LocalSource(reader="any", files={"pairs": ("p.tsv",)}, options=options)
    return reader(Reading("t", language, source, folder, {language: {"code": language}}, labels))


def official(rows: list[tuple[str, ...]]) -> str:
    """Write rows as the official preprocessing does."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter="\t").writerows(rows)
    return text.getvalue()


def test_xnli_takes_the_rows_of_one_language(tmp_path: Path) -> None:
    text = xnli(
        ("ar", "neutral", "x", "y"),
        ("de", "contradictory", ' Er sagte: "Nein." ', "Er sagte ja."),
        ("ar", "entailment", "x", "y"),
        ("de", "entailment", '"offen', "zu\u2028ende"),
    )
    data = read(tmp_path, read_xnli, text)
    assert [(e.example_id, e.gold, e.parallel_id) for e in data.examples] == [
        ("0", "contradiction", "0"),
        ("1", "entailment", "1"),
    ]
    assert data.examples[0].inputs == ClassificationInputs('Er sagte: "Nein."', "Er sagte ja.")
    assert data.examples[1].inputs == ClassificationInputs('"offen', "zu\u2028ende")
    assert [s.path for s in data.sources] == ["p.tsv"] and data.repairs == {}


def test_xnli_with_crlf_and_mark(tmp_path: Path) -> None:
    text = xnli(("de", "neutral", "a", "b")).replace("\n", "\r\n").encode("utf-8-sig")
    data = read(tmp_path, read_xnli, text)
    assert data.examples[0].inputs == ClassificationInputs("a", "b")
    assert data.repairs == {"bom": 1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            xnli(("de", "neutral", "a", "b")).split("\n", 1)[1],
            r"^p\.tsv:1: the first line must name .*gold_label",
        ),
        (xnli(("de", "neutral", "a", "b")) + "de\tneutral\ta\n", r"^p\.tsv:3: 3 fields, expected 19"),
        (xnli(("de", "neutral", "a", "b\tc")), r"^p\.tsv:2: 20 fields, expected 19"),
        (
            xnli(("de", "neutral", "a", "b"), ("de", "netural", "a", "b")),
            r"^p\.tsv:3: .*did you mean 'neutral'",
        ),
        (xnli(("de", "-", "a", "b")), r"^p\.tsv:2: the gold is hidden \(the label is '-'\)"),
        (xnli(("fr", "neutral", "a", "b")), r"no row of the language 'de'.*the file has fr"),
        (xnli(), r"no row of the language 'de'.*no rows"),
        (xnli(*[GOOD] * 50), "'neutral' in all 50 examples"),
    ],
)
def test_bad_xnli_files_name_file_and_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, read_xnli, text)


@pytest.mark.parametrize(
    "header", ["premise\thypo\tlabel", "index\tsentence1\tsentence2\tlabel1\tgold_label"]
)
def test_multinli_in_both_releases(tmp_path: Path, header: str) -> None:
    wide = header.startswith("index")
    rows = [('He said " no " .', "He agreed .", "contradictory"), ("a", "", "neutral")]
    lines = [f"{i}\t{a}\t{b}\tneutral\t{c}" if wide else f"{a}\t{b}\t{c}" for i, (a, b, c) in enumerate(rows)]
    data = read(tmp_path, read_multinli, "\n".join([header, *lines]), language="en")
    assert [(e.example_id, e.gold, e.parallel_id) for e in data.examples] == [
        ("0", "contradiction", None),
        ("1", "neutral", None),
    ]
    assert [e.inputs for e in data.examples] == [ClassificationInputs(a, b) for a, b, _ in rows]


def test_a_multinli_file_that_is_something_else(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="columns premise, hypo, label or sentence1, sentence2, gold_label"):
        read(tmp_path, read_multinli, "premise\thypothesis\tlabel\na\tb\tneutral\n")
    with pytest.raises(DataError, match=r"^p\.tsv:2: the label is 'maybe'; allowed are contradiction"):
        read(tmp_path, read_multinli, "premise\thypo\tlabel\na\tb\tmaybe\n")


def test_pawsx_is_paired_by_id_and_keeps_what_was_not_translated(tmp_path: Path) -> None:
    text = 'id\tsentence1\tsentence2\tlabel\n1\tEr "sang .\ter\t0\n3\tNS\tNS\t1\n'
    data = read(tmp_path, read_pawsx, text, labels=("0", "1"))
    assert [(e.example_id, e.parallel_id, e.gold) for e in data.examples] == [
        ("0", "1", "0"),
        ("1", "3", "1"),
    ]
    assert [e.inputs for e in data.examples] == [
        ClassificationInputs('Er "sang .', "er"),
        ClassificationInputs("NS", "NS"),
    ]
    assert data.repairs == {}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1\ta\tb", "3 fields, expected 4"),
        ("1\ta\tb\t1\t", "5 fields, expected 4"),
        ("", "1 fields, expected 4"),
        ("\ta\tb\t1", "the id is empty"),
        ("1\ta\tb\t2", "the label is '2'; allowed are 0, 1"),
        ("1\ta\tb\t-1", "the gold is hidden"),
    ],
)
def test_bad_pawsx_rows(tmp_path: Path, row: str, message: str) -> None:
    text = f"id\tsentence1\tsentence2\tlabel\n1\ta\tb\t0\n{row}\n"
    with pytest.raises(DataError, match=rf"^p\.tsv:3: {message}"):
        read(tmp_path, read_pawsx, text, labels=("0", "1"))


def test_xtreme_files_are_unquoted(tmp_path: Path) -> None:
    rows = [('Er sagte: "Nein."', 'ein 12" Rohr', "neutral"), ("'a'", "", "entailment")]
    text = official(rows)
    assert '"Er sagte: ""Nein."""' in text and text.endswith("\r\n")
    data = read(tmp_path, read_pair_lines, text, parallel="row")
    assert [e.inputs for e in data.examples] == [ClassificationInputs(a, b) for a, b, _ in rows]
    assert [(e.example_id, e.parallel_id, e.gold) for e in data.examples] == [
        ("0", "0", "neutral"),
        ("1", "1", "entailment"),
    ]
    assert [e.parallel_id for e in read(tmp_path, read_pair_lines, text).examples] == [None, None]


SENTENCES = st.text(st.characters(codec="utf-8", exclude_characters="\t\n\r\x00"), max_size=12).map(str.strip)


@given(st.lists(st.tuples(SENTENCES, SENTENCES, st.sampled_from(NLI)), min_size=1, max_size=8))
def test_what_the_official_script_writes_is_read_back(rows: list[tuple[str, str, str]]) -> None:
    file = TextFile("p.tsv", official(rows), SourceFile("p.tsv", "0" * 64))

    class InMemory(Reading):
        def text(self, role: str, *, language: str | None = None) -> TextFile:
            return file

    source = LocalSource(reader="any", files={"pairs": ("p.tsv",)})
    data = read_pair_lines(InMemory("t", "de", source, Path(), {"de": {"code": "de"}}, NLI))
    assert [(e.inputs.first, e.inputs.second, e.gold) for e in data.examples] == rows  # type: ignore[union-attr]


def test_test_files_of_xtreme_are_refused(tmp_path: Path) -> None:
    text = official([('Er sagte: "Nein."', "Er sagte ja.")])
    with pytest.raises(DataError, match=r"^p\.tsv:1: the gold is hidden .*sentences and no label.*original"):
        read(tmp_path, read_pair_lines, text)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"a\tb\tneutral', "the quotation marks are not as Python's csv.writer puts them"),
        ('"Hi," he said\tb\tneutral', "the quotation marks are not"),
        ("a", "1 fields, expected 3"),
        ("", "0 fields, expected 3"),
        ("a\tb\tc\tneutral", "4 fields, expected 3"),
        ("a\tb\tneutrum", "the label is 'neutrum'; allowed are"),
    ],
)
def test_bad_lines_of_xtreme_files(tmp_path: Path, line: str, message: str) -> None:
    text = f'"a ""quote"""\tb\tneutral\r\n{line}\r\nc\td\tneutral\r\n'
    with pytest.raises(DataError, match=rf"^p\.tsv:2: {message}"):
        read(tmp_path, read_pair_lines, text)


def test_options(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"'parallel' is 'id'; allowed are '' .*'row'"):
        read(tmp_path, read_pair_lines, "a\tb\tneutral\n", parallel="id")
    for reader in (read_xnli, read_multinli, read_pawsx):
        with pytest.raises(SpecError, match="no option 'parallel'"):
            read(tmp_path, reader, "a\n", parallel="row")


def test_both_layouts_of_one_release_have_one_fingerprint(tmp_path: Path) -> None:
    rows = [('"Nein", sagt er', "Ja", "neutral"), ("a", "b", "entailment")]
    release = read(tmp_path, read_xnli, xnli(*[("de", label, a, b) for a, b, label in rows]))
    copy = read(tmp_path, read_pair_lines, official(rows), parallel="row")
    assert fingerprint(release) == fingerprint(copy)
    assert release.examples == copy.examples
