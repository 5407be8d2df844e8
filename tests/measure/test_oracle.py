"""The counting oracle: what is counted, what is free, what is refused, what is on the clock."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from optbench.api import Panel, StopTrial, UndeclaredEvaluation
from optbench.measure.event_log import EventLog
from optbench.measure.ledger import StageLimits
from optbench.measure.scalars import DeviceScalars, Thresholds
from tests.measure.fakes import Bowl, NoisyBowl, Rig, Tick

Build = Callable[..., Rig]


def test_value_and_gradient_adds_one_to_each_count(rig: Build) -> None:
    r = rig(Bowl())

    r.oracle.value_and_gradient(torch.ones(3, dtype=torch.float64))

    assert (r.ledger.counts["value"], r.ledger.counts["gradient"]) == (1, 1)
    assert r.ledger.evaluations == 1


def test_the_same_point_is_free_and_uncounted(rig: Build) -> None:
    r, x = rig(problem := Bowl()), torch.ones(3, dtype=torch.float64)

    first = r.oracle.value_and_gradient(x)
    calls = problem.calls
    again = (r.oracle.value(x), r.oracle.gradient(x), *r.oracle.value_and_gradient(x))

    assert problem.calls == calls
    assert r.ledger.counts["value"] == r.ledger.counts["gradient"] == 1
    assert again[0] is first[0]
    assert again[1] is first[1]


def test_a_point_changed_in_place_is_another_point(rig: Build) -> None:
    r, x = rig(Bowl()), torch.ones(3, dtype=torch.float64)

    before = float(r.oracle.value(x))
    x.mul_(2.0)

    assert float(r.oracle.value(x)) == 4 * before
    assert r.ledger.counts["value"] == 2


def test_a_view_of_the_same_storage_at_another_offset_is_another_point(rig: Build) -> None:
    r, both = rig(Bowl(size=2)), torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)

    values = [float(r.oracle.value(both[:2])), float(r.oracle.value(both[1:]))]

    assert values == [2.5, 6.5]


def test_numpy_points_are_remembered_by_their_bytes(rig: Build) -> None:
    r, x = rig(Bowl()), np.ones(3)

    r.oracle.value(x)
    r.oracle.value(x.copy())
    x[0] = 5.0
    changed = float(r.oracle.value(x))

    assert r.ledger.counts["value"] == 2
    assert changed == 13.5


def test_a_tensor_over_numpy_memory_is_never_taken_for_the_same_point(rig: Build) -> None:
    """Numpy can change it without a version."""
    r, memory = rig(Bowl()), np.ones(3)
    x = torch.from_numpy(memory)

    r.oracle.value(x)
    memory[0] = 5.0

    assert float(r.oracle.value(x)) == 13.5


def test_a_value_that_came_with_the_gradient_counts_when_it_is_asked_for_but_is_not_computed_again(rig: Build) -> None:
    r, x = rig(problem := Bowl()), torch.ones(3, dtype=torch.float64)

    r.oracle.gradient(x)
    calls = problem.calls
    value = r.oracle.value(x)

    assert problem.calls == calls
    assert float(value) == 1.5
    assert (r.ledger.counts["value"], r.ledger.counts["gradient"]) == (1, 1)


def test_another_minibatch_is_another_evaluation(rig: Build) -> None:
    r, x = rig(NoisyBowl(), stochastic=True), torch.zeros(1, dtype=torch.float64)

    r.oracle.set_batch(torch.tensor([0, 1]))
    first = float(r.oracle.value(x))
    r.oracle.set_batch(torch.tensor([2, 3]))
    second = float(r.oracle.value(x))

    assert (first, second) == (0.25, 3.25)
    assert r.ledger.examples == 4


def test_an_undeclared_evaluation_is_refused_by_name(rig: Build) -> None:
    r = rig(Bowl(), declared=frozenset({"gradient"}))

    with pytest.raises(UndeclaredEvaluation, match="asked for 'value', its record declares gradient"):
        r.oracle.value(torch.ones(3, dtype=torch.float64))


def test_the_budget_is_never_exceeded(rig: Build) -> None:
    r = rig(Bowl(), limits=StageLimits(evaluations=5))

    with pytest.raises(StopTrial):
        for step in range(100):
            r.oracle.value_and_gradient(torch.full((3,), float(step), dtype=torch.float64))

    assert r.ledger.evaluations == 5
    assert r.ledger.stopped == "evaluations"
    with pytest.raises(StopTrial):
        r.oracle.value(torch.zeros(3, dtype=torch.float64))


def test_an_evaluation_that_counts_more_than_what_is_left_is_not_begun(rig: Build) -> None:
    problem = Bowl()
    problem.points_per_evaluation = 16  # type: ignore[attr-defined]
    r = rig(problem, limits=StageLimits(evaluations=40))
    x = torch.zeros(3, dtype=torch.float64)

    with pytest.raises(StopTrial):
        for step in range(3):
            r.oracle.value(x + step)
    assert (r.ledger.evaluations, r.ledger.stopped) == (32, "evaluations")


def test_the_clocked_budget_stops_before_the_next_evaluation(rig: Build) -> None:
    clock = Tick()
    r = rig(Bowl(clock=clock, cost=2.0), clock=clock, limits=StageLimits(seconds=5.0))

    with pytest.raises(StopTrial):
        for step in range(100):
            r.oracle.value(torch.full((3,), float(step), dtype=torch.float64))

    assert r.ledger.counts["value"] == 3
    assert r.ledger.stopped == "seconds"


def test_only_the_evaluation_is_on_the_clock(rig: Build) -> None:
    """Every reading of this clock moves it by 1 s, an evaluation by 1000 s: what the oracle itself does is left out."""
    clock = Tick(step=1.0)
    r = rig(Bowl(clock=clock, cost=1000.0), clock=clock)

    for step in range(3):
        r.oracle.value(torch.full((3,), float(step), dtype=torch.float64))
    seconds = r.log.trace()["seconds"]

    steps = [after - before for before, after in itertools.pairwise(seconds)]
    assert all(1000.0 <= step <= 1003.0 for step in steps)


def test_what_evaluations_take_of_the_clock_is_known_and_answers_from_memory_take_nothing(rig: Build) -> None:
    clock = Tick(step=1.0)
    r = rig(Bowl(clock=clock, cost=1000.0), clock=clock)
    x = torch.ones(3, dtype=torch.float64)

    for _ in range(3):
        r.oracle.value(x)

    assert r.ledger.evaluating == 1001.0


def test_the_log_has_the_value_of_a_method_that_asks_for_gradients_only(rig: Build) -> None:
    class OwnGradient(Bowl):
        def gradient(self, x: Tensor) -> Tensor:
            return x.clone()

    r = rig(OwnGradient())

    r.oracle.gradient(torch.tensor([3.0, -4.0, 0.0], dtype=torch.float64))
    trace = r.log.trace()

    assert (trace["value"][0], trace["gradient_norm"][0]) == (12.5, 4.0)
    assert trace["value_count"][0] == 0


def test_the_target_stops_the_trial_once_it_is_reached(rig: Build) -> None:
    r = rig(Bowl(), thresholds=Thresholds(value=1.0, gradient_norm=0.1))

    r.oracle.value_and_gradient(torch.full((3,), 0.5, dtype=torch.float64))
    with pytest.raises(StopTrial):
        r.oracle.value_and_gradient(torch.full((3,), 0.01, dtype=torch.float64))

    assert r.ledger.stopped == "target"


def test_writing_into_a_returned_gradient_is_an_error_that_says_so(rig: Build) -> None:
    r, x = rig(Bowl()), torch.ones(3, dtype=torch.float64)
    r.oracle.gradient(x).mul_(2.0)

    with pytest.raises(RuntimeError, match="wrote into the gradient"):
        r.oracle.gradient(x)


def test_derivatives_agree_with_their_definition(rig: Build) -> None:
    class Quartic(Bowl):
        def value(self, x: Tensor) -> Tensor:
            return (x**4).sum() + x[0] * x[1]

    r = rig(Quartic())
    x, v = torch.tensor([1.0, 2.0, -1.0], dtype=torch.float64), torch.tensor([1.0, -1.0, 2.0], dtype=torch.float64)
    dense = torch.diag(12 * x**2)
    dense[0, 1] = dense[1, 0] = 1.0

    torch.testing.assert_close(r.oracle.hessian(x), dense)
    torch.testing.assert_close(r.oracle.hessian_vector(x, v), dense @ v)
    torch.testing.assert_close(r.oracle.gradient(x), 4 * x**3 + torch.tensor([2.0, 1.0, 0.0], dtype=torch.float64))


def test_a_linear_function_has_a_zero_hessian_product(rig: Build) -> None:
    class Linear(Bowl):
        def value(self, x: Tensor) -> Tensor:
            return x.sum()

    product = rig(Linear()).oracle.hessian_vector(
        torch.ones(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    )

    assert product.tolist() == [0.0, 0.0, 0.0]


def test_a_nan_value_never_becomes_the_best(rig: Build) -> None:
    r = rig(Bowl())

    r.oracle.value(torch.ones(3, dtype=torch.float64))
    r.oracle.value(torch.full((3,), math.nan, dtype=torch.float64))

    assert r.scalars.best_value == 1.5
    assert r.scalars.best_point is not None
    assert r.scalars.best_point.tolist() == [1.0, 1.0, 1.0]


def test_a_batch_of_points_counts_each(rig: Build) -> None:
    r = rig(Bowl())
    points = torch.arange(6.0, dtype=torch.float64).reshape(2, 3)

    values, gradients = r.oracle.value_and_gradient(points)

    assert values.tolist() == [2.5, 25.0]
    assert gradients.tolist() == points.tolist()
    assert (r.ledger.counts["value"], r.ledger.counts["gradient"]) == (2, 2)


def test_a_point_of_the_wrong_size_is_an_error_that_says_so(rig: Build) -> None:
    with pytest.raises(ValueError, match=r"shape \(2,\); expected \(3,\)"):
        rig(Bowl()).oracle.value(torch.ones(2, dtype=torch.float64))


class Line(Bowl):
    """½|r|² with the residuals r = (x − 1, x − 3)."""

    def residuals(self, x: Tensor) -> Tensor:
        return torch.stack([x[0] - 1.0, x[0] - 3.0])

    def value(self, x: Tensor) -> Tensor:
        return 0.5 * (self.residuals(x) ** 2).sum()


def test_residuals_and_jacobians_are_counted_in_the_log_too(rig: Build) -> None:
    """A method that asks for nothing else has its evaluations there, and its curve."""
    r = rig(Line(size=1))

    for x in (0.0, 2.0):
        r.oracle.residuals(torch.tensor([x], dtype=torch.float64))
    r.oracle.jacobian(torch.tensor([2.0], dtype=torch.float64))
    trace = r.log.trace()

    assert list(trace["residuals_count"]) == [1, 2, 2]
    assert list(trace["jacobian_count"]) == [0, 0, 1]
    assert list(trace["value"]) == [5.0, 1.0, 1.0]
    assert sum(trace["value_count"]) == 0


@pytest.mark.parametrize("factor", [0.5, 1.0])
@pytest.mark.parametrize("differentiable", [True, False])
def test_gauss_newton_products_are_those_of_the_dense_matrix_of_f(
    factor: float, differentiable: bool, rig: Build
) -> None:
    """f = ½‖r‖² or ‖r‖²; each product counts as one with the Hessian, by autograd or by the problem's own Jacobian."""

    class Curves(Bowl):
        def residuals(self, x: Tensor) -> Tensor:
            return torch.stack([x[0] * x[1] - 1.0, x[2].exp(), x.sum(), x[0] ** 3])

        def jacobian(self, x: Tensor) -> Tensor:
            return torch.func.jacrev(self.residuals)(x)

        def value(self, x: Tensor) -> Tensor:
            return factor * (self.residuals(x) ** 2).sum()

    problem = Curves()
    problem.differentiable = differentiable
    r = rig(problem)
    x = torch.tensor([0.7, -1.2, 0.4], dtype=torch.float64)
    jacobian = torch.func.jacrev(problem.residuals)(x)
    for v in torch.eye(3, dtype=torch.float64):
        expected = 2 * factor * jacobian.T @ (jacobian @ v)
        torch.testing.assert_close(r.oracle.gauss_newton_vector(x, v), expected, rtol=1e-13, atol=1e-13)
    assert (r.ledger.counts["hessian_vector"], r.ledger.counts["jacobian"]) == (3, 0)


def test_residuals_that_vanish_where_products_are_first_asked_for_do_not_decide_which_square_f_is(rig: Build) -> None:
    class Plain(Bowl):
        def residuals(self, x: Tensor) -> Tensor:
            return 3 * x

        def value(self, x: Tensor) -> Tensor:
            return 4.5 * x.dot(x)

    r, ones = rig(Plain()), torch.ones(3, dtype=torch.float64)
    r.oracle.gauss_newton_vector(torch.zeros(3, dtype=torch.float64), ones)
    assert r.oracle.gauss_newton_vector(ones, ones).tolist() == [9.0, 9.0, 9.0]


def test_gauss_newton_products_need_residuals_or_the_problems_own(rig: Build) -> None:
    assert "gauss_newton_vector" not in rig(Bowl()).oracle.offers
    assert "gauss_newton_vector" in rig(Line(size=1)).oracle.offers


def test_a_jacobian_is_logged_with_the_gradients_norm_which_is_not_counted(rig: Build) -> None:
    """So that targets of the gradient are reached by methods that never ask for one."""
    r = rig(Line(size=1))

    x = torch.tensor([5.0], dtype=torch.float64)
    r.oracle.residuals(x)
    r.oracle.jacobian(x)
    trace = r.log.trace()

    assert list(trace["gradient_norm"])[1] == 6.0
    assert sum(trace["gradient_count"]) == 0


def test_a_jacobian_where_there_is_no_gradient_is_logged_without(rig: Build) -> None:
    class Numbers(Line):
        differentiable = False

        def jacobian(self, x: Tensor) -> Tensor:
            return torch.ones(2, 1, dtype=x.dtype)

    r = rig(Numbers(size=1))
    r.oracle.jacobian(torch.tensor([5.0], dtype=torch.float64))
    assert math.isnan(r.log.trace()["gradient_norm"][0])


def test_a_loss_without_forward_mode_has_its_hessian(rig: Build) -> None:
    """torch's mse_loss and huber_loss can't be differentiated forwards over their gradients."""

    class Fit(Bowl):
        def value(self, x: Tensor) -> Tensor:
            return torch.nn.functional.mse_loss(x**3, torch.ones_like(x), reduction="sum")

    x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    expected = torch.diag(30 * x**4 - 12 * x)
    assert torch.allclose(rig(Fit()).oracle.hessian(x), expected)


def test_a_scalar_times_a_number_keeps_its_float_type_in_a_hessian(rig: Build) -> None:
    """In torch, the tangent of a float32 scalar times a number is float64 under vmap."""

    class Scaled(Bowl):
        def value(self, x: Tensor) -> Tensor:
            residuals = torch.stack((x[0].square() * 2.0, x[1]))
            return residuals.dot(residuals)

    hessian = rig(Scaled(2)).oracle.hessian(torch.tensor([1.0, 2.0], dtype=torch.float32))
    assert hessian.dtype == torch.float32
    assert hessian.tolist() == [[48.0, 0.0], [0.0, 2.0]]


class Panelled(NoisyBowl):
    """States that it is a parabola; its gram is twice that of a minibatch."""

    panels: Mapping[str, Panel] = {"x": Panel()}
    coordinate_blocks = (slice(0, 1),)

    def gram(self, x: Tensor, name: str, batch: Tensor | None = None) -> Tensor:
        return torch.eye(1, dtype=x.dtype) * (1.0 if batch is None else 2.0)


def test_what_a_problem_states_of_its_structure_is_passed_on(rig: Build) -> None:
    stated, plain = rig(Panelled()).oracle, rig(Bowl()).oracle

    assert (stated.panels, stated.coordinate_blocks) == ({"x": Panel()}, (slice(0, 1),))
    assert (plain.panels, plain.coordinate_blocks) == ({}, ())


def test_a_gram_counts_as_a_hessian_and_is_that_of_the_minibatch_in_force(rig: Build) -> None:
    r, x = rig(Panelled(), stochastic=True), torch.zeros(1, dtype=torch.float64)

    whole = float(r.oracle.gram(x, "x"))
    r.oracle.set_batch(torch.tensor([0, 1]))

    assert (whole, float(r.oracle.gram(x, "x"))) == (1.0, 2.0)
    assert r.ledger.counts["hessian"] == 2
    with pytest.raises(UndeclaredEvaluation, match="asked for 'hessian'"):
        rig(Panelled(), declared=frozenset({"value", "gradient"})).oracle.gram(x, "x")


class Pair(Bowl):
    """½|x|² of two tensors, whose gradient comes flat, or by tensors, without ever being gathered."""

    layout: ClassVar[dict[str, tuple[int, tuple[int, ...]]]] = {"matrix": (0, (2, 2)), "vector": (4, (2,))}

    def __init__(self) -> None:
        super().__init__(6)
        self.asked: list[str] = []

    def value_and_gradient(self, x: Tensor) -> tuple[Tensor, Tensor]:
        self.asked.append("flat")
        return 0.5 * x.dot(x), x.clone()

    def value_and_gradient_tensors(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        self.asked.append("tensors")
        return 0.5 * x.dot(x), (x[:4].reshape(2, 2).clone(), x[4:].clone())


def test_a_gradient_by_tensors_is_the_gradient_in_the_layouts_shapes_and_counts_as_one(rig: Build) -> None:
    problem, x = Pair(), torch.arange(-6.0, 0.0, dtype=torch.float64)
    made = rig(problem, layout=Pair.layout)

    tensors = made.oracle.gradient_tensors(x)

    assert [tuple(tensor.shape) for tensor in tensors] == [(2, 2), (2,)]
    assert torch.equal(torch.cat([tensor.reshape(-1) for tensor in tensors]), x)
    assert (made.ledger.counts["value"], made.ledger.counts["gradient"]) == (0, 1)
    row = made.log.trace()
    assert (float(row["value"][0]), float(row["gradient_norm"][0])) == (0.5 * 91, 6.0)


def test_flat_and_by_tensors_are_one_question(rig: Build) -> None:
    for first, second in (("gradient", "gradient_tensors"), ("gradient_tensors", "gradient")):
        problem, x = Pair(), torch.arange(6.0, dtype=torch.float64)
        made = rig(problem, layout=Pair.layout)

        answers = {kind: getattr(made.oracle, kind)(x) for kind in (first, second, first)}
        value, gradient = made.oracle.value_and_gradient(x)

        assert torch.equal(torch.cat([tensor.reshape(-1) for tensor in answers["gradient_tensors"]]), x)
        assert torch.equal(answers["gradient"], x)
        assert torch.equal(gradient, x)
        assert float(value) == 27.5
        assert len(problem.asked) == 1
        assert (made.ledger.counts["value"], made.ledger.counts["gradient"]) == (1, 1)


def test_a_gradient_by_tensors_of_a_problem_without_is_made_of_views(rig: Build) -> None:
    made, x = rig(Bowl(6), layout=Pair.layout), torch.arange(6.0, dtype=torch.float64)
    matrix, vector = made.oracle.gradient_tensors(x)
    assert torch.equal(matrix, x[:4].view(2, 2))
    assert matrix.untyped_storage().data_ptr() == vector.untyped_storage().data_ptr()
    assert rig(Bowl(3)).oracle.gradient_tensors(torch.ones(3, dtype=torch.float64))[0].shape == (3,)


def test_writing_into_one_of_the_gradients_tensors_is_an_error_that_says_so(rig: Build) -> None:
    made, x = rig(Pair(), layout=Pair.layout), torch.ones(6, dtype=torch.float64)
    made.oracle.gradient_tensors(x)[1].zero_()
    with pytest.raises(RuntimeError, match="wrote into the gradient"):
        made.oracle.gradient_tensors(x)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_the_norm_of_a_gradient_by_tensors_shows_what_is_not_finite(rig: Build, bad: float) -> None:
    made = rig(Pair(), layout=Pair.layout)
    made.oracle.gradient_tensors(torch.tensor([1.0, 2.0, 3.0, bad, 5.0, 6.0], dtype=torch.float64))
    norm = float(made.log.trace()["gradient_norm"][0])
    assert math.isnan(norm) if math.isnan(bad) else norm == math.inf
    assert made.scalars.doubtful


def test_on_a_device_the_norm_of_a_gradient_by_tensors_is_that_of_all_of_it() -> None:
    log = EventLog(capacity=10)
    scalars = DeviceScalars(log, Thresholds(), keep_best=False, device=torch.device("cpu"), dtype=torch.float64)
    x = torch.zeros(3, dtype=torch.float64)
    for gradient in ((x + 1, x - 5, x), (x + 2,), (x, x + math.nan), x - 3):
        scalars.logged((0.0,) * 9, (0.0, 0.0, 0.0), x, None, gradient)
    scalars.flush()
    assert [str(float(norm)) for norm in log.trace()["gradient_norm"]] == ["5.0", "2.0", "nan", "3.0"]


def test_an_objective_that_is_made_of_another_counts_each_point_of_that_one(rig: Build) -> None:
    problem = NoisyBowl()
    problem.points_per_evaluation = 16  # type: ignore[attr-defined]
    r = rig(problem)

    r.oracle.set_batch(torch.tensor([0, 2]))
    r.oracle.gradient(torch.ones(1, dtype=torch.float64))

    assert (r.ledger.counts["gradient"], r.ledger.counts["value"], r.ledger.examples) == (16, 0, 32)
