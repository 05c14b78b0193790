from __future__ import annotations

import pytest
import torch

from harness.backends.pooling import pool

HIDDEN = torch.tensor([[[1.0, 2.0], [3.0, -4.0], [9.0, 9.0]], [[5.0, 6.0], [7.0, 8.0], [9.0, 9.0]]])
MASK = torch.tensor([[1, 1, 0], [0, 1, 1]])


@pytest.mark.parametrize(
    "mode, expected",
    [
        ("mean", [[2.0, -1.0], [8.0, 8.5]]),
        ("mean_sqrt_len_tokens", [[4 / 2**0.5, -2 / 2**0.5], [16 / 2**0.5, 17 / 2**0.5]]),
        ("max", [[3.0, 2.0], [9.0, 9.0]]),
        ("cls", [[1.0, 2.0], [7.0, 8.0]]),
        ("last", [[3.0, -4.0], [9.0, 9.0]]),
        ("lasttoken", [[3.0, -4.0], [9.0, 9.0]]),
        ("weightedmean", [[7 / 3, -2.0], [41 / 5, 43 / 5]]),
    ],
)
def test_values_by_hand(mode: str, expected: list[list[float]]) -> None:
    torch.testing.assert_close(pool(HIDDEN, MASK, mode), torch.tensor(expected))


@pytest.mark.parametrize("mode", ["mean", "mean_sqrt_len_tokens", "max", "cls", "last", "weightedmean"])
def test_a_row_without_tokens_gives_zeros(mode: str) -> None:
    assert pool(HIDDEN, torch.zeros_like(MASK), mode).abs().max() == 0


def test_half_precision_is_pooled_in_float32() -> None:
    assert pool(HIDDEN.bfloat16(), MASK, "mean").dtype == torch.float32


def test_unknown_mode() -> None:
    with pytest.raises(ValueError, match="'median'"):
        pool(HIDDEN, MASK, "median")
