"""Solvers of other libraries, to compare with."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import OptimizerPlugin, Option, hookimpl

_FLOAT64 = {"float32-and-float64": "scipy computes in float64, whatever the trial's precision"}


@hookimpl
def optbench_optimizers() -> Iterator[OptimizerPlugin]:
    """Yield scipy's first-order methods; they own their loops, so nothing can be done between steps."""
    yield OptimizerPlugin(
        name="scipy-l-bfgs-b",
        factory="optbench_peers.scipy_minimize:l_bfgs_b",
        summary="scipy's L-BFGS-B, without bounds.",
        options={
            "maxcor": Option(default=10, doc="pairs of displacement and gradient change kept", low=1),
            "maxls": Option(default=20, doc="trial points a line search", low=1),
        },
        cite="Zhu, Byrd, Lu & Nocedal, ACM TOMS 23 (1997)",
        gives=frozenset(),
        expected_failures=_FLOAT64,
        state_memory="O(m n)",
        peak_memory="O(m n)",
        step_time="O(m n)",
    )
    yield OptimizerPlugin(
        name="scipy-bfgs",
        factory="optbench_peers.scipy_minimize:bfgs",
        summary="scipy's BFGS, with a dense inverse Hessian.",
        cite="Nocedal & Wright, Numerical Optimization (2006), algorithm 6.1",
        gives=frozenset(),
        expected_failures=_FLOAT64,
        state_memory="O(n^2)",
        peak_memory="O(n^2)",
        step_time="O(n^3)",
    )
    yield OptimizerPlugin(
        name="scipy-cg",
        factory="optbench_peers.scipy_minimize:cg",
        summary="scipy's nonlinear conjugate gradients (Polak-Ribière).",
        cite="Nocedal & Wright, Numerical Optimization (2006), section 5.2",
        gives=frozenset(),
        expected_failures=_FLOAT64,
    )
