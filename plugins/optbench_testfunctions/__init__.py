"""Analytic problems: quadratics, least squares on a stream, Moré, Garbow and Hillstrom's, and more."""

from __future__ import annotations

from collections.abc import Iterator

from optbench.api import Option, ProblemPlugin, hookimpl
from optbench_testfunctions.further import chain_records, multimodal_records, small_records, tridiagonal_records
from optbench_testfunctions.more_garbow_hillstrom import more_garbow_hillstrom_records
from optbench_testfunctions.records import LINE


@hookimpl
def optbench_problems() -> Iterator[ProblemPlugin]:
    """Yield the problems; only the stream and the starts of multimodal ones depend on the seed."""
    yield _quadratic()
    yield _streaming_least_squares()
    yield from more_garbow_hillstrom_records()
    yield from chain_records()
    yield from tridiagonal_records()
    yield from multimodal_records()
    yield from small_records()
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
