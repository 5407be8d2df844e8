"""The stream of examples and the regression on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from optbench_testfunctions import optbench_problems
from optbench_testfunctions import streaming as module
from optbench_testfunctions.streaming import StreamingLeastSquares, make_streaming_least_squares
from scipy.optimize import approx_fprime
from torch.autograd.functional import hessian

PLUGIN = next(plugin for plugin in optbench_problems() if plugin.name == "streaming-least-squares")


def streams(purpose: str, name: str = "") -> torch.Generator:
    return torch.Generator().manual_seed(sum(f"{purpose}/{name}".encode()))


def build(
    n: int = 5,
    noise: float = 0.5,
    condition: float = 10.0,
    batch_size: int = 4,
    dtype: torch.dtype = torch.float64,
    seeded: Any = streams,
) -> StreamingLeastSquares:
    return make_streaming_least_squares(
        device=torch.device("cpu"),
        dtype=dtype,
        streams=seeded,
        n=n,
        noise=noise,
        condition=condition,
        batch_size=batch_size,
    )


def minibatches(problem: StreamingLeastSquares) -> Iterator[torch.Tensor]:
    found = problem.batches(streams)
    assert found is not None
    return found


def somewhere(n: int) -> torch.Tensor:
    return torch.arange(n, dtype=torch.float64).cos()


@pytest.mark.parametrize("in_closed_form", [True, False])
def test_gradient_agrees_with_finite_differences_of_the_value(in_closed_form: bool) -> None:
    problem = build()
    batch = None if in_closed_form else next(minibatches(problem))
    x = somewhere(5)
    expected = approx_fprime(x.numpy(), lambda x: float(problem.value(torch.from_numpy(x.copy()), batch)), 1e-7)
    assert problem.gradient(x, batch).numpy() == pytest.approx(expected, rel=1e-5)
    value, gradient = problem.value_and_gradient(x, batch)
    torch.testing.assert_close(value, problem.value(x, batch), rtol=1e-13, atol=0)
    torch.testing.assert_close(gradient, problem.gradient(x, batch), rtol=0, atol=0)


@pytest.mark.parametrize("in_closed_form", [True, False])
def test_curvature_agrees_with_autograd_of_the_value(in_closed_form: bool) -> None:
    problem = build()
    batch = None if in_closed_form else next(minibatches(problem))
    x, v = somewhere(5), somewhere(5).sin()
    matrix = hessian(lambda x: problem.value(x, batch), x)
    torch.testing.assert_close(problem.hessian_vector(x, v, batch), matrix @ v, rtol=1e-12, atol=1e-12)


def test_the_closed_form_is_the_mean_over_many_examples() -> None:
    problem = build(n=3, batch_size=200_000)
    batch, x = next(minibatches(problem)), somewhere(3)
    assert float(problem.value(x, batch)) == pytest.approx(float(problem.value(x)), rel=0.02)
    torch.testing.assert_close(problem.gradient(x, batch), problem.gradient(x), rtol=0.02, atol=0.02)


def test_the_minimum_is_the_variance_of_the_noise_and_the_start_is_one_above_it() -> None:
    problem = build(noise=0.5)
    assert problem.f_star == 0.25
    assert float(problem.value(problem.minimiser)) == 0.25
    assert float(problem.value(problem.start(streams).parameters)) == pytest.approx(1.25, rel=1e-13)


def test_examples_never_repeat_and_follow_one_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_NUMBERS", 30)  # chunks of 6 examples: minibatches of 4 lie across two
    problem = build()
    found = minibatches(problem)
    rows = []
    for first in range(0, 20, 4):
        batch = next(found)
        assert batch.tolist() == list(range(first, first + 4))
        rows += [tuple(row) for row in problem._look_up(batch)[0].tolist()]
    assert len(set(rows)) == 20


def test_any_minibatch_can_be_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK_NUMBERS", 30)
    problem, x = build(), somewhere(5)
    found = minibatches(problem)
    seen = [(batch := next(found), problem.value(x, batch)) for _ in range(5)]
    fresh = build()
    for batch, value in reversed(seen):
        assert float(problem.value(x, batch)) == float(fresh.value(x, batch.clone())) == float(value)
    scattered = torch.tensor([13, 2, 13])
    alone = [float(fresh.value(x, torch.tensor([number]))) for number in (13, 2, 13)]
    assert float(fresh.value(x, scattered)) == pytest.approx(sum(alone) / 3, rel=1e-13)


def test_examples_depend_on_the_seed_but_not_on_how_they_are_cut_into_minibatches() -> None:
    x = somewhere(5)
    ones, fours = minibatches(one := build(batch_size=1)), minibatches(four := build(batch_size=4))
    together = float(four.value(x, next(fours)))
    assert together == pytest.approx(sum(float(one.value(x, next(ones))) for _ in range(4)) / 4, rel=1e-13)
    other = build(seeded=lambda purpose, name="": torch.Generator().manual_seed(7))
    assert float(other.value(x, next(minibatches(other)))) != together


def test_drawing_the_minibatch_in_force_again_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = build()
    batch = next(minibatches(problem))
    monkeypatch.setattr(problem, "_draw", None)  # a look-up would fail, and on an accelerator wait for the host
    again = problem.gradient(somewhere(5), batch)
    assert torch.equal(again, build().gradient(somewhere(5), batch.clone()))


def test_covariance_has_the_stated_condition() -> None:
    matrix = hessian(build(n=6, condition=50.0).value, somewhere(6))
    eigenvalues = torch.linalg.eigvalsh(matrix) / 2
    assert (float(eigenvalues[0]), float(eigenvalues[-1])) == pytest.approx((1 / 50, 1.0))
    assert int((matrix.abs() > 1e-6).sum()) == 36  # dense: no coordinate is an eigenvector


def test_without_minibatches_every_evaluation_is_of_the_full_objective() -> None:
    assert build(batch_size=0).batches(streams) is None
    assert PLUGIN.depends_on_seed({"batch_size": 1})
    assert not PLUGIN.depends_on_seed({"batch_size": 0})


def test_single_precision_stays_single() -> None:
    problem = build(dtype=torch.float32)
    batch, x = next(minibatches(problem)), problem.start(streams).parameters
    tensors = (x, *problem.value_and_gradient(x), *problem.value_and_gradient(x, batch))
    assert {tensor.dtype for tensor in tensors} == {torch.float32}
