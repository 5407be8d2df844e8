"""Muon for the matrices of a model and AdamW for the rest: torch.optim.Muon takes matrices only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from optbench.api import Refused, UserError


class Muon(torch.optim.Optimizer):
    """Moves each matrix by its orthogonalised momentum, all other tensors by AdamW with a rate of their own.

    Jordan et al. (2024). One schedule scales both rates. torch orthogonalises in bfloat16 whatever the precision is.
    """

    def __init__(
        self,
        params: Iterable[Tensor],
        *,
        other_lr: float,
        other_weight_decay: float,
        **options: Any,
    ) -> None:
        """Sort the tensors by their number of dimensions; `options` are torch.optim.Muon's."""
        if not hasattr(torch.optim, "Muon"):
            raise Refused(f"muon needs torch>=2.9, this is {torch.__version__}")
        tensors = list(params)
        matrices = [tensor for tensor in tensors if tensor.ndim == 2]
        others = [tensor for tensor in tensors if tensor.ndim != 2]
        if not matrices:
            raise UserError("muon on a model without a matrix", "it moves tensors of two dimensions")
        super().__init__(tensors, {})
        self._parts: list[torch.optim.Optimizer] = [torch.optim.Muon(matrices, **options)]
        if others:
            self._parts.append(torch.optim.AdamW(others, lr=other_lr, weight_decay=other_weight_decay))
        self.param_groups = [group for part in self._parts for group in part.param_groups]  # shared: schedules see them

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take a step of both."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss
