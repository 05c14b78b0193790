"""Predictions that are one answer throughout."""

from __future__ import annotations

from typing import Any

import pytest

from harness.scoring import is_constant


@pytest.mark.parametrize(
    ("outputs", "constant"),
    [
        (["neutral", "neutral"], True),
        ([0, 0, 0], True),
        (["", ""], True),
        ([["O"], ["O", "O"]], True),
        ([["a", "b"], ["a", "b"]], True),
        ([[], []], True),
        (["neutral"], False),
        ([], False),
        ([0, 1], False),
        ([["O"], ["O", "B-PER"]], False),
        ([["a", "b"], ["b", "a"]], False),
        ([("de-1", "en-1"), ("de-2", "en-1")], False),
    ],
)
def test_constant(outputs: list[Any], constant: bool) -> None:
    assert is_constant(outputs) is constant
