"""Losses in which examples have weights. Shapes: B examples of a minibatch."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

IGNORED = -100  # a target that counts for nothing, as in torch's losses
Weighting = Callable[[Tensor], Tensor]  # indices of examples (B,) -> weights (B,), of mean 1 over all examples


def weighted_mean(loss: Callable[..., Tensor], outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """Return the mean loss of a minibatch, shape (), with each example's part times its weight, (B,).

    With weights of 1 this is `loss(outputs, targets, reduction="mean")`: targets that are ignored don't count.
    """
    losses = loss(outputs, targets, reduction="none")
    shaped = weights.to(losses.dtype).reshape(-1, *[1] * (losses.ndim - 1))
    counted = losses.numel() if targets.is_floating_point() else (targets != IGNORED).sum()
    return (shaped * losses).sum() / counted
