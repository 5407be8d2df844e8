"""f in a unit in which squares of its gradient are floats."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from optbench.numerics.unit import InUnit, power_of_two


@pytest.mark.parametrize("unit", [2.0**-1000, 2.0**1000])
def test_values_and_gradients_keep_their_digits(unit: float) -> None:
    def both(x: Tensor) -> tuple[Tensor, Tensor]:
        return unit * x.square().sum() / 3, unit * x * 2 / 3

    oracle: Any = SimpleNamespace(batch=7, offers=frozenset({"value"}), value_and_gradient=both)
    x = torch.tensor([1.1, -0.3], dtype=torch.float64)
    value, gradient = InUnit(oracle, unit).value_and_gradient(x)
    assert value == x.square().sum() / 3
    assert torch.equal(gradient, x * 2 / 3)
    assert InUnit(oracle, unit).batch == 7


def test_the_unit_is_the_power_of_two_at_a_size() -> None:
    assert [power_of_two(size, least=1e-300) for size in (1.0, 1.9, 2.0, 0.6)] == [1.0, 1.0, 2.0, 0.5]
    assert power_of_two(1e-310, least=1e-300) == 1e-300
