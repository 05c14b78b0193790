from __future__ import annotations

import pytest
from hub_tables import card

from harness.data.repository import parse_card, part_files
from harness.errors import DataError, SpecError
from harness.specs.task import HubPart

FILES = [
    "README.md",
    "xquad.py",
    "xquad.de/validation-00000-of-00002.parquet",
    "xquad.de/validation-00001-of-00002.parquet",
    "xquad.de/test-00000-of-00001.parquet",
    "xquad.zh/validation/0000.parquet",
    "test/deu-eng.jsonl.gz",
    "data/train-00000-of-00001.parquet",
]


def files(part: dict[str, object], text: bytes = b"", code: str = "de") -> tuple[str, ...]:
    return part_files(
        HubPart.model_validate(part),
        {"code": code, "iso3": "deu"},
        files=FILES,
        card=parse_card(text.decode(), "card"),
        where="owner/name@c",
    )


def test_usual_layouts() -> None:
    part = {"config": "xquad.{code}", "split": "validation"}
    assert files(part) == tuple(FILES[2:4])
    assert files(part, code="zh") == ("xquad.zh/validation/0000.parquet",)
    assert files({"config": "{iso3}-eng", "split": "test"}) == ("test/deu-eng.jsonl.gz",)
    assert files({"split": "train"}) == ("data/train-00000-of-00001.parquet",)


def test_no_language_is_read_for_another() -> None:
    # data/train-* belongs to nobody's configuration.
    with pytest.raises(
        DataError, match=r"configuration 'xquad.fr', split 'train': the repository has no files"
    ):
        files({"config": "xquad.fr", "split": "train"})


def test_the_card_counts_before_the_layouts() -> None:
    text = card({"xquad.de": {"validation": "xquad.de/test-*"}, "default": {"train": "data/*.parquet"}})
    assert files({"config": "xquad.de", "split": "validation"}, text) == (FILES[4],)
    assert files({"split": "train"}, text) == ("data/train-00000-of-00001.parquet",)
    with pytest.raises(
        DataError, match=r"no split 'valid' \(did you mean 'validation'\?\); it has validation"
    ):
        files({"config": "xquad.de", "split": "valid"}, text)


def test_a_card_that_names_files_of_another_revision() -> None:
    text = card({"xquad.de": {"validation": "gone/*.parquet"}})
    with pytest.raises(DataError, match="no file of the repository matches"):
        files({"config": "xquad.de", "split": "validation"}, text)


def test_a_card_that_names_files_of_another_format() -> None:
    with pytest.raises(DataError, match=r"xquad.py is neither Parquet nor JSON"):
        files({"config": "c", "split": "s"}, card({"c": {"s": "xquad.*"}}))


def test_named_files_count_before_all() -> None:
    part = {"config": "xquad.{code}", "split": "validation", "files": ["xquad.{code}/test-*"]}
    assert files(part) == (FILES[4],)
    with pytest.raises(SpecError, match="no value 'nothing'"):
        files({"files": ["{nothing}"]})
    with pytest.raises(DataError, match="no file of the repository matches"):
        files({"files": ["*.csv"]})


@pytest.mark.parametrize(
    "written, read",
    [
        ("data_files: a/*.parquet", {"train": ("a/*.parquet",)}),
        ("data_files: [a, b]", {"train": ("a", "b")}),
        ("data_files: {test: a, dev: [b, c]}", {"test": ("a",), "dev": ("b", "c")}),
        ("data_files: [{split: test, path: [a, b]}]", {"test": ("a", "b")}),
        ("data_dir: x\n  data_files: [{split: test, path: a}]", {"test": ("x/a",)}),
        ("description: none", None),
    ],
)
def test_the_forms_of_a_card(written: str, read: dict[str, tuple[str, ...]] | None) -> None:
    text = f"---\nlanguage:\n- no\nconfigs:\n- config_name: c\n  {written}\n---\n"
    assert parse_card(text, "card") == ({} if read is None else {"c": read})


def test_cards_without_configurations() -> None:
    for text in ("", "# Title\n---\nconfigs: 1\n---\n", "---\nlicense: mit\n---\n", "---\n- a\n---\n"):
        assert parse_card(text, "card") == {}


@pytest.mark.parametrize(
    "text, said",
    [
        ("---\nconfigs: [\n---\n", "its header is no YAML"),
        ("---\nconfigs: text\n---\n", "'configs' is no list"),
        ("---\nconfigs:\n- config_name: c\n  data_files: 3\n---\n", "data files of an unknown form"),
    ],
)
def test_broken_cards(text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        parse_card(text, "owner/name/README.md")
