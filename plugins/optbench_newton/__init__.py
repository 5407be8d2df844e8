"""Newton's method: dense Hessians, factored."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import OptimizerPlugin, Option, hookimpl


@hookimpl
def optbench_optimizers() -> Iterator[OptimizerPlugin]:
    """Yield Newton's method."""
    yield OptimizerPlugin(
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
    )
