"""The records of what goes beyond Moré, Garbow and Hillstrom: chains, tridiagonal, multimodal and small functions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optbench.api import Option, ProblemPlugin
from optbench.api.plugins import Kind
from optbench_testfunctions.records import LINE, SMOOTH, least_squares, size

CHAINS = "Lukšan, Vlček: Sparse and partially separable test problems, V-767, 1999"
TOINT = "Toint: Some numerical results using a sparse matrix updating formula, Math. Comp. 32, 1978"
RASTRIGIN = "Rastrigin: Systems of extremal control, 1974; Mühlenbein, Schomisch, Born, Parallel Computing 17, 1991"
ACKLEY = "Ackley: A connectionist machine for genetic hillclimbing, 1987"
GRIEWANK = "Griewank: Generalized descent for global optimization, JOTA 34, 1981"
POWELL = "Powell: On search directions for minimization algorithms, Math. Programming 4, 1973"
CONTINUATION = "Mobahi, Fisher: A theoretical analysis of optimization by Gaussian continuation, AAAI, 2015"


def chain_records() -> Iterator[ProblemPlugin]:
    """Yield sums of squares in which each term shares variables with the next."""
    yield _chain("chained-rosenbrock", "One banana valley through all variables.", size(100, low=2))
    yield _chain("chained-powell-singular", "Overlapping singular quartics.", size(100, "even", low=4))
    yield _chain("chained-wood", "Overlapping functions of Wood.", size(100, "even", low=4))


def tridiagonal_records() -> Iterator[ProblemPlugin]:
    """Yield quadratics with tridiagonal matrices."""
    yield _quadratic("tridiagonal-quadratic", "laplacian", "The second difference; condition 0.4 n².", "")
    yield _quadratic("toint-tridiagonal", "toint", "Eigenvalues spread in proportion to n (TRIDIA).", TOINT)


def multimodal_records() -> Iterator[ProblemPlugin]:
    """Yield functions of many minima; all but the double well start where the seed says."""
    yield _landscape("rastrigin", "About 11ⁿ minima on a bowl; its blur is known.", RASTRIGIN)
    yield _landscape("ackley", "A funnel with ripples and a kink at its bottom.", ACKLEY)
    yield _landscape("griewank", "Fine ripples on a wide bowl; its blur is known.", GRIEWANK)
    yield _landscape("double-well", "A narrow deep well that blur hides behind a wide one.", CONTINUATION, random=False)


def small_records() -> Iterator[ProblemPlugin]:
    """Yield functions that show one thing each."""
    yield _small("indefinite-quadratic", "A saddle, passed closely; unbounded below.", size(2, low=2))
    yield _small("concave-quadratic", "−‖x‖²: unbounded below, curved downward everywhere.", size(2))
    yield _small("square-root", "√(1 + x²): Newton's full steps diverge from |x| > 1.", START, kind="convex")
    yield _small("coupled-pair", "(x₁ − x₂)² + α‖x‖²: slow for coordinate descent.", ALPHA, kind="quadratic")
    yield _small("kinked-pair", "|x₁ − x₂| + 0.1‖x‖²: coordinate descent gets stuck.", kind="convex")
    yield _small("powell-cycling", "Exact coordinate descent goes round in circles.", EPSILON, cite=POWELL)


START = {"start": Option(default=2.0, doc="where to begin")}
ALPHA = {"alpha": Option(default=0.01, doc="weight of ‖x‖²; the condition number is (2 + α)/α", low=1e-12)}
EPSILON = {"epsilon": Option(default=0.01, doc="how far outside the cube the start lies", low=0.0, high=1.0)}


def _chain(name: str, summary: str, options: Mapping[str, Option]) -> ProblemPlugin:
    return least_squares(name, f"chained:{_function(name)}", summary, options, cite=CHAINS)


def _quadratic(name: str, function: str, summary: str, cite: str) -> ProblemPlugin:
    return ProblemPlugin(
        name=name,
        factory=f"optbench_testfunctions.tridiagonal:{function}",
        summary=summary,
        options=size(100, low=2),
        cite=cite,
        evaluations=LINE,
        kind="quadratic",
        random=False,
    )


def _landscape(name: str, summary: str, cite: str, *, random: bool = True) -> ProblemPlugin:
    return ProblemPlugin(
        name=name,
        factory=f"optbench_testfunctions.multimodal:{_function(name)}",
        summary=summary,
        options=size(2),
        cite=cite,
        evaluations=SMOOTH,
        kind="multimodal",
        random=random,
    )


def _small(
    name: str, summary: str, options: Mapping[str, Option] | None = None, *, cite: str = "", kind: Kind = "nonconvex"
) -> ProblemPlugin:
    return ProblemPlugin(
        name=name,
        factory=f"optbench_testfunctions.small:{_function(name)}",
        summary=summary,
        options=options or {},
        cite=cite,
        evaluations=SMOOTH,
        kind=kind,
        random=False,
    )


def _function(name: str) -> str:
    return name.replace("-", "_")
