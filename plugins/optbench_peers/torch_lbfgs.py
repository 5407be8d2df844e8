"""torch.optim.LBFGS with its strong Wolfe line search, set so that the trial's budget or target ends it.

- It is driven one iteration a call (`max_iter=1`), since it tells nothing between iterations. Each call begins by
  asking again for what its last line search has found; that question is answered here from what was asked during the
  search, so that it counts nothing, as it would not within one long call.
- `max_eval` never ends a line search (25 trial points do, which is torch's own constant).
- `tolerance_grad` is 0. `tolerance_change` is the smallest normal number, not 0: it also ends a line search whose
  bracket has no width left, where torch would divide by it.
- It has stopped when an iteration leaves the point where it was.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from optbench.api import Oracle


class _Search:
    """Asks the oracle, and remembers what was asked during one line search."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self._asked: list[tuple[Tensor, Tensor, Tensor]] = []  # point, value, gradient

    def ask(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(x) and the gradient."""
        value, gradient = self._oracle.value_and_gradient(x)
        self._asked.append((x.clone(), value, gradient))
        return value, gradient

    def begin(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return f(x) and the gradient where the last search ended, and forget that search."""
        known = next((found for found in reversed(self._asked) if torch.equal(found[0], x)), None)
        self._asked.clear()
        return self.ask(x) if known is None else known[1:]


class TorchLBFGS:
    """Runs torch's L-BFGS on the trial's device, in its precision."""

    def __init__(self, history: int) -> None:
        """Keep the number of pairs."""
        self.history = history
        self.message = ""

    def minimize(self, oracle: Oracle, start: Tensor, observe: Callable[[Tensor], None]) -> Tensor:
        """Return the last point; iterations are the steps."""
        parameter = start.detach().clone().requires_grad_()
        solver = self._solver(parameter)
        search = _Search(oracle)
        while True:
            before = parameter.detach().clone()
            ask = search.begin

            def closure() -> Tensor:
                nonlocal ask
                value, parameter.grad = ask(parameter.detach())
                ask = search.ask
                return value

            solver.step(closure)
            if torch.equal(parameter.detach(), before):
                self.message = "an iteration left the point where it was"
                return before
            observe(parameter.detach().clone())

    def _solver(self, parameter: Tensor) -> torch.optim.LBFGS:
        return torch.optim.LBFGS(
            [parameter],
            max_iter=1,
            max_eval=sys.maxsize,
            tolerance_grad=0.0,
            tolerance_change=torch.finfo(parameter.dtype).tiny,
            history_size=self.history,
            line_search_fn="strong_wolfe",
        )


def lbfgs(*, history: int) -> TorchLBFGS:
    """Return torch's L-BFGS."""
    return TorchLBFGS(history)
