"""Every sum of squares: published figures at the start, derivatives against differences, sizes, float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from optbench_testfunctions import optbench_problems
from optbench_testfunctions.least_squares import LeastSquares
from torch import Tensor
from torch.autograd.functional import hessian, jacobian

from optbench.api import UserError
from optbench.measure.derivatives import Derivatives

# name, options, f, |g| and |H|_F at the standard start, from an independent implementation that agrees with the R
# package funconstrain and with S2MPJ.
FIGURES = [
    ("rosenbrock", {}, 24.2, 232.867687754227, 1506.5523555456),
    ("freudenstein-roth", {}, 400.5, 1272.35372440214, 3333.92261457881),
    ("powell-badly-scaled", {}, 1.13526171734838, 20000.7355607128, 200000004.735412),
    ("brown-badly-scaled", {}, 999998000003, 2000000, 5.65685424949238),
    ("beale", {}, 14.203125, 27.75, 78.9453925191331),
    ("jennrich-sampson", {}, 4171.30616196049, 93708.8183199331, 1892638.56905862),
    ("helical-valley", {}, 2500, 1879.63549420052, 2367.73205953897),
    ("bard", {}, 41.681695861678, 84.6308180778556, 187.573815111219),
    ("gaussian", {}, 3.88810699116688e-06, 0.00745153281087768, 7.18620723526443),
    ("meyer", {}, 1693607809.43615, 87276693259.7612, 2258117767812.47),
    ("gulf", {"m": 99}, 12.1107058255695, 39.7315969140101, 47.4294291832823),
    ("gulf", {"m": 100}, 12.1853222434313, 39.3363579132649, 49.3159376278625),
    ("box-3d", {}, 1031.1538106094, 149.276373926023, 56.4336341567749),
    ("powell-singular", {}, 215, 458.776634104223, 991.80844924814),
    ("wood", {}, 19192, 16397.1256017633, 15245.7758136475),
    ("kowalik-osborne", {}, 0.00531317227210854, 0.134344065565095, 5.87927901736078),
    ("brown-dennis", {}, 7926693.33699743, 2140490.67243167, 571213.017732504),
    ("osborne-1", {}, 0.87902629354464, 418.811511517309, 174594.214422506),
    ("biggs-exp6", {}, 0.77907007565597, 2.55390136414102, 24.7438059783105),
    ("osborne-2", {}, 2.09341951421206, 5.89163519375696, 61.3771705251134),
    ("watson", {"n": 6}, 30, 136.971744572262, 658.707651185333),
    ("watson", {"n": 9}, 30, 177.579104347832, 1424.53950826025),
    ("watson", {"n": 12}, 30, 213.592979111125, 2612.99856976649),
    ("rosenbrock", {"n": 10}, 121, 520.707979581646, 3368.7534786624),
    ("powell-singular", {"n": 12}, 645, 794.624439593951, 1717.86262547388),
    ("penalty-1", {"n": 4}, 885.06264, 651.789916460822, 413.961385445553),
    ("penalty-1", {"n": 10}, 148032.56535, 30197.3608998336, 6530.83844072107),
    ("penalty-2", {"n": 4}, 2.34000880546302, 16.8748313531313, 85.4868417810074),
    ("penalty-2", {"n": 10}, 162.652776565967, 500.652174163648, 1488.02856227851),
    ("variably-dimensioned", {"n": 10}, 2198551.1625, 4480426.92741782, 6848767.00000263),
    ("trigonometric", {"n": 10}, 0.00707575946622284, 0.0991401433434527, 1.54211149061376),
    ("brown-almost-linear", {"n": 10}, 273.248047828674, 344.542449716112, 218.00388383801),
    ("discrete-boundary-value", {"n": 10}, 0.00078851910126482, 0.0396471808372238, 51.3355100877818),
    ("discrete-integral-equation", {"n": 10}, 0.0634168415794527, 0.621878175666535, 6.82845605232683),
    ("broyden-tridiagonal", {"n": 10}, 21, 50.3587132480567, 412.325114442475),
    ("broyden-banded", {"n": 10}, 360, 814.763769444862, 3357.37397380751),
    ("linear-full-rank", {"n": 10, "m": 20}, 50, 12.6491106406735, 6.32455532033676),
    ("linear-rank-1", {"n": 10, "m": 20}, 8658670, 6186240.3108835, 2209900),
    ("linear-rank-1-zeros", {"n": 10, "m": 20}, 4067996, 3121888.49096184, 1197912),
    ("chebyquad", {"n": 7}, 0.0337706384637188, 0.873477985951655, 72.5006987591148),
    ("chebyquad", {"n": 8}, 0.0386176982859303, 1.52458921619334, 77.2929137569773),
    ("chebyquad", {"n": 8, "m": 12}, 0.05545535321248, 0.518163164419816, 260.81114103701),
    ("chebyquad", {"n": 9}, 0.028882980288226, 1.22074427759082, 89.6421505544294),
    ("chebyquad", {"n": 10}, 0.0337632654628801, 1.33007265498915, 94.3621182127518),
]
CHAINS = ["chained-rosenbrock", "chained-powell-singular", "chained-wood"]
CASES = [(name, options) for name, options, *_ in FIGURES] + [(name, {"n": 8}) for name in CHAINS]
EXTREMES = [("watson", {"n": 2}), ("watson", {"n": 31}), ("penalty-2", {"n": 2}), ("chained-rosenbrock", {"n": 2})]
EXTREMES += [("chained-powell-singular", {"n": 4}), ("chained-wood", {"n": 4}), ("chebyquad", {"n": 1})]
EXTREMES += [("penalty-1", {"n": 1}), ("variably-dimensioned", {"n": 1}), ("trigonometric", {"n": 1})]
EXTREMES += [("brown-almost-linear", {"n": 2}), ("discrete-boundary-value", {"n": 2})]
EXTREMES += [("discrete-integral-equation", {"n": 2}), ("broyden-tridiagonal", {"n": 2}), ("broyden-banded", {"n": 2})]
EXTREMES += [("linear-full-rank", {"n": 1, "m": 1}), ("linear-rank-1", {"n": 1}), ("linear-rank-1-zeros", {"n": 3})]
PLUGINS = {plugin.name: plugin for plugin in optbench_problems()}

Build = Callable[..., LeastSquares]


def named(cases: list[tuple[str, dict[str, int]]]) -> list[Any]:
    return [pytest.param(name, options, id="-".join([name, *map(str, options.values())])) for name, options in cases]


def start(problem: LeastSquares) -> Tensor:
    return problem.start(None).parameters  # type: ignore[arg-type]  # no problem here draws random numbers


def elsewhere(problem: LeastSquares) -> Tensor:
    """A point near the start, off its symmetries, where no component is 0."""
    x = start(problem)
    return x + 0.02 * (0.5 + x.abs()) * (1 + torch.arange(len(x), dtype=x.dtype)).cos()


def differences(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Central differences along each axis, (..., n); steps of a millionth of a component's size."""
    steps = 6e-6 * x.abs().clamp(min=0.1)
    sides = [(function(x + e) - function(x - e)) / (2 * e.sum()) for e in torch.diag(steps)]
    return torch.stack(sides, dim=-1)


def assert_near(found: Tensor, expected: Tensor, tolerance: float) -> None:
    """Column by column (the columns of badly scaled functions differ by many orders), to a part of the largest."""
    scale = expected.abs().amax(dim=0) if expected.ndim > 1 else expected.abs().max()
    assert ((found - expected).abs() <= tolerance * scale + 1e-12).all(), (found - expected).abs().max()


@pytest.mark.parametrize(("name", "options", "value", "gradient", "curvature"), FIGURES)
def test_start_has_published_figures(
    build: Build, name: str, options: dict[str, int], value: float, gradient: float, curvature: float
) -> None:
    problem = build(name, **options)
    x = start(problem)
    assert float(problem.value(x)) == pytest.approx(value, rel=1e-12)
    assert float(problem.gradient(x).norm()) == pytest.approx(gradient, rel=1e-12)
    assert float(hessian(problem.value, x).norm()) == pytest.approx(curvature, rel=1e-11)


@pytest.mark.parametrize(("name", "options"), named(CASES + EXTREMES))
def test_derivatives_agree_with_autograd_away_from_the_start(build: Build, name: str, options: dict[str, int]) -> None:
    problem = build(name, **options)
    x = elsewhere(problem)
    leaf = x.clone().requires_grad_()
    (expected,) = torch.autograd.grad(problem.value(leaf), leaf)
    value, gradient = problem.value_and_gradient(x)
    residuals = problem.residuals(x)
    torch.testing.assert_close(value, problem.value(x), rtol=0, atol=0)
    torch.testing.assert_close(value, (residuals * residuals).sum(), rtol=1e-14, atol=0)
    assert_near(gradient, expected, 1e-11)
    torch.testing.assert_close(problem.gradient(x), gradient, rtol=0, atol=0)
    assert_near(problem.jacobian(x), jacobian(problem.residuals, x), 1e-12)


@pytest.mark.parametrize(("name", "options"), named(CASES))
def test_derivatives_agree_with_differences(build: Build, name: str, options: dict[str, int]) -> None:
    problem = build(name, **options)
    derivatives = Derivatives(problem, takes_batch=False)
    x = elsewhere(problem)
    assert_near(problem.jacobian(x), differences(problem.residuals, x), 2e-6)
    curvature = differences(problem.gradient, x)
    assert_near(derivatives.hessian(x), curvature, 2e-6)
    direction = x.abs() * torch.arange(1, len(x) + 1, dtype=x.dtype).sin()
    assert_near(derivatives.hessian_vector(x, direction), curvature @ direction, 2e-5)


@pytest.mark.parametrize(("name", "options"), named(CASES))
def test_single_precision_stays_single_and_agrees(build: Build, name: str, options: dict[str, int]) -> None:
    problem, double = build(name, torch.float32, **options), build(name, **options)
    x = start(problem)
    tensors = (x, problem.value(x), problem.gradient(x), problem.jacobian(x), problem.residuals(x))
    assert {tensor.dtype for tensor in tensors} == {torch.float32}
    derivatives = Derivatives(problem, takes_batch=False)
    assert {derivatives.hessian(x).dtype, derivatives.hessian_vector(x, x).dtype} == {torch.float32}
    torch.testing.assert_close(problem.value(x), double.value(x.double()).float(), rtol=2e-3, atol=1e-6)


def test_start_is_a_fresh_copy(build: Build) -> None:
    problem = build("rosenbrock", n=4)
    start(problem).zero_()
    assert start(problem).tolist() == [-1.2, 1.0, -1.2, 1.0]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rosenbrock", {"n": 3}, "rosenbrock.n=3.; n is a multiple of 2; write n=4"),
        ("powell-singular", {"n": 6}, "write n=8"),
        ("wood", {"n": 10}, "write n=12"),
        ("chained-wood", {"n": 7}, "write n=8"),
        ("chained-powell-singular", {"n": 5}, "write n=6"),
        ("linear-full-rank", {"n": 10, "m": 9}, "m is 0 .here 20. or at least n; write m=10"),
        ("linear-rank-1", {"n": 10, "m": 1}, "m=1"),
        ("linear-rank-1-zeros", {"n": 10, "m": 9}, "m=9"),
        ("chebyquad", {"n": 8, "m": 7}, "here 8"),
    ],
)
def test_sizes_that_do_not_fit_are_the_users_mistake(
    build: Build, name: str, options: dict[str, int], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        build(name, **options)


def test_groups_add_up(build: Build) -> None:
    for name in ("rosenbrock", "powell-singular", "wood"):
        one, many = build(name, n=4), build(name, n=12)
        assert float(many.value(start(many))) == pytest.approx(3 * float(one.value(start(one))), rel=1e-14)
        assert many.gradient(start(many)).tolist() == pytest.approx(one.gradient(start(one)).tolist() * 3, rel=1e-14)


def test_chains_of_one_link_are_the_plain_functions(build: Build) -> None:
    for chain, plain, n in (
        ("chained-rosenbrock", "rosenbrock", 2),
        ("chained-powell-singular", "powell-singular", 4),
        ("chained-wood", "wood", 4),
    ):
        x = start(build(plain, n=n))
        assert start(build(chain, n=n)).tolist() == x.tolist()
        assert float(build(chain, n=n).value(x)) == pytest.approx(float(build(plain, n=n).value(x)), rel=1e-15)


def test_chains_are_sums_of_plain_functions_over_overlapping_windows(build: Build) -> None:
    for chain, plain, width, stride in (
        ("chained-rosenbrock", "rosenbrock", 2, 1),
        ("chained-powell-singular", "powell-singular", 4, 2),
        ("chained-wood", "wood", 4, 2),
    ):
        problem, link = build(chain, n=10), build(plain, n=width)
        x = elsewhere(problem)
        windows = x.unfold(0, width, stride)
        assert float(problem.value(x)) == pytest.approx(sum(float(link.value(window)) for window in windows), rel=1e-14)


def test_both_discretisations_vanish_at_one_point(build: Build) -> None:
    equation, integral = build("discrete-boundary-value"), build("discrete-integral-equation")
    x = start(equation)
    for _ in range(10):
        x = x - torch.linalg.solve(equation.jacobian(x), equation.residuals(x))
    assert float(equation.value(x)) < 1e-30
    assert float(integral.value(x)) < 1e-28


def test_the_hook_works_after_all_modules_are_imported(build: Build) -> None:
    for name in PLUGINS:  # a module of the name of one of the hook's functions would take its place
        build(name, streams=torch.Generator)
    assert [plugin.name for plugin in optbench_problems()] == list(PLUGINS)


def test_seeds_matter_only_where_starts_or_examples_are_drawn() -> None:
    drawn = {name for name, plugin in PLUGINS.items() if plugin.depends_on_seed({})}
    assert drawn == {"rastrigin", "ackley", "griewank", "streaming-least-squares"}
