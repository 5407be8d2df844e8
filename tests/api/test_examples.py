"""Data sets as tensors."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from optbench.api import UserError
from optbench.api.examples import split_tensors

CPU = torch.device("cpu")
ARRAYS = {
    "x_train": np.array([[0, 51, 7], [255, 102, 7]], np.uint8),
    "y_train": np.array([3, 1]),
    "x_test": np.array([[255, 0, 8]], np.uint8),
    "y_test": np.array([2]),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pixels_become_numbers_from_0_to_1(dtype):
    splits = split_tensors(ARRAYS, device=CPU, dtype=dtype, scaling="unit")
    assert list(splits) == ["train", "test"]
    inputs, targets = splits["train"]
    assert (inputs.dtype, targets.dtype) == (dtype, torch.int64)
    assert torch.equal(inputs, torch.tensor([[0, 51 / 255, 7 / 255], [1, 102 / 255, 7 / 255]], dtype=dtype))
    assert targets.tolist() == [3, 1]


def test_standardising_looks_at_the_training_examples_alone():
    splits = split_tensors(ARRAYS, device=CPU, dtype=torch.float64, scaling="standardised")
    inputs, _ = splits["train"]
    assert inputs[:, :2].mean(0).abs().max() < 1e-15
    assert torch.allclose(inputs[:, :2].var(0, correction=0), torch.ones(2, dtype=torch.float64))
    assert inputs[:, 2].tolist() == [0, 0]  # all alike
    assert splits["test"][0][0].tolist() == [1, -3, 1]


def test_tokens_stay_integers_and_numbers_take_the_dtype():
    arrays = {"x_train": np.array([[1, 2]], np.uint8), "y_train": np.array([0.5])}
    inputs, targets = split_tensors(arrays, device=CPU, dtype=torch.float32)["train"]
    assert (inputs.dtype, targets.dtype) == (torch.int64, torch.float32)


def test_an_unknown_scaling_is_refused():
    with pytest.raises(UserError, match="none, unit or standardised"):
        split_tensors(ARRAYS, device=CPU, dtype=torch.float32, scaling="whole")
