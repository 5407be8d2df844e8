"""Each beta against its formula in numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from optbench_descent.betas import BETAS

from optbench.numerics.descent import Move

FORMULAS: dict[str, Callable[[Any, Any, Any], float]] = {  # of g, g⁺ and d
    "fletcher-reeves": lambda g, new, d: new @ new / (g @ g),
    "polak-ribiere": lambda g, new, d: new @ (new - g) / (g @ g),
    "polak-ribiere+": lambda g, new, d: max(0.0, new @ (new - g) / (g @ g)),
    "hestenes-stiefel": lambda g, new, d: new @ (new - g) / (d @ (new - g)),
    "dai-yuan": lambda g, new, d: new @ new / (d @ (new - g)),
    "hager-zhang": lambda g, new, d: max(hager_zhang(new - g, new, d), 0.4 * d @ g / (d @ d)),
}


def hager_zhang(change: Any, new: Any, d: Any) -> float:
    bend = d @ change
    return float((change - 2 * d * (change @ change) / bend) @ new / bend)


def move(g: Any, new: Any, d: Any) -> Move:
    return Move(
        direction=torch.tensor(d),
        step=0.7,
        gradient=torch.tensor(g),
        next_gradient=torch.tensor(new),
        slope=float(g @ d),
        next_slope=float(new @ d),
    )


def moves(count: int) -> list[tuple[Any, Any, Any]]:
    """Return gradients and a direction downhill, after which f has become steeper in half of the cases."""
    random = np.random.default_rng(0)
    drawn = random.standard_normal((count, 3, 4))
    return [(g, new * scale, -g + 0.3 * d) for (g, new, d), scale in zip(drawn, [0.1, 3.0] * count, strict=False)]


@pytest.mark.parametrize("beta", BETAS)
def test_a_beta_is_its_formula(beta: str) -> None:
    for g, new, d in moves(20):
        assert float(BETAS[beta](move(g, new, d))) == pytest.approx(FORMULAS[beta](g, new, d), rel=1e-12)


def test_the_moves_reach_both_sides_of_each_bound() -> None:
    bounded = {name: {FORMULAS[name](*m) == least for m in moves(20)} for name, least in [("polak-ribiere+", 0.0)]}
    assert bounded == {"polak-ribiere+": {True, False}}
    sides = {hager_zhang(new - g, new, d) > 0.4 * d @ g / (d @ d) for g, new, d in moves(20)}
    assert sides == {True, False}


@pytest.mark.parametrize("beta", BETAS)
def test_a_beta_does_not_depend_on_how_f_is_scaled(beta: str) -> None:
    for g, new, d in moves(5):
        scaled = move(*(vector * 2.0**40 for vector in (g, new, d)))
        assert float(BETAS[beta](scaled)) == float(BETAS[beta](move(g, new, d)))


def test_hager_and_zhangs_direction_falls_whatever_the_line_search_did() -> None:
    """g⁺·d⁺ ≤ −7/8·g⁺·g⁺ (their theorem 1.1), where the bound isn't at work."""
    for g, new, d in moves(200):
        if hager_zhang(new - g, new, d) > 0.4 * d @ g / (d @ d):
            next_direction = -new + float(BETAS["hager-zhang"](move(g, new, d))) * d
            assert new @ next_direction <= -0.875 * new @ new * (1 - 1e-12)
