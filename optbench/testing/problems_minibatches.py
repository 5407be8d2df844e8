"""Checks of minibatches. Shapes: n parameters, N examples, B examples of a minibatch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from optbench.testing.blame import defined_at
from optbench.testing.framework import Subject, require
from optbench.testing.problems_rig import Rig, place

_LARGEST = 64  # minibatch, where the options as they are take all examples
_AVERAGE = 1e-9  # relative: rounding in a mean of gradients
_BATCHES = 5  # looked at one by one


def check_minibatches(subject: Subject) -> None:
    """Draw minibatches, twice, and average their gradients over an epoch."""
    rig = _with_minibatches(subject)
    first, again = _drawn(rig, _BATCHES), _drawn(_with_minibatches(subject), _BATCHES)
    for batch in first:
        _require_indices(rig, batch)
    same = all(map(torch.equal, first, again))
    require(same, f"minibatches differ under one seed{defined_at(rig.problem.batches)}")
    other = _drawn(_with_minibatches(subject, seed=1), _BATCHES)
    differ = not all(map(torch.equal, first, other))
    require(differ, f"minibatches are the same under another seed{defined_at(rig.problem.batches)}")
    _require_fair(rig)


def _with_minibatches(subject: Subject, seed: int = 0) -> Rig:
    """Return the problem with the largest minibatch that divides the examples, so that an epoch sees each once."""
    rig = Rig.build(subject, place(seed=seed))
    examples: Any = getattr(rig.problem, "examples", None)
    require(isinstance(examples, int), f"it gives minibatches; its `examples` is {examples!r}, expected their number")
    if "batch_size" in subject.record.options:
        size = next(size for size in range(min(_LARGEST, examples), 0, -1) if examples % size == 0)
        rig = Rig.build(subject, place(seed=seed), batch_size=size)
    require(rig.stochastic, "it gives minibatches, and batches() returns none")
    return rig


def _drawn(rig: Rig, count: int) -> list[Tensor]:
    batches: Iterator[Tensor] = rig.problem.batches(rig.place.streams)
    return [batch.clone() for batch in islice(batches, count)]


def _require_indices(rig: Rig, batch: Tensor) -> None:
    where = defined_at(rig.problem.batches)
    kind, shape = batch.dtype, tuple(batch.shape)
    require(
        kind == torch.int64 and len(shape) == 1, f"a minibatch is {kind} of shape {shape}; expected int64, (B,){where}"
    )
    size = getattr(rig.problem, "batch_size", None)
    require(size in (None, len(batch)), f"a minibatch has {len(batch)} examples; batch_size is {size}{where}")
    low, high = int(batch.min()), int(batch.max())
    within = low >= 0 and high < rig.problem.examples
    require(within, f"a minibatch has indices from {low} to {high}; there are {rig.problem.examples} examples{where}")


def _require_fair(rig: Rig) -> None:
    """Compare the mean gradient of an epoch with the full one, where an epoch takes every example once."""
    examples = rig.problem.examples
    epoch = _drawn(rig, -(-examples // len(_drawn(rig, 1)[0])))
    if not torch.equal(torch.cat(epoch).sort().values, torch.arange(examples)):
        return  # drawn with replacement, or with a remainder that waits
    x = list(rig.points())[1]
    mean = torch.stack([rig.function("gradient", batch)(x) for batch in epoch]).mean(0)
    full = rig.function("gradient")(x)
    difference = (mean - full).abs()
    index = int(difference.argmax())
    require(
        float(difference[index]) <= _AVERAGE * (1.0 + float(full.abs().max())),
        f"the mean gradient of an epoch's minibatches is {float(mean[index]):.9g} at entry {index}; "
        f"expected {float(full[index]):.9g}, the full gradient's{rig.at('gradient')}",
    )
