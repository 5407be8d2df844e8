"""Hessians by automatic differentiation, against closed forms and central differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from optbench.measure import hessians
from optbench.measure.hessians import reverse_over_reverse, widest_tensor

INPUTS = torch.randn(30, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def net(x: Tensor) -> Tensor:
    hidden = torch.tanh(INPUTS @ x[:20].view(4, 5) + x[20:25])
    return (hidden @ x[25:30] - INPUTS.sum(1)).square().mean()


def logistic(x: Tensor) -> Tensor:
    return torch.nn.functional.softplus(-(INPUTS @ x)).mean() + 0.5 * x.dot(x)


def differences(function: object, x: Tensor) -> Tensor:
    gradient = torch.func.grad(function)
    units = 1e-5 * torch.eye(x.numel(), dtype=x.dtype)
    return torch.stack([(gradient(x + unit) - gradient(x - unit)) / 2e-5 for unit in units])


@pytest.mark.parametrize("budget", [1, 400, 2**19], ids=["one row", "blocks with a rest", "all rows"])
def test_a_nets_hessian_is_that_of_its_gradients_differences(budget: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hessians, "_BLOCK", budget)
    x = torch.randn(30, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    found = reverse_over_reverse(net, x, widest_tensor(net, x))
    torch.testing.assert_close(found, differences(net, x), rtol=1e-6, atol=1e-8)


def test_logistic_regressions_is_its_closed_form() -> None:
    x = torch.tensor([0.3, -0.2, 0.1, 0.5], dtype=torch.float64)
    chances = torch.sigmoid(INPUTS @ x)
    dense = INPUTS.T @ ((chances * (1 - chances) / 30)[:, None] * INPUTS) + torch.eye(4, dtype=torch.float64)
    torch.testing.assert_close(reverse_over_reverse(logistic, x, 30), dense, rtol=1e-13, atol=0)


def test_a_function_without_curvature_has_a_zero_hessian() -> None:
    x = torch.ones(3, dtype=torch.float64)
    assert torch.equal(reverse_over_reverse(lambda y: y.sum(), x, 3), torch.zeros(3, 3, dtype=torch.float64))


def test_the_widest_tensor_is_the_largest_that_depends_on_the_point() -> None:
    """The inputs themselves, and views of them, are no part of a row."""
    assert widest_tensor(net, torch.zeros(30, dtype=torch.float64)) == 30 * 5
    assert widest_tensor(logistic, torch.zeros(4, dtype=torch.float64)) == 30
    assert widest_tensor(lambda x: (INPUTS.T.repeat(1, 9).T @ x).sum(), torch.zeros(4, dtype=torch.float64)) == 270


@pytest.mark.parametrize(
    ("size", "widest", "rows"), [(10, 10, [10]), (1000, 2000, [262, 262, 262, 214]), (3, 2**30, [1] * 3)]
)
def test_a_block_has_as_many_rows_as_its_widest_tensor_allows(
    size: int, widest: int, rows: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    vmap = torch.func.vmap

    def spy(function: object) -> object:
        return lambda units: seen.append(len(units)) or vmap(function)(units)

    monkeypatch.setattr(torch.func, "vmap", spy)
    x = torch.ones(size, dtype=torch.float64)
    assert torch.equal(
        reverse_over_reverse(lambda y: (y**3).sum(), x, widest), 6 * torch.eye(size, dtype=torch.float64)
    )
    assert seen == rows
