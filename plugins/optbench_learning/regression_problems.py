"""The factories of ridge regression, the Lasso and sparse coding."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

import hashlib
from collections.abc import Callable

import torch

from optbench.api import Streams, reference_value
from optbench_learning.data import diabetes, patches, standardised
from optbench_learning.linear import Data
from optbench_learning.regression import Lasso, LinearRegression, Ridge
from optbench_learning.regression_reference import Minimum, Numbers, lasso_minimum, ridge_minimum
from optbench_learning.sparse_coding import SparseCoding


def ridge_diabetes(*, device: torch.device, dtype: torch.dtype, streams: Streams, l2: float, batch_size: int) -> Ridge:
    """Return ridge regression on the diabetes data, 64 coefficients."""
    problem = Ridge(_diabetes(device, dtype), penalty=l2, batch_size=batch_size or None)
    problem.f_star, problem.f_star_source = _reference(problem, ridge_minimum), "exact"
    return problem


def lasso_diabetes(*, device: torch.device, dtype: torch.dtype, streams: Streams, l1: float, batch_size: int) -> Lasso:
    """Return the Lasso on the diabetes data, 64 coefficients."""
    data = _diabetes(device, dtype)
    problem = Lasso(data, penalty=l1 * least_vanishing(data), batch_size=batch_size or None)
    problem.f_star, problem.f_star_source = _reference(problem, lasso_minimum), "exact"
    return problem


def lasso_recovery(
    *,
    device: torch.device,
    dtype: torch.dtype,
    streams: Streams,
    n: int,
    examples: int,
    nonzeros: int,
    noise: float,
    l1: float,
    batch_size: int,
) -> Lasso:
    """Return the Lasso on Gaussian inputs whose targets are made from a few of them, and noise."""
    data = _sparse_data(streams, n=n, examples=examples, nonzeros=min(nonzeros, n), noise=noise)
    placed = {name: (inputs.to(device, dtype), targets.to(device, dtype)) for name, (inputs, targets) in data.items()}
    problem = Lasso(placed, penalty=l1 * least_vanishing(placed), batch_size=batch_size or None)
    problem.f_star, problem.f_star_source = _reference(problem, lasso_minimum), "exact"
    return problem


def sparse_coding(
    *,
    device: torch.device,
    dtype: torch.dtype,
    streams: Streams,
    atoms: int,
    examples: int,
    contrast: float,
) -> SparseCoding:
    """Return sparse coding of patches spread evenly over the picture, their lengths' root mean square `contrast`."""
    every = torch.tensor(patches()["x"])
    chosen = every[torch.arange(examples) * len(every) // examples]
    scale = contrast / chosen.square().sum(1).mean().sqrt()
    return SparseCoding((chosen * scale).T.contiguous().to(device, dtype), atoms=atoms)


def least_vanishing(data: Data) -> float:
    """Return the least penalty with which the Lasso's minimum is at zero: max |Aᵀb|/N."""
    inputs, targets = data["train"]
    return float((inputs.T @ targets).abs().max()) / len(inputs)


def _diabetes(device: torch.device, dtype: torch.dtype) -> Data:
    """Return inputs and targets of mean 0 and variance 1 over the training set."""
    arrays = standardised(diabetes())
    mean, deviation = arrays["y_train"].mean(), arrays["y_train"].std()
    return {
        split: (
            torch.tensor(arrays[f"x_{split}"], device=device, dtype=dtype),
            torch.tensor((arrays[f"y_{split}"] - mean) / deviation, device=device, dtype=dtype),
        )
        for split in ("train", "test")
    }


def _sparse_data(streams: Streams, *, n: int, examples: int, nonzeros: int, noise: float) -> Data:
    """Draw in float64 on the CPU: inputs, which coefficients are ±1, and noise, `noise` times as large as they."""
    inputs = torch.randn(2 * examples, n, generator=streams("inputs"), dtype=torch.float64)
    generator = streams("coefficients")
    used = torch.randperm(n, generator=generator)[:nonzeros]
    signs = torch.randint(2, (nonzeros,), generator=generator).mul(2).sub(1).double()
    errors = torch.randn(2 * examples, generator=streams("noise"), dtype=torch.float64)
    targets = inputs[:, used] @ signs + noise * nonzeros**0.5 * errors
    return {
        "train": (inputs[:examples].contiguous(), targets[:examples]),
        "test": (inputs[examples:].contiguous(), targets[examples:]),
    }


def _reference(problem: LinearRegression, minimum: Callable[[Numbers, Numbers, float], Minimum]) -> float:
    """Return the certified minimum over the data as rounded to their dtype, computed once and cached."""
    inputs, targets = (tensor.cpu().double().numpy() for tensor in problem.data["train"])
    digest = hashlib.sha256(inputs.tobytes() + targets.tobytes()).hexdigest()
    key = [minimum.__name__, {"penalty": problem.penalty, "data": digest, "method": 1}]
    return reference_value(key, lambda: minimum(inputs, targets, problem.penalty).value)
