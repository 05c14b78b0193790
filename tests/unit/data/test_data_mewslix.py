from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.mewslix import entity_text, mention_text, read_entities, read_mentions, read_pairs
from harness.data.reading import Reading
from harness.errors import DataError
from harness.records import Candidate, DataSet, QueryInputs, QueryPassageInputs
from harness.specs.task import LocalSource

READERS = {"mentions": read_mentions, "pairs": read_pairs, "entities": read_entities}
TEXT = "Ada left Rome.\nIn {old} Paris  she met  {Bo}.\nBye."
BREAKS = [(0, 14), (15, 45), (46, 50)]


def spans(*pairs: tuple[int, int]) -> list[dict[str, int]]:
    return [{"start": start, "end": end} for start, end in pairs]


def context(language: str = "en", document: str = "d1", **changes: Any) -> dict[str, Any]:
    given: dict[str, Any] = {
        "document_title": "T",
        "document_url": "u",
        "document_id": document,
        "language": language,
        "text": TEXT,
        "sentence_spans": spans(*BREAKS),
    }
    return given | changes


def mention(name: str, said: str = "Paris", entity: str = "Q90", **changes: Any) -> dict[str, Any]:
    start = TEXT.index(said)
    span = {"start": start, "end": start + len(said), "text": said} | changes
    return {"example_id": name, "mention_span": span, "entity_id": entity}


def entity(name: str, text: str = "A city. On the  Seine.\nOld.", **changes: Any) -> dict[str, Any]:
    given = {"entity_id": name, "title": "T", "description": text, "sentence_spans": spans((0, 7), (8, 22))}
    return given | {"description_url": "u", "description_language": "en"} | changes


def put(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(
    folder: Path, role: str, *, language: str = "en", name: str = "rows.jsonl", **options: Any
) -> DataSet:
    source = LocalSource(reader=f"mewslix_{role}", files={role: (name,)}, options=options)
    languages = {code: {"code": code} for code in ("en", "de", "*")}
    return READERS[role](Reading("mewslix", language, source, folder, languages))


def test_mentions_of_a_language_in_file_order(tmp_path: Path) -> None:
    put(
        tmp_path,
        {"context": context(), "mentions": [mention("b"), mention("a", "Rome", "Q220 ")]},
        {"context": context("de", "d2"), "mentions": [mention("c")]},
        {"context": context(document="d3"), "mentions": [mention("d", "Ada", "Q7")]},
    )
    data = read(tmp_path, "mentions")
    assert [(e.example_id, e.gold, e.cluster_id, e.parallel_id) for e in data.examples] == [
        ("b", '["Q90"]', "d1", None),
        ("a", '["Q220"]', "d1", None),
        ("d", '["Q7"]', "d3", None),
    ]
    # Of the one sentence alone; braces in pairs become parentheses, two spaces one, three two.
    assert data.examples[0].inputs == QueryInputs("Paris: In (old) { Paris }  she met (Bo).")
    assert data.examples[1].inputs == QueryInputs("Rome: Ada left { Rome } .")
    assert [e.example_id for e in read(tmp_path, "mentions", language="de").examples] == ["c"]
    assert [source.path for source in data.sources] == ["rows.jsonl"]


def test_a_replaced_file_is_read_again(tmp_path: Path) -> None:
    put(tmp_path, {"context": context(), "mentions": [mention("a")]})
    assert len(read(tmp_path, "mentions").examples) == 1
    put(tmp_path, {"context": context(), "mentions": [mention("a"), mention("b")]})
    assert len(read(tmp_path, "mentions").examples) == 2


def test_one_archive_holds_all_files(tmp_path: Path) -> None:
    path = put(tmp_path, {"context": context(), "mentions": [mention("a")]})
    with tarfile.open(tmp_path / "raw.tar.gz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("raw/empty.jsonl"), io.BytesIO())
        archive.add(path, "raw/wikinews_mentions-test.jsonl")
    data = read(tmp_path, "mentions", name="raw.tar.gz", member="wikinews_mentions-test.jsonl")
    assert data.examples == read(tmp_path, "mentions").examples
    assert [source.path for source in data.sources] == ["raw.tar.gz"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"mentions": []}, r"rows\.jsonl:2: 'context' is missing"),
        ({"context": context(), "mentions": {}}, r"rows\.jsonl:2: 'mentions' must be a list"),
        ({"context": context(language=None), "mentions": []}, r"'language' must be text, found null"),
        ({"context": context(text=""), "mentions": []}, r"article 'd1' has no text.*get-mewsli-x\.sh"),
        (
            {"context": context(sentence_spans=spans((0, 99))), "mentions": []},
            r"sentence: 0:99 is no part .* 50",
        ),
        ({"context": context(sentence_spans=spans((3, 3))), "mentions": []}, r"sentence: 3:3 is no part"),
        ({"context": context(), "mentions": [{"example_id": "x"}]}, r"'entity_id' is missing"),
        (
            {"context": context(), "mentions": [mention("x", entity=" ")]},
            r"gold is hidden \(mention 'x'.*get-mew",
        ),
        ({"context": context(), "mentions": [mention("x", start=-1)]}, r"mention 'x': -1:\d+ is no part"),
        (
            {"context": context(), "mentions": [mention("x", text="Berlin")]},
            r"'x' is said to be 'Berlin'.*'Paris'",
        ),
        (
            {"context": context(), "mentions": [mention("x", "Rome.\nIn")]},
            r"mention 'x' .* no one of the 3 sent",
        ),
        ({"context": context(sentence_spans=[]), "mentions": [mention("x")]}, r"no one of the 0 sentences"),
        ([1], r"rows\.jsonl:2: expected a JSON object"),
    ],
)
def test_malformed_mentions_are_named(tmp_path: Path, row: Any, message: str) -> None:
    put(tmp_path, {"context": context(), "mentions": [mention("a")]}, row)
    with pytest.raises(DataError, match=message):
        read(tmp_path, "mentions")


def test_pairs_to_train_on(tmp_path: Path) -> None:
    pair = {"context": context(document="Q1"), "mention": mention("p", entity="Q9")}
    put(tmp_path, {"contextual_mention": pair, "entity": entity("Q9")})
    data = read(tmp_path, "pairs")
    (example,) = data.examples
    assert example.inputs == QueryPassageInputs(
        "Paris: In (old) { Paris }  she met (Bo).", "A city. On the Seine."
    )
    assert (example.example_id, example.gold, example.cluster_id) == ("p", '["Q9"]', "Q1")
    put(tmp_path, {"contextual_mention": {"context": context(), "mention": mention("p", "Rome.\nIn")}})
    with pytest.raises(DataError, match=r"rows\.jsonl:1: 'entity' is missing"):
        read(tmp_path, "pairs")


def test_entities_are_the_pool_in_file_order(tmp_path: Path) -> None:
    put(tmp_path, entity("Q2"), entity("Q1", "x", sentence_spans=[]))
    data = read(tmp_path, "entities", language="*", rows=2)
    assert data.candidates == (Candidate("Q2", "A city. On the Seine."), Candidate("Q1", ""))
    assert not data.examples
    with pytest.raises(DataError, match=r"rows\.jsonl: 2 entities, expected 1,003,893"):
        read(tmp_path, "entities", language="*", rows=1_003_893)
    assert len(read(tmp_path, "entities", language="*").candidates) == 2
    put(tmp_path, entity(" "))
    with pytest.raises(DataError, match=r"rows\.jsonl:1: the entity has an empty 'entity_id'"):
        read(tmp_path, "entities", language="*")
    put(tmp_path, entity("Q1", sentence_spans=spans((0, 99))))
    with pytest.raises(DataError, match=r"rows\.jsonl:1: a sentence: 0:99"):
        read(tmp_path, "entities", language="*")


@pytest.mark.parametrize(
    ("sentence", "said", "query"),
    [
        # As the official code does it; its docstring shows no space before the comma.
        (
            "The verdict came back for Smith, who stepped down as AG of Fictitious County in February, 2012.",
            "Smith",
            "Smith: The verdict came back for { Smith } , who stepped down as AG of Fictitious County in "
            "February, 2012.",
        ),
        ("Rom", "Rom", "Rom: { Rom }"),
        # Evened out once over: three spaces leave two, four leave two.
        ("a   Rom    b", "Rom", "Rom: a  { Rom }   b"),
        # Every line break that Unicode knows.
        ("a\r\nb\u2028c\x85Rom\x0bd", "Rom", "Rom: a b c { Rom } d"),
        # Braces count within one side and one line only.
        ("{a Rom b} {c\nd} {}{x}}", "Rom", "Rom: {a { Rom } b} {c d} ()(x)}"),
        ("{ Rom }", "{ Rom }", "{ Rom }: { { Rom } }"),
    ],
)
def test_queries_by_the_official_rules(sentence: str, said: str, query: str) -> None:
    start = sentence.index(said)
    assert mention_text(sentence, start=start, end=start + len(said)) == query


@given(st.text(min_size=1), st.data())
def test_a_query_is_one_line_with_the_mention_in_front(sentence: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(sentence) - 1))
    end = data.draw(st.integers(start + 1, len(sentence)))
    query = mention_text(sentence, start=start, end=end)
    assert len(query.splitlines()) == 1 and query == query.strip()
    word = sentence[start:end]
    if word.isalnum():
        assert query.startswith(f"{word}: ") and f"{{ {word} }}" in query


def test_entity_text_joins_sentences_with_a_space() -> None:
    text = "One.Two.\n\nThree"
    record = {"description": text, "sentence_spans": spans((0, 4), (4, 9), (10, 15))}
    assert entity_text(record, where="f:1") == "One. Two. Three"
    with pytest.raises(DataError, match=r"f:1: 'description' is missing"):
        entity_text({}, where="f:1")
