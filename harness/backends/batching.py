"""Batches under a budget of tokens, shared by encoders and heads."""

from __future__ import annotations

from collections.abc import Sequence

# Padding is little because batches are cut from texts sorted by length; larger batches than these
# bring no more speed and cost memory.
_BUDGET = {"cpu": 2_048, "cuda": 65_536}
_MOST_ROWS = {"cpu": 128, "cuda": 2_048}


def token_budget(device: str) -> int:
    """Return how many tokens, padding included, a batch may hold on a torch device."""
    return _BUDGET["cuda" if device.startswith("cuda") else "cpu"]


def row_limit(device: str) -> int:
    """Return how many rows a batch may hold on a torch device."""
    return _MOST_ROWS["cuda" if device.startswith("cuda") else "cpu"]


def token_batches(lengths: Sequence[int], *, max_tokens: int, max_rows: int | None = None) -> list[list[int]]:
    """Cut rows into batches of similar length.

    Batches hold indices into `lengths`, longest rows first, equal lengths in the order given;
    rows times the longest of a batch is at most `max_tokens`, unless a single row is longer. The
    result depends on the arguments alone. No rows: no batches.
    """
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    batches: list[list[int]] = []
    start = 0
    while start < len(order):
        longest = max(1, lengths[order[start]])
        rows = max(1, max_tokens // longest)
        if max_rows is not None:
            rows = min(rows, max_rows)
        batches.append(order[start : start + rows])
        start += rows
    return batches
