"""The check of running statistics: a step commits those of one evaluation, and of the right one."""

from __future__ import annotations

import torch
from torch import Tensor

from optbench.testing.blame import defined_at
from optbench.testing.framework import DoesNotApply, Subject, require
from optbench.testing.problems_rig import Rig


def check_statistics(subject: Subject) -> None:
    """End steps at points that were evaluated, and at one that was not."""
    rig = Rig.build(subject)
    begun = rig.problem.statistics() if hasattr(rig.problem, "statistics") else None
    if begun is None:
        raise DoesNotApply("it keeps no running statistics")
    begun = begun.clone()
    first, second = list(rig.points())[:2]
    elsewhere = 2 * second - first
    alone = [_after(rig, begun, point, at=point) for point in (first, second)]
    where = defined_at(rig.problem.commit)
    require(not torch.equal(*alone), f"the statistics don't depend on where a step is evaluated{where}")
    _require_equal(
        _after(rig, begun, first, at=elsewhere), alone[0], "of a step's only evaluation, not at its end", where
    )
    ended = "of the evaluation at the point where a step of two ends"
    _require_equal(_after(rig, begun, first, second, at=first), alone[0], ended, where)
    _require_equal(_after(rig, begun, first, second, at=second.clone()), alone[1], ended, where)
    _require_equal(
        _after(rig, begun, first, second, at=elsewhere),
        alone[0],
        "of the first evaluation of a step that ends elsewhere",
        where,
    )
    rig.problem.commit(first)
    _require_equal(rig.problem.statistics(), alone[0], "before a step without an evaluation", where)


def _after(rig: Rig, begun: Tensor, *points: Tensor, at: Tensor) -> Tensor:
    """Return the statistics of a step that evaluates the points and ends somewhere."""
    rig.problem.restore(begun)
    back = rig.problem.statistics()
    require(torch.equal(back, begun), f"restore doesn't bring the statistics back{defined_at(rig.problem.restore)}")
    batch = list(rig.batches())[-1]
    for point in points:
        rig.evaluate("value", point, batch)
    rig.problem.commit(at)
    statistics: Tensor = rig.problem.statistics()
    return statistics.clone()


def _require_equal(got: Tensor, expected: Tensor, of: str, where: str) -> None:
    require(torch.equal(got, expected), f"commit leaves other statistics than those {of}{where}")
