"""Building a Hessian by automatic differentiation. Shapes: n = number of parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_BLOCK = 2**19  # numbers in the largest tensor of a block of rows: 4 MB in float64, about what a core's caches hold


def reverse_over_reverse(function: Callable[[Tensor], Tensor], x: Tensor, widest: int) -> Tensor:
    """Return the Hessian (n, n) of a function of x, in blocks of rows: the gradient once, then its pullbacks, batched.

    `widest` is the size of the largest tensor between x and the value, such as examples × units of a layer; a block
    has as many rows as keep that tensor, once a row, within 2¹⁹ numbers. Few rows at once are best where it is wide (a
    layer), as many as possible where it is narrow (a linear model); tests/perf/hessian_builds.py measures both, beside
    forward over reverse and torch.func.hessian. The memory beyond the Hessian's is that of the gradient's graph and of
    one block. Needs no operation to have a forward mode.
    """
    n = x.numel()
    pullback = torch.func.vjp(torch.func.grad(function), x)[1]
    hessian = x.new_empty(n, n)
    rows = max(1, min(n, _BLOCK // max(widest, n)))
    for first in range(0, n, rows):
        block = hessian[first : first + rows]
        units = torch.zeros_like(block)
        units.diagonal(first).fill_(1)
        block.copy_(torch.func.vmap(pullback)(units)[0])
    return hessian


def widest_tensor(function: Callable[[Tensor], Tensor], x: Tensor) -> int:
    """Return the size of the largest tensor that depends on x in one evaluation of the function."""
    with _Watch() as watch, torch.enable_grad():
        function(x.detach().requires_grad_(True))
    return watch.widest


class _Watch(TorchFunctionMode):
    """Sees the result of each operation; what depends on x requires a gradient."""

    widest = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.requires_grad:
            self.widest = max(self.widest, result.numel())
        return result
