from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import hub_tables
import pytest

from harness.data.fingerprint import fingerprint
from harness.data.reading import Reading
from harness.data.rows import read_rows
from harness.data.table import reader_named
from harness.errors import DataError, SpecError
from harness.records import DataSet, SpanQAInputs
from harness.specs.task import LocalSource

NLI = "entailment,neutral,contradiction"


def read(
    root: Path,
    reader: str,
    files: dict[str, bytes] | dict[str, dict[str, bytes]],
    *,
    language: str = "de",
    labels: tuple[str, ...] = (),
    **options: Any,
) -> DataSet:
    """Write files of the role `rows` (or of each role) and read them as a local source."""
    roles = files if all(isinstance(v, dict) for v in files.values()) else {"rows": files}
    patterns = {}
    for role, content in roles.items():
        for name, data in content.items():  # type: ignore[union-attr]
            (root / role).mkdir(exist_ok=True)
            (root / role / name).write_bytes(data)
        patterns[role] = (f"{role}/*",)
    source = LocalSource(reader=reader, files=patterns, options=options)
    values = {language: {"code": language}}
    return reader_named(reader)(Reading("task", language, source, root, values, labels))


def test_pairs(tmp_path: Path) -> None:
    data = read(
        tmp_path,
        "pair_rows",
        {"a.parquet": hub_tables.xnli("de")},
        labels=("contradiction", "entailment", "neutral"),
        label_names=NLI,
        parallel="row",
    )
    assert [e.gold for e in data.examples] == ["entailment", "neutral", "contradiction"] * 2
    assert [(e.example_id, e.parallel_id) for e in data.examples] == [(str(i), str(i)) for i in range(6)]
    assert data.examples[1].inputs.first == "de premise 1"  # type: ignore[union-attr]
    assert [f.path for f in data.sources] == ["rows/a.parquet"]


def test_names_in_another_order_are_refused(tmp_path: Path) -> None:
    # XTREME's own order; numbers would mean other labels.
    names = ["contradiction", "entailment", "neutral"]
    with pytest.raises(
        DataError, match=f"contradiction, entailment, neutral in this order, .*{NLI.replace(',', ', ')}"
    ):
        read(tmp_path, "pair_rows", {"a.parquet": hub_tables.xnli("de", names=names)}, label_names=NLI)


def test_numbers_need_names(tmp_path: Path) -> None:
    rows = [{"premise": "a", "hypothesis": "b", "label": i % 2} for i in range(4)]
    with pytest.raises(DataError, match="'label' is 0; allowed are text, since no names are given"):
        read(tmp_path, "pair_rows", {"a.jsonl": hub_tables.json_lines(rows)})
    data = read(tmp_path, "pair_rows", {"a.jsonl": hub_tables.json_lines(rows)}, label_names="no,yes")
    assert [e.gold for e in data.examples] == ["no", "yes"] * 2
    with pytest.raises(DataError, match="'label' is 1; allowed are 0 to 0"):
        read(tmp_path, "pair_rows", {"a.jsonl": hub_tables.json_lines(rows)}, label_names="no")


@pytest.mark.parametrize("label", [-1, None, ""])
def test_hidden_labels_are_refused(tmp_path: Path, label: Any) -> None:
    rows = [{"premise": "a", "hypothesis": "b", "label": label}]
    with pytest.raises(DataError, match="the gold is hidden"):
        read(tmp_path, "pair_rows", {"a.jsonl": hub_tables.json_lines(rows)}, label_names="no,yes")


def test_pairs_by_id_and_labels_as_text(tmp_path: Path) -> None:
    rows = [
        {"sentence1": "a", "sentence2": "b", "label": label, "id": i} for i, label in [(7, "0"), (9, "1")]
    ]
    options = {"first": "sentence1", "second": "sentence2", "id": "id", "parallel": "id"}
    data = read(tmp_path, "pair_rows", {"a.parquet": hub_tables.parquet(rows)}, labels=("0", "1"), **options)
    assert [(e.example_id, e.parallel_id, e.gold) for e in data.examples] == [
        ("0", "7", "0"),
        ("1", "9", "1"),
    ]
    with pytest.raises(SpecError, match="'id' with the option id"):
        read(tmp_path, "pair_rows", {"a.parquet": hub_tables.parquet(rows)}, **{**options, "id": ""})
    rows[1]["id"] = None
    with pytest.raises(DataError, match="row 2: 'id' is empty"):
        read(tmp_path, "pair_rows", {"a.parquet": hub_tables.parquet(rows)}, **options)


def test_a_column_that_is_missing_and_a_label_that_is_unknown(tmp_path: Path) -> None:
    files = {"a.parquet": hub_tables.xnli("de")}
    with pytest.raises(
        DataError, match=r"no column 'premises' \(did you mean 'premise'\?\); there are premise, "
    ):
        read(tmp_path, "pair_rows", files, first="premises")
    with pytest.raises(DataError, match="row 2: the label is 'neutral'; allowed are entailment, other"):
        read(tmp_path, "pair_rows", files, labels=("entailment", "other"))


def test_one_label_throughout(tmp_path: Path) -> None:
    rows = [{"premise": "a", "hypothesis": "b", "label": "neutral"}] * 50
    with pytest.raises(DataError, match="'neutral' in all 50 examples"):
        read(tmp_path, "pair_rows", {"a.jsonl": hub_tables.json_lines(rows)})


def test_tags(tmp_path: Path) -> None:
    names = "O,B-PER,I-PER,B-ORG,I-ORG,B-LOC,I-LOC"
    files = {"a.parquet": hub_tables.panx("de")}
    options = {"labels": tuple(names.split(",")), "tags": "ner_tags"}
    data = read(tmp_path, "tagging_rows", files, tag_names=names, **options)
    assert [e.gold for e in data.examples] == ['["O","B-LOC","I-LOC"]'] * 3
    assert data.examples[0].inputs.words == ("de", "New", "York")  # type: ignore[union-attr]
    with pytest.raises(DataError, match="the labels of 'ner_tags' are O, B-PER"):
        read(tmp_path, "tagging_rows", files, tag_names="O,B-LOC", **options)
    rows = [{"tokens": ["a", "b"], "ner_tags": ["O"]}]
    with pytest.raises(DataError, match="row 1: 2 tokens and 1 tags"):
        read(tmp_path, "tagging_rows", {"a.parquet": hub_tables.parquet(rows)}, **options)
    rows = [{"tokens": [], "ner_tags": []}, {"tokens": ["a"], "ner_tags": ["O"]}]
    data = read(tmp_path, "tagging_rows", {"a.parquet": hub_tables.parquet(rows)}, **options)
    assert [e.gold for e in data.examples] == ["[]", '["O"]'] and data.repairs == {"empty_sentence": 1}


def test_questions_whose_contexts_were_stripped(tmp_path: Path) -> None:
    data = read(tmp_path, "squad_rows", {"a.parquet": hub_tables.xquad("de")})
    assert data.repairs == {"answer_offset": 2}
    inputs = data.examples[0].inputs
    assert isinstance(inputs, SpanQAInputs)
    answer = inputs.answers[0]
    assert inputs.context[answer.start : answer.start + 6] == "Answer"
    # The nearest place, not the first or the last by chance.
    assert answer.start == inputs.context.index("Answer")
    assert data.examples[0].cluster_id.startswith("context:")  # type: ignore[union-attr]
    whole = read(tmp_path, "squad_rows", {"a.parquet": hub_tables.xquad("de", stripped=False)})
    assert not whole.repairs and fingerprint(whole) == fingerprint(data)


def test_questions_by_prefix_and_nested_either_way(tmp_path: Path) -> None:
    rows = [
        {
            "id": f"{name}-{i}",
            "title": "A_title",
            "context": "x yes",
            "question": "?",
            "answers": [{"text": "yes", "answer_start": 2}],
        }
        for name in ("german", "not-thai", "thai")
        for i in range(2)
    ]
    files = {"a.jsonl.gz": hub_tables.json_lines(rows, packed=True)}
    data = read(tmp_path, "squad_rows", files, id_prefix="thai-", parallel=False)
    assert [(e.example_id, e.parallel_id, e.cluster_id) for e in data.examples] == [
        ("thai-0", None, "A title"),
        ("thai-1", None, "A title"),
    ]
    data = read(tmp_path, "squad_rows", files, title="")
    assert len(data.examples) == 6 and data.examples[0].cluster_id != "A title"
    with pytest.raises(DataError, match="no question id begins with 'greek-'"):
        read(tmp_path, "squad_rows", files, id_prefix="greek-")
    with pytest.raises(DataError, match="no column 'name'"):
        read(tmp_path, "squad_rows", files, title="name")


@pytest.mark.parametrize(
    "answers, said",
    [
        ({"text": [], "answer_start": []}, "there is no answer"),
        ({"text": [""], "answer_start": [0]}, "the answer is empty"),
        ({"text": ["nowhere"], "answer_start": [0]}, "nowhere in its context"),
        ({"text": ["a", "b"], "answer_start": [0]}, "2 answer texts and 1 offsets"),
        ({"text": ["a"]}, "'answer_start' is missing"),
        ("a", "'answers' must be a list"),
    ],
)
def test_bad_answers(tmp_path: Path, answers: Any, said: str) -> None:
    rows = [{"id": "1", "context": "a b", "question": "?", "answers": answers}]
    with pytest.raises(DataError, match=said):
        read(tmp_path, "squad_rows", {"a.json": json.dumps(rows).encode()})


def test_choices_are_mended_from_the_reference(tmp_path: Path) -> None:
    roles = {
        "rows": {"a.parquet": hub_tables.xcopa("th", question="effect")},
        "reference": {"b.parquet": hub_tables.xcopa("et")},
    }
    data = read(tmp_path, "choice_rows", roles, language="th")
    assert data.repairs == {"question": 2}
    assert data.examples[0].inputs.prompt == "th premise 0 What was the cause?"  # type: ignore[union-attr]
    assert [(e.example_id, e.parallel_id, e.gold) for e in data.examples[:2]] == [
        ("0", "0", "0"),
        ("1", "1", "1"),
    ]
    assert len(data.sources) == 2
    raw = read(tmp_path, "choice_rows", roles, language="th", raw_questions=True)
    assert not raw.repairs and fingerprint(raw) == fingerprint(data)
    assert raw.examples[0].parallel_id == "0" and len(raw.sources) == 1


def test_english_copa_and_social_iqa(tmp_path: Path) -> None:
    data = read(tmp_path, "choice_rows", {"a.parquet": hub_tables.xcopa("en")})
    assert [e.parallel_id for e in data.examples] == [None] * 4
    (tmp_path / "rows" / "a.parquet").unlink()
    row = {"context": "c", "question": "q", "answerA": "x", "answerB": "y", "answerC": "z"}
    data = read(tmp_path, "choice_rows", {"s.jsonl": hub_tables.json_lines([{**row, "label": "3"}])})
    assert data.examples[0].gold == "2" and data.examples[0].inputs.choices == ("x", "y", "z")  # type: ignore[union-attr]
    with pytest.raises(DataError, match="no usable label"):
        read(tmp_path, "choice_rows", {"s.jsonl": hub_tables.json_lines([{**row, "label": ""}])})


def test_aligned_sentences(tmp_path: Path) -> None:
    data = read(tmp_path, "bitext_rows", {"a.jsonl.gz": hub_tables.tatoeba("de")})
    assert [(e.example_id, e.gold, e.parallel_id) for e in data.examples] == [
        ("0", "0", "sentence 0"),
        ("1", "3", "sentence 1"),
        ("2", "2", "sentence 2"),
        ("3", "1", "sentence 3"),
    ]
    assert data.candidates[1].text == "de 1" and data.counterpart[1].text == "sentence 3"


def test_corpora_to_be_mined(tmp_path: Path) -> None:
    data = read(tmp_path, "mining_rows", {"a.jsonl.gz": hub_tables.bucc("de")})
    assert [e.gold for e in data.examples] == [
        '["de-000000002","en-000000003"]',
        '["de-000000005","en-000000001"]',
    ]
    assert data.examples[0].example_id == "de-000000002\ten-000000003"
    assert (len(data.candidates), len(data.counterpart)) == (6, 8)
    row = {"sentence1": ["a", "b"], "sentence2": ["c"], "gold": [[1, 1], [1, 1]]}
    data = read(tmp_path, "mining_rows", {"a.jsonl.gz": hub_tables.json_lines([row], packed=True)})
    assert len(data.examples) == 1 and data.repairs == {"repeated_pair": 1}
    for gold in ([[0, 1]], [[1, 2]], [[1]], ["1"]):
        broken = hub_tables.json_lines([{**row, "gold": gold}], packed=True)
        with pytest.raises(DataError, match="two numbers are due, from 1 to 2 and from 1 to 1"):
            read(tmp_path, "mining_rows", {"a.jsonl.gz": broken})
    with pytest.raises(DataError, match="2 rows; one row with both corpora"):
        read(tmp_path, "mining_rows", {"a.jsonl.gz": hub_tables.json_lines([row, row], packed=True)})


def test_parts_are_read_in_order_and_rows_are_named(tmp_path: Path) -> None:
    for number in range(2):
        rows = [{"text": f"{number}{i}"} for i in range(2)]
        (tmp_path / f"p-{number}.parquet").write_bytes(hub_tables.parquet(rows))
    rows = read_rows(sorted(tmp_path.iterdir()), root=tmp_path)
    assert [(where, row["text"]) for where, row in rows] == [
        ("p-0.parquet: row 1", "00"),
        ("p-0.parquet: row 2", "01"),
        ("p-1.parquet: row 1", "10"),
        ("p-1.parquet: row 2", "11"),
    ]
    assert len(rows) == 4 and rows.name == "p-0.parquet, p-1.parquet"


@pytest.mark.parametrize(
    "name, data, said",
    [
        ("a.parquet", hub_tables.parquet([{"a": "b"}])[:-20], "cannot be read as Parquet"),
        ("a.parquet", b"", "cannot be read as Parquet"),
        ("a.jsonl", b'{"a": 1}\n{"a": ', "a.jsonl:2:.*not valid JSON"),
        ("a.jsonl", b'{"a": 1}\n{"a": "x"}\n', "its rows do not make a table"),
        ("a.json", b"[1]", "element 1 is 1; expected an object"),
        ("a.json", b"[]", "the file holds no rows"),
        ("a.jsonl.gz", hub_tables.json_lines([{"a": 1}], packed=True)[:-4], "cannot be unpacked"),
        ("a.jsonl.gz", b"plain", "cannot be unpacked"),
        ("a.csv", b"a,b", "allowed are .parquet, .jsonl"),
    ],
)
def test_broken_tables(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(DataError, match=said):
        read_rows([tmp_path / name], root=tmp_path)


def test_parts_that_differ_in_their_columns(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(hub_tables.parquet([{"label": 0}], label=["x", "y"]))
    (tmp_path / "b.parquet").write_bytes(hub_tables.parquet([{"label": 0}], label=["y", "x"]))
    with pytest.raises(DataError, match="differ in their columns"):
        read_rows([tmp_path / "a.parquet", tmp_path / "b.parquet"], root=tmp_path)


@pytest.mark.parametrize("code", ["ar", "de", "zh"])
def test_xquad_has_one_fingerprint_from_either(tmp_path: Path, data_dir: Path, code: str) -> None:
    release = json.loads((data_dir / "xquad" / f"xquad.{code}.json").read_text(encoding="utf-8"))
    # As the conversion of the hub's copy did it: contexts stripped, offsets as they were.
    rows = [
        {
            "id": question["id"],
            "context": paragraph["context"].strip(),
            "question": question["question"].strip(),
            "answers": {
                "text": [answer["text"].strip() for answer in question["answers"]],
                "answer_start": [answer["answer_start"] for answer in question["answers"]],
            },
        }
        for article in release["data"]
        for paragraph in article["paragraphs"]
        for question in paragraph["qas"]
    ]
    data = read(tmp_path, "squad_rows", {"a.parquet": hub_tables.parquet(rows)}, language=code)
    local = _local("squad_json", {"articles": f"xquad/xquad.{code}.json"}, data_dir, code)
    assert fingerprint(data) == fingerprint(local)
    # Broken offsets after the strip, of 1,190: counted on the same files for the reference.
    assert data.repairs.get("answer_offset", 0) == {"ar": 26, "de": 0, "zh": 100}[code]


def test_xcopa_has_one_fingerprint_from_either(tmp_path: Path, data_dir: Path) -> None:
    tables = {}
    for role, code in (("rows", "th"), ("reference", "et")):
        lines = (data_dir / "xcopa" / "data" / code / f"test.{code}.jsonl").read_text(encoding="utf-8")
        tables[role] = {"a.parquet": hub_tables.parquet([json.loads(line) for line in lines.splitlines()])}
    data = read(tmp_path, "choice_rows", tables, language="th")
    files = {"items": "xcopa/data/th/test.th.jsonl", "reference": "xcopa/data/et/test.et.jsonl"}
    local = _local("xcopa_jsonl", files, data_dir, "th")
    assert fingerprint(data) == fingerprint(local)
    assert data.examples == local.examples and Counter(data.repairs) == Counter(local.repairs)


def test_tatoeba_has_one_fingerprint_from_either(tmp_path: Path, data_dir: Path) -> None:
    sides = [
        (data_dir / "tatoeba" / f"tatoeba.deu-eng.{side}").read_text(encoding="utf-8").split("\n")[:-1]
        for side in ("deu", "eng")
    ]
    rows = [{"sentence1": a, "sentence2": b} for a, b in zip(*sides, strict=True)]
    data = read(tmp_path, "bitext_rows", {"a.jsonl.gz": hub_tables.json_lines(rows, packed=True)})
    files = {"source": "tatoeba/tatoeba.deu-eng.eng", "target": "tatoeba/tatoeba.deu-eng.deu"}
    local = _local("aligned_lines", files, data_dir, "de")
    assert fingerprint(data) == fingerprint(local)
    assert (data.examples, data.candidates) == (local.examples, local.candidates)


def _local(reader: str, files: dict[str, str], root: Path, code: str) -> DataSet:
    source = LocalSource(reader=reader, files={role: (pattern,) for role, pattern in files.items()})
    return reader_named(reader)(Reading("task", code, source, root, {code: {"code": code}}))
