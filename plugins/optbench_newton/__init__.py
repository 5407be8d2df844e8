"""Newton's method and what approximates it: dense Hessians, Hessian-vector products, Jacobians of residuals."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import OptimizerPlugin, Option, hookimpl
from optbench.numerics.minibatches import INNER_STEPS, MEMORY

NEWTON_CG_LINE_SEARCH = "strong-wolfe"


@hookimpl
def optbench_optimizers() -> Iterator[OptimizerPlugin]:
    """Yield Newton's method, its truncated form and Gauss-Newton."""
    yield _newton()
    yield _newton_cg()
    yield _gauss_newton()


def _newton() -> OptimizerPlugin:
    return OptimizerPlugin(
        name="newton",
        factory="optbench_newton.newton:newton",
        summary="Newton's method: in a trust region, along a line, by Levenberg and Marquardt, or as in the textbook.",
        options={
            "damping": Option(
                default="auto",
                doc='added to the diagonal of the Hessian: "auto" (what the factorisation asks for, or the radius), '
                '"levenberg-marquardt" (by the ratio of gains) or a number; 0 is the textbook, saddles included',
            ),
            "trust_region": Option(
                default="auto",
                doc='whether a radius bounds the step: "auto" is true for damping "auto" without a line search',
                choices=("auto", "true", "false"),
            ),
            "line_search": Option(
                default="none",
                doc="'none' for the full step, or a line search such as 'armijo' or 'strong-wolfe'",
                components="optbench_newton.parts:LENGTHS",
            ),
            "hessian": Option(
                default="auto",
                doc="'auto' (the problem's own, else by automatic differentiation), 'products' (n Hessian-vector "
                "products) or 'differences' (n gradients), counted as what they are",
                choices=("auto", "products", "differences"),
            ),
        },
        cite="Goodfellow et al., Deep Learning (2016), 8.27-8.28; Moré & Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983)",
        evaluations=frozenset({"value", "gradient", "hessian", "hessian_vector", "line_minimum"}),
        state_memory="O(n^2)",
        peak_memory="O(n^2)",
        step_time="O(n^3)",
        host_syncs=1,
        host_syncs_per={"evaluation": 1, "factorisation": 1},
    )


def _newton_cg() -> OptimizerPlugin:
    return OptimizerPlugin(
        name="newton-cg",
        factory="optbench_newton.newton_cg:newton_cg",
        summary="Newton's method by truncated conjugate gradients: Hessian-vector products only, O(n) memory.",
        options={
            "max_cg": Option(default=0, doc="most iterations of conjugate gradients a step; 0: twice n", low=0),
            "forcing": Option(
                default="superlinear",
                doc='residual that may remain, relative to the gradient: "superlinear", "eisenstat-walker" or a number',
            ),
            "trust_region": Option(default=False, doc="true: steps within a trust region; false: a line search"),
            "line_search": Option(
                default=NEWTON_CG_LINE_SEARCH,
                doc="line search, with its options; none with a trust region",
                components="optbench.numerics.line_searches:LINE_SEARCHES",
            ),
            "curvature": Option(
                default="hessian",
                doc='"gauss-newton": products with JᵀJ of the residuals, or with JᵀHJ, J of a model\'s outputs and H '
                "of its loss; never indefinite",
                choices=("hessian", "gauss-newton"),
            ),
            "inner_steps": INNER_STEPS,
            "memory": MEMORY,
        },
        cite="Steihaug, SIAM J. Numer. Anal. 20 (1983); Dembo & Steihaug, Math. Prog. 26 (1983); Martens, ICML (2010)",
        evaluations=frozenset({"value", "gradient", "hessian_vector", "line_minimum", "gauss_newton_vector"}),
        optional=frozenset({"line_minimum", "gauss_newton_vector"}),
        host_syncs=1,
        host_syncs_per={"evaluation": 2},  # of a product: the curvature along it and the residual that it leaves
    )


def _gauss_newton() -> OptimizerPlugin:
    return OptimizerPlugin(
        name="gauss-newton",
        factory="optbench_newton.gauss_newton:gauss_newton",
        summary="Gauss-Newton for sums of squares: damped by Levenberg and Marquardt, by a fixed amount, or not.",
        options={
            "damping": Option(
                default="levenberg-marquardt",
                doc='"levenberg-marquardt" or a number, added to the diagonal of the Hessian\'s approximation; '
                "0: the textbook's method",
            ),
            "scaling": Option(
                default="identity",
                doc="units of a step's length: those of the parameters, or the largest norms of the Jacobian's columns",
                choices=("identity", "moré"),
            ),
        },
        cite="Moré, Lecture Notes in Mathematics 630 (1978); Nocedal & Wright, Numerical Optimization (2006), 10.3",
        evaluations=frozenset({"value", "residuals", "jacobian"}),
        peak_memory="O(m n + n^2)",
        step_time="O(n^3)",
        host_syncs=1,
        host_syncs_per={"evaluation": 1, "factorisation": 1},
    )
