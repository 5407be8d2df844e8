"""nlopt's gradient methods without bounds, set so that the trial's budget or target ends them.

- All of nlopt's own stopping tests are off, which is their default; its methods end by themselves where rounding
  stops them.
- nlopt tells nothing of iterations: a step is an evaluation that finds a smaller value than all before.
- nlopt turns what is raised within an evaluation into an error of its own: it is kept, and raised again on the way
  out.
- `nlopt.runtime_error`, a failure within nlopt without a word of its cause, passes on: the trial has the status
  `error` and is scored at its best point.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import nlopt
from torch import Tensor

from optbench_peers.host import Array, HostOracle, on_host

if TYPE_CHECKING:
    from optbench.api import Oracle

_ENDS = {
    nlopt.SUCCESS: "success",
    nlopt.STOPVAL_REACHED: "stopval reached",
    nlopt.FTOL_REACHED: "ftol reached",
    nlopt.XTOL_REACHED: "xtol reached",
    nlopt.ROUNDOFF_LIMITED: "rounding limits progress",
}


class _Evaluation:
    """What nlopt calls: asks the oracle, publishes what is better than before, keeps what is raised."""

    def __init__(self, oracle: Oracle, solver: nlopt.opt, observe: Callable[[Tensor], None], start: Tensor) -> None:
        self._host, self._solver, self._observe = HostOracle(oracle), solver, observe
        self.best, self.point = math.inf, start
        self.raised: BaseException | None = None

    def __call__(self, x: Array, gradient: Array) -> float:
        """Return f(x) and write its gradient (n,) into `gradient`."""
        try:
            value, slope = self._host.value_and_gradient(x)
            gradient[:] = slope
            if not value >= self.best:  # smaller, or no number, which the loop judges
                self.best, self.point = value, self._host.copied(x)
                self._observe(self.point)
        except BaseException as error:  # noqa: BLE001 -- StopTrial, too, must come through nlopt
            self.raised = error
            self._solver.force_stop()
            return math.inf
        return value


class NloptMinimizer:
    """Runs one algorithm; nlopt sees float64 on the host, whatever the oracle's dtype and device."""

    def __init__(self, algorithm: int, history: int) -> None:
        """Keep the algorithm's number and how many pairs of vectors it keeps."""
        self.algorithm, self.history = algorithm, history
        self.message = ""

    def minimize(self, oracle: Oracle, start: Tensor, observe: Callable[[Tensor], None]) -> Tensor:
        """Return the best point."""
        solver = nlopt.opt(self.algorithm, start.numel())
        solver.set_vector_storage(self.history)
        evaluation = _Evaluation(oracle, solver, observe, start)
        solver.set_min_objective(evaluation)
        try:
            solver.optimize(on_host(start).copy())
        except nlopt.RoundoffLimited:
            pass  # an end like others; its code says so
        except Exception:
            if evaluation.raised is None:
                raise
        if evaluation.raised is not None:
            raise evaluation.raised
        code = solver.last_optimize_result()
        self.message = _ENDS.get(code, f"nlopt returned {code}")
        return evaluation.point


def lbfgs(*, history: int) -> NloptMinimizer:
    """Return the limited-memory BFGS method."""
    return NloptMinimizer(nlopt.LD_LBFGS, history)


def var2(*, history: int) -> NloptMinimizer:
    """Return the shifted limited-memory variable-metric method of rank 2."""
    return NloptMinimizer(nlopt.LD_VAR2, history)


def truncated_newton(*, history: int) -> NloptMinimizer:
    """Return the preconditioned inexact truncated Newton method, with restarts; its products are differences."""
    return NloptMinimizer(nlopt.LD_TNEWTON_PRECOND_RESTART, history)
