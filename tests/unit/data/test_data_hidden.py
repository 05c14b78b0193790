"""Gold that was withheld is told from gold."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.hidden import refuse_constant
from harness.data.places import Places
from harness.data.sources import load_test
from harness.errors import DataError
from harness.specfiles.catalog import load_task


@pytest.mark.parametrize("gold", ["0", "neutral", '["O","O"]', '["Q1"]', "[", '["a"', "[]x"])
def test_one_answer_is_a_placeholder_from_fifty_examples_on(gold: str) -> None:
    refuse_constant([gold] * 49, "file")
    with pytest.raises(DataError, match=r"^file: the gold is hidden .* in all 50 examples"):
        refuse_constant([gold] * 50, "file")


def test_tags_count_by_themselves() -> None:
    with pytest.raises(DataError, match="it is 'X' in all 60 examples"):
        refuse_constant(['["X"]', '["X","X"]', '["X","X","X"]'] * 20, "file")
    refuse_constant(['["X"]'] * 59 + ['["X","ADJ"]'], "file")


def test_two_answers_are_gold() -> None:
    refuse_constant(["0"] * 999 + ["1"], "file")
    refuse_constant([f'["{i}"]' for i in range(60)], "file")
    # All questions may have the same set of right answers; a placeholder is one answer.
    refuse_constant(['["a","b"]'] * 60, "file")


def test_an_evaluation_refuses_them_too(tmp_path: Path) -> None:
    path = tmp_path / "panx" / "de" / "test"
    path.parent.mkdir(parents=True)
    path.write_text("de:a\tO\nde:b\tO\n\n" * 50, encoding="utf-8")
    with pytest.raises(DataError, match=r"'panx', language 'de' \(panx/de/test\): the gold is hidden"):
        load_test(load_task("panx").spec, "de", Places(tmp_path, ("local",)))
    path.write_text("de:a\tO\nde:b\tO\n\n" * 49, encoding="utf-8")
    assert len(load_test(load_task("panx").spec, "de", Places(tmp_path, ("local",))).examples) == 49
