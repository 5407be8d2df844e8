"""Logistic and softmax regression: closed forms against autograd, and the certified minimum."""

from __future__ import annotations

import itertools

import pytest
import torch
from optbench_learning.convex import LogisticRegression, SoftmaxRegression
from optbench_learning.problems import logistic_breast_cancer, softmax_digits
from optbench_learning.reference import newton_minimum
from scipy.optimize import minimize
from torch.autograd.functional import hessian
from torch.nn.functional import cross_entropy

from optbench.api import UserError
from optbench.api.streams import SeededStreams

L2 = 0.03
FACTORIES = pytest.mark.parametrize("factory", [logistic_breast_cancer, softmax_digits])


def make(factory, *, dtype=torch.float64, l2=1e-3, batch_size=0):
    return factory(device=torch.device("cpu"), dtype=dtype, streams=None, l2=l2, batch_size=batch_size)


def small(cls):
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(30, 4, generator=generator, dtype=torch.float64)
    if cls is LogisticRegression:
        return LogisticRegression({"train": (inputs, torch.arange(30) % 2)}, l2=L2)
    return SoftmaxRegression({"train": (inputs, torch.arange(30) % 3)}, classes=3, l2=L2)


def plain(problem, batch):
    """The objective from its definition: mean cross-entropy of the scores plus the penalty."""
    inputs, targets = problem.data["train"]
    if batch is not None:
        inputs, targets = inputs[batch], targets[batch]
    return lambda x: cross_entropy(problem.scores(x, inputs), targets) + 0.5 * L2 * x.dot(x)


@pytest.mark.parametrize("batch", [None, torch.tensor([2, 29, 11, 4])])
@pytest.mark.parametrize("cls", [LogisticRegression, SoftmaxRegression])
def test_closed_forms_agree_with_autograd(cls, batch):
    problem = small(cls)
    objective = plain(problem, batch)
    x = torch.arange(problem.size, dtype=torch.float64).cos()
    v = torch.arange(problem.size, dtype=torch.float64).sin()
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(leaf), leaf)
    curvature = hessian(objective, x)
    value, found = problem.value_and_gradient(x, batch)
    torch.testing.assert_close(value, objective(x), rtol=1e-13, atol=0)
    torch.testing.assert_close(problem.value(x, batch), value, rtol=1e-14, atol=0)
    torch.testing.assert_close(found, gradient, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(problem.gradient(x, batch), gradient, rtol=1e-12, atol=1e-15)
    torch.testing.assert_close(problem.hessian(x, batch), curvature, rtol=1e-11, atol=1e-14)
    torch.testing.assert_close(problem.hessian_vector(x, v, batch), curvature @ v, rtol=1e-11, atol=1e-14)


def test_far_from_zero_the_logistic_loss_keeps_its_digits():
    problem = LogisticRegression({"train": (torch.ones(2, 1, dtype=torch.float64), torch.tensor([1, 1]))}, l2=0.0)
    x = torch.tensor([30.0], dtype=torch.float64)
    assert float(problem.value(x)) == pytest.approx(9.357622968839299e-14, rel=1e-12)  # log(1 + e⁻³⁰)
    assert float(problem.value(-x)) == pytest.approx(30, rel=1e-12)


@FACTORIES
def test_minimum_is_certified_by_its_gradient(factory):
    problem = make(factory)
    minimum = newton_minimum(problem)
    start = problem.start(None).parameters
    assert minimum.gradient_norm <= 1e-14 * float(problem.gradient(start).norm())
    assert minimum.gap <= 1e-16 * problem.f_star
    assert problem.f_star == minimum.value
    assert problem.f_star_source == "exact"
    assert float(torch.linalg.eigvalsh(problem.hessian(minimum.point))[0]) >= problem.l2 * (1 - 1e-9)


@FACTORIES
def test_another_solver_ends_at_the_same_minimum(factory):
    problem = make(factory, l2=0.1)

    def value_and_gradient(x):
        value, gradient = problem.value_and_gradient(torch.from_numpy(x.copy()))
        return float(value), gradient.numpy()

    options = {"gtol": 1e-10, "ftol": 0, "maxiter": 2000, "maxfun": 4000}
    found = minimize(
        value_and_gradient, problem.start(None).parameters.numpy(), jac=True, method="L-BFGS-B", options=options
    )
    assert found.fun - problem.f_star == pytest.approx(0, abs=1e-13)


@FACTORIES
def test_single_precision_has_the_minimum_of_its_own_rounded_data(factory):
    single, double = make(factory, dtype=torch.float32), make(factory)
    assert single.value(single.start(None).parameters).dtype is torch.float32
    assert single.f_star != double.f_star
    assert single.f_star == pytest.approx(double.f_star, rel=1e-5)


@FACTORIES
def test_sizes_and_start(factory):
    problem = make(factory)
    assert (problem.examples, problem.size) in {(427, 31), (1348, 650)}
    point = problem.start(None)
    assert not point.parameters.any()
    classes = 2 if problem.size == 31 else 10
    assert float(problem.value(point.parameters)) == pytest.approx(torch.tensor(float(classes)).log().item(), rel=1e-6)


@FACTORIES
def test_minibatches_average_to_the_whole(factory):
    problem = make(factory)
    x = torch.arange(problem.size, dtype=torch.float64).cos() / 10
    halves = torch.arange(problem.examples // 2 * 2).view(2, -1)
    both = sum(problem.gradient(x, half) for half in halves) / 2
    torch.testing.assert_close(both, problem.gradient(x, halves.flatten()), rtol=1e-11, atol=1e-14)


def test_batch_size_option_gives_repeatable_minibatches():
    assert make(softmax_digits).batches(SeededStreams(0)) is None
    problem = make(softmax_digits, batch_size=32)
    first, again = (list(itertools.islice(problem.batches(SeededStreams(3)), 50)) for _ in range(2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert {len(batch) for batch in first} == {32, 4}


def test_more_examples_than_there_are_is_the_users_mistake():
    with pytest.raises(UserError, match="1 to 427 examples"):
        make(logistic_breast_cancer, batch_size=428)


def test_evaluate_measures_the_test_set():
    problem = make(softmax_digits)
    point = problem.start(None)
    best = type(point)(parameters=newton_minimum(problem).point)
    assert problem.evaluate(point, "test")["loss"] == pytest.approx(2.302585, rel=1e-6)
    assert problem.evaluate(best, "test")["accuracy"] > 0.9
    assert problem.evaluate(best, "train")["loss"] < problem.f_star  # the penalty is left out
