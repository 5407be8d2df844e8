"""Batch normalisation as a module. Shapes: B examples, C channels (units of a dense layer), and places of a picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from optbench.api import UserError


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What all normalisations of a model have in common."""

    momentum: float  # weight of a new batch in the running averages
    eps: float  # δ
    affine: bool  # whether γ and β are learned
    per_location: bool  # whether each place of a picture has statistics of its own


class BatchNorm(nn.Module):
    """γ (H − μ)/σ + β with σ = √(δ + v) (Goodfellow et al., 2016, 8.35-8.37), by torch's kernel.

    μ and v are mean and mean squared deviation of each channel over the examples, and over the places of a picture; the
    gradient flows through both. In evaluation mode the running averages stand in for them: that of v is of the unbiased
    m/(m − 1) v, m numbers a channel, as torch's and Ioffe and Szegedy's (2015, algorithm 2).
    """

    keeps_statistics = True
    normalises_by_batch = True

    def __init__(self, shape: tuple[int, ...], settings: Settings, *, of_inputs: bool = False) -> None:
        """Make γ = 1, β = 0 and running averages of 0 and 1 for what one example gives, (C,) or (C, places…).

        `of_inputs` tells of one that belongs to a layer whether it normalises what goes in, not what comes out.
        """
        super().__init__()
        self.shape, self.settings, self.momentum, self.of_inputs = shape, settings, settings.momentum, of_inputs
        size = math.prod(shape) if settings.per_location else shape[0]
        self.weight = nn.Parameter(torch.ones(size)) if settings.affine else None
        self.bias = nn.Parameter(torch.zeros(size)) if settings.affine else None
        self.register_buffer("running_mean", torch.zeros(size))
        self.register_buffer("running_var", torch.ones(size))

    def of_channels(self, channels: int) -> BatchNorm:
        """Return a fresh one for so many channels."""
        return BatchNorm((channels, *self.shape[1:]), self.settings, of_inputs=self.of_inputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the normalised channels, in the shape of the inputs, (B, C, …)."""
        if self.training and len(inputs) < 2:
            raise UserError("a training batch of one example", "2 or more, for the model normalises by batch")
        flat = inputs.flatten(1) if self.settings.per_location else inputs
        outputs = torch.batch_norm(
            flat,
            self.weight,
            self.bias,
            self.get_buffer("running_mean"),
            self.get_buffer("running_var"),
            self.training,
            self.momentum,
            self.settings.eps,
            torch.backends.cudnn.enabled,
        )
        return outputs.view(inputs.shape)
