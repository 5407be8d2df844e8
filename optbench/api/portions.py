"""Means over many examples, taken a portion at a time, so that not all activations are held at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor
from torch.nn import functional

Portion = tuple[slice, float]  # which examples, and their share in the mean
Loss = Callable[..., Tensor]
# Means over what counts, so that portions add up. Of a loss that optbench doesn't know, nothing is said.
_MEANS = (functional.cross_entropy, functional.mse_loss, functional.binary_cross_entropy_with_logits)


def portions(targets: Tensor, loss: Loss, *, at_once: int, ignored: int) -> tuple[Portion, ...]:
    """Return portions of at most `at_once` examples; none where one is enough or the loss may be no mean.

    Args:
        targets: of all examples, (N, …); of classes, those that are `ignored` count for nothing.
        loss: that is averaged.
        at_once: examples of a portion.
        ignored: a class that is none.
    """
    if len(targets) <= at_once or loss not in _MEANS:
        return ()
    counts = [
        part.numel() if part.is_floating_point() else int((part != ignored).sum()) for part in targets.split(at_once)
    ]
    total = sum(counts)
    return tuple((slice(k * at_once, (k + 1) * at_once), count / total) for k, count in enumerate(counts) if count)


def averaged(measured: Iterable[tuple[float, tuple[Tensor, ...]]]) -> tuple[Tensor, ...]:
    """Return the sums of each tensor times the share that it comes with."""
    total: tuple[Tensor, ...] = ()
    for share, tensors in measured:
        parts = tuple(share * tensor for tensor in tensors)
        total = tuple(map(Tensor.add, total, parts)) if total else parts
    return total
