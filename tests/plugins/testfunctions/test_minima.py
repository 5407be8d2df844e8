"""What the problems say of their minima against 60-digit arithmetic, and against their own residuals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from optbench_testfunctions import optbench_problems
from scipy.optimize import least_squares

from optbench.api.streams import SeededStreams
from optbench.measure.derivatives import Derivatives
from optbench.measure.function_problem import as_problem

MADE = json.loads((Path(__file__).parent / "reference" / "minima.json").read_text())
ENTRIES = MADE["minima"]
CASES = [
    pytest.param(entry, id=" ".join([entry["problem"], *map(str, entry["options"].values()), entry["role"]]))
    for entry in ENTRIES
]
AT_INFINITY = [entry for entry in ENTRIES if "infimum" in entry["note"]]
WITH_FULL_POINTS = [case for case, entry in zip(CASES, ENTRIES, strict=True) if entry not in AT_INFINITY]
MINIMA = [case for case in WITH_FULL_POINTS if "saddle" not in case.values[0]["note"]]
PLUGINS = {plugin.name: plugin for plugin in optbench_problems()}


def full(problem: Any, point: list[str]) -> torch.Tensor:
    x = torch.tensor([float(a) for a in point], dtype=torch.float64)
    return x if len(x) == problem.size else x[[0, 1, 2, 3, 0, 2]]  # Biggs's function in four variables


def in_units_of_f(hessian: torch.Tensor) -> torch.Tensor:
    """Return for each variable the length that changes f by about 1, (n,)."""
    return hessian.diagonal().abs().clamp(min=1e-12 * float(hessian.diagonal().abs().max())).rsqrt()


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
    derivatives, x = Derivatives(problem, takes_batch=False), full(problem, entry["point"])
    f0 = abs(float(problem.value(problem.start(None).parameters)))
    value = float(problem.value(x))
    assert value == pytest.approx(float(entry["value"]), rel=1e-9, abs=1e-15 * f0)
    slopes = derivatives.value_and_gradient(x)[1] * in_units_of_f(derivatives.hessian(x))
    rounding = 1e-14 * f0**0.5 * max(1.0, float(x.abs().max()))
    assert float(slopes.abs().max()) <= 2e-9 * abs(value) ** 0.5 + rounding


@pytest.mark.parametrize("entry", MINIMA)
def test_there_is_no_negative_curvature(build: Any, entry: dict[str, Any]) -> None:
    problem = build(entry["problem"], **entry["options"])
    hessian = Derivatives(problem, takes_batch=False).hessian(full(problem, entry["point"]))
    scale = in_units_of_f(hessian)
    assert float(torch.linalg.eigvalsh(scale[:, None] * hessian * scale)[0]) > -1e-12


def test_where_first_order_methods_end_on_biggs_function_is_a_saddle(build: Any) -> None:
    (entry,) = (entry for entry in ENTRIES if entry["problem"] == "biggs-exp6")
    problem = build("biggs-exp6")
    hessian = Derivatives(problem, takes_batch=False).hessian(full(problem, entry["point"]))
    assert float(torch.linalg.eigvalsh(hessian)[0]) < 0
    assert problem.local_minima == ()


@pytest.mark.parametrize("entry", AT_INFINITY, ids=lambda entry: entry["problem"])
def test_infima_are_approached_from_above_far_away(build: Any, entry: dict[str, Any]) -> None:
    problem, limit = build(entry["problem"]), float(entry["value"])
    point = [float(a) for a in entry["point"]]
    values = []
    for far in (1e2, 1e4, 1e6):
        x = [point[0], -far, -far] if entry["problem"] == "bard" else [far, point[0], far * point[1], far * point[2]]
        values.append(float(problem.value(torch.tensor(x, dtype=torch.float64))))
    assert sorted(values, reverse=True) == values
    assert limit < values[-1] < limit * (1 + 1e-4)


def stated(problem: Any) -> set[float]:
    """Return every value but f* that a problem states."""
    return {*problem.local_minima, problem.f_star_from_start} - {None}


def test_whatever_is_stated_beside_f_star_has_a_reference(build: Any) -> None:
    cases = [(name, {}) for name in PLUGINS] + [(entry["problem"], entry["options"]) for entry in ENTRIES]
    for name, options in cases:
        problem = build(name, streams=SeededStreams(0), **options)
        chosen = {key: options.get(key, option.default) for key, option in PLUGINS[name].options.items()}
        known = [float(e["value"]) for e in ENTRIES if e["problem"] == name and e["options"].items() <= chosen.items()]
        for value in stated(problem) if hasattr(problem, "local_minima") else ():
            assert value in [pytest.approx(other, rel=1e-15, abs=0) for other in known], (name, options)


def test_every_f_star_that_a_problem_states_by_default_is_checked_somewhere(build: Any) -> None:
    stating = set()
    for name in PLUGINS:
        made = build(name, streams=SeededStreams(0))
        if as_problem(made, torch.device("cpu"), torch.float64).f_star is not None:
            stating.add(name)
    here = {entry["problem"] for entry in ENTRIES if entry["role"] == "f_star"}
    assert stating == here | {name for name, *_ in (*ZEROS, *SYSTEMS)} | set(LINEAR) | set(ELSEWHERE)


def test_brown_almost_linear_has_its_flat_point_from_four_variables_on(build: Any) -> None:
    for n in (2, 3):
        problem = build("brown-almost-linear", n=n)
        x = torch.zeros(n, dtype=torch.float64)
        x[-1] = n + 1
        slope = float(problem.gradient(x).abs().max())
        curvature = float(torch.linalg.eigvalsh(Derivatives(problem, takes_batch=False).hessian(x))[0])
        assert problem.local_minima == ()
        assert slope > 1 or curvature < -1
    assert build("brown-almost-linear", n=4).local_minima == (1.0,)


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


LINEAR = ("linear-full-rank", "linear-rank-1", "linear-rank-1-zeros")
ELSEWHERE = {  # where its least value is checked
    **dict.fromkeys(("rastrigin", "ackley", "griewank"), "test_multimodal.py"),
    **dict.fromkeys(("tridiagonal-quadratic", "toint-tridiagonal"), "test_tridiagonal.py"),
    **dict.fromkeys(("square-root", "coupled-pair", "kinked-pair"), "below"),
    "himmelblau": "test_functions.py",
    "quadratic": "test_quadratic.py",
    "streaming-least-squares": "test_streaming.py",
}


@pytest.mark.parametrize(("name", "n"), [("square-root", 1), ("coupled-pair", 2), ("kinked-pair", 2)])
def test_small_ones_are_least_at_the_origin(build: Any, name: str, n: int) -> None:
    problem, origin = build(name), torch.zeros(n, dtype=torch.float64)
    assert float(problem.value(origin)) == problem.f_star
    for angle in torch.linspace(0, 6.3, 100, dtype=torch.float64):
        beside = 1e-4 * torch.stack((angle.cos(), angle.sin()))[:n]
        assert float(problem.value(beside)) >= problem.f_star


@pytest.mark.parametrize("name", LINEAR)
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
        ("watson", {"n": 13}),
        ("penalty-2", {"n": 6}),
        ("chebyquad", {"n": 12}),
        ("chebyquad", {"n": 8, "m": 9}),
        ("jennrich-sampson", {"m": 12}),
        ("brown-dennis", {"m": 21}),
    ],
)
def test_nothing_is_stated_where_nothing_is_known(build: Any, name: str, options: dict[str, int]) -> None:
    problem = build(name, **options)
    assert (problem.f_star, problem.f_star_source, problem.f_star_from_start) == (None, "", None)
