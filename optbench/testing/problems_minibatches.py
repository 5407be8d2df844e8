"""Checks of minibatches. Shapes: n parameters, N examples, B examples of a minibatch."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import torch
from torch import Tensor

from optbench.testing.blame import defined_at
from optbench.testing.framework import Subject, require
from optbench.testing.problems_rig import Rig
from optbench.testing.trials import place

_LARGEST = 64  # minibatch, where the options as they are take all examples
_ROUNDING = 1e-9  # relative, in a mean of gradients
_SAMPLE = 300  # minibatches, where no epoch shows each example once
_SIGMAS = 6.0  # standard errors: the seed is fixed, and so is the outcome
_BATCHES = 5  # looked at one by one


def check_minibatches(subject: Subject) -> None:
    """Draw minibatches, twice, and average their gradients over an epoch."""
    rig = _with_minibatches(subject)
    first, again = _drawn(rig, _BATCHES), _drawn(_with_minibatches(subject), _BATCHES)
    for batch in first:
        _require_indices(rig, batch)
    same = all(map(torch.equal, first, again))
    require(same, f"minibatches differ under one seed{defined_at(rig.problem.batches)}")
    same = _shows_the_same(rig, _with_minibatches(subject, seed=1))
    require(not same, f"minibatches are the same under another seed{defined_at(rig.problem.batches)}")
    if _statistics_of(rig) is None:  # else the model normalises by batch, and no mean of minibatches is the full one
        _require_fair(rig)


def _statistics_of(rig: Rig) -> Tensor | None:
    statistics: Tensor | None = rig.problem.statistics() if hasattr(rig.problem, "statistics") else None
    return statistics


def _with_minibatches(subject: Subject, seed: int = 0) -> Rig:
    """Return the problem with the largest minibatch that divides the examples, so that an epoch sees each once."""
    rig = Rig.build(subject, place(seed=seed))
    if "batch_size" in subject.record.options:
        examples = _examples(rig)
        largest = _LARGEST if examples is None else min(_LARGEST, examples)
        size = next(size for size in range(largest, 0, -1) if examples is None or examples % size == 0)
        rig = Rig.build(subject, place(seed=seed), batch_size=size)
    require(rig.stochastic, "it gives minibatches, and batches() returns none")
    return rig


def _examples(rig: Rig) -> int | None:
    """Return how many examples there are; None for a stream that never ends."""
    return getattr(rig.problem, "examples", None)


def _shows_the_same(rig: Rig, other: Rig) -> bool:
    """Tell whether the minibatches of two seeds are the same, by their indices and by what is at them."""
    batches, others = _drawn(rig, _BATCHES), _drawn(other, _BATCHES)
    x = list(rig.points())[1]
    values = [rig.function("value", batch)(x) for batch in batches]
    return all(map(torch.equal, batches, others)) and all(
        torch.equal(other.function("value", batch)(x), value) for batch, value in zip(others, values, strict=True)
    )


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
    examples = _examples(rig)
    if examples is not None:
        low, high = int(batch.min()), int(batch.max())
        within = low >= 0 and high < examples
        require(within, f"a minibatch has indices from {low} to {high}; there are {examples} examples{where}")


def _require_fair(rig: Rig) -> None:
    """Compare the mean gradient with the full one: exactly over an epoch, else within the standard error."""
    batches = _drawn(rig, _epoch(rig) or _SAMPLE)
    x = list(rig.points())[1]
    gradients = torch.stack([rig.function("gradient", batch)(x) for batch in batches])
    mean, full = gradients.mean(0), rig.function("gradient")(x)
    allowed = (_ROUNDING * gradients.abs().max()).expand_as(full)
    what = "an epoch's minibatches"
    if not _epoch(rig):
        allowed = allowed + _SIGMAS * gradients.std(0) / len(batches) ** 0.5
        what = f"{len(batches)} minibatches"
    excess = (mean - full).abs() / allowed
    index = int(excess.argmax())
    require(
        float(excess[index]) <= 1.0,
        f"the mean gradient of {what} is {float(mean[index]):.9g} at entry {index}; "
        f"expected {float(full[index]):.9g} ± {float(allowed[index]):.1g}, the full gradient's{rig.at('gradient')}",
    )


def _epoch(rig: Rig) -> int:
    """Return how many minibatches show each example once; 0 where they are drawn otherwise."""
    examples = _examples(rig)
    if examples is None:
        return 0
    count = -(-examples // len(_drawn(rig, 1)[0]))
    shown = torch.cat(_drawn(rig, count)).sort().values
    return count if torch.equal(shown, torch.arange(examples)) else 0
