"""Functions that show one thing each: each shows it."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from optbench.measure.derivatives import Derivatives

UNBOUNDED = ("indefinite-quadratic", "concave-quadratic", "powell-cycling")
NAMES = (*UNBOUNDED, "square-root", "coupled-pair", "kinked-pair")


def start(problem: Any) -> torch.Tensor:
    return problem.start(None).parameters


def test_values_at_a_point(build: Any) -> None:
    x = torch.tensor([0.5, -2.0], dtype=torch.float64)
    assert float(build("indefinite-quadratic").value(x)) == pytest.approx(0.5 * (0.25 - 4))
    assert float(build("concave-quadratic").value(x)) == -4.25
    assert float(build("square-root").value(x[1:])) == pytest.approx(5**0.5)
    assert float(build("coupled-pair", alpha=0.1).value(x)) == pytest.approx(6.25 + 0.425)
    assert float(build("kinked-pair").value(x)) == pytest.approx(2.5 + 0.425)
    three = torch.tensor([0.5, -2.0, 3.0], dtype=torch.float64)
    assert float(build("powell-cycling").value(three)) == pytest.approx(1 + 6 - 1.5 + 1 + 4)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_unbounded_has_no_least_value(build: Any, name: str) -> None:
    unbounded = name in UNBOUNDED
    problem = build(name)
    assert (problem.f_star is None) == unbounded
    assert (problem.f_star_source == "") == unbounded
    far = 1e6 * torch.ones(problem.size, dtype=torch.float64)
    far[:-1] *= 0.5 if name == "indefinite-quadratic" else 1.0
    assert (float(problem.value(far)) < -1e5) == unbounded


def test_indefinite_quadratic_has_a_saddle(build: Any) -> None:
    problem = build("indefinite-quadratic", n=5)
    values = torch.linalg.eigvalsh(Derivatives(problem, takes_batch=False).hessian(start(problem)))
    assert values.tolist() == pytest.approx([-1, -0.5, 0, 0.5, 1], abs=1e-15)


def test_newtons_full_step_on_the_square_root_maps_x_to_minus_its_cube(build: Any) -> None:
    problem = build("square-root", start=1.5)
    derivatives = Derivatives(problem, takes_batch=False)
    x = start(problem)
    step = derivatives.value_and_gradient(x)[1] / derivatives.hessian(x)[0]
    assert float(x - step) == pytest.approx(-(1.5**3), rel=1e-13)


def test_a_sweep_of_coordinate_descent_on_the_coupled_pair_has_a_known_rate(build: Any) -> None:
    problem = build("coupled-pair", alpha=0.25)
    derivatives = Derivatives(problem, takes_batch=False)
    x = start(problem)
    for _ in range(3):
        before = float(x[1])
        for i in (0, 1):  # a Newton step along each coordinate is exact
            x[i] -= derivatives.value_and_gradient(x)[1][i] / derivatives.hessian(x)[i, i]
        assert float(x[1]) / before == pytest.approx(1.25**-2, rel=1e-13)


def test_no_coordinate_leads_down_from_the_kink(build: Any) -> None:
    problem = build("kinked-pair")
    stuck = torch.tensor([0.5, 0.5], dtype=torch.float64)
    value = float(problem.value(stuck))
    for i in (0, 1):
        for step in (1e-3, -1e-3):
            moved = stuck.clone()
            moved[i] += step
            assert float(problem.value(moved)) > value
    assert float(problem.value(0.9 * stuck)) < value


def test_exact_coordinate_descent_cycles_around_powells_cube(build: Any) -> None:
    problem = build("powell-cycling", epsilon=0.01)
    x, corners = start(problem), []
    for _ in range(4):
        for i in range(3):
            others = x.sum() - x[i]
            best = torch.sign(others) * (1 + others.abs() / 2)  # the minimum along coordinate i
            for nearby in (best - 1e-4, best + 1e-4):
                assert float(problem.value(x.index_fill(0, torch.tensor([i]), float(nearby)))) > float(
                    problem.value(x.index_fill(0, torch.tensor([i]), float(best)))
                )
            x[i] = best
            corners.append(tuple(x.sign().tolist()))
    assert corners[:6] == corners[6:]
    assert len(set(corners)) == 6
    assert float(x.abs().max()) < 1.001


@pytest.mark.parametrize("name", [*NAMES, "rastrigin", "ackley", "griewank", "double-well"])
def test_single_precision_stays_single(build: Any, name: str) -> None:
    problem = build(name, torch.float32)
    derivatives = Derivatives(problem, takes_batch=False)
    x = torch.linspace(0.3, 0.7, problem.size, dtype=torch.float32)
    made = (
        problem.value(x),
        derivatives.hessian(x),
        derivatives.hessian_vector(x, x),
        derivatives.value_and_gradient(x)[1],
    )
    assert {tensor.dtype for tensor in made} == {torch.float32}
