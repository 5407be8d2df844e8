"""Continuation: blur by sampling against its closed form, the stages, and what they cost."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from optbench_meta.blur import Blurred, Draws
from optbench_meta.continuation import Continuation
from optbench_testfunctions.extended import rosenbrock
from optbench_testfunctions.multimodal import ackley, rastrigin
from optbench_testfunctions.quadratic import make_quadratic
from optbench_testfunctions.small import concave_quadratic, coupled_pair, indefinite_quadratic

from optbench.api import Point, Recipe, Refused, Stage, UserError
from optbench.measure.derivatives import Derivatives
from optbench.measure.ledger import Ledger
from optbench.records import Budget
from optbench.testing.meta_rig import GradientDescent
from optbench.testing.trials import Watcher, drive, place
from optbench.testing.workloads import small_net

HERE = place(seed=3)
BUILT = {"device": HERE.device, "dtype": HERE.dtype, "streams": HERE.streams}
QUADRATIC = {"condition": 100.0, "spectrum": "log-uniform", "clusters": 3, "minimiser": "equal-energy"}
KNOWN = {
    "quadratic": partial(make_quadratic, n=6, **QUADRATIC, **BUILT),
    "rastrigin": partial(rastrigin, n=3, **BUILT),
    "concave": partial(concave_quadratic, n=4, **BUILT),
    "indefinite": partial(indefinite_quadratic, n=5, **BUILT),
    "coupled": partial(coupled_pair, alpha=0.5, **BUILT),
}
OPTIONS: dict[str, Any] = {
    "sigmas": [],
    "stages": 4,
    "sigma": 1.0,
    "schedule": "linear",
    "blur": "auto",
    "samples": 16,
    "antithetic": True,
    "share": 0.5,
    "gradient_tolerance": 0.0,
    "keep_state": False,
}


def blurred(problem, sigma, samples=16, *, antithetic=False):
    return Blurred(problem, sigma, Draws(HERE.streams, samples, antithetic=antithetic))


def led(problem, **options):
    """Return the stages that continuation makes of one stage on `problem`."""
    recipe = Recipe(stages=(Stage(problem=problem, optimizer=GradientDescent()),))
    return Continuation(**{**OPTIONS, **options})(recipe, HERE.streams).stages


def ran(problem, evaluations=400, **options):
    budget = Budget(evaluations=evaluations)
    return drive(Recipe(stages=led(problem, **options)), HERE, budget, ledger=Ledger(), watcher=Watcher())


@pytest.mark.parametrize("antithetic", [False, True])
@pytest.mark.parametrize("name", KNOWN)
def test_sampled_value_and_gradient_agree_with_the_closed_form_within_four_standard_errors(name, antithetic):
    problem, samples, sigma = KNOWN[name](), 600, 0.3
    x = problem.start(HERE.streams).parameters + 0.1
    estimate = Derivatives(blurred(problem, sigma, samples, antithetic=antithetic), takes_batch=False)
    value, gradient = estimate.value_and_gradient(x)
    exact = Derivatives(problem.blurred(sigma), takes_batch=False).value_and_gradient(x)
    draws = Draws(HERE.streams, samples, antithetic=antithetic).of(problem)
    single = [Derivatives(problem, takes_batch=False).value_and_gradient(x + sigma * draw) for draw in draws]
    parts = torch.stack([torch.cat((value.reshape(1), gradient)) for value, gradient in single])
    independent = parts.unflatten(0, (-1, 2)).mean(1) if antithetic else parts
    error = independent.std(0) / math.sqrt(len(independent))
    missed = torch.cat((value.reshape(1), gradient)) - torch.cat((exact[0].reshape(1), exact[1]))
    assert (missed.abs() <= 4 * error + 1e-12).all()


@pytest.mark.parametrize("name", KNOWN)
def test_the_closed_form_is_the_mean_over_gaussian_steps(name):
    """By Gauss-Hermite quadrature along each axis: these functions are sums over their axes, or of degree two."""
    problem, sigma = KNOWN[name](), 0.7
    x = problem.start(HERE.streams).parameters
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    basis = (
        torch.linalg.eigh(torch.func.hessian(problem.value)(x)).eigenvectors
        if name != "rastrigin"
        else torch.eye(3).double()
    )
    rise = sum(
        float(weight) * float(problem.value(x + sigma * float(node) * axis) - problem.value(x))
        for axis in basis.T
        for node, weight in zip(nodes, weights, strict=True)
    )
    assert float(problem.blurred(sigma).value(x) - problem.value(x)) == pytest.approx(rise, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", [*KNOWN, "ackley"])
def test_without_blur_it_is_the_objective(name):
    problem = KNOWN[name]() if name in KNOWN else ackley(n=3, **BUILT)
    x = problem.start(HERE.streams).parameters + 0.1
    for sigma, tolerance in ((0.0, 1e-14), (1e-7, 1e-5)):
        value, gradient = Derivatives(blurred(problem, sigma), takes_batch=False).value_and_gradient(x)
        exact = Derivatives(problem, takes_batch=False).value_and_gradient(x)
        torch.testing.assert_close(value, exact[0], rtol=tolerance, atol=tolerance)
        torch.testing.assert_close(gradient, exact[1], rtol=tolerance, atol=10 * tolerance)


def test_pairs_of_opposite_samples_make_the_gradient_of_a_quadratic_exact():
    problem = KNOWN["quadratic"]()
    x = problem.start(HERE.streams).parameters + 0.1
    gradient = blurred(problem, 1.0, samples=6, antithetic=True).gradient(x)
    torch.testing.assert_close(gradient, problem.gradient(x), rtol=1e-12, atol=1e-12)
    assert not torch.allclose(blurred(problem, 1.0, samples=6).gradient(x), problem.gradient(x), rtol=1e-3)


@pytest.mark.parametrize("samples", [1, 5, 6])
def test_there_are_as_many_samples_as_asked_for_of_which_each_second_is_the_opposite_of_the_first(samples):
    drawn = Draws(HERE.streams, samples, antithetic=True).of(KNOWN["concave"]())
    assert drawn.shape == (samples, 4)
    assert torch.equal(drawn[1::2], -drawn[: samples - samples % 2 : 2])


def test_samples_stay_what_they_are_within_a_stage():
    problem = blurred(rastrigin(n=3, **BUILT), 0.5)
    x = problem.start(HERE.streams).parameters
    assert torch.equal(problem.value(x), problem.value(x))
    again = blurred(rastrigin(n=3, **BUILT), 0.5)
    assert torch.equal(problem.value(x), again.value(x))


def test_tensors_that_models_share_get_the_same_samples():
    layout = {"a": (0, (2, 3)), "b": (6, (4,))}
    both = Draws(HERE.streams, 4, antithetic=True).like(Point(parameters=torch.zeros(10).double(), layout=layout))
    alone = Draws(HERE.streams, 4, antithetic=True).like(
        Point(parameters=torch.zeros(4).double(), layout={"b": (0, (4,))})
    )
    assert torch.equal(both[:, 6:], alone)


def test_stages_share_their_samples():
    first, second, *_ = led(ackley(n=3, **BUILT))
    assert first.problem.draws is second.problem.draws


def test_all_derivatives_that_a_problem_gives_are_those_of_the_mean():
    problem = blurred(rosenbrock(n=4, **BUILT), 0.3, samples=3)
    x = problem.start(HERE.streams).parameters
    v = torch.arange(1.0, 5.0).double()
    hessian = torch.autograd.functional.hessian(problem.value, x)
    derivatives = Derivatives(problem, takes_batch=False)
    torch.testing.assert_close(derivatives.hessian(x), hessian, rtol=1e-10, atol=1e-8)
    torch.testing.assert_close(derivatives.hessian_vector(x, v), hessian @ v, rtol=1e-10, atol=1e-8)
    torch.testing.assert_close(derivatives.gradient(x)[1], torch.func.grad(problem.value)(x), rtol=1e-10, atol=1e-8)


def test_residuals_are_stacked_so_that_their_squares_give_the_mean():
    inner = rosenbrock(n=4, **BUILT)
    problem = blurred(inner, 0.3, samples=3)
    x = problem.start(HERE.streams).parameters
    residuals, multiple = problem.residuals(x), float(inner.value(x) / inner.residuals(x).square().sum())
    assert residuals.shape == (12,)
    assert float(multiple * residuals.square().sum()) == pytest.approx(float(problem.value(x)), rel=1e-12)
    jacobian = Derivatives(problem, takes_batch=False).jacobian(x)
    torch.testing.assert_close(jacobian, torch.func.jacrev(problem.residuals)(x), rtol=1e-10, atol=1e-10)


def test_what_is_known_of_the_objective_alone_is_not_passed_on():
    problem = blurred(KNOWN["quadratic"](), 0.3)
    assert not hasattr(problem, "line_minimum")
    assert problem.f_star is None
    with pytest.raises(AttributeError, match="no panels"):
        problem.panels  # noqa: B018


def test_minibatches_are_blurred_on_the_same_examples():
    net = small_net(HERE)
    problem = blurred(net, 0.1, samples=2)
    x, batch = problem.start(HERE.streams).parameters, next(problem.batches(HERE.streams))
    draws = problem.draws.of(net)
    expected = sum(net.value(x + 0.1 * draw, batch) for draw in draws) / 2
    torch.testing.assert_close(problem.value(x, batch=batch), expected)
    value, tensors = problem.value_and_gradient_tensors(x, batch=batch)
    torch.testing.assert_close(value, expected)
    flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
    torch.testing.assert_close(flat, problem.value_and_gradient(x, batch=batch)[1])


def test_another_model_is_blurred_alike():
    net = small_net(HERE)
    problem = blurred(net, 0.1).with_blocks(net.blocks[:-1])
    assert isinstance(problem, Blurred)
    assert problem.size == net.with_blocks(net.blocks[:-1]).size
    assert problem.sigma == 0.1


def test_each_sample_counts_as_an_evaluation_and_each_of_its_examples():
    trial = ran(small_net(HERE), evaluations=200, stages=1, share=0.5)
    first, last = (row.counts for row in trial.outcome.stages)
    assert first["gradient"] == 16 * first["steps"] > 16
    assert last["gradient"] == last["steps"]
    batch_size = small_net(HERE).batch_size
    assert first["examples"] == batch_size * first["gradient"]
    assert first["gradient"] <= 100 + 16


def test_a_closed_form_counts_once():
    trial = ran(rastrigin(n=3, **BUILT), evaluations=40, stages=1)
    first, _ = (row.counts for row in trial.outcome.stages)
    assert first["gradient"] == first["steps"]


def test_flops_count_for_each_sample():
    trial = ran(small_net(HERE), evaluations=64, stages=1, share=0.9)
    net = small_net(HERE)
    examples = trial.ledger.examples
    assert trial.ledger.cost == 3 * net.forward_flops * examples


def test_each_stage_begins_where_the_one_before_ended():
    first, *others = led(ackley(n=3, **BUILT), stages=3)
    assert first.carry is None
    assert all(stage.carry is None for stage in others)
    trial = ran(KNOWN["quadratic"](), sigmas=[1.0], evaluations=20)
    begun = trial.outcome.stages[0].counts["steps"]
    problem = KNOWN["quadratic"]()
    torch.testing.assert_close(
        trial.points[begun], trial.points[begun - 1] - 0.25 * problem.gradient(trial.points[begun - 1])
    )


def test_what_led_to_the_last_stage_leads_to_the_first_with_blur():
    problem = ackley(n=3, **BUILT)
    before = Stage(problem=problem, optimizer=GradientDescent(), share=0.4)
    carry = lambda previous, fresh: fresh  # noqa: E731
    last = Stage(problem=problem, optimizer=GradientDescent(), share=0.6, carry=carry)
    stages = Continuation(**OPTIONS)(Recipe(stages=(before, last)), HERE.streams).stages
    assert stages[0] is before
    assert [stage.carry for stage in stages[1:]] == [carry, *[None] * 4]
    assert sum(stage.share for stage in stages) == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "widths"),
    [
        ({"stages": 4, "sigma": 2.0}, (2.0, 1.5, 1.0, 0.5)),
        ({"stages": 3, "sigma": 2.0, "schedule": "geometric"}, (2.0, 1.0, 0.5)),
        ({"sigmas": [3.0, 1.0, 0.0]}, (3.0, 1.0)),
    ],
)
def test_blur_falls_to_none(options, widths):
    stages = led(ackley(n=3, **BUILT), **options)
    assert tuple(stage.problem.sigma for stage in stages[:-1]) == pytest.approx(widths)
    assert not isinstance(stages[-1].problem, Blurred)
    assert [stage.on_curve for stage in stages] == [False] * len(widths) + [True]


@pytest.mark.parametrize("sigmas", [[1.0, 1.0], [0.5, 1.0], [0.0]])
def test_widths_that_do_not_fall_are_refused(sigmas):
    with pytest.raises(UserError, match="widths that fall"):
        Continuation(**{**OPTIONS, "sigmas": sigmas})


def test_a_closed_form_that_nobody_knows_is_refused():
    with pytest.raises(Refused, match="does not know its blur"):
        led(ackley(n=3, **BUILT), blur="closed-form")
    assert isinstance(led(rastrigin(n=3, **BUILT), blur="sampled")[0].problem, Blurred)
    assert not isinstance(led(rastrigin(n=3, **BUILT), blur="closed-form")[0].problem, Blurred)


def test_a_stage_with_blur_may_end_at_a_tolerance_and_passes_the_rest_on():
    trial = ran(KNOWN["quadratic"](), evaluations=400, stages=2, gradient_tolerance=0.1)
    assert [stage.reason for stage in trial.outcome.stages] == ["tolerance", "tolerance", "evaluations"]
    assert trial.outcome.stages[2].counts["gradient"] > 300


def test_stages_are_named_by_their_blur():
    stages = led(ackley(n=3, **BUILT), stages=2)
    assert Recipe(stages=stages).names == ("blur 1", "blur 0.5", "main")


def test_state_may_go_on_from_stage_to_stage():
    assert [stage.keep_state for stage in led(ackley(n=3, **BUILT), keep_state=True)] == [False, *[True] * 4]
    assert ran(small_net(HERE), evaluations=400, keep_state=True).outcome.point is not None


def test_enough_blur_leads_to_rastrigins_minimum_from_anywhere():
    trial = ran(rastrigin(n=2, **BUILT), sigmas=[1.0], evaluations=200)
    last_with_blur = trial.outcome.stages[0].counts["steps"] - 1
    assert float(trial.points[last_with_blur].norm()) < 1e-6 < float(trial.points[0].norm())


def test_a_concave_function_is_concave_behind_any_blur():
    trial = ran(concave_quadratic(n=2, **BUILT), evaluations=50)
    assert float(trial.points[-1].norm()) > float(trial.points[0].norm())
