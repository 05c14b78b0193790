"""Tables of languages in YAML, beside the reviewed one."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.languages import LANGUAGES
from harness.specfiles import catalog
from harness.specfiles.language_tables import known_languages
from harness.typology import distances_from, distances_from_nearest

ROW = "{tag: qaa, iso: qaa, name: Ours, script: Latn, family: Ours, genus: Ours, word_order: VOS}"
TABLE = f"""\
name: ours
version: "1"
title: Our languages
source: chosen
rows:
  qaa: {ROW}
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "tasks" / "languages" / "ours.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(TABLE, encoding="utf-8")
    monkeypatch.setenv("XHARNESS_PATH", str(tmp_path))
    return path


def test_a_table_of_one_s_own_adds_languages(table: Path) -> None:
    known = known_languages()
    assert known["qaa"].name == "Ours" and known["qaa"].word_order == "VOS" and known["qaa"].resources == 0
    assert all(known[code] is row for code, row in LANGUAGES.items())
    assert "qaa" not in LANGUAGES
    assert distances_from("qaa", ["qaa", "en", "ja"]) == {"qaa": 0.0, "en": 0.75, "ja": 1.0}
    assert distances_from_nearest(["qaa"], ["en"]) == {"en": 0.75}
    assert isinstance(catalog.load_file(table), catalog.Loaded)
    assert "ours" in {loaded.spec.name for loaded in catalog.load_everything().language_tables}


def test_it_is_gone_with_the_path(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "qaa" in known_languages()
    monkeypatch.delenv("XHARNESS_PATH")
    assert "qaa" not in known_languages()


def test_a_changed_file_is_read_again(table: Path) -> None:
    assert known_languages()["qaa"].script == "Latn"
    table.write_text(TABLE.replace("Latn", "Cyrl") + "\n", encoding="utf-8")
    assert known_languages()["qaa"].script == "Cyrl"


def test_a_language_that_is_there_already(table: Path) -> None:
    table.write_text(TABLE + f"  de: {ROW}\n", encoding="utf-8")
    with pytest.raises(SpecError, match="language 'de' is in the built-in table already; take another code"):
        known_languages()


def test_problems_are_put_where_they_were_written(table: Path) -> None:
    table.write_text(TABLE.replace("VOS", "XYZ").replace("script: Latn", "script: latin"), encoding="utf-8")
    with pytest.raises(SpecError) as raised:
        known_languages()
    assert "ours.yaml:6: rows.qaa.word_order: must be 'SVO', 'SOV'" in str(raised.value)
    assert "rows.qaa.script: must match" in str(raised.value)
