"""From the hidden states of a text's tokens to one vector. All arithmetic is in float32."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def pool(hidden: torch.Tensor, mask: torch.Tensor, mode: str) -> torch.Tensor:
    """Return float32 [b, h] from hidden states [b, t, h] and a 0/1 mask [b, t] of what counts.

    `cls` is the first token that counts, `last` (or `lasttoken`) the last one; `weightedmean` weighs
    token i of a text, counted from 1, by i. A row without any counting token gives zeros.

    Raises:
        ValueError: for an unknown mode.
    """
    import torch

    states = hidden.float()
    weights = mask.to(states.dtype).unsqueeze(-1)
    rows = torch.arange(len(states), device=states.device)
    if mode in ("mean", "mean_sqrt_len_tokens"):
        counts = weights.sum(dim=1).clamp(min=1)
        return (states * weights).sum(dim=1) / (counts if mode == "mean" else counts.sqrt())
    if mode == "max":
        highest = states.masked_fill(weights == 0, float("-inf")).amax(dim=1)
        return torch.where(mask.any(dim=1, keepdim=True), highest, torch.zeros_like(highest))
    if mode == "weightedmean":
        places = torch.arange(1, states.shape[1] + 1, device=states.device, dtype=states.dtype)
        weights = weights * places.view(1, -1, 1)
        return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1)
    counting = mask.to(torch.int32)
    if mode == "cls":
        place = counting.argmax(dim=1)
    elif mode in ("last", "lasttoken"):
        place = mask.shape[1] - 1 - counting.flip(1).argmax(dim=1)
    else:
        raise ValueError(f"unknown pooling mode {mode!r}")
    return states[rows, place] * mask.any(dim=1, keepdim=True)
