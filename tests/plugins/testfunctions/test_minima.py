"""What the problems say of their minima against 60-digit arithmetic, and against their own residuals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from scipy.optimize import least_squares

MADE = json.loads((Path(__file__).parent / "reference" / "minima.json").read_text())
ENTRIES = MADE["minima"]
CASES = [
    pytest.param(entry, id=" ".join([entry["problem"], *map(str, entry["options"].values()), entry["role"]]))
    for entry in ENTRIES
]
WITH_FULL_POINTS = [case for case, entry in zip(CASES, ENTRIES, strict=True) if "infimum" not in entry["note"]]


def full(problem: Any, point: list[str]) -> torch.Tensor:
    x = torch.tensor([float(a) for a in point], dtype=torch.float64)
    return x if len(x) == problem.size else x[[0, 1, 2, 3, 0, 2]]  # Biggs's function in four variables


@pytest.mark.parametrize("entry", CASES)
def test_stated_minima_are_those_of_the_reference(build: Any, entry: dict[str, Any]) -> None:
    problem = build(entry["problem"], **entry["options"])
    value = float(entry["value"])
    stated = {"f_star": problem.f_star, "from_start": problem.f_star_from_start, "local": problem.local_minima}
    if entry["role"] == "local":
        assert value in [pytest.approx(local, rel=1e-15, abs=0) for local in stated["local"]]
    else:
        assert stated[entry["role"]] == pytest.approx(value, rel=1e-15, abs=0)


@pytest.mark.parametrize("entry", WITH_FULL_POINTS)
def test_the_function_has_that_value_there_and_no_slope(build: Any, entry: dict[str, Any]) -> None:
    problem = build(entry["problem"], **entry["options"])
    x = full(problem, entry["point"])
    f0 = float(problem.value(problem.start(None).parameters))
    assert float(problem.value(x)) == pytest.approx(float(entry["value"]), rel=1e-9, abs=1e-15 * f0)
    slopes = problem.gradient(x) / problem.jacobian(x).square().sum(dim=0).sqrt()  # in units of the residuals
    rounding = 1e-14 * f0**0.5 * max(1.0, float(x.abs().max()))
    assert float(slopes.abs().max()) <= 1e-9 * float(problem.residuals(x).norm()) + rounding


def test_stated_local_minima_all_have_a_reference(build: Any) -> None:
    for entry in ENTRIES:
        problem = build(entry["problem"], **entry["options"])
        known = [
            float(e["value"]) for e in ENTRIES if (e["problem"], e["options"]) == (entry["problem"], entry["options"])
        ]
        for local in problem.local_minima:
            assert local in [pytest.approx(value, rel=1e-15, abs=0) for value in known]


# name, options, a point where the function is zero, by the paper
ZEROS = [
    ("rosenbrock", {"n": 4}, [1.0] * 4),
    ("freudenstein-roth", {}, [5.0, 4.0]),
    ("brown-badly-scaled", {}, [1e6, 2e-6]),
    ("beale", {}, [3.0, 0.5]),
    ("helical-valley", {}, [1.0, 0.0, 0.0]),
    ("gulf", {}, [50.0, 25.0, 1.5]),
    ("gulf", {"m": 100}, [50.0, 25.0, 1.5]),
    ("box-3d", {}, [1.0, 10.0, 1.0]),
    ("box-3d", {"m": 30}, [10.0, 1.0, -1.0]),
    ("box-3d", {}, [3.0, 3.0, 0.0]),
    ("powell-singular", {"n": 8}, [0.0] * 8),
    ("wood", {"n": 8}, [1.0] * 8),
    ("biggs-exp6", {}, [1.0, 10.0, 1.0, 5.0, 4.0, 3.0]),
    ("biggs-exp6", {"m": 20}, [4.0, 10.0, 3.0, 5.0, 1.0, 1.0]),
    ("variably-dimensioned", {}, [1.0] * 10),
    ("trigonometric", {"n": 20}, [0.0] * 20),
    ("brown-almost-linear", {}, [1.0] * 10),
    ("chained-rosenbrock", {"n": 5}, [1.0] * 5),
    ("chained-powell-singular", {"n": 6}, [0.0] * 6),
    ("chained-wood", {"n": 6}, [1.0] * 6),
]


@pytest.mark.parametrize(("name", "options", "point"), ZEROS)
def test_zeros_are_where_the_paper_has_them(build: Any, name: str, options: dict[str, int], point: list[float]) -> None:
    problem = build(name, **options)
    assert (problem.f_star, problem.f_star_source) == (0.0, "exact")
    assert float(problem.value(torch.tensor(point, dtype=torch.float64))) == pytest.approx(0, abs=1e-26)


SYSTEMS = [
    ("powell-badly-scaled", {}),
    ("discrete-boundary-value", {"n": 40}),
    ("discrete-integral-equation", {"n": 40}),
    *(("broyden-tridiagonal", {"n": n}) for n in (2, 10, 300)),
    *(("broyden-banded", {"n": n}) for n in (2, 10, 300)),
    *(("chebyquad", {"n": n}) for n in (1, 2, 3, 4, 5, 6, 7, 9)),
]


@pytest.mark.parametrize(("name", "options"), SYSTEMS)
def test_square_systems_have_a_zero(build: Any, name: str, options: dict[str, int]) -> None:
    problem = build(name, **options)
    found = least_squares(
        lambda x: problem.residuals(torch.from_numpy(x)).numpy(),
        problem.start(None).parameters.numpy(),
        jac=lambda x: problem.jacobian(torch.from_numpy(x)).numpy(),
        method="lm",
        x_scale="jac",
        xtol=1e-15,
        ftol=1e-15,
        gtol=1e-15,
    )
    assert problem.f_star == 0
    assert found.cost < 1e-24


@pytest.mark.parametrize("name", ["linear-full-rank", "linear-rank-1", "linear-rank-1-zeros"])
@pytest.mark.parametrize(("n", "m"), [(10, 20), (5, 5), (3, 40)])
def test_linear_ones_have_the_least_squares_minimum(build: Any, name: str, n: int, m: int) -> None:
    problem = build(name, n=n, m=m)
    origin = torch.zeros(n, dtype=torch.float64)
    best = -torch.linalg.pinv(problem.jacobian(origin)) @ problem.residuals(origin)
    assert problem.f_star == pytest.approx(float(problem.value(best)), rel=1e-11, abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 100, 10_000])
def test_penalty_1_states_the_least_value_at_any_size(build: Any, n: int) -> None:
    problem = build("penalty-1", n=n)
    alike = torch.linspace(0.4, 0.6, 200_001, dtype=torch.float64) / n**0.5
    values = n * 1e-5 * (alike - 1) ** 2 + (n * alike**2 - 0.25) ** 2
    assert float(values.min()) == pytest.approx(problem.f_star, rel=1e-6)
    assert float(values.min()) >= problem.f_star


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("watson", {"n": 7}),
        ("penalty-2", {"n": 5}),
        ("chebyquad", {"n": 11}),
        ("chebyquad", {"n": 8, "m": 9}),
        ("jennrich-sampson", {"m": 12}),
        ("brown-dennis", {"m": 21}),
    ],
)
def test_nothing_is_stated_where_nothing_is_known(build: Any, name: str, options: dict[str, int]) -> None:
    problem = build(name, **options)
    assert (problem.f_star, problem.f_star_source, problem.f_star_from_start) == (None, "", None)
