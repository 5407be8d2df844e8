"""The records of Moré, Garbow and Hillstrom's 35 problems, in the paper's order; imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optbench.api import Option, ProblemPlugin
from optbench_testfunctions.records import least_squares, points, residuals, size

CITE = "Moré, Garbow, Hillstrom: Testing unconstrained optimization software, ACM TOMS 7(1), 1981"

FOURS = "a multiple of 4"


def more_garbow_hillstrom_records() -> Iterator[ProblemPlugin]:
    """Yield them; 1 and 21 (Rosenbrock) and 13 and 22 (Powell) are one record each."""
    yield _of("rosenbrock", "extended", "The banana valley; pairs of variables where n > 2.", size(2, "even", low=2))
    yield _of("freudenstein-roth", "equations", "2 variables; descent ends at 48.98425.")
    yield _of("powell-badly-scaled", "equations", "2 variables; slopes differ by a factor of a million at the minimum.")
    yield _of("brown-badly-scaled", "equations", "2 variables; the minimum is at (1e6, 2e-6).")
    yield _of("beale", "equations", "2 variables, a curved valley with steep walls.")
    yield _of("jennrich-sampson", "exponentials", "2 variables, growing exponentials.", points(10, low=2, high=100))
    yield _of("helical-valley", "equations", "3 variables, a valley along a helix.")
    yield _of("bard", "data_fits", "3 variables, 15 data; small residuals at the minimum.")
    yield _of("gaussian", "data_fits", "3 variables, 15 data; begins close to its tiny minimum.")
    yield _of("meyer", "data_fits", "3 variables, 16 data; a long, thin, curved valley.")
    yield _of("gulf", "exponentials", "3 variables, the distribution of Weibull.", points(99, low=3, high=100))
    yield _of("box-3d", "exponentials", "3 variables; zero along a line, too.", points(10, low=3))
    yield _of("powell-singular", "extended", "Singular Hessian at the minimum.", size(4, FOURS, low=4))
    yield _of("wood", "extended", "Two coupled Rosenbrock valleys in each four variables.", size(4, FOURS, low=4))
    yield _of("kowalik-osborne", "data_fits", "4 variables, 11 data of enzyme kinetics; a rational function.")
    yield _of("brown-dennis", "exponentials", "4 variables; large residuals at the minimum.", points(20, low=4))
    yield _of("osborne-1", "data_fits", "5 variables, 33 data; two exponentials, nearly alike.")
    yield _of("biggs-exp6", "exponentials", "6 variables, three exponentials.", points(13, low=6))
    yield _of("osborne-2", "data_fits", "11 variables, 65 data; three bells on an exponential.")
    yield _of("watson", "watson", "A polynomial fitted to a differential equation.", size(6, low=2, high=31))
    yield _of("penalty-1", "penalties", "A sphere with a faint pull.", size(10))
    yield _of("penalty-2", "penalties", "An ellipsoid with exponentials.", size(10, low=2, high=1000))
    yield _of("variably-dimensioned", "penalties", "A quartic along one direction.", size(10))
    yield _of("trigonometric", "coupled", "Sines and cosines; many minima.", size(10))
    yield _of("brown-almost-linear", "coupled", "Linear residuals and a product.", size(10, low=2))
    yield _of("discrete-boundary-value", "boundary_value", "A boundary value problem by differences.", size(10, low=2))
    yield _of("discrete-integral-equation", "boundary_value", "The same as an integral equation.", size(10, low=2))
    yield _of("broyden-tridiagonal", "broyden", "A nonlinear tridiagonal system.", size(10, low=2))
    yield _of("broyden-banded", "broyden", "A nonlinear system with a band of seven.", size(10, low=2))
    yield _of("linear-full-rank", "linear", "Linear residuals of full rank.", size(10) | residuals("twice n"))
    yield _of("linear-rank-1", "linear", "Linear residuals of rank one.", size(10) | residuals("twice n"))
    yield _of(
        "linear-rank-1-zeros",
        "linear",
        "Linear residuals of rank one; two variables change nothing.",
        size(10, low=3) | residuals("twice n"),
    )
    yield _of("chebyquad", "coupled", "Chebyshev's equally weighted quadrature.", size(8) | residuals("n"))


def _of(name: str, module: str, summary: str, options: Mapping[str, Option] | None = None) -> ProblemPlugin:
    return least_squares(name, f"{module}:{name.replace('-', '_')}", summary, options, cite=CITE)
