"""Computes points.json: f, its gradient and its curvature at two points of each test function, in 60-digit arithmetic.

`python -m tests.plugins.testfunctions.reference.points` needs mpmath. The formulas are those of papers (formulas.py);
derivatives are central differences with relative steps of 1e-15, good to 28 digits. Points are floats, so that the
tests take the very same ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from math import cos
from pathlib import Path
from typing import Any

from mpmath import fsum, mp, mpf, nstr, sqrt

from tests.plugins.testfunctions.reference.formulas import RESIDUALS, VALUES

STEP = mpf(10) ** -15
TEN = {"n": 10}

Options = dict[str, Any]
Function = Callable[[list[Any]], Any]


def repeated(*numbers: float, n: int) -> list[float]:
    return [numbers[i % len(numbers)] for i in range(n)]


def inner(n: int) -> list[float]:
    """The paper's t_j(t_j − 1) with t_j = j/(n + 1)."""
    return [float(mpf(j) / (n + 1) * (mpf(j) / (n + 1) - 1)) for j in range(1, n + 1)]


def even(n: int) -> list[float]:
    """The paper's j/(n + 1)."""
    return [float(mpf(j) / (n + 1)) for j in range(1, n + 1)]


# name, options, the standard start
STARTS: list[tuple[str, Options, list[float]]] = [
    ("rosenbrock", {"n": 2}, [-1.2, 1]),
    ("rosenbrock", TEN, repeated(-1.2, 1, n=10)),
    ("freudenstein-roth", {}, [0.5, -2]),
    ("powell-badly-scaled", {}, [0, 1]),
    ("brown-badly-scaled", {}, [1, 1]),
    ("beale", {}, [1, 1]),
    ("jennrich-sampson", {"m": 10}, [0.3, 0.4]),
    ("helical-valley", {}, [-1, 0, 0]),
    ("bard", {}, [1, 1, 1]),
    ("gaussian", {}, [0.4, 1, 0]),
    ("meyer", {}, [0.02, 4000, 250]),
    ("gulf", {"m": 99}, [5, 2.5, 0.15]),
    ("gulf", {"m": 100}, [5, 2.5, 0.15]),
    ("box-3d", {"m": 10}, [0, 10, 20]),
    ("powell-singular", {"n": 4}, [3, -1, 0, 1]),
    ("powell-singular", {"n": 12}, repeated(3, -1, 0, 1, n=12)),
    ("wood", {"n": 4}, [-3, -1, -3, -1]),
    ("wood", {"n": 8}, repeated(-3, -1, n=8)),
    ("kowalik-osborne", {}, [0.25, 0.39, 0.415, 0.39]),
    ("brown-dennis", {"m": 20}, [25, 5, -5, -1]),
    ("osborne-1", {}, [0.5, 1.5, -1, 0.01, 0.02]),
    ("biggs-exp6", {"m": 13}, [1, 2, 1, 1, 1, 1]),
    ("osborne-2", {}, [1.3, 0.65, 0.65, 0.7, 0.6, 3, 5, 7, 2, 4.5, 5.5]),
    *(("watson", {"n": n}, [0.0] * n) for n in (6, 9, 12)),
    *(("penalty-1", {"n": n}, [float(j) for j in range(1, n + 1)]) for n in (4, 10)),
    *(("penalty-2", {"n": n}, [0.5] * n) for n in (4, 10)),
    ("variably-dimensioned", TEN, [float(1 - mpf(j) / 10) for j in range(1, 11)]),
    ("trigonometric", TEN, [0.1] * 10),
    ("brown-almost-linear", TEN, [0.5] * 10),
    ("discrete-boundary-value", TEN, inner(10)),
    ("discrete-integral-equation", TEN, inner(10)),
    ("broyden-tridiagonal", TEN, [-1.0] * 10),
    ("broyden-banded", TEN, [-1.0] * 10),
    *((f"linear-{rank}", {"n": 10, "m": 20}, [1.0] * 10) for rank in ("full-rank", "rank-1", "rank-1-zeros")),
    *(("chebyquad", {"n": n, "m": n}, even(n)) for n in (7, 8, 9, 10)),
    ("chebyquad", {"n": 8, "m": 12}, even(8)),
    ("chained-rosenbrock", TEN, repeated(-1.2, 1, n=10)),
    ("chained-powell-singular", TEN, repeated(3, -1, 0, 1, n=10)),
    ("chained-wood", TEN, [-3, -1, -3, -1, -2, 0, -2, 0, -2, 0]),
    ("himmelblau", {}, [1, 1]),
    ("tridiagonal-quadratic", TEN, [0.0] * 10),
    ("toint-tridiagonal", TEN, [1.0] * 10),
    ("double-well", {"n": 3}, [3, 1, 1]),
    ("indefinite-quadratic", {"n": 5}, [1, 1, 1e-6, 1e-6, 1e-6]),
    ("concave-quadratic", {"n": 3}, [1, 1, 1]),
    ("square-root", {"start": 2.0}, [2]),
    ("coupled-pair", {"alpha": 0.25}, [1.25, 1]),
    ("kinked-pair", {}, [1, 0.5]),
    ("powell-cycling", {"epsilon": 0.01}, [float(mpf(w)) for w in ("-1.01", "1.005", "-1.0025")]),
]
# name, options, a point within the box, since the seed draws the start
DRAWN: list[tuple[str, Options, list[float]]] = [
    (name, {"n": 4}, [0.7, -1.3, 2.1, -3.6]) for name in ("rastrigin", "ackley", "griewank")
]
STARTS_ONLY = {"n", "start", "epsilon"}  # options that the formulas read off the point, or don't know


def beside(x: list[float]) -> list[float]:
    """Return a point near by without symmetries and zeros."""
    return [a + 0.05 * max(abs(a), 0.1) * cos(1 + 2 * i) for i, a in enumerate(x)]


def direction(x: list[float]) -> list[float]:
    """Return a direction of the point's own scale, without zeros."""
    return [max(abs(a), 0.1) * cos(2 + 3 * i) for i, a in enumerate(x)]


def function_of(name: str, options: Options) -> Function:
    known = {key: value for key, value in options.items() if key not in STARTS_ONLY}
    if name in VALUES:
        return lambda x: VALUES[name](x, **known)
    return lambda x: fsum(r * r for r in RESIDUALS[name](x, **known))


def derivatives(function: Function, x: list[Any]) -> tuple[list[Any], list[list[Any]]]:
    """Return the gradient (n,) and the Hessian (n, n)."""
    steps = [STEP * max(abs(a), mpf("0.01")) for a in x]

    def at(*moves: tuple[int, int]) -> Any:
        moved = list(x)
        for i, sign in moves:
            moved[i] += sign * steps[i]
        return function(moved)

    center, ahead, behind = function(x), [], []
    for i in range(len(x)):
        ahead.append(at((i, 1)))
        behind.append(at((i, -1)))
    gradient = [(p - q) / (2 * h) for p, q, h in zip(ahead, behind, steps, strict=True)]
    hessian = [[mpf(0)] * len(x) for _ in x]
    for i in range(len(x)):
        hessian[i][i] = (ahead[i] - 2 * center + behind[i]) / steps[i] ** 2
        for j in range(i):
            corners = at((i, 1), (j, 1)) - at((i, 1), (j, -1)) - at((i, -1), (j, 1)) + at((i, -1), (j, -1))
            hessian[i][j] = hessian[j][i] = corners / (4 * steps[i] * steps[j])
    return gradient, hessian


def entry(name: str, options: Options, role: str, point: list[float]) -> dict[str, Any]:
    function, x, v = function_of(name, options), [mpf(float(a)) for a in point], direction(point)
    gradient, hessian = derivatives(function, x)
    product = [fsum(h * mpf(a) for h, a in zip(row, v, strict=True)) for row in hessian]
    return {
        "problem": name,
        "options": options,
        "role": role,
        "point": [float(a) for a in point],
        "value": nstr(function(x), 20),
        "gradient": [nstr(g, 20) for g in gradient],
        "curvature": nstr(sqrt(fsum(h * h for row in hessian for h in row)), 20),
        "direction": v,
        "product": [nstr(p, 20) for p in product],
    }


def entries() -> Iterator[dict[str, Any]]:
    for name, options, start in STARTS:
        yield entry(name, options, "start", start)
        yield entry(name, options, "beside", beside(start))
    for name, options, point in DRAWN:
        yield entry(name, options, "beside", point)


def main() -> None:
    found = []
    for made in entries():
        found.append(made)
        print(made["problem"], made["options"], made["role"], made["value"], flush=True)
    text = ",\n".join(json.dumps(made) for made in found)
    header = json.dumps({"made_by": "points.py", "digits_of_arithmetic": mp.dps})
    Path(__file__).with_name("points.json").write_text(f'{header[:-1]}, "points": [\n{text}\n]}}\n')


if __name__ == "__main__":
    main()
