from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.conllu import read_conllu
from harness.data.reading import Reading
from harness.errors import DataError
from harness.records import DataSet, TaggingInputs, canonical_json
from harness.specs.task import LocalSource

LABELS = tuple("ADJ ADP ADV AUX CCONJ DET INTJ NOUN NUM PART PRON PROPN PUNCT SCONJ SYM VERB X".split())
SOURCE = LocalSource(reader="conllu", files={"treebanks": ("UD_*/{code}_*-ud-test.conllu",)})


def row(identifier: str, form: str, upos: str = "_", head: str = "_", deps: str = "_") -> str:
    return "\t".join([identifier, form, "_", upos, "_", "_", head, "_", deps, "_"])


def write(folder: Path, name: str, *blocks: list[str], end: str = "\n\n") -> None:
    path = folder / "UD_Some" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(("\n\n".join("\n".join(block) for block in blocks) + end).encode())


def read(folder: Path, code: str = "de") -> DataSet:
    return read_conllu(Reading("udpos", code, SOURCE, folder, {code: {"code": code}}, LABELS))


def fused(folder: Path, *rows: str, code: str = "de") -> tuple[tuple[str, ...], str]:
    write(folder, f"{code}_x-ud-test.conllu", list(rows))
    (example,) = read(folder, code).examples
    assert isinstance(example.inputs, TaggingInputs)
    return example.inputs.words, example.gold


def test_words_tags_and_ids(tmp_path: Path) -> None:
    write(
        tmp_path,
        "de_gsd-ud-test.conllu",
        ["# sent_id = s 1", "# text = Hallo du", row("1", "Hallo", "INTJ", "0"), row("2", "du", "PRON", "1")],
        [row("1", "Ja", "PART", "0"), row("1.1", "doch", "ADV"), row("2", "!", "PUNCT", "1")],
    )
    data = read(tmp_path)
    assert [e.example_id for e in data.examples] == ["0", "1"]
    assert [e.parallel_id for e in data.examples] == [None, None]
    assert [e.inputs for e in data.examples] == [TaggingInputs(("Hallo", "du")), TaggingInputs(("Ja", "!"))]
    assert [e.gold for e in data.examples] == ['["INTJ","PRON"]', '["PART","PUNCT"]']
    assert data.repairs == {}


def test_treebanks_join_in_the_order_of_their_names_by_prefix(tmp_path: Path) -> None:
    block = ["# sent_id = n1", row("1", "x", "X", "0")]
    for folder, name in [
        ("UD_A", "de_pud-ud-test.conllu"),
        ("UD_B", "de_gsd-ud-test.conllu"),
        ("UD_C", "gsw_uzh-ud-test.conllu"),
        ("UD_D", "de_gsd-ud-dev.conllu"),
        ("UD_E", "xde_a-ud-test.conllu"),
    ]:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text("\n".join(block) + "\n\n", encoding="utf-8")
    data = read(tmp_path)
    assert [e.example_id for e in data.examples] == ["0", "1"]
    assert [e.parallel_id for e in data.examples] == [None, "pud/n1"]
    assert [s.path for s in data.sources] == ["UD_B/de_gsd-ud-test.conllu", "UD_A/de_pud-ud-test.conllu"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("UD_A", "UD_B"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "de_a-ud-test.conllu").write_text(
            row("1", "x", "X", "0") + "\n\n", encoding="utf-8"
        )
    with pytest.raises(DataError, match="both match"):
        read(tmp_path)


def test_multiword_token_takes_the_tag_nearest_the_root(tmp_path: Path) -> None:
    words, gold = fused(
        tmp_path,
        row("1", "geht", "VERB", "0"),
        row("2-3", "zum"),
        row("2", "zu", "ADP", "4"),
        row("3", "dem", "DET", "2"),
        row("4", "Haus", "NOUN", "1"),
    )
    assert words == ("geht", "zum", "Haus")
    assert gold == '["VERB","ADP","NOUN"]'


@pytest.mark.parametrize(("code", "tag"), [("de", "NOUN"), ("es", "ADP"), ("fr", "NOUN"), ("it", "ADP")])
def test_equally_near_members_go_by_the_rank_of_the_language(tmp_path: Path, code: str, tag: str) -> None:
    _, gold = fused(
        tmp_path,
        row("1", "a", "VERB", "0"),
        row("2-4", "bcd"),
        row("2", "b", "DET", "1"),
        row("3", "c", "ADP", "1"),
        row("4", "d", "NOUN", "1"),
        code=code,
    )
    # Spanish and Italian rank no nouns: tags without a rank come last.
    assert gold == canonical_json(["VERB", tag])


def test_leftmost_wins_among_equals_without_rank(tmp_path: Path) -> None:
    _, gold = fused(
        tmp_path,
        row("1", "a", "VERB", "0"),
        row("2-3", "bc"),
        row("2", "b", "SYM", "1"),
        row("3", "c", "NUM", "1"),
        code="it",
    )
    assert gold == '["VERB","SYM"]'


def test_enhanced_heads_count_as_distance(tmp_path: Path) -> None:
    rows = [
        row("1", "a", "VERB", "0"),
        row("2-3", "bc"),
        row("2", "b", "NOUN", "1", deps="1:obj|4:nsubj|8.1:dep"),
        row("3", "c", "DET", "1", deps="1:det"),
        row("4", "d", "VERB", "1"),
    ]
    # By basic heads alone the two are level and the noun would win; 4 is an ancestor of 2 alone.
    assert fused(tmp_path, *rows)[1] == '["VERB","DET","VERB"]'


def test_cycles_do_not_hang(tmp_path: Path) -> None:
    rows = [row("1-2", "ab"), row("1", "a", "DET", "2"), row("2", "b", "NOUN", "1")]
    assert fused(tmp_path, *rows) == (("ab",), '["NOUN"]')


def test_forms_lose_spaces_and_joiners_but_never_everything(tmp_path: Path) -> None:
    rows = [row("1", "می\u200cروم", "VERB", "0"), row("2", "1 000", "NUM", "1"), row("3", "\u200c", "X", "1")]
    assert fused(tmp_path, *rows)[0] == ("میروم", "1000", "\u200c")


@pytest.mark.parametrize(
    ("forms", "kept"),
    [
        (["_", "_", "_"], False),
        (["Mot", "_", "_"], False),
        (["Mot", "_"], False),
        (["_"], False),
        (["Mot", "deux", "_", "_"], True),
        (["Mot"], True),
    ],
)
def test_masked_sentences_are_left_out(tmp_path: Path, forms: list[str], kept: bool) -> None:
    rows = [row(str(i), form, "X", "0") for i, form in enumerate(forms, 1)]
    write(tmp_path, "de_a-ud-test.conllu", rows, [row("1", "ja", "PART", "0")])
    data = read(tmp_path)
    assert [e.example_id for e in data.examples] == [str(i) for i in range(1 + kept)]
    assert data.repairs.get("masked_sentence", 0) == (not kept)


def test_parallel_sentences_need_an_id_of_their_own(tmp_path: Path) -> None:
    block = ["# sent_id = a", row("1", "x", "X", "0")]
    write(tmp_path, "de_pud-ud-test.conllu", block, block, block[1:])
    data = read(tmp_path)
    assert [(e.example_id, e.parallel_id) for e in data.examples] == [
        ("0", "pud/a"),
        ("1", None),
        ("2", None),
    ]
    assert data.repairs == {"sent_id": 2}
    write(tmp_path, "de_pud-ud-test.conllu", block)
    write(tmp_path, "de_gsd-ud-test.conllu", block, block)
    data = read(tmp_path)
    assert [e.parallel_id for e in data.examples] == [None, None, "pud/a"] and data.repairs == {}


def test_last_sentence_counts_without_an_empty_line(tmp_path: Path) -> None:
    write(tmp_path, "de_a-ud-test.conllu", [row("1", "x", "X", "0")], [row("1", "y", "X", "0")], end="")
    assert len(read(tmp_path).examples) == 2


def test_windows_line_ends_and_bom(tmp_path: Path) -> None:
    write(tmp_path, "de_a-ud-test.conllu", ["# sent_id = a", row("1", "x", "X", "0")])
    path = tmp_path / "UD_Some" / "de_a-ud-test.conllu"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    data = read(tmp_path)
    assert [e.inputs for e in data.examples] == [TaggingInputs(("x",))]
    assert data.repairs == {"bom": 1}


@pytest.mark.parametrize(
    ("rows", "line", "message"),
    [
        ([row("1", "a", "X", "0"), "2\tb\t_\tX"], 2, "4 columns, expected 10"),
        ([row("1", "a", "X", "0").replace("\t", "    ")], 1, "1 columns, expected 10"),
        ([row("1", "a", "X", "0"), " "], 2, "1 columns"),
        ([row("2", "a", "X", "0")], 1, "word '2' where 1 is due"),
        ([row("x", "a", "X", "0")], 1, "word 'x' where 1 is due"),
        ([row("1", "", "X", "0")], 1, "the form"),
        ([row("1", "a", "NUON", "0")], 1, "UPOS .* 'NUON' .*did you mean 'NOUN'"),
        ([row("1", "a", "_", "0")], 1, "UPOS"),
        ([row("1", "a", "X", "root")], 1, "HEAD"),
        ([row("2-3", "ab"), row("1", "a", "X", "0")], 1, "multiword token 2-3 where word 1 is due"),
        ([row("1-1", "ab"), row("1", "a", "X", "0")], 1, "multiword token 1-1"),
        ([row("1-3", "abc"), row("1", "a", "X", "0"), row("2-3", "bc"), row("2", "b", "X", "1")], 3, "2-3"),
        (
            [row("1-2", "ab"), row("1", "a", "X", "0")],
            3,
            "multiword token 1-2 .* ends after the last word, 1",
        ),
        ([row("1", "a", "X", "7")], 2, r"head 7, but the sentence has 1 words"),
        (["# sent_id = leer"], 2, "has no words"),
    ],
)
def test_broken_lines_name_file_and_line(tmp_path: Path, rows: list[str], line: int, message: str) -> None:
    write(tmp_path, "de_a-ud-test.conllu", rows)
    with pytest.raises(DataError, match=rf"^UD_Some/de_a-ud-test\.conllu:{line}: .*{message}"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (row("9" * 5000, "x", "X", "0"), "word '9"),
        (row("1-" + "9" * 5000, "x"), "word '1-9"),
        (row("1", "x", "X", "9" * 5000), "HEAD"),
        (row("1", "x", "X", "\u0661"), "HEAD"),
        (row("1", "x", "X", "0", "9" * 5000 + ":dep"), "DEPS"),
    ],
)
def test_numbers_no_sentence_has(tmp_path: Path, broken: str, message: str) -> None:
    write(tmp_path, "de_x-ud-test.conllu", [broken])
    with pytest.raises(DataError, match=rf"conllu:1: .*{message}") as caught:
        read(tmp_path)
    assert len(str(caught.value)) < 300
