"""The factories of the linear classifiers."""

# ruff: noqa: ARG001 -- the contract's signatures
from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from optbench.api import DataSet, Streams, reference_value
from optbench_learning.convex import LogisticRegression, SoftmaxRegression
from optbench_learning.data import Array, breast_cancer, digits, standardised
from optbench_learning.linear import Data
from optbench_learning.reference import newton_minimum

DIGITS = 10


def logistic_breast_cancer(
    *, device: torch.device, dtype: torch.dtype, streams: Streams, l2: float, batch_size: int
) -> LogisticRegression:
    """Return logistic regression on standardised features, 31 parameters."""
    source = breast_cancer()
    data = with_intercept(split_tensors(standardised(source), device=device, dtype=dtype))
    problem = LogisticRegression(data, l2=l2, batch_size=batch_size or None)
    problem.f_star, problem.f_star_source = _reference("logistic-breast-cancer", problem, source, dtype), "exact"
    return problem


def softmax_digits(
    *, device: torch.device, dtype: torch.dtype, streams: Streams, l2: float, batch_size: int
) -> SoftmaxRegression:
    """Return softmax regression on standardised pixels, 650 parameters."""
    source = digits()
    data = with_intercept(split_tensors(standardised(source), device=device, dtype=dtype))
    problem = SoftmaxRegression(data, classes=DIGITS, l2=l2, batch_size=batch_size or None)
    problem.f_star, problem.f_star_source = _reference("softmax-digits", problem, source, dtype), "exact"
    return problem


def split_tensors(arrays: Mapping[str, Array], *, device: torch.device, dtype: torch.dtype) -> Data:
    """Return (inputs, targets) on the device for each split."""
    return {
        split: (
            torch.tensor(arrays[f"x_{split}"], device=device, dtype=dtype),
            torch.tensor(arrays[f"y_{split}"], device=device),
        )
        for split in ("train", "test")
    }


def with_intercept(data: Data) -> Data:
    """Return the data with a constant 1 as the last input."""
    return {
        split: (torch.cat((inputs, inputs.new_ones(len(inputs), 1)), dim=1), targets)
        for split, (inputs, targets) in data.items()
    }


def _reference(
    name: str, problem: LogisticRegression | SoftmaxRegression, source: DataSet, dtype: torch.dtype
) -> float:
    """Return the certified minimum over the data as rounded to `dtype`, computed once and cached."""

    def compute() -> float:
        data = {split: (inputs.cpu().double(), targets.cpu()) for split, (inputs, targets) in problem.data.items()}
        options: dict[str, Any] = {"l2": problem.l2}
        if isinstance(problem, SoftmaxRegression):
            options["classes"] = problem.classes
        return newton_minimum(type(problem)(data, **options)).value

    return reference_value([name, {"l2": problem.l2, "data": source.digest, "dtype": str(dtype), "method": 1}], compute)
