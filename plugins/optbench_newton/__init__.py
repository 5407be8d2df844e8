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
        summary="Newton's method, damped as the factorisation asks, by a fixed amount, or not at all.",
        options={
            "damping": Option(
                default="auto",
                doc='added to the diagonal of the Hessian: "auto" or a number; "0" is the textbook, saddles included',
            ),
        },
        cite="Goodfellow et al., Deep Learning (2016), 8.27-8.28; Moré & Sorensen, SIAM J. Sci. Stat. Comput. 4 (1983)",
        evaluations=frozenset({"value", "gradient", "hessian"}),
        state_memory="O(n^2)",
        peak_memory="O(n^2)",
        step_time="O(n^3)",
    )
