"""Quasi-Newton methods: curvature learnt from gradients."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import OptimizerPlugin, Option, hookimpl
from optbench.numerics.minibatches import INNER_STEPS, MEMORY

_LINE_SEARCH = Option(
    default="strong-wolfe",
    doc="line search, with its options, such as 'strong-wolfe(c2=0.1)'",
    components="optbench.numerics.line_searches:LINE_SEARCHES",
)
_INITIAL_SCALE = Option(
    default="scaled",
    doc="the first inverse Hessian: s'y/y'y times the identity, or the identity",
    choices=("scaled", "identity"),
)
_NEGATIVE_CURVATURE = Option(
    default="skip",
    doc="where f does not curve upwards along a step: leave its pair out, or damp it by Powell's rule",
    choices=("skip", "damp"),
)
_CURVATURE = Option(
    default="cubic",
    doc="what a change of the gradient stands for: the curvature at the end of its step, of the cubic through values "
    "and slopes, or the mean over the step",
    choices=("cubic", "secant"),
)

_PAIRS = Option(
    default="conjugate",
    doc="what is kept of a move: that which is conjugate to the last pair, where f is quadratic along the "
    "two, or all of it",
    choices=("conjugate", "plain"),
)


@hookimpl
def optbench_optimizers() -> Iterator[OptimizerPlugin]:
    """Yield BFGS and L-BFGS."""
    yield _bfgs()
    yield _lbfgs()


def _bfgs() -> OptimizerPlugin:
    return OptimizerPlugin(
        name="bfgs",
        factory="optbench_quasinewton.bfgs:bfgs",
        summary="Quasi-Newton method with a dense inverse Hessian, updated in place.",
        options={
            "initial_scale": _INITIAL_SCALE,
            "negative_curvature": _NEGATIVE_CURVATURE,
            "self_scaling": Option(
                default=True,
                doc="before one of its first twelve updates, let an inverse Hessian that began scaled grow where the "
                "step shows it too small",
            ),
            "line_search": _LINE_SEARCH,
            "pairs": _PAIRS,
            "curvature": _CURVATURE,
        },
        cite="Nocedal & Wright, Numerical Optimization (2006), algorithm 6.1",
        evaluations=frozenset({"value", "gradient", "line_minimum"}),
        state_memory="O(n^2)",
        peak_memory="O(n^2)",
        step_time="O(n^2)",
        host_syncs=2,
        host_syncs_per={"evaluation": 1},
    )


def _lbfgs() -> OptimizerPlugin:
    return OptimizerPlugin(
        name="lbfgs",
        factory="optbench_quasinewton.lbfgs:lbfgs",
        summary="Limited-memory BFGS in compact form; history=1 with initial_scale='identity' is the memoryless form.",
        options={
            "history": Option(
                default=10,
                doc="pairs of displacement and gradient change kept; with none it would be gradient-descent",
                low=1,
                search="log",
            ),
            "initial_scale": _INITIAL_SCALE,
            "negative_curvature": _NEGATIVE_CURVATURE,
            "line_search": _LINE_SEARCH,
            "pairs": _PAIRS,
            "curvature": _CURVATURE,
            "inner_steps": INNER_STEPS,
            "memory": MEMORY,
        },
        cite="Liu & Nocedal, Math. Programming 45 (1989); Byrd, Nocedal & Schnabel, Math. Programming 63 (1994)",
        evaluations=frozenset({"value", "gradient", "line_minimum"}),
        state_memory="O(m n)",
        peak_memory="O(m n)",
        step_time="O(m n)",
        host_syncs=1,
        host_syncs_per={"evaluation": 1},
    )
