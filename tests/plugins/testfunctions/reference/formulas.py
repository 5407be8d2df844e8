"""The test functions as the papers write them, term by term in mpmath; nothing here comes from the plugin.

Moré, Garbow, Hillstrom: Testing unconstrained optimization software, ACM TOMS 7(1), 1981, unless a function says
otherwise. x is a list of mpf; `RESIDUALS` has functions that return a list, whose squares are summed, `VALUES` such
that return f itself. Options have the names that the catalogue has, and lists begin at 0 where the papers' begin at 1.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from mpmath import atan, cos, e, exp, fprod, fsum, log, mp, mpf, pi, sin, sqrt

mp.dps = 60  # before the first number is read: data keep the digits that they are made with

Vector = list[Any]  # of mpf
Residuals = Callable[..., Vector]


def numbers(text: str) -> Vector:
    return [mpf(word) for word in text.split()]


def rosenbrock(x: Vector) -> Vector:
    return [r for a, b in zip(x[::2], x[1::2], strict=True) for r in (10 * (b - a * a), 1 - a)]


def freudenstein_roth(x: Vector) -> Vector:
    a, b = x
    return [-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b]


def powell_badly_scaled(x: Vector) -> Vector:
    return [10**4 * x[0] * x[1] - 1, exp(-x[0]) + exp(-x[1]) - mpf("1.0001")]


def brown_badly_scaled(x: Vector) -> Vector:
    return [x[0] - 10**6, x[1] - mpf("2e-6"), x[0] * x[1] - 2]


def beale(x: Vector) -> Vector:
    return [y - x[0] * (1 - x[1] ** i) for i, y in enumerate(numbers("1.5 2.25 2.625"), 1)]


def jennrich_sampson(x: Vector, m: int = 10) -> Vector:
    return [2 + 2 * i - (exp(i * x[0]) + exp(i * x[1])) for i in range(1, m + 1)]


def helical_valley(x: Vector) -> Vector:
    theta = atan(x[1] / x[0]) / (2 * pi) + (mpf("0.5") if x[0] < 0 else 0)
    return [10 * (x[2] - 10 * theta), 10 * (sqrt(x[0] ** 2 + x[1] ** 2) - 1), x[2]]


BARD = numbers(".14 .18 .22 .25 .29 .32 .35 .39 .37 .58 .73 .96 1.34 2.10 4.39")


def bard(x: Vector) -> Vector:
    return [y - (x[0] + u / ((16 - u) * x[1] + min(u, 16 - u) * x[2])) for u, y in enumerate(BARD, 1)]


def bard_at_infinity(x: Vector) -> Vector:
    """The fraction is gone."""
    return [y - x[0] for y in BARD]


GAUSSIAN = numbers(".0009 .0044 .0175 .0540 .1295 .2420 .3521 .3989 .3521 .2420 .1295 .0540 .0175 .0044 .0009")


def gaussian(x: Vector) -> Vector:
    return [x[0] * exp(-x[1] * (mpf(8 - i) / 2 - x[2]) ** 2 / 2) - y for i, y in enumerate(GAUSSIAN, 1)]


MEYER = numbers("34780 28610 23650 19630 16370 13720 11540 9744 8261 7030 6005 5147 4427 3820 3307 2872")


def meyer(x: Vector) -> Vector:
    return [x[0] * exp(x[1] / (45 + 5 * i + x[2])) - y for i, y in enumerate(MEYER, 1)]


def gulf(x: Vector, m: int = 99) -> Vector:
    def residual(t: Any) -> Any:
        y = 25 + (-50 * log(t)) ** (mpf(2) / 3)
        return exp(-(abs(y - x[1]) ** x[2]) / x[0]) - t

    return [residual(mpf(i) / 100) for i in range(1, m + 1)]


def box_3d(x: Vector, m: int = 10) -> Vector:
    times = [mpf(i) / 10 for i in range(1, m + 1)]
    return [exp(-t * x[0]) - exp(-t * x[1]) - x[2] * (exp(-t) - exp(-10 * t)) for t in times]


def powell_singular(x: Vector) -> Vector:
    return [r for k in range(0, len(x), 4) for r in _powell(*x[k : k + 4])]


def chained_powell_singular(x: Vector) -> Vector:
    """Lukšan, Vlček: windows of four variables that overlap by two."""
    return [r for k in range(0, len(x) - 3, 2) for r in _powell(*x[k : k + 4])]


def _powell(a: Any, b: Any, c: Any, d: Any) -> Vector:
    return [a + 10 * b, sqrt(mpf(5)) * (c - d), (b - 2 * c) ** 2, sqrt(mpf(10)) * (a - d) ** 2]


def wood(x: Vector) -> Vector:
    return [r for k in range(0, len(x), 4) for r in _wood(*x[k : k + 4])]


def chained_wood(x: Vector) -> Vector:
    """Lukšan, Vlček: windows of four variables that overlap by two."""
    return [r for k in range(0, len(x) - 3, 2) for r in _wood(*x[k : k + 4])]


def _wood(a: Any, b: Any, c: Any, d: Any) -> Vector:
    first = [10 * (b - a * a), 1 - a, sqrt(mpf(90)) * (d - c * c), 1 - c]
    return [*first, sqrt(mpf(10)) * (b + d - 2), (b - d) / sqrt(mpf(10))]


KOWALIK = numbers(".1957 .1947 .1735 .1600 .0844 .0627 .0456 .0342 .0323 .0235 .0246")
KOWALIK_AT = numbers("4 2 1 .5 .25 .167 .125 .1 .0833 .0714 .0625")


def kowalik_osborne(x: Vector) -> Vector:
    points = zip(KOWALIK, KOWALIK_AT, strict=True)
    return [y - x[0] * (u * u + u * x[1]) / (u * u + u * x[2] + x[3]) for y, u in points]


def kowalik_osborne_at_infinity(x: Vector) -> Vector:
    """x1, x3 and x4 grow alike: u² is gone from the denominator."""
    return [y - (u * u + u * x[0]) / (u * x[1] + x[2]) for y, u in zip(KOWALIK, KOWALIK_AT, strict=True)]


def brown_dennis(x: Vector, m: int = 20) -> Vector:
    times = [mpf(i) / 5 for i in range(1, m + 1)]
    return [(x[0] + t * x[1] - exp(t)) ** 2 + (x[2] + x[3] * sin(t) - cos(t)) ** 2 for t in times]


OSBORNE_1 = numbers(
    """.844 .908 .932 .936 .925 .908 .881 .850 .818 .784 .751 .718 .685 .658 .628 .603 .580 .558 .538 .522 .506 .490
    .478 .467 .457 .448 .438 .431 .424 .420 .414 .411 .406"""
)


def osborne_1(x: Vector) -> Vector:
    return [y - (x[0] + x[1] * exp(-10 * i * x[3]) + x[2] * exp(-10 * i * x[4])) for i, y in enumerate(OSBORNE_1)]


def biggs_exp6(x: Vector, m: int = 13) -> Vector:
    def residual(t: Any) -> Any:
        observed = exp(-t) - 5 * exp(-10 * t) + 3 * exp(-4 * t)
        return x[2] * exp(-t * x[0]) - x[3] * exp(-t * x[1]) + x[5] * exp(-t * x[4]) - observed

    return [residual(mpf(i) / 10) for i in range(1, m + 1)]


def biggs_exp6_symmetric(x: Vector) -> Vector:
    """x1 = x5 and x3 = x6, which holds at the start and which gradients preserve."""
    return biggs_exp6([x[0], x[1], x[2], x[3], x[0], x[2]])


OSBORNE_2 = numbers(
    """1.366 1.191 1.112 1.013 .991 .885 .831 .847 .786 .725 .746 .679 .608 .655 .616 .606 .602 .626 .651 .724 .649 .649
    .694 .644 .624 .661 .612 .558 .533 .495 .500 .423 .395 .375 .372 .391 .396 .405 .428 .429 .523 .562 .607 .653 .672
    .708 .633 .668 .645 .632 .591 .559 .597 .625 .739 .710 .729 .720 .636 .581 .428 .292 .162 .098 .054"""
)


def osborne_2(x: Vector) -> Vector:
    def model(t: Any) -> Any:
        bells = (x[1 + k] * exp(-((t - x[8 + k]) ** 2) * x[5 + k]) for k in range(3))
        return x[0] * exp(-t * x[4]) + fsum(bells)

    return [y - model(mpf(i) / 10) for i, y in enumerate(OSBORNE_2)]


def watson(x: Vector) -> Vector:
    def row(t: Any) -> Any:
        slope = fsum(j * x[j] * t ** (j - 1) for j in range(1, len(x)))
        return slope - fsum(x[j] * t**j for j in range(len(x))) ** 2 - 1

    return [*(row(mpf(i) / 29) for i in range(1, 30)), x[0], x[1] - x[0] ** 2 - 1]


def penalty_1(x: Vector) -> Vector:
    return [*(sqrt(mpf("1e-5")) * (a - 1) for a in x), fsum(a * a for a in x) - mpf("0.25")]


def penalty_2(x: Vector) -> Vector:
    n, root = len(x), sqrt(mpf("1e-5"))
    grown = [exp(mpf(i) / 10) for i in range(n + 1)]
    sums = [root * (exp(x[i - 1] / 10) + exp(x[i - 2] / 10) - grown[i] - grown[i - 1]) for i in range(2, n + 1)]
    singles = [root * (exp(x[i] / 10) - 1 / grown[1]) for i in range(1, n)]
    return [x[0] - mpf("0.2"), *sums, *singles, fsum((n - j) * x[j] ** 2 for j in range(n)) - 1]


def variably_dimensioned(x: Vector) -> Vector:
    total = fsum(j * (a - 1) for j, a in enumerate(x, 1))
    return [*(a - 1 for a in x), total, total**2]


def trigonometric(x: Vector) -> Vector:
    total = len(x) - fsum(cos(a) for a in x)
    return [total + i * (1 - cos(a)) - sin(a) for i, a in enumerate(x, 1)]


def brown_almost_linear(x: Vector) -> Vector:
    return [*(a + fsum(x) - (len(x) + 1) for a in x[:-1]), fprod(x) - 1]


def discrete_boundary_value(x: Vector) -> Vector:
    h, padded = mpf(1) / (len(x) + 1), [0, *x, 0]
    return [
        2 * padded[i] - padded[i - 1] - padded[i + 1] + h**2 * (padded[i] + i * h + 1) ** 3 / 2
        for i in range(1, len(x) + 1)
    ]


def discrete_integral_equation(x: Vector) -> Vector:
    n = len(x)
    h = mpf(1) / (n + 1)
    t = [(i + 1) * h for i in range(n)]
    cubes = [(a + s + 1) ** 3 for a, s in zip(x, t, strict=True)]

    def residual(i: int) -> Any:
        below = (1 - t[i]) * fsum(t[j] * cubes[j] for j in range(i + 1))
        above = t[i] * fsum((1 - t[j]) * cubes[j] for j in range(i + 1, n))
        return x[i] + h * (below + above) / 2

    return [residual(i) for i in range(n)]


def broyden_tridiagonal(x: Vector) -> Vector:
    padded = [0, *x, 0]
    return [(3 - 2 * padded[i]) * padded[i] - padded[i - 1] - 2 * padded[i + 1] + 1 for i in range(1, len(x) + 1)]


def broyden_banded(x: Vector) -> Vector:
    def residual(i: int) -> Any:
        band = [j for j in range(max(0, i - 5), min(len(x), i + 2)) if j != i]
        return x[i] * (2 + 5 * x[i] ** 2) + 1 - fsum(x[j] * (1 + x[j]) for j in band)

    return [residual(i) for i in range(len(x))]


def linear_full_rank(x: Vector, m: int) -> Vector:
    rest = -2 * fsum(x) / m - 1
    return [*(a + rest for a in x), *[rest] * (m - len(x))]


def linear_rank_1(x: Vector, m: int) -> Vector:
    total = fsum(j * a for j, a in enumerate(x, 1))
    return [i * total - 1 for i in range(1, m + 1)]


def linear_rank_1_zeros(x: Vector, m: int) -> Vector:
    total = fsum(j * x[j - 1] for j in range(2, len(x)))
    return [mpf(-1), *((i - 1) * total - 1 for i in range(2, m)), mpf(-1)]


def chebyquad(x: Vector, m: int | None = None) -> Vector:
    n = len(x)
    before, now, residuals = [mpf(1)] * n, [2 * a - 1 for a in x], []
    for i in range(1, (m or n) + 1):
        residuals.append(fsum(now) / n - (mpf(-1) / (i * i - 1) if i % 2 == 0 else 0))
        before, now = now, [2 * (2 * a - 1) * p - q for a, p, q in zip(x, now, before, strict=True)]
    return residuals


def chained_rosenbrock(x: Vector) -> Vector:
    """Lukšan, Vlček: each pair of neighbours."""
    return [r for a, b in pairwise(x) for r in (10 * (b - a * a), 1 - a)]


# ---- f itself


def himmelblau(x: Vector) -> Any:
    a, b = x
    return (a * a + b - 11) ** 2 + (a + b * b - 7) ** 2


def tridiagonal_quadratic(x: Vector) -> Any:
    """½ dᵀ tridiag(−1, 2, −1) d with d = x − 1, entry by entry of the matrix."""
    d = [a - 1 for a in x]
    return fsum(a * a for a in d) - fsum(a * b for a, b in pairwise(d))


def toint_tridiagonal(x: Vector) -> Any:
    """Toint: Some numerical results using a sparse matrix updating formula, Math. Comp. 32, 1978."""
    return (x[0] - 1) ** 2 + fsum(i * (2 * b - a) ** 2 for i, (a, b) in enumerate(pairwise(x), 2))


def rastrigin(x: Vector) -> Any:
    return fsum(a * a - 10 * cos(2 * pi * a) + 10 for a in x)


def ackley(x: Vector) -> Any:
    n = len(x)
    spread = sqrt(fsum(a * a for a in x) / n)
    return -20 * exp(mpf("-0.2") * spread) - exp(fsum(cos(2 * pi * a) for a in x) / n) + 20 + e


def griewank(x: Vector) -> Any:
    return 1 + fsum(a * a for a in x) / 4000 - fprod(cos(a / sqrt(mpf(i))) for i, a in enumerate(x, 1))


def double_well(x: Vector) -> Any:
    """A well of depth 2, width 1/4 at 2 and one of depth 1, width 3/2 at −2 along the first axis, on a bowl."""
    deep = 2 * exp(-(((x[0] - 2) / mpf("0.25")) ** 2) / 2)
    wide = exp(-(((x[0] + 2) / mpf("1.5")) ** 2) / 2)
    return fsum(a * a for a in x) / 50 - deep - wide


def indefinite_quadratic(x: Vector) -> Any:
    """Eigenvalues from 1 down to −1, equally spaced."""
    last = len(x) - 1
    return fsum((1 - mpf(2) * i / last) * a * a for i, a in enumerate(x)) / 2


def concave_quadratic(x: Vector) -> Any:
    return -fsum(a * a for a in x)


def square_root(x: Vector) -> Any:
    return sqrt(1 + x[0] ** 2)


def coupled_pair(x: Vector, alpha: float) -> Any:
    return (x[0] - x[1]) ** 2 + mpf(alpha) * (x[0] ** 2 + x[1] ** 2)


def kinked_pair(x: Vector) -> Any:
    return abs(x[0] - x[1]) + mpf("0.1") * (x[0] ** 2 + x[1] ** 2)


def powell_cycling(x: Vector) -> Any:
    """Powell: On search directions for minimization algorithms, Math. Programming 4, 1973."""
    return -x[0] * x[1] - x[1] * x[2] - x[2] * x[0] + fsum(max(abs(a) - 1, mpf(0)) ** 2 for a in x)


RESIDUALS: dict[str, Residuals] = {
    function.__name__.replace("_", "-"): function
    for function in (
        *(rosenbrock, freudenstein_roth, powell_badly_scaled, brown_badly_scaled, beale, jennrich_sampson),
        *(helical_valley, bard, gaussian, meyer, gulf, box_3d, powell_singular, wood, kowalik_osborne, brown_dennis),
        *(osborne_1, biggs_exp6, osborne_2, watson, penalty_1, penalty_2, variably_dimensioned, trigonometric),
        *(brown_almost_linear, discrete_boundary_value, discrete_integral_equation, broyden_tridiagonal),
        *(broyden_banded, linear_full_rank, linear_rank_1, linear_rank_1_zeros, chebyquad),
        *(chained_rosenbrock, chained_powell_singular, chained_wood),
    )
}
VALUES: dict[str, Callable[..., Any]] = {
    function.__name__.replace("_", "-"): function
    for function in (
        *(himmelblau, tridiagonal_quadratic, toint_tridiagonal, rastrigin, ackley, griewank, double_well),
        *(indefinite_quadratic, concave_quadratic, square_root, coupled_pair, kinked_pair, powell_cycling),
    )
}
