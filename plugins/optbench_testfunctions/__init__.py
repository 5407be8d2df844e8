"""Analytic problems: quadratics, least squares on a stream, and functions of Moré, Garbow and Hillstrom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optbench.api import Evaluation, Option, ProblemPlugin, hookimpl

MORE_GARBOW_HILLSTROM = "Moré, Garbow, Hillstrom: Testing unconstrained optimization software, ACM TOMS 7(1), 1981"
RESIDUALS: frozenset[Evaluation] = frozenset(
    {"value", "gradient", "hessian_vector", "hessian", "residuals", "jacobian"}
)
LINE: frozenset[Evaluation] = frozenset({"value", "gradient", "hessian_vector", "hessian", "line_minimum"})


@hookimpl
def optbench_problems() -> Iterator[ProblemPlugin]:
    """Yield the problems; only the stream depends on the seed."""
    yield _quadratic()
    yield _streaming_least_squares()
    yield from _fixed_size()
    yield from _scalable()
    yield ProblemPlugin(
        name="himmelblau",
        factory="optbench_testfunctions.functions:himmelblau",
        summary="Two variables, four minima of value zero; given as plain numpy functions.",
        evaluations=frozenset({"value", "gradient", "hessian_vector", "hessian"}),
        cite="Himmelblau: Applied nonlinear programming, 1972",
        random=False,
    )


def _quadratic() -> ProblemPlugin:
    return ProblemPlugin(
        name="quadratic",
        factory="optbench_testfunctions.quadratic:make_quadratic",
        summary="A dense strictly convex quadratic with eigenvalues in [1/condition, 1].",
        options={
            "n": Option(default=100, doc="number of parameters", low=1),
            "condition": Option(default=100.0, doc="largest over smallest eigenvalue", low=1.0),
            "spectrum": Option(
                default="log-uniform",
                doc="how the eigenvalues are spread",
                choices=("log-uniform", "linear", "clustered"),
            ),
            "clusters": Option(default=5, doc="distinct eigenvalues of the spectrum 'clustered'", low=1),
            "minimiser": Option(
                default="equal-energy",
                doc="how f(start) − f* is spread over the eigenvectors: evenly, or as slows steepest descent most",
                choices=("equal-energy", "worst-case"),
            ),
        },
        evaluations=LINE,
        kind="quadratic",
        random=False,
    )


def _streaming_least_squares() -> ProblemPlugin:
    return ProblemPlugin(
        name="streaming-least-squares",
        factory="optbench_testfunctions.streaming:make_streaming_least_squares",
        summary="Linear regression on a stream of fresh Gaussian examples; the full objective is in closed form.",
        options={
            "n": Option(default=20, doc="number of parameters", low=1),
            "noise": Option(default=1.0, doc="standard deviation σ of the targets' noise; f* = σ²", low=0.0),
            "condition": Option(default=1.0, doc="largest over smallest eigenvalue of the inputs' covariance", low=1.0),
            "batch_size": Option(default=1, doc="examples of a minibatch; 0: the full objective, every time", low=0),
        },
        cite="Polyak, Juditsky: Acceleration of stochastic approximation by averaging, SIAM J. Control Optim., 1992",
        gives=frozenset({"minibatches"}),
        kind="convex",
    )


def _fixed_size() -> Iterator[ProblemPlugin]:
    where = "optbench_testfunctions.fixed_size"
    yield _least_squares("freudenstein-roth", f"{where}:freudenstein_roth", "2 variables; descent ends at 48.98425.")
    yield _least_squares("beale", f"{where}:beale", "2 variables, a curved valley with steep walls.")
    yield _least_squares("helical-valley", f"{where}:helical_valley", "3 variables, a valley along a helix.")
    yield _least_squares("bard", f"{where}:bard", "3 variables, 15 data; small residuals at the minimum.")
    yield _least_squares("wood", f"{where}:wood", "4 variables, two coupled Rosenbrock valleys.")
    yield _least_squares("brown-dennis", f"{where}:brown_dennis", "4 variables; large residuals at the minimum.")


def _scalable() -> Iterator[ProblemPlugin]:
    where = "optbench_testfunctions.scalable"
    yield _least_squares(
        "rosenbrock", f"{where}:rosenbrock", "The banana valley; pairs of variables where n > 2.", _size(2, "even")
    )
    yield _least_squares(
        "powell-singular",
        f"{where}:powell_singular",
        "Singular Hessian at the minimum.",
        _size(4, "a multiple of 4"),
    )
    yield _least_squares(
        "variably-dimensioned",
        f"{where}:variably_dimensioned",
        "A quartic along one direction.",
        {"n": Option(default=10, doc="number of parameters", low=1)},
    )
    yield _least_squares(
        "broyden-tridiagonal",
        f"{where}:broyden_tridiagonal",
        "A nonlinear tridiagonal system.",
        {"n": Option(default=10, doc="number of parameters", low=2)},
    )


def _size(smallest: int, rule: str) -> dict[str, Option]:
    return {"n": Option(default=smallest, doc=f"number of parameters, {rule}", low=smallest)}


def _least_squares(name: str, factory: str, summary: str, options: Mapping[str, Option] | None = None) -> ProblemPlugin:
    return ProblemPlugin(
        name=name,
        factory=factory,
        summary=summary,
        options=options or {},
        cite=MORE_GARBOW_HILLSTROM,
        evaluations=RESIDUALS,
        kind="least-squares",
        random=False,
    )
