"""Data sets as tensors on a device. Shapes: N examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from optbench.api.errors import UserError
from optbench.api.learning import Examples, Split

if TYPE_CHECKING:
    from optbench.api.data import Array

Scaling = Literal["none", "unit", "standardised"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
_BRIGHTEST = 255


def split_tensors(
    arrays: Mapping[str, Array], *, device: torch.device, dtype: torch.dtype, scaling: Scaling = "none"
) -> dict[Split, Examples]:
    """Return (inputs, targets) on the device for each split that there is, converted there.

    Args:
        arrays: `x_train` (N, …), `y_train` and so on, as `load_dataset` gives them.
        device: where the tensors go.
        dtype: of inputs that are numbers, and of targets that are; classes and tokens become 64-bit integers.
        scaling: of inputs. "unit": pixels of 0 to 255 become 0 to 1. "standardised": each entry has mean 0 and variance
            1 over the training examples, or is 0 where these are all alike. "none": as they are; integers are tokens.
    """
    splits = [split for split in SPLITS if f"x_{split}" in arrays]
    shift, scale = _affine(arrays["x_train"], scaling)
    found: dict[Split, Examples] = {}
    for split in splits:
        inputs = _placed(arrays[f"x_{split}"], device, dtype, keep_integers=scaling == "none")
        if scaling != "none":
            inputs = inputs.sub_(shift.to(device, dtype)).div_(scale.to(device, dtype))
        found[split] = (inputs, _placed(arrays[f"y_{split}"], device, dtype, keep_integers=True))
    return found


def _affine(inputs: Array, scaling: Scaling) -> tuple[Tensor, Tensor]:
    """Return what is taken from the inputs and what they are divided by, in float64."""
    if scaling == "unit":
        return torch.zeros((), dtype=torch.float64), torch.tensor(float(_BRIGHTEST), dtype=torch.float64)
    if scaling == "standardised":
        mean, deviation = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64)
        return torch.tensor(mean), torch.tensor(np.where(deviation > 0, deviation, 1.0))
    if scaling == "none":
        return torch.zeros(()), torch.ones(())
    raise UserError(f"scaling={scaling!r}", "none, unit or standardised")


def _placed(array: Array, device: torch.device, dtype: torch.dtype, *, keep_integers: bool) -> Tensor:
    """Return a tensor; bytes are moved before they are converted."""
    moved = torch.tensor(array, device=device)
    return moved.to(torch.int64) if keep_integers and not moved.is_floating_point() else moved.to(dtype)
