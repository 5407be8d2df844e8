"""One triangle against the full matrix, and what only changes the scale."""

from __future__ import annotations

import pytest
import torch
from optbench_quasinewton import sums, symmetric


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("triangle", [True, False])
def test_products_and_updates_are_those_of_the_full_matrix(
    dtype: torch.dtype, triangle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (symmetric, sums):
        monkeypatch.setattr(module, "in_numpy", lambda _: triangle)
    generator = torch.Generator().manual_seed(0)
    matrix = symmetric.Symmetric(torch.zeros(7, dtype=dtype))
    matrix.fill(2.0)
    dense = 2 * torch.eye(7, dtype=dtype)
    tolerance = 200 * torch.finfo(dtype).eps
    for growth in (1.0, 3.0, 1e120, 1e-120) * 5:
        factors = torch.randn(2, 7, generator=generator, dtype=dtype)
        if dtype == torch.float32 and not 1e-30 < growth < 1e30:
            growth = 1.0
        for vector, place in zip(factors, matrix.room(), strict=True):
            torch.as_tensor(place).copy_(vector)
        matrix.update(growth)
        dense = growth * dense + torch.outer(factors[0], factors[1]) + torch.outer(factors[1], factors[0])
    vector, out = torch.randn(2, 7, generator=generator, dtype=dtype)
    out.fill_(float("nan"))
    made = sums.sums(vector)
    matrix.times(made.of(vector), made.of(out))
    assert torch.allclose(matrix.dense(), dense, rtol=tolerance, atol=tolerance * float(dense.abs().max()))
    assert torch.allclose(out, dense @ vector, rtol=tolerance, atol=tolerance * float(dense.abs().max()))


def test_growth_alone_touches_no_entry() -> None:
    matrix = symmetric.Symmetric(torch.zeros(3, dtype=torch.float64))
    matrix.fill(1.0)
    before = matrix.entries.clone()
    matrix.update(5.0)
    assert torch.equal(matrix.entries.tril(), before.tril())
    assert torch.equal(matrix.dense(), 5 * before)
