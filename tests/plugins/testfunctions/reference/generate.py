"""Computes minima.json: minima of the test functions in 60-digit arithmetic, from formulas and data of papers.

`python -m tests.plugins.testfunctions.reference.generate` needs mpmath and takes minutes. Nothing here comes from the
plugin, and nothing in the plugin reads the result: the tests compare the two. Each minimum is found by Newton's method,
damped as Levenberg and Marquardt do, from the point that is given with it (a standard start, or where a solver in
float64 ended); derivatives are central differences with relative steps of 1e-20, good to 40 digits. What is written is
checked: the gradient vanishes to 1e-25 and the Hessian is positive definite, unless the entry is an infimum or a saddle
and says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import scipy.optimize
from mpmath import cholesky_solve, fsum, lu_solve, matrix, mp, mpf, nstr, sqrt

from tests.plugins.testfunctions.reference.formulas import (
    RESIDUALS,
    VALUES,
    Residuals,
    Vector,
    bard_at_infinity,
    biggs_exp6_symmetric,
    kowalik_osborne_at_infinity,
    numbers,
)
from tests.plugins.testfunctions.reference.points import derivatives as derivatives_of_value

STEP = mpf(10) ** -20


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


def settled(function: Callable[[Vector], Any], point: Vector) -> tuple[Vector, Any]:
    """Return the minimiser that full Newton steps lead to, and its value; raises where it is none."""
    for _ in range(30):
        gradient, rows = derivatives_of_value(function, point)
        if max(map(abs, gradient)) < mpf("1e-25"):
            cholesky_solve(matrix(rows), matrix(gradient))  # raises unless positive definite
            return point, function(point)
        step = lu_solve(matrix(rows), matrix(gradient))
        point = [a - s for a, s in zip(point, step, strict=True)]
    raise RuntimeError("too many steps")


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
    start: Sequence[Any]
    options: dict[str, int] = field(default_factory=dict)
    note: str = ""
    residuals: Residuals | None = None  # where they are not the function's own, as at infinity
    refined: bool = False  # the point is good to 1e-12 and f has no slope there, so its value is good to 1e-24

    def computed(self) -> dict[str, Any]:
        point, lowest = self.found([mpf(a) for a in self.start])
        return {
            "problem": self.problem,
            "options": self.options,
            "role": self.role,
            "value": nstr(lowest, 25),
            "point": [nstr(a, 20) for a in point],
            "note": self.note,
        }

    def found(self, point: Vector) -> tuple[Vector, Any]:
        if self.problem in VALUES:
            return settled(VALUES[self.problem], point)
        counted = {key: value for key, value in self.options.items() if key == "m"}
        residuals = self.residuals or partial(RESIDUALS[self.problem], **counted)
        return (point, value(residuals, point)) if self.refined else minimize(residuals, point)


STANDARD = "Newton from the standard start"
HALF = [mpf(1) / 2]
ENDED = "from where BFGS ended"
DESCENDED = "where BFGS, L-BFGS and CG end from the standard start"
SYMMETRIC = "least value with x1 = x5 and x3 = x6, as in the start; first-order methods stay there; a saddle; x1 to x4"
BEYOND = "infimum as x1, x3 and x4 grow alike, x2 = -14.07; the point holds x2, x3/x1 and x4/x1"
FLAT = "no slope and no negative curvature, but falling along (-1, ..., -1, n): the paper lists it"
JENNRICH_SAMPSON = {  # m: both components of the minimiser
    2: ".5609",
    3: ".4792",
    4: ".4217",
    5: ".3785",
    6: ".3444",
    7: ".3168",
    8: ".2939",
    9: ".2745",
    10: ".2578",
    15: ".2",
    20: ".1652",
}
BROWN_DENNIS = {  # by m
    4: ".8537 1.6729 1.109 -.5417",
    5: ".7778 1.8719 1.153 -.6709",
    10: "-.1895 3.4542 1.3257 -1.3367",
    15: "-2.9461 6.4955 -.1456 .0381",
    20: "-11.6 13.2 -0.4 0.24",
    30: "-102.6382 60.9456 .1769 .4141",
}
BROYDEN_BANDED_10 = (
    numbers(".21071 .26098 .22795 .19703 .20323 .22192 .16281 .0483 -.07936 -.15313"),
    numbers(".21717 .30647 .35679 .44839 .57764 .7131 .82396 .92191 .99699 .96346"),
)
CHEBYQUAD_8 = numbers("0.0432 0.1931 0.2663 0.4999 0.5001 0.7337 0.8069 0.9568")
CHEBYQUAD_11 = numbers(".03 .1373 .1884 .3588 .3588 .5 .6412 .6412 .8116 .8627 .97")  # where all of 61 starts ended
CHEBYQUAD_10 = {  # least of 300 random starts: 274 of them ended there
    "f_star": numbers(".0748 .1715 .2864 .3597 .4708 .6167 .6168 .7998 .8449 .9670"),
    "from_start": numbers(".0596 .1667 .2392 .3988 .3989 .6011 .6012 .7608 .8333 .9404"),
    "local": numbers(".0271 .1318 .2077 .3851 .3852 .6148 .6149 .7923 .8682 .9729"),
}
ENTRIES = [
    Entry("freudenstein-roth", "from_start", numbers("0.5 -2"), note=STANDARD),
    *(Entry("jennrich-sampson", "f_star", numbers(f"{x} {x}"), {"m": m}, ENDED) for m, x in JENNRICH_SAMPSON.items()),
    Entry("bard", "f_star", [1, 1, 1], note=STANDARD),
    Entry("bard", "local", [0], {}, "infimum as x2 and x3 fall: the variance of the data, 15-fold", bard_at_infinity),
    Entry("gaussian", "f_star", numbers("0.4 1 0"), note=STANDARD),
    Entry("meyer", "f_star", numbers("0.0056 6181 345.2"), note=ENDED),
    Entry("kowalik-osborne", "f_star", numbers("0.193 0.191 0.123 0.136"), note=ENDED),
    Entry("kowalik-osborne", "local", numbers("-14 -100 -160"), {}, BEYOND, kowalik_osborne_at_infinity),
    *(Entry("brown-dennis", "f_star", numbers(x), {"m": m}, ENDED) for m, x in BROWN_DENNIS.items()),
    Entry("osborne-1", "f_star", numbers(".37541 1.935847 -1.464687 .012868 .022123"), note=ENDED),
    Entry("biggs-exp6", "from_start", numbers("1.71 17.7 1.16 5.19"), {"m": 13}, SYMMETRIC, biggs_exp6_symmetric),
    Entry("osborne-2", "f_star", numbers("1.3 .65 .65 .7 .6 3 5 7 2 4.5 5.5"), note=STANDARD),
    *(Entry("watson", "f_star", [0] * n, {"n": n}, STANDARD) for n in (*range(2, 13), 20)),
    *(Entry("penalty-1", "f_star", list(range(1, n + 1)), {"n": n}, STANDARD) for n in (4, 10)),
    *(Entry("penalty-2", "f_star", HALF * n, {"n": n}, STANDARD) for n in (2, 3, 4, 5, 10, 20)),
    *(
        Entry("trigonometric", "from_start", descended_trigonometric(n), {"n": n}, DESCENDED, refined=True)
        for n in (10, 50, 100)
    ),
    Entry("brown-almost-linear", "local", [0] * 9 + [11], {"n": 10}, FLAT, refined=True),
    *(Entry("broyden-banded", "local", point, {"n": 10}, ENDED) for point in BROYDEN_BANDED_10),
    Entry("chebyquad", "f_star", CHEBYQUAD_8, {"n": 8}, ENDED),
    Entry("chebyquad", "f_star", CHEBYQUAD_11, {"n": 11}, ENDED),
    *(Entry("chebyquad", role, point, {"n": 10}, ENDED) for role, point in CHEBYQUAD_10.items()),
    *(Entry("chained-rosenbrock", "local", [-1] + [1] * (n - 1), {"n": n}, "from (-1, 1, ...)") for n in (10, 100)),
    Entry("double-well", "f_star", [2, 0], {"n": 2}, "from the deep well's place"),
    Entry("double-well", "local", [-2, 0], {"n": 2}, "from the wide well's place"),
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
