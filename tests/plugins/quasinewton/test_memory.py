"""No matrix beside BFGS's one, no vector beside L-BFGS's pairs and a handful: neither kept nor for a moment."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optbench_quasinewton.bfgs import bfgs
from optbench_quasinewton.lbfgs import lbfgs
from torch import Tensor

from optbench.measure.memory import LiveBytes


class Quartic:
    """An oracle of ¼Σx⁴ that allocates its gradient and nothing else of that size."""

    batch = 0
    offers = frozenset({"value", "gradient"})

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        gradient = x.pow(3)
        return torch.dot(gradient, x) / 4, gradient


def peak(method: Any, n: int, steps: int = 15) -> float:
    """Return the most bytes alive at once, the gradients before and after a move included, in units of one number."""
    start = torch.linspace(1, 2, n, dtype=torch.float64)
    with LiveBytes() as live:
        state = method.init(Quartic(), start)
        for _ in range(steps):
            state = method.step(Quartic(), state)
    assert state.finished is None
    return live.peak / 8


@pytest.mark.parametrize("negative_curvature", ["skip", "damp"])
def test_bfgs_needs_one_matrix(negative_curvature: str) -> None:
    """Beside it sixteen vectors of updates that wait, and a handful."""
    n, options = 500, {"initial_scale": "scaled", "self_scaling": True, "line_search": "strong-wolfe"}
    assert peak(bfgs(negative_curvature=negative_curvature, **options), n) < n * n + 30 * n


@pytest.mark.parametrize("history", [1, 10, 30])
def test_lbfgs_needs_its_pairs_and_six_vectors(history: int) -> None:
    """The point, a trial point, the direction, and the gradients at the point, the best trial and the latest."""
    n, options = 20_000, {"initial_scale": "scaled", "negative_curvature": "skip", "line_search": "strong-wolfe"}
    assert peak(lbfgs(history=history, **options), n) < (2 * history + 6.5) * n
