"""Gradient descent, conjugate gradients and coordinate descent."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import OptimizerPlugin, Option, hookimpl
from optbench.numerics.minibatches import INNER_STEPS, MEMORY

_BETA = Option(
    default="memoryless",
    doc="how much of the last direction is kept; memoryless: from each line's minimum, without going there",
    choices=(
        "memoryless",
        "fletcher-reeves",
        "polak-ribiere",
        "polak-ribiere+",
        "hestenes-stiefel",
        "dai-yuan",
        "hager-zhang",
    ),
)


@hookimpl
def optbench_optimizers() -> Iterator[OptimizerPlugin]:
    """Yield gradient descent, conjugate gradients and coordinate descent."""
    yield _gradient_descent()
    yield _cg()
    yield _coordinate_descent()


def _gradient_descent() -> OptimizerPlugin:
    return OptimizerPlugin(
        name="gradient-descent",
        factory="optbench_descent.steepest:gradient_descent",
        summary="Steps along the negative gradient: fixed, or steepest descent with a line search.",
        options={
            "lr": Option(
                default=0.01, doc="the fixed step; unused with a line search", low=0.0, bounds="(]", search="log"
            ),
            "line_search": Option(
                default="none",
                doc="'none' for the fixed step lr, or a line search such as 'exact' or 'armijo(c1=0.01)'",
                components="optbench_descent.parts:STEPS",
            ),
        },
        cite="Cauchy, Comptes rendus 25 (1847)",
        evaluations=frozenset({"value", "gradient", "line_minimum"}),
        host_syncs=1,
        host_syncs_per={"evaluation": 1},
        host_syncs_with={"line_search": {"none": 0}},
    )


def _cg() -> OptimizerPlugin:
    return OptimizerPlugin(
        name="cg",
        factory="optbench_descent.cg:cg",
        summary="Nonlinear conjugate gradients; with line_search='exact' the step on a quadratic is analytic.",
        options={
            "beta": _BETA,
            "preconditioner": Option(
                default="diagonal",
                doc="from the first restart on: nothing, or the Hessian's diagonal as learnt from gradients",
                choices=("none", "diagonal"),
            ),
            "restart": Option(
                default="every(k=20)",
                doc="when to start again along the gradient, beside where a direction leads uphill; for memoryless, "
                "when its preconditioner changes; without one it has no effect there",
                components="optbench_descent.restarts:RESTARTS",
            ),
            "line_search": Option(
                default="auto",
                doc="line search, with its options; auto: strong-wolfe, with c2=0.1 where beta isn't memoryless",
                components="optbench_descent.parts:SEARCHES",
            ),
            "warm_start": Option(
                default=0, doc="steps of stochastic gradient descent before the first direction", low=0
            ),
            "lr": Option(default=0.01, doc="learning rate of the steps of warm_start", low=0.0, bounds="(]"),
            "inner_steps": INNER_STEPS,
            "memory": MEMORY,
        },
        cite="Polak & Ribière, RIRO 16 (1969); Shanno, Math. Oper. Res. 3 (1978); Nazareth, JOTA 23 (1977)",
        evaluations=frozenset({"value", "gradient", "line_minimum"}),
        host_syncs=1,
        host_syncs_per={"evaluation": 1},
    )


def _coordinate_descent() -> OptimizerPlugin:
    return OptimizerPlugin(
        name="coordinate-descent",
        factory="optbench_descent.coordinate.descent:coordinate_descent",
        summary="Lowers f over one coordinate, or one block, at a time; exactly on the Lasso and on sparse coding, "
        "on minibatches for each by itself.",
        options={
            "blocks": Option(
                default="single",
                doc="what changes together, such as 'groups(sizes=[10])'",
                components="optbench_descent.coordinate.parts:BLOCKS",
            ),
            "order": Option(
                default="cyclic",
                doc="whose turn is next; greedy: the steepest block",
                choices=("cyclic", "random", "greedy"),
            ),
            "solver": Option(
                default="newton",
                doc="how a block is lowered where its minimum is not known, such as 'cg(steps=5)'",
                components="optbench_descent.coordinate.parts:SOLVERS",
            ),
        },
        cite="Wright, Math. Programming 151 (2015); Friedman, Hastie & Tibshirani, J. Stat. Software 33 (2010)",
        evaluations=frozenset({"value", "gradient", "hessian_vector", "hessian", "line_minimum"}),
        optional=frozenset({"hessian", "line_minimum"}),  # Hessians: only the grams of panels
        random_options={"order": ("random",)},
        state_memory="O(n^2)",
        peak_memory="O(n^2)",
        step_time="O(n^2)",
        host_syncs=1,
        host_syncs_per={"evaluation": 3},  # of an optimizer on a block; by Newton steps, and on panels, 1
    )
