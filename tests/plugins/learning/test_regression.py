"""Ridge regression and the Lasso: closed forms against autograd, minima against other solvers and optimality."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from optbench_learning.data import diabetes
from optbench_learning.regression import Lasso, Ridge
from optbench_learning.regression_problems import lasso_diabetes, lasso_recovery, least_vanishing, ridge_diabetes
from optbench_learning.regression_reference import lasso_minimum, ridge_minimum
from sklearn import linear_model
from torch.autograd.functional import hessian

from optbench.api import UserError
from optbench.api.streams import SeededStreams

PENALTY = 0.3
RECOVERY = {"n": 60, "examples": 40, "nonzeros": 5, "noise": 0.1}


def place(*, dtype=torch.float64, seed=0):
    return {"device": torch.device("cpu"), "dtype": dtype, "streams": SeededStreams(seed)}


def problems():
    return (
        ridge_diabetes(**place(), l2=1e-3, batch_size=0),
        lasso_diabetes(**place(), l1=0.02, batch_size=0),
        lasso_recovery(**place(), **RECOVERY, l1=0.1, batch_size=0),
    )


def small(cls):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(30, 4, generator=generator, dtype=torch.float64)
    return cls({"train": (inputs, inputs.sum(1).sin())}, penalty=PENALTY)


def plain(problem, batch):
    """The objective from its definition."""
    inputs, targets = problem.data["train"]
    if batch is not None:
        inputs, targets = inputs[batch], targets[batch]
    penalty = {Lasso: lambda x: PENALTY * x.abs().sum(), Ridge: lambda x: PENALTY / 2 * x.dot(x)}[type(problem)]
    return lambda x: (inputs @ x - targets).square().sum() / (2 * len(targets)) + penalty(x)


@pytest.mark.parametrize("batch", [None, torch.tensor([2, 29, 11, 4])])
@pytest.mark.parametrize("cls", [Ridge, Lasso])
def test_closed_forms_agree_with_autograd(cls, batch):
    problem = small(cls)
    objective = plain(problem, batch)
    x = torch.arange(4, dtype=torch.float64).cos()
    v = torch.arange(4, dtype=torch.float64).sin()
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(leaf), leaf)
    curvature = hessian(objective, x)
    value, found = problem.value_and_gradient(x, batch)
    torch.testing.assert_close(value, objective(x), rtol=1e-13, atol=0)
    torch.testing.assert_close(problem.value(x, batch), value, rtol=1e-14, atol=0)
    torch.testing.assert_close(found, gradient, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(problem.gradient(x, batch), gradient, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(problem.hessian(x, batch), curvature, rtol=1e-11, atol=1e-14)
    torch.testing.assert_close(problem.gram(x, "coefficients", batch), curvature, rtol=1e-11, atol=1e-14)
    torch.testing.assert_close(problem.hessian_vector(x, v, batch), curvature @ v, rtol=1e-11, atol=1e-14)


def test_where_coefficients_are_zero_the_lassos_gradient_is_that_of_the_rest():
    problem = small(Lasso)
    inputs, targets = problem.data["train"]
    x = torch.zeros(4, dtype=torch.float64)
    torch.testing.assert_close(problem.gradient(x), -(inputs.T @ targets) / 30)


def test_ridge_regression_is_half_a_sum_of_squares():
    problem, x = small(Ridge), torch.arange(4, dtype=torch.float64).cos()
    residuals, jacobian = problem.residuals(x), problem.jacobian(x)
    torch.testing.assert_close(0.5 * residuals.dot(residuals), problem.value(x))
    torch.testing.assert_close(jacobian.T @ residuals, problem.gradient(x))
    torch.testing.assert_close(jacobian.T @ jacobian, problem.hessian(x))


def test_the_line_minimum_of_ridge_regression_leaves_no_slope():
    problem, x = small(Ridge), torch.arange(4, dtype=torch.float64).cos()
    direction = torch.arange(4, dtype=torch.float64).sin()
    slope = problem.gradient(x + problem.line_minimum(x, direction) * direction).dot(direction)
    assert float(slope) == pytest.approx(0, abs=1e-15)


def test_a_hessian_may_be_written_into():
    problem, x = small(Ridge), torch.zeros(4, dtype=torch.float64)
    kept = problem.hessian(x).clone()
    problem.hessian(x).zero_()
    assert torch.equal(problem.hessian(x), kept)


def test_the_lassos_minimum_satisfies_the_conditions_of_optimality():
    """The slope of the squares is −penalty·sign where coefficients are not zero, and at most the penalty elsewhere."""
    for problem in problems()[1:]:
        inputs, targets = (array.numpy() for array in problem.data["train"])
        minimum = lasso_minimum(inputs, targets, problem.penalty)
        slope = inputs.T @ (inputs @ minimum.point - targets) / len(targets)
        used = minimum.point != 0
        assert 0 < used.sum() < len(used)
        np.testing.assert_allclose(slope[used], -problem.penalty * np.sign(minimum.point[used]), rtol=1e-11)
        assert np.abs(slope[~used]).max() < problem.penalty
        assert problem.f_star == minimum.value
        assert minimum.gap <= 1e-14 * minimum.value


def test_the_lassos_minimum_is_that_of_another_solver_to_twelve_digits():
    """Accelerated proximal gradients share nothing with the solver behind the reference."""
    for problem in problems()[1:]:
        inputs, targets = (array.numpy() for array in problem.data["train"])
        curvature, right = inputs.T @ inputs / len(targets), inputs.T @ targets / len(targets)
        lipschitz = np.linalg.eigvalsh(curvature)[-1]
        x = ahead = np.zeros(problem.size)
        momentum = 1.0
        for _ in range(20_000):
            free = ahead - (curvature @ ahead - right) / lipschitz
            following = np.sign(free) * np.maximum(np.abs(free) - problem.penalty / lipschitz, 0)
            if (following - x) @ (ahead - following) > 0:
                momentum = 1.0
            faster = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            ahead = following + (momentum - 1) / faster * (following - x)
            x, momentum = following, faster
        value = float(problem.value(torch.from_numpy(x)))
        assert value == pytest.approx(problem.f_star, rel=1e-12, abs=0)


def test_the_ridge_minimum_is_that_of_scikit_learn_to_twelve_digits():
    problem = problems()[0]
    inputs, targets = (array.numpy() for array in problem.data["train"])
    model = linear_model.Ridge(alpha=problem.penalty * len(targets), fit_intercept=False, solver="cholesky")
    value = float(problem.value(torch.from_numpy(model.fit(inputs, targets).coef_)))
    assert value == pytest.approx(problem.f_star, rel=1e-12, abs=0)
    assert ridge_minimum(inputs, targets, problem.penalty).gap <= 1e-16


@pytest.mark.parametrize("minimum", [lasso_minimum, ridge_minimum])
def test_what_is_not_certified_is_no_minimum(minimum, monkeypatch):
    inputs, targets = (array.numpy() for array in problems()[1].data["train"])
    monkeypatch.setattr(np.linalg, "lstsq", lambda matrix, right: (np.full(matrix.shape[1], 1e-3), None))
    with pytest.raises(ArithmeticError, match="no certified minimum"):
        minimum(inputs, targets, 0.1)


def test_at_the_largest_weight_the_minimum_is_at_zero_and_below_it_is_not():
    for l1, vanishes in ((1.0, True), (0.98, False)):
        problem = lasso_diabetes(**place(), l1=l1, batch_size=0)
        at_zero = float(problem.value(problem.start(None).parameters))
        assert (problem.f_star == pytest.approx(at_zero, rel=1e-14)) == vanishes


def test_the_targets_of_a_recovery_come_from_few_coefficients():
    problem = lasso_recovery(**place(), **{**RECOVERY, "noise": 0.0}, l1=0.01, batch_size=0)
    inputs, targets = (array.numpy() for array in problem.data["train"])
    found = lasso_minimum(inputs, targets, problem.penalty).point
    large = np.flatnonzero(np.abs(found) > 0.5)
    truth = np.zeros(60)
    truth[large] = np.sign(found[large])
    assert len(large) == 5
    for split in ("train", "test"):
        inputs, targets = (array.numpy() for array in problem.data[split])
        np.testing.assert_allclose(inputs @ truth, targets, atol=1e-13)


def test_the_seed_draws_another_recovery():
    first, again, other = (
        lasso_recovery(**place(seed=seed), **RECOVERY, l1=0.1, batch_size=0).data["train"][0] for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_single_precision_has_the_minimum_of_its_own_rounded_data():
    for factory, options in ((ridge_diabetes, {"l2": 1e-3}), (lasso_diabetes, {"l1": 0.02})):
        single, double = (
            factory(**place(dtype=dtype), **options, batch_size=0) for dtype in (torch.float32, torch.float64)
        )
        assert single.value(single.start(None).parameters).dtype is torch.float32
        assert single.f_star != double.f_star
        assert single.f_star == pytest.approx(double.f_star, rel=1e-5)


def test_sizes_and_targets_of_the_diabetes_data():
    problem = problems()[1]
    assert (problem.examples, problem.size) == (332, 64)
    assert len(problem.data["test"][1]) == 110
    inputs, targets = problem.data["train"]
    torch.testing.assert_close(inputs.square().mean(0), torch.ones(64, dtype=torch.float64))
    assert float(targets.mean()) == pytest.approx(0, abs=1e-14)
    assert np.linalg.matrix_rank(inputs.numpy()) == 64


def test_the_diabetes_features_are_measurements_and_their_products():
    raw = np.vstack((diabetes()["x_train"], diabetes()["x_test"]))
    assert len(raw) == 442
    pairs = [pair for pair in itertools.combinations_with_replacement(range(10), 2) if pair != (1, 1)]  # 1: the sex
    products = np.array([raw[:, first] * raw[:, second] for first, second in pairs])
    np.testing.assert_allclose(raw[:, 10:].T, products, rtol=1e-12)


def test_minibatches_average_to_the_whole():
    problem = problems()[1]
    x = torch.arange(problem.size, dtype=torch.float64).cos() / 10
    halves = torch.arange(problem.examples).view(2, -1)
    both = sum(problem.gradient(x, half) for half in halves) / 2
    torch.testing.assert_close(both, problem.gradient(x), rtol=1e-11, atol=1e-14)
    small_batches = lasso_diabetes(**place(), l1=0.02, batch_size=32)
    assert {len(batch) for batch in itertools.islice(small_batches.batches(SeededStreams(3)), 20)} == {32, 12}
    assert problem.batches(SeededStreams(3)) is None


def test_more_examples_than_there_are_is_the_users_mistake():
    with pytest.raises(UserError, match="1 to 332 examples"):
        lasso_diabetes(**place(), l1=0.02, batch_size=333)


def test_evaluate_leaves_the_penalty_out():
    problem = problems()[1]
    point = problem.start(None)
    assert problem.evaluate(point, "train")["loss"] == pytest.approx(0.5)
    assert least_vanishing(problem.data) == pytest.approx(problem.penalty / 0.02)
