"""Label files: the same ids and gold as the readers of the releases, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.fingerprint import fingerprint, fingerprint_of
from harness.data.labels import READERS, read_labels
from harness.data.places import Places
from harness.data.sources import load_test
from harness.errors import DataError
from harness.records import Cell
from harness.specfiles.catalog import load_task
from harness.specs.task import KINDS, TaskSpec


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def labels_of(task: TaskSpec, code: str, path: Path) -> Cell:
    return read_labels(task, code, path, root=path.parent)[0]


def read(folder: Path, name: str, text: str) -> Cell:
    return labels_of(load_task(name).spec, "de", put(folder / "labels", text))


def squad(*questions: tuple[str, list[str]]) -> list[dict[str, object]]:
    return [
        {
            "title": f"Title_{i // 2}",
            "paragraphs": [
                {
                    "context": " ".join(answers),
                    "qas": [
                        {
                            "id": key,
                            "question": "?",
                            "answers": [{"text": a, "answer_start": 0} for a in answers],
                        }
                    ],
                }
            ],
        }
        for i, (key, answers) in enumerate(questions)
    ]


def mentions(*pairs: tuple[str, str]) -> str:
    text = "Berlin liegt an der Spree."
    context = {
        "document_title": "t",
        "document_url": "u",
        "document_id": "d",
        "language": "de",
        "text": text,
        "sentence_spans": [{"start": 0, "end": len(text)}],
    }
    found = [
        {"example_id": key, "entity_id": qid, "mention_span": {"start": 0, "end": 6, "text": "Berlin"}}
        for key, qid in pairs
    ]
    return json.dumps({"context": context, "mentions": found}) + "\n"


def lareqa(folder: Path) -> None:
    for code in ("ar", "de", "el", "en", "es", "hi", "ru", "th", "tr", "vi", "zh"):
        qas = [
            {"id": q, "question": "?", "answers": [{"text": "A.", "answer_start": 0}]} for q in ("q2", "q1")
        ]
        paragraph = {"context": "A.\n", "sentence_breaks": [[0, 2]], "qas": qas}
        tree = {"data": [{"title": "T", "paragraphs": [paragraph]}]}
        put(folder / f"lareqa/xquad-r/{code}.json", json.dumps(tree))


def conllu(*sentences: str) -> str:
    return "".join(
        "".join(f"{i}\tw\t_\t{tag}\t_\t_\t0\troot\t_\t_\n" for i, tag in enumerate(tags.split(), 1)) + "\n"
        for tags in sentences
    )


XNLI = "language\tgold_label\tx\tx\tx\tx\tsentence1\tsentence2\n" + "".join(
    f"{code}\t{label}\t\t\t\t\ta\tb\n"
    for code, label in (("de", "neutral"), ("fr", "neutral"), ("de", "entailment"))
)
PAWSX = "id\tsentence1\tsentence2\tlabel\n7\ta\tb\t1\n3\tc\td\t0\n"
QA = json.dumps({"data": squad(("q1", ["ja"]), ("q2", ["nein", "doch"]), ("q3", ["東京"]))})
TYDI = json.dumps({"data": squad(("english-1-1", ["yes"]), ("english-2-1", ["no"]))})
COPA = "".join(
    json.dumps({"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "label": y, "idx": i})
    + "\n"
    for i, y in ((3, 1), (1, 0))
)
CORPUS = "de-1\teins\nde-2\tzwei\nde-3\tdrei\n"
Release = dict[str, str] | Callable[[Path], None]
# task, language, files of the release, label file
SAME: list[tuple[str, str, Release, str]] = [
    ("xnli", "de", {"xnli/XNLI-1.0/xnli.test.tsv": XNLI}, "neutral\nentailment\n"),
    ("pawsx", "de", {"pawsx/x-final/de/test_2k.tsv": PAWSX}, "1\n0\n"),
    (
        "udpos",
        "de",
        {
            "UD_German-B/de_b-ud-test.conllu": conllu("NOUN VERB", "X"),
            "UD_German-A/de_a-ud-test.conllu": conllu("SYM SYM"),
        },
        "SYM\nSYM\n\nNOUN\nVERB\n\nX\n",
    ),
    (
        "panx",
        "de",
        {"panx/de/test": "de:A\tB-PER\nde:B\tI-PER\n\nde:C\tO\n\n"},
        "B-PER\nI-PER\n\nO\n\n",
    ),
    ("xquad", "de", {"xquad/xquad.de.json": QA}, QA),
    ("xquad", "de", {"xquad/xquad.de.json": QA}, json.dumps(json.loads(QA)["data"])),
    ("mlqa", "de", {"mlqa/MLQA_V1/test/test-context-de-question-de.json": QA}, QA),
    ("tydiqa", "en", {"download/tydiqa/tydiqa-goldp-v1.1-dev/tydiqa.goldp.en.dev.json": TYDI}, TYDI),
    ("xcopa", "et", {"xcopa/data/et/test.et.jsonl": COPA}, COPA),
    (
        "tatoeba",
        "de",
        {"tatoeba/tatoeba.deu-eng.eng": "b\nc\na\n", "tatoeba/tatoeba.deu-eng.deu": "B\nC\nA\n"},
        "2\n0\n1\n",
    ),
    (
        "mewslix",
        "de",
        {"mewslix/wikinews_mentions-test.jsonl": mentions(("m1", "Q64"), ("m2", "Q1"))},
        '{"m1": ["Q64"], "m2": ["Q1"]}',
    ),
    (
        "lareqa",
        "de",
        lareqa,
        json.dumps(
            {q: [f"{c}_1_0" for c in "ar de el en es hi ru th tr vi zh".split()] for q in ("q2", "q1")}
        ),
    ),
]


@pytest.mark.parametrize(("name", "code", "release", "labels"), SAME, ids=[case[0] for case in SAME])
def test_a_release_and_its_label_file_are_one_test_set(
    tmp_path: Path, name: str, code: str, release: Release, labels: str
) -> None:
    task = load_task(name).spec
    if isinstance(release, dict):
        for file, text in release.items():
            put(tmp_path / "data" / file, text)
    else:
        release(tmp_path / "data")
    data = load_test(task, code, Places(tmp_path / "data", ("local",)))
    cell = labels_of(task, code, put(tmp_path / "labels", labels))
    assert fingerprint_of(cell.example_ids, cell.golds) == fingerprint(data)
    assert len(cell.golds) >= 2
    if name in ("xnli", "xcopa", "xquad", "mlqa", "tydiqa", "lareqa"):
        assert cell.parallel_ids == tuple(e.parallel_id for e in data.examples)
    if name in ("xquad", "mlqa", "tydiqa"):
        assert cell.cluster_ids == tuple(e.cluster_id for e in data.examples)


def test_bucc_is_one_test_set_too(tmp_path: Path) -> None:
    task, gold = load_task("bucc2018").spec, "de-3\ten-1\nde-1\ten-2\n"
    for split in ("sample", "training"):
        for name, text in (("de", CORPUS), ("en", "en-1\tone\nen-2\ttwo\n"), ("gold", gold)):
            put(tmp_path / f"bucc2018/de-en/de-en.{split}.{name}", text)
    data = load_test(task, "de", Places(tmp_path, ("local",)))
    cell = labels_of(task, "de", put(tmp_path / "labels", gold))
    assert fingerprint_of(cell.example_ids, cell.golds) == fingerprint(data)
    assert cell.cluster_ids == ("de-3", "de-1")


@pytest.mark.parametrize(
    ("name", "code", "file"),
    [("xquad", "zh", "xquad/xquad.zh.json"), ("xcopa", "ta", "xcopa/data/ta/test.ta.jsonl")],
)
def test_files_of_a_release_are_label_files(data_dir: Path, name: str, code: str, file: str) -> None:
    task, path = load_task(name).spec, data_dir / file
    if not path.is_file():
        pytest.skip(f"{file} is not among the real data")
    cell, source = read_labels(task, code, path, root=data_dir)
    data = load_test(task, code, Places(data_dir, ("local",)))
    assert fingerprint_of(cell.example_ids, cell.golds) == fingerprint(data)
    assert source in data.sources


def test_every_kind_has_label_files() -> None:
    assert set(READERS) == set(KINDS)


def test_rows_that_translate_each_other_share_an_id(tmp_path: Path) -> None:
    assert read(tmp_path, "xnli", "neutral\nentailment\n").parallel_ids == ("0", "1")
    assert read(tmp_path, "pawsx", "0\n1\n").parallel_ids == (None, None)


def test_choices_without_an_index_go_by_line(tmp_path: Path) -> None:
    cell = read(tmp_path, "xcopa", '{"label": 1}\n{"label": 0}\n')
    assert cell.example_ids == cell.parallel_ids == ("0", "1")


@given(
    st.lists(st.lists(st.sampled_from(["NOUN", "SYM", "X"]), min_size=1, max_size=4), min_size=1, max_size=6),
    st.booleans(),
)
def test_sentences_with_and_without_a_last_blank_line(
    tmp_path_factory: pytest.TempPathFactory, sentences: list[list[str]], blank: bool
) -> None:
    text = "\n\n".join("\n".join(tags) for tags in sentences) + ("\n\n" if blank else "\n")
    cell = read(tmp_path_factory.mktemp("tags"), "udpos", text)
    assert [json.loads(gold) for gold in cell.golds] == sentences
    assert cell.example_ids == tuple(map(str, range(len(sentences))))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("xnli", "\ufeffneutral\n", r"labels:1: begins with a byte order mark"),
        ("xnli", "neutral\n\nneutral\n", r"labels:2: the gold is hidden \(the label is ''\)"),
        ("xnli", "neutral\n\n", r"labels:2: a blank line at the end"),
        ("tatoeba", "3\n\n", r"labels:2: a blank line at the end"),
        ("xnli", "neutral\nneutrl\n", r"labels:2: the label is 'neutrl' .did you mean 'neutral'"),
        ("xnli", "neutral\ta\tb\n", r"labels:1: the label is 'neutral\\ta\\tb'.*and nothing else"),
        ("pawsx", "1\n-1\n", r"labels:2: the gold is hidden"),
        ("pawsx", "0\n" * 50, r"labels: the gold is hidden \(it is '0' in all 50 examples\)"),
        ("panx", "O\n\n" * 50, r"it is 'O' in all 50 examples"),
        ("udpos", "NOUN\n\n_\n", r"labels:3: the gold is hidden"),
        ("udpos", "NOUN\nNN\n", r"labels:2: the label is 'NN'"),
        ("tatoeba", "0\n7.0\n", r"labels:2: '7.0' is not a row number"),
        ("tatoeba", "0\n007\n", r"labels:2: '007' is not a row number"),
        ("bucc2018", "de-1 en-1\n", r"labels:1: 'de-1 en-1' is no gold pair"),
        ("bucc2018", "de-1\ten-1\nde-1\ten-1\n", r"labels:2: the id .* occurs twice \(first at labels:1\)"),
        ("xcopa", '{"label": -1}\n', r"labels:1: the gold is hidden \(the label is -1\)"),
        ("xcopa", '{"idx": 1}\n', r"labels:1: the gold is hidden"),
        ("xcopa", '{"label": 2}\n', r"labels:1: 'label' is 2; allowed are 0, 1"),
        ("xcopa", '{"label": 1.0}\n', r"labels:1: 'label' must be a whole number"),
        ("xcopa", '{"label": true}\n', r"labels:1: 'label' must be a whole number"),
        ("xcopa", '{"label": NaN}\n', r"labels:1: 'label' must be a whole number"),
        ("xcopa", '{"label": 1, "idx": 4}\n{"label": 0, "idx": 4}\n', r"labels:2: the id '4' occurs twice"),
        ("xquad", json.dumps({"data": squad(("q", [""]))}), r"question 'q': the gold is hidden"),
        ("xquad", json.dumps({"data": squad(("q", []))}), r"question 'q': the gold is hidden"),
        ("xquad", json.dumps(squad(("q", ["a"]), ("q", ["b"]))), r"article 2, question 'q': the id"),
        ("xquad", '{"q": "a"}', r"labels: 'data' is missing"),
        ("xquad", "3", r"neither an object with 'data' nor a list"),
        ("xquad", '{"data": []}', r"holds no example"),
        ("xquad", '{"data": [], "data": []}', r"'data' occurs twice in one object"),
        ("xquad", "[" * 100_000, r"nested too deeply"),
        ("xquad", "{", r"labels:1:2: not valid JSON"),
        ("mewslix", '{"m": [""]}', r"id 'm': the gold is hidden"),
        ("mewslix", '{"m": []}', r"id 'm': the gold is hidden"),
        ("mewslix", '{"m": ["Q1", "Q2"]}', r"id 'm': 2 entities"),
        ("mewslix", '{"m": "Q1"}', r"id 'm': 'Q1' is no list of ids"),
        ("mewslix", '[["Q1"]]', r"holds no object"),
        ("mewslix", '{"m": ["Q1"], "m": ["Q2"]}', r"'m' occurs twice in one object"),
        ("lareqa", '{"q": ["a", "a"]}', r"id 'q': 'a' is listed twice"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, name, text)


def test_one_answer_throughout_is_gold_in_a_small_set(tmp_path: Path) -> None:
    assert len(read(tmp_path, "pawsx", "0\n" * 49).golds) == 49
