"""Computes minima.json: minima of the test functions in 60-digit arithmetic, from formulas and decimal data of papers.

`python generate.py` needs mpmath and takes minutes. Nothing here comes from the plugin, and nothing in the plugin reads
the result: the tests compare the two. Each minimum is found by Newton's method, damped as Levenberg and Marquardt do,
from the point that is given with it (a standard start, or where a solver in float64 ended); derivatives are central
differences with relative steps of 1e-20, good to 40 digits. What is written is checked: the gradient vanishes to 1e-25
and the Hessian is positive definite, unless the entry is an infimum or a saddle and says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize
from mpmath import cholesky_solve, cos, exp, fsum, matrix, mp, mpf, nstr, sin, sqrt

mp.dps = 60
STEP = mpf(10) ** -20

Vector = list[Any]  # of mpf
Residuals = Callable[[Vector], Vector]


def numbers(text: str) -> Vector:
    return [mpf(word) for word in text.split()]


# ---- the functions, as the papers write them


def freudenstein_roth(x: Vector) -> Vector:
    a, b = x
    return [-13 + a + ((5 - b) * b - 2) * b, -29 + a + ((b + 1) * b - 14) * b]


def jennrich_sampson(x: Vector) -> Vector:
    return [2 + 2 * i - (exp(i * x[0]) + exp(i * x[1])) for i in range(1, 11)]


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


KOWALIK = numbers(".1957 .1947 .1735 .1600 .0844 .0627 .0456 .0342 .0323 .0235 .0246")
KOWALIK_AT = numbers("4 2 1 .5 .25 .167 .125 .1 .0833 .0714 .0625")


def kowalik_osborne(x: Vector) -> Vector:
    points = zip(KOWALIK, KOWALIK_AT, strict=True)
    return [y - x[0] * (u * u + u * x[1]) / (u * u + u * x[2] + x[3]) for y, u in points]


def kowalik_osborne_at_infinity(x: Vector) -> Vector:
    """x1, x3 and x4 grow alike: u² is gone from the denominator."""
    return [y - (u * u + u * x[0]) / (u * x[1] + x[2]) for y, u in zip(KOWALIK, KOWALIK_AT, strict=True)]


def brown_dennis(x: Vector) -> Vector:
    times = [mpf(i) / 5 for i in range(1, 21)]
    return [(x[0] + t * x[1] - exp(t)) ** 2 + (x[2] + x[3] * sin(t) - cos(t)) ** 2 for t in times]


OSBORNE_1 = numbers(
    """.844 .908 .932 .936 .925 .908 .881 .850 .818 .784 .751 .718 .685 .658 .628 .603 .580 .558 .538 .522 .506 .490
    .478 .467 .457 .448 .438 .431 .424 .420 .414 .411 .406"""
)


def osborne_1(x: Vector) -> Vector:
    return [y - (x[0] + x[1] * exp(-10 * i * x[3]) + x[2] * exp(-10 * i * x[4])) for i, y in enumerate(OSBORNE_1)]


def biggs_exp6(x: Vector) -> Vector:
    times = [mpf(i) / 10 for i in range(1, 14)]
    return [
        x[2] * exp(-t * x[0]) - x[3] * exp(-t * x[1]) + x[5] * exp(-t * x[4])
        - (exp(-t) - 5 * exp(-10 * t) + 3 * exp(-4 * t))
        for t in times
    ]  # fmt: skip


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
    e = [exp(mpf(i) / 10) for i in range(n + 1)]
    sums = [root * (exp(x[i - 1] / 10) + exp(x[i - 2] / 10) - e[i] - e[i - 1]) for i in range(2, n + 1)]
    singles = [root * (exp(x[i] / 10) - 1 / e[1]) for i in range(1, n)]
    return [x[0] - mpf("0.2"), *sums, *singles, fsum((n - j) * x[j] ** 2 for j in range(n)) - 1]


def trigonometric(x: Vector) -> Vector:
    total = len(x) - fsum(cos(a) for a in x)
    return [total + i * (1 - cos(a)) - sin(a) for i, a in enumerate(x, 1)]


def chebyquad(x: Vector) -> Vector:
    n = len(x)
    before, now, residuals = [mpf(1)] * n, [2 * a - 1 for a in x], []
    for i in range(1, n + 1):
        residuals.append(fsum(now) / n - (mpf(-1) / (i * i - 1) if i % 2 == 0 else 0))
        before, now = now, [2 * (2 * a - 1) * p - q for a, p, q in zip(x, now, before, strict=True)]
    return residuals


def chained_rosenbrock(x: Vector) -> Vector:
    return [r for a, b in pairwise(x) for r in (10 * (b - a * a), 1 - a)]


# ---- Newton's method


def value(residuals: Residuals, x: Vector) -> Any:
    return fsum(r * r for r in residuals(x))


def moved(x: Vector, *changes: tuple[int, Any]) -> Vector:
    x = list(x)
    for i, change in changes:
        x[i] += change
    return x


def derivatives(residuals: Residuals, x: Vector) -> tuple[Any, Any]:
    """Return the gradient (n,) and the Hessian (n, n) of Σ r²."""
    n, center = len(x), residuals(x)
    steps = [STEP * max(abs(a), mpf("0.01")) for a in x]
    ahead = [residuals(moved(x, (i, h))) for i, h in enumerate(steps)]
    behind = [residuals(moved(x, (i, -h))) for i, h in enumerate(steps)]
    slopes = [
        [(p - q) / (2 * h) for p, q in zip(*pair, strict=True)] for *pair, h in zip(ahead, behind, steps, strict=True)
    ]
    gradient = matrix([2 * fsum(s * r for s, r in zip(slope, center, strict=True)) for slope in slopes])
    hessian = matrix(n)
    for i in range(n):
        for j in range(i + 1):
            both = residuals(moved(x, (i, steps[i]), (j, steps[j])))
            bends = (
                (c - p - q + r) / (steps[i] * steps[j])
                for c, p, q, r in zip(both, ahead[i], ahead[j], center, strict=True)
            )
            bent = fsum(b * r for b, r in zip(bends, center, strict=True))
            crossed = fsum(p * q for p, q in zip(slopes[i], slopes[j], strict=True))
            hessian[i, j] = hessian[j, i] = 2 * (crossed + bent)
    return gradient, hessian


def minimize(residuals: Residuals, start: Sequence[Any]) -> tuple[Vector, Any]:
    """Return a minimiser and its value; raises RuntimeError where none is found."""
    x, damping = [mpf(a) for a in start], mpf("1e-3")
    lowest = value(residuals, x)
    for _ in range(2000):
        gradient, hessian = derivatives(residuals, x)
        scales = [abs(hessian[i, i]) for i in range(len(x))]
        if all(abs(gradient[i]) < mpf("1e-25") * sqrt(s) * sqrt(lowest) for i, s in enumerate(scales)):
            cholesky_solve(hessian, gradient)  # raises unless positive definite
            return x, lowest
        while True:
            step = damped(hessian, gradient, damping)
            found = lowest if step is None else value(residuals, [a - s for a, s in zip(x, step, strict=True)])
            if step is not None and found <= lowest:
                break
            damping = max(10 * damping, mpf("1e-12"))
            if damping > mpf(10) ** 40:
                raise RuntimeError("no descent")
        x, lowest = [a - s for a, s in zip(x, step, strict=True)], found
        damping = damping / 10 if damping > mpf("1e-12") else mpf(0)
    raise RuntimeError("too many steps")


def damped(hessian: Any, gradient: Any, damping: Any) -> Any:
    shifted = hessian.copy()
    for i in range(len(gradient)):
        shifted[i, i] += damping * max(abs(hessian[i, i]), mpf("1e-20"))
    try:
        return list(cholesky_solve(shifted, gradient))
    except ValueError:
        return None  # not positive definite


# ---- where first-order methods end, in float64


def descended_trigonometric(n: int) -> list[float]:
    """Return where BFGS ends from the standard start, refined by Newton's method: many minima lie close together."""

    def derivatives(x: Any) -> tuple[Any, Any, Any]:
        index, versine = np.arange(1, n + 1), 2 * np.sin(x / 2) ** 2
        residuals = versine.sum() + index * versine - np.sin(x)
        diagonal = index * np.sin(x) - np.cos(x)
        bends = np.cos(x) * residuals.sum() + residuals * (index * np.cos(x) + np.sin(x))
        jacobian = np.sin(x) + np.diag(diagonal)
        return residuals @ residuals, 2 * residuals @ jacobian, 2 * (jacobian.T @ jacobian + np.diag(bends))

    start = np.full(n, 1 / n)
    x = scipy.optimize.minimize(lambda x: derivatives(x)[:2], start, jac=True, method="BFGS", options={"gtol": 1e-9}).x
    for _ in range(5):
        _, gradient, hessian = derivatives(x)
        x = x - np.linalg.solve(hessian, gradient)
    return [float(a) for a in x]


# ---- what is computed


@dataclass
class Entry:
    problem: str
    role: str  # "f_star" | "from_start" | "local"
    residuals: Residuals
    start: Sequence[Any]
    options: dict[str, int] = field(default_factory=dict)
    note: str = ""
    refined: bool = False  # the point is good to 1e-12 and f has no slope there, so its value is good to 1e-24

    def computed(self) -> dict[str, Any]:
        point = [mpf(a) for a in self.start]
        lowest = value(self.residuals, point)
        if not self.refined:
            point, lowest = minimize(self.residuals, point)
        return {
            "problem": self.problem,
            "options": self.options,
            "role": self.role,
            "value": nstr(lowest, 25),
            "point": [nstr(a, 20) for a in point],
            "note": self.note,
        }


STANDARD = "Newton from the standard start"
HALF = [mpf(1) / 2]
ENDED = "from where BFGS ended"
DESCENDED = "where BFGS, L-BFGS and CG end from the standard start"
CHEBYQUAD_8 = numbers("0.0432 0.1931 0.2663 0.4999 0.5001 0.7337 0.8069 0.9568")
CHEBYQUAD_10 = {  # least of 300 random starts: 274 of them ended there
    "f_star": numbers(".0748 .1715 .2864 .3597 .4708 .6167 .6168 .7998 .8449 .9670"),
    "from_start": numbers(".0596 .1667 .2392 .3988 .3989 .6011 .6012 .7608 .8333 .9404"),
    "local": numbers(".0271 .1318 .2077 .3851 .3852 .6148 .6149 .7923 .8682 .9729"),
}
ENTRIES = [
    Entry("freudenstein-roth", "from_start", freudenstein_roth, numbers("0.5 -2"), note=STANDARD),
    Entry("jennrich-sampson", "f_star", jennrich_sampson, numbers("0.2578 0.2578"), {"m": 10}, ENDED),
    Entry("bard", "f_star", bard, [1, 1, 1], note=STANDARD),
    Entry("bard", "local", bard_at_infinity, [0], note="infimum as x2 and x3 grow: the variance of the data, 15-fold"),
    Entry("gaussian", "f_star", gaussian, numbers("0.4 1 0"), note=STANDARD),
    Entry("meyer", "f_star", meyer, numbers("0.0056 6181 345.2"), note=ENDED),
    Entry("kowalik-osborne", "f_star", kowalik_osborne, numbers("0.193 0.191 0.123 0.136"), note=ENDED),
    Entry(
        "kowalik-osborne",
        "local",
        kowalik_osborne_at_infinity,
        numbers("-14 -100 -160"),
        note="infimum as x1, x3 and x4 grow alike, x2 = -14.07; the point holds x2, x3/x1 and x4/x1",
    ),
    Entry("brown-dennis", "f_star", brown_dennis, numbers("-11.6 13.2 -0.4 0.24"), {"m": 20}, ENDED),
    Entry("osborne-1", "f_star", osborne_1, numbers(".37541 1.935847 -1.464687 .012868 .022123"), note=ENDED),
    Entry(
        "biggs-exp6",
        "from_start",
        biggs_exp6_symmetric,
        numbers("1.71 17.7 1.16 5.19"),
        {"m": 13},
        "least value with x1 = x5 and x3 = x6, as in the start; first-order methods stay there; a saddle; x1 to x4",
    ),
    Entry("osborne-2", "f_star", osborne_2, numbers("1.3 .65 .65 .7 .6 3 5 7 2 4.5 5.5"), note=STANDARD),
    *(Entry("watson", "f_star", watson, [0] * n, {"n": n}, STANDARD) for n in (6, 9, 12, 20)),
    *(Entry("penalty-1", "f_star", penalty_1, list(range(1, n + 1)), {"n": n}, STANDARD) for n in (4, 10)),
    *(Entry("penalty-2", "f_star", penalty_2, HALF * n, {"n": n}, STANDARD) for n in (4, 10)),
    *(
        Entry(
            "trigonometric", "from_start", trigonometric, descended_trigonometric(n), {"n": n}, DESCENDED, refined=True
        )
        for n in (10, 50, 100)
    ),
    Entry("chebyquad", "f_star", chebyquad, CHEBYQUAD_8, {"n": 8}, ENDED),
    *(Entry("chebyquad", role, chebyquad, point, {"n": 10}, ENDED) for role, point in CHEBYQUAD_10.items()),
    *(
        Entry("chained-rosenbrock", "local", chained_rosenbrock, [-1] + [1] * (n - 1), {"n": n}, "from (-1, 1, ...)")
        for n in (10, 100)
    ),
]


def main() -> None:
    entries = []
    for entry in ENTRIES:
        entries.append(entry.computed())
        print(entry.problem, entry.options, entry.role, entries[-1]["value"], flush=True)
    made = {"made_by": "generate.py", "digits_of_arithmetic": mp.dps, "minima": entries}
    Path(__file__).with_name("minima.json").write_text(json.dumps(made, indent=1) + "\n")


if __name__ == "__main__":
    main()
