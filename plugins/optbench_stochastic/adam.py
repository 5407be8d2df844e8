"""Adam with or without the correction of its means for their start at zero."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor


class Adam(torch.optim.Adam):
    """torch.optim.Adam; `bias_correction=False` leaves out algorithm 8.7's ŝ = s/(1 − ρ₁ᵗ) and r̂ = r/(1 − ρ₂ᵗ).

    Kingma & Ba, ICLR (2015), section 3. Without it the means begin as if t were infinite, where both corrections
    are 1: the steps are torch's own, on every device.
    """

    elementwise = True  # see optbench_stochastic.elementwise

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        lr: float,
        betas: tuple[float, float],
        eps: float,
        weight_decay: float,
        amsgrad: bool,
        maximize: bool,
        bias_correction: bool = True,
    ) -> None:
        """Fill in the state where the correction is left out: torch fills in only what is empty."""
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize
        )
        if not bias_correction:
            for parameter in self.param_groups[0]["params"]:
                means = ("exp_avg", "exp_avg_sq", *(("max_exp_avg_sq",) if amsgrad else ()))
                zeros = {name: torch.zeros_like(parameter, memory_format=torch.preserve_format) for name in means}
                self.state[parameter] = {"step": torch.tensor(torch.inf), **zeros}
