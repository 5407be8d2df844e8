"""What is ours of the stochastic methods: Adam without its correction, Muon with what is no matrix; schedules."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from optbench_stochastic.adam import Adam
from optbench_stochastic.muon import Muon

from optbench.api import UserError

SETTINGS: dict[str, Any] = {"lr": 0.1, "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False, "maximize": False}


def moved(optimizer: torch.optim.Optimizer, parameter: torch.nn.Parameter, gradient: float) -> float:
    before = float(parameter.detach())
    parameter.grad = torch.full_like(parameter, gradient)
    optimizer.step()
    return before - float(parameter.detach())


def test_the_first_means_are_small_where_they_are_not_corrected() -> None:
    for corrected in (False, True):
        parameter = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
        adam = Adam([parameter], betas=(0.9, 0.99), bias_correction=corrected, **SETTINGS)
        moved(adam, parameter, gradient=3.0)
        state = adam.state[parameter]
        # Both are (1 - decay) times what they stand for; only the step knows of the correction.
        assert float(state["exp_avg"]) == pytest.approx(0.1 * 3.0)
        assert float(state["exp_avg_sq"]) == pytest.approx(0.01 * 9.0)


@pytest.mark.parametrize(("corrected", "first"), [(True, 0.1), (False, 0.1 * 0.1 / 0.001**0.5)])
def test_the_first_step_is_too_long_without_correction_where_the_squares_are_forgotten_later(
    corrected: bool, first: float
) -> None:
    parameter = torch.nn.Parameter(torch.zeros((), dtype=torch.float64))
    adam = Adam([parameter], betas=(0.9, 0.999), bias_correction=corrected, **SETTINGS)
    assert moved(adam, parameter, gradient=3.0) == pytest.approx(first, rel=1e-6)


@pytest.mark.parametrize("options", [{}, {"amsgrad": True}, {"weight_decay": 0.1}, {"maximize": True}])
def test_adam_is_torchs_with_correction_and_close_to_it_late_without(options: dict[str, Any]) -> None:
    settings = {**SETTINGS, "lr": 1e-3, "betas": (0.9, 0.99), **options}
    ends = []
    for cls, more in ((torch.optim.Adam, {}), (Adam, {"bias_correction": True}), (Adam, {"bias_correction": False})):
        parameter = torch.nn.Parameter(torch.ones((), dtype=torch.float64))
        optimizer = cls([parameter], **settings, **more)
        steps = [moved(optimizer, parameter, gradient=1.0 + 0.1 * (step % 7)) for step in range(2000)]
        ends.append((steps[0], steps[-1]))
    assert ends[1] == ends[0]
    assert ends[2][1] == pytest.approx(ends[0][1], rel=1e-2 if "weight_decay" in options else 1e-6)


def test_muon_moves_matrices_as_torchs_and_leaves_the_rest_to_adamw() -> None:
    options: dict[str, Any] = {"lr": 0.02, "momentum": 0.9, "weight_decay": 0.1}
    ours, plain = ([torch.nn.Parameter(torch.ones(shape)) for shape in ((3, 2), (3,))] for _ in range(2))
    method = Muon(ours, other_lr=0.01, other_weight_decay=0.0, **options)
    references = torch.optim.Muon(plain[:1], **options), torch.optim.AdamW(plain[1:], lr=0.01, weight_decay=0.0)
    for step in range(5):
        for parameters in (ours, plain):
            for parameter in parameters:
                parameter.grad = torch.arange(parameter.numel(), dtype=torch.float32).add(step).sin().view_as(parameter)
        method.step()
        for reference in references:
            reference.step()
    assert all(torch.equal(mine, theirs) for mine, theirs in zip(ours, plain, strict=True))


def test_muon_without_a_matrix_is_refused() -> None:
    with pytest.raises(UserError, match="without a matrix"):
        Muon([torch.nn.Parameter(torch.ones(3))], other_lr=0.01, other_weight_decay=0.0)


def test_one_schedule_scales_both_rates_of_muon(small_net: Any, build: Any, trial: Any) -> None:
    problem = small_net(torch.float32)
    held = build("muon", lr=0.1, schedule="multi-step(at=[3], by=0.0)", weight_decay=0.0)
    ends = [trial(held, problem, steps=steps, dtype=torch.float32)[0].point.parameters for steps in (2, 3, 9)]
    assert not torch.equal(ends[0], ends[1])
    assert torch.equal(ends[1], ends[2])


def test_a_schedule_changes_the_losses_from_where_it_changes_the_rate(small_net: Any, build: Any, trial: Any) -> None:
    losses = []
    for schedule in ("constant", "step(every=10, by=0.1)"):
        _, log = trial(build("sgd", lr=0.1, schedule=schedule), small_net(torch.float64), steps=20)
        losses.append(list(log.trace()["value"]))
    assert losses[0][:11] == losses[1][:11]
    assert losses[0][12] != losses[1][12]
