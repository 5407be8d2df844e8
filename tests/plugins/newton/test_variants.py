"""What the variants of Newton's method have in common, and what tells them apart."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from optbench_newton.along import move_along
from optbench_newton.marquardt import Marquardt
from optbench_newton.newton import newton
from optbench_newton.region import Radius
from optbench_newton.searching import Factored
from torch import Tensor

from optbench.api import UserError
from optbench.numerics.line import Found, Line
from optbench.numerics.position import Visit
from optbench.numerics.progress import Progress
from optbench.numerics.steady import Steady
from optbench.numerics.trust_region import Region

GUARDED = {
    "region": {"damping": "auto"},
    "damped-region": {"damping": "0.001", "trust_region": "true"},
    "marquardt": {"damping": "levenberg-marquardt"},
    "factored-armijo": {"damping": "auto", "line_search": "armijo"},
    "factored-wolfe": {"damping": "auto", "line_search": "strong-wolfe"},
    "turned-wolfe": {"damping": "0", "line_search": "strong-wolfe"},
}  # f never rises
UNGUARDED = {"textbook": {"damping": "0"}, "factored-full": {"damping": "auto", "trust_region": "false"}}
VARIANTS = {**GUARDED, **UNGUARDED}


@pytest.fixture(params=VARIANTS)
def variant(request: pytest.FixtureRequest) -> Any:
    """Each in turn."""
    return newton(**VARIANTS[request.param])


@pytest.fixture(params=GUARDED)
def guarded(request: pytest.FixtureRequest) -> Any:
    """Each of those that make f fall."""
    return newton(**GUARDED[request.param])


SPECTRUM = torch.tensor([1.0, 3.0, 10.0, 40.0], dtype=torch.float64)


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1::2] - x[::2] ** 2) ** 2 + (1 - x[::2]) ** 2).sum()


def wells(x: Tensor) -> Tensor:
    """A saddle at 0, minima of −n/4 at ±1 in each coordinate."""
    return (x**4 / 4 - x**2 / 2).sum()


def hessian_at(function: Any, x: Tensor) -> np.ndarray:
    return torch.autograd.functional.hessian(function, x).numpy()


def gradient_at(function: Any, x: Tensor) -> np.ndarray:
    return torch.func.grad(function)(x).numpy()


def test_the_undamped_step_is_numpys_solution(oracle: Any) -> None:
    start = torch.tensor([-1.2, 1.0, 0.5, 0.1], dtype=torch.float64)
    for options in (
        {"damping": "0"},
        {"damping": "auto", "trust_region": "false"},
        {"damping": "0", "line_search": "armijo"},
    ):
        method, problem = newton(**options), oracle(rosenbrock, 4)
        state = method.step(problem, method.init(problem, start))
        expected = -np.linalg.solve(hessian_at(rosenbrock, start), gradient_at(rosenbrock, start))
        found = (state.point - start).numpy()
        assert np.allclose(found / np.linalg.norm(found), expected / np.linalg.norm(expected)), options


def test_each_step_of_marquardts_solves_a_damped_system(oracle: Any) -> None:
    method, problem = newton(damping="levenberg-marquardt"), oracle(rosenbrock, 2)
    state = method.init(problem, torch.tensor([-1.2, 1.0], dtype=torch.float64))
    state = method.step(problem, state)
    for _ in range(10):
        before = state.point.clone()
        damping_before = state.control.damping
        state = method.step(problem, state)
        step = (state.point - before).numpy()
        matrix, right = hessian_at(rosenbrock, before), gradient_at(rosenbrock, before)
        damping = -(step @ (right + matrix @ step)) / (step @ step)
        assert np.allclose(matrix @ step + damping * step, -right, rtol=1e-6)
        assert damping >= damping_before * (1 - 1e-6)  # a failure only raises it
        assert damping / 3 * (1 - 1e-6) <= state.control.damping


def test_a_good_step_lowers_marquardts_damping_and_a_bad_one_raises_it(oracle: Any) -> None:
    quadratic = oracle(lambda x: 0.5 * (SPECTRUM * x**2).sum(), 4)
    method = newton(damping="levenberg-marquardt")
    state = method.step(quadratic, method.init(quadratic, torch.ones(4, dtype=torch.float64)))
    assert state.control.damping == pytest.approx(1e-3 * float(SPECTRUM.norm()) / 3)
    steep = oracle(lambda x: (1 + x**2).sqrt().sum(), 1)
    state = method.step(steep, method.init(steep, torch.tensor([5.0], dtype=torch.float64)))
    assert state.control.damping > 1e-3 * 26**-1.5


def test_a_failed_factorisation_raises_the_damping_and_a_success_lowers_it(oracle: Any) -> None:
    method, problem = newton(damping="auto", trust_region="false"), oracle(wells, 2)
    state = method.init(problem, torch.tensor([0.1, 0.2], dtype=torch.float64))
    state = method.step(problem, state)
    first = state.damping
    assert np.linalg.eigvalsh(hessian_at(wells, torch.tensor([0.1, 0.2]).double()))[0] + first > 0
    state.point.copy_(torch.tensor([2.0, 2.0]))  # convex there
    state.here = None
    assert method.step(problem, state).damping < first


def test_least_squares_are_solved_by_marquardt(oracle: Any, minimize: Any) -> None:
    """A small exponential fit with a long curved valley, against scipy's own solver."""
    from scipy.optimize import least_squares

    time = torch.linspace(0, 3, 20, dtype=torch.float64)
    data = 2.5 * torch.exp(-1.3 * time) + 0.01 * torch.sin(40 * time)

    def residuals(x: Any, exp: Any, t: Any) -> Any:
        return x[0] * exp(-x[1] * t) - (data if isinstance(t, Tensor) else data.numpy())

    problem = oracle(lambda x: residuals(x, torch.exp, time).square().sum(), 2)
    state = minimize(newton(damping="levenberg-marquardt"), problem, torch.tensor([1.0, 0.0], dtype=torch.float64))
    expected = least_squares(lambda x: residuals(x, np.exp, time.numpy()), [1.0, 0.0], xtol=1e-15, gtol=1e-15)
    assert np.allclose(state.point.numpy(), expected.x, rtol=1e-7)


def test_where_the_hessian_is_indefinite_a_guarded_step_leads_down(guarded: Any, oracle: Any) -> None:
    problem = oracle(wells, 3)
    start = torch.tensor([0.1, -0.2, 0.05], dtype=torch.float64)
    state = guarded.step(problem, guarded.init(problem, start))
    assert float(wells(state.point)) < float(wells(start))


def test_a_guarded_method_leaves_a_saddle_and_the_textbooks_goes_there(oracle: Any, minimize: Any) -> None:
    """Turned round, the undamped direction only leads away from the saddle: it reaches the minimum, too."""
    start = torch.tensor([0.1, -0.2], dtype=torch.float64)
    assert float(minimize(newton(damping="0"), oracle(wells, 2), start).point.abs().max()) < 1e-8
    for options in ({"damping": "auto"}, {"damping": "levenberg-marquardt"}, {"line_search": "armijo"}):
        problem = oracle(wells, 2)
        minimize(newton(**{"damping": "auto", **options}), problem, start)
        assert problem.best == pytest.approx(-0.5), options


def test_a_singular_hessian_is_no_obstacle(guarded: Any, oracle: Any, minimize: Any) -> None:
    """(x + y)²/2 has a line of minima; the Hessian is singular everywhere."""
    problem = oracle(lambda x: 0.5 * x.sum() ** 2 + 0.25 * x.sum() ** 4, 2)
    state = minimize(guarded, problem, torch.tensor([3.0, 1.0], dtype=torch.float64))
    assert problem.best < 1e-12 or state.finished == "stalled"
    assert state.finished is not None


@pytest.mark.parametrize("power", [-60, 50])
@pytest.mark.parametrize("name", sorted(set(VARIANTS) - {"damped-region"}))  # 0.001 is no scale of f's
def test_a_factor_of_f_changes_no_step(name: str, power: int, oracle: Any, minimize: Any) -> None:
    start = torch.tensor([-0.6, 0.5, 0.2, 0.1], dtype=torch.float64)
    plain, scaled = oracle(rosenbrock, 4), oracle(lambda x: 2.0**power * rosenbrock(x), 4)
    ends = [minimize(newton(**VARIANTS[name]), problem, start, limit=40).point for problem in (plain, scaled)]
    assert torch.equal(*ends)
    assert plain.counts == scaled.counts


def test_a_rotation_changes_no_count(guarded: Any, oracle: Any, minimize: Any) -> None:
    generator = torch.Generator().manual_seed(3)
    rotation, _ = torch.linalg.qr(torch.randn(4, 4, dtype=torch.float64, generator=generator))
    start = torch.tensor([-1.2, 1.0, 0.2, 0.1], dtype=torch.float64)
    plain, turned = oracle(rosenbrock, 4), oracle(lambda x: rosenbrock(rotation @ x), 4)
    counts = []
    for problem, point in ((plain, start), (turned, rotation.T @ start)):
        state = guarded.init(problem, point)
        while problem.best > 1e-6 * float(rosenbrock(start)) and problem.evaluations < 200:
            state = guarded.step(problem, state)
        counts.append(problem.evaluations)
    assert abs(counts[0] - counts[1]) <= max(1, 0.02 * counts[0])
    assert max(counts) < 200


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_one_parameter_is_enough(variant: Any, dtype: torch.dtype, oracle: Any, minimize: Any) -> None:
    problem = oracle(lambda x: (x - 3).square().sum() + (x - 3).pow(4).sum(), 1, dtype=dtype)
    state = minimize(variant, problem, torch.tensor([5.0], dtype=dtype), limit=200)
    assert float(state.point) == pytest.approx(3, abs=1e-3)
    assert state.point.dtype == dtype


@pytest.mark.parametrize("spoilt", [float("nan"), float("inf")])
def test_where_a_hessian_is_no_number_the_gradient_leads_on_or_it_shows(
    guarded: Any, spoilt: float, oracle: Any, minimize: Any
) -> None:
    problem = oracle(rosenbrock, 2)
    problem.hessian = lambda x: torch.full((2, 2), spoilt, dtype=x.dtype)
    start = torch.tensor([-1.2, 1.0], dtype=torch.float64)
    state = guarded.init(problem, start)
    for _ in range(30):
        if state.finished:
            break
        state = guarded.step(problem, state)
    shows = state.finished == "stalled" or not state.point.isfinite().all()  # which the loop ends as diverged
    assert shows or rosenbrock(state.point) < 0.5 * rosenbrock(start)


def test_a_line_without_a_bottom_is_unbounded(oracle: Any, minimize: Any) -> None:
    for options in ({"damping": "auto"}, {"damping": "levenberg-marquardt"}):
        state = minimize(newton(**options), oracle(lambda x: x.sum(), 2), torch.ones(2, dtype=torch.float64))
        assert state.finished == "unbounded", options


def test_another_point_is_gone_on_from_as_from_a_start(variant: Any, oracle: Any, minimize: Any) -> None:
    problem = oracle(rosenbrock, 2)
    start = torch.tensor([-0.6, 0.5], dtype=torch.float64)
    ended = minimize(variant, problem, start, limit=60)
    assert ended.finished == "converged"
    elsewhere = torch.tensor([0.4, 0.1], dtype=torch.float64)
    state = variant.restart(ended, problem, elsewhere)
    assert state.finished is None
    assert torch.equal(state.point, elsewhere)
    before = problem.evaluations
    while state.finished is None and problem.evaluations < before + 60:
        state = variant.step(problem, state)
    assert torch.allclose(state.point, torch.ones(2, dtype=torch.float64))
    assert state.point.data_ptr() != elsewhere.data_ptr()


def test_another_minibatch_is_measured_anew(guarded: Any, oracle: Any) -> None:
    """Values of two minibatches are never compared: raising f by 10⁶ between steps stops nothing."""
    offset = [0.0]
    problem = oracle(lambda x: rosenbrock(x) + offset[0], 2)
    state = guarded.init(problem, torch.tensor([-1.2, 1.0], dtype=torch.float64))
    for batch in range(60):
        problem.batch, offset[0] = batch, 1e6 * (batch % 2)
        state = guarded.step(problem, state)
    assert float(rosenbrock(state.point)) < 1e-8


@pytest.mark.parametrize(("way", "kind"), [("products", "hessian_vector"), ("differences", "gradient")])
def test_another_way_to_the_hessian_is_counted_as_what_it_is(way: str, kind: str, oracle: Any) -> None:
    problem = oracle(rosenbrock, 4)

    def product(x: Tensor, vector: Tensor) -> Tensor:
        problem.counts["hessian_vector"] += 1
        return torch.autograd.functional.hessian(rosenbrock, x.clone()) @ vector

    problem.hessian_vector = product
    start = torch.tensor([-0.6, 0.5, 0.2, 0.1], dtype=torch.float64)
    points, counts = {}, {}
    for hessian in ("auto", way):
        problem.counts.update(gradient=0, hessian=0, hessian_vector=0)
        method = newton(damping="auto", hessian=hessian)
        points[hessian] = method.step(problem, method.init(problem, start)).point
        counts[hessian] = dict(problem.counts)
    assert counts["auto"]["hessian"] == 1
    assert counts[way]["hessian"] == 0
    assert counts[way][kind] == counts["auto"][kind] + 4
    assert torch.allclose(points[way], points["auto"], rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ({"trust_region": "true", "line_search": "armijo"}, "a trust region and a line search"),
        ({"damping": "0", "trust_region": "true", "line_search": "armijo"}, "a trust region and a line search"),
        ({"damping": "levenberg-marquardt", "trust_region": "true"}, "with a trust region"),
        ({"damping": "levenberg-marquardt", "line_search": "armijo"}, "with a line search"),
        ({"damping": "levenberg"}, "'levenberg'"),
    ],
)
def test_what_contradicts_itself_is_the_users_mistake(options: dict[str, str], given: str) -> None:
    with pytest.raises(UserError, match=given) as raised:
        newton(**{"damping": "auto", **options})
    assert "\n" not in str(raised.value)


def test_a_damping_falls_to_a_third_at_most_however_much_was_gained() -> None:
    trust = Marquardt(damping=3.0)
    trust.judge(None, 1e200)
    assert trust.damping == pytest.approx(1.0)


def test_after_a_success_a_failure_raises_the_damping_as_the_first_one_did() -> None:
    trust, seen = Marquardt(damping=1.0), []
    for gained in (-1.0, -1.0, 0.5, -1.0):
        trust.judge(None, gained)
        seen.append(trust.damping)
    assert seen == pytest.approx([2.0, 8.0, 8.0, 16.0])


@pytest.mark.parametrize(("distance", "radius"), [(0.0, 0.1), (100.0, 10.0)])
def test_where_newtons_step_is_none_the_first_radius_is_a_tenth_of_the_point(distance: float, radius: float) -> None:
    hessian, gradient = -torch.eye(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
    region = Region(hessian, gradient, torch.empty_like(hessian), distance=distance)
    trust = Radius()
    assert trust.propose(region, here=None).length == pytest.approx(radius, rel=0.1)
    assert trust.trust.radius == pytest.approx(radius)


@pytest.mark.parametrize(("share", "taken"), [(0.09, False), (0.11, True)])
def test_within_a_radius_a_step_is_taken_that_brings_a_tenth_of_what_was_promised(
    share: float, taken: bool, oracle: Any
) -> None:
    """At 1 a parabola is the model; at 0, its minimum, the quartic takes back all but a share of the fall of 1/2."""
    problem = oracle(lambda x: (0.5 * x**2 + 0.5 * (1 - share) * (x - 1) ** 4).sum(), 1)
    method = newton(damping="auto")
    state = method.step(problem, method.init(problem, torch.ones(1, dtype=torch.float64)))
    assert (abs(float(state.point)) < 1e-12) == taken


@pytest.mark.parametrize(("before", "after"), [(1.0, 0.25), (3e-3, 0.0)])
def test_a_damping_that_has_fallen_to_next_to_nothing_is_left_out(before: float, after: float) -> None:
    """Less than a thousandth of the Hessian's norm, which is 1 here."""
    hessian, gradient = torch.diag(torch.tensor([0.6, 0.8], dtype=torch.float64)), torch.ones(2, dtype=torch.float64)
    state = SimpleNamespace(damping=before, damped=torch.empty_like(hessian))
    direction, slope = Factored().solve(hessian, gradient, state)
    assert state.damping == after
    assert torch.allclose(direction, -1 / (hessian.diagonal() + after))
    assert slope == pytest.approx(float(direction.sum()))


@pytest.mark.parametrize(("steps", "first"), [(0, 1.0), (2, 30.0)])
def test_where_nothing_bends_upwards_a_search_begins_beyond_the_last_step(steps: int, first: float) -> None:
    asked: list[float] = []

    def search(line: Line, step: float) -> Found:
        asked.append(step)
        return Found(line.start, "failed", 0)

    x = torch.zeros(2, dtype=torch.float64)
    spare, steady, progress = x.clone(), Steady(1e-16, steps=steps), Progress(1e-16)
    state = SimpleNamespace(spare=spare, steady=steady, progress=progress, last_step=3.0, finished=None)
    here, oracle = Visit(x, 0.0, -torch.ones_like(x)), SimpleNamespace(offers=frozenset())
    assert not move_along(oracle, state, here, torch.ones_like(x), -2.0, SimpleNamespace(search=search))
    assert asked == [first]
