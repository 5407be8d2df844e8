"""Polyak averaging against its formulas, and against torch.optim.swa_utils."""

from __future__ import annotations

import pytest
import torch
from optbench_meta.batch_norm import batch_norm
from optbench_meta.polyak import Polyak
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn, update_bn

from optbench.api import Point, Recipe, Refused, Stage
from optbench.api.streams import SeededStreams
from optbench.testing.meta_rig import GradientDescent, run
from optbench.testing.trials import place
from optbench.testing.workloads import small_net

ITERATES = torch.stack([torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64) * (k + 1) ** 2 for k in range(7)])


def averaged(iterates, *, mode="mean", start=0, decay=0.9):
    readout = Polyak(mode=mode, start=start, decay=decay)(Recipe(stages=()), None).readout()
    for iterate in iterates:
        readout.observe(Point(parameters=iterate))
    return readout.point().parameters


def test_mean_is_the_arithmetic_mean():
    torch.testing.assert_close(averaged(ITERATES), ITERATES.mean(0), rtol=1e-14, atol=0)


def test_ema_is_the_books_recurrence_begun_at_the_first_iterate():
    expected = ITERATES[0]
    for iterate in ITERATES[1:]:
        expected = 0.9 * expected + 0.1 * iterate
    torch.testing.assert_close(averaged(ITERATES, mode="ema"), expected, rtol=1e-14, atol=0)


@pytest.mark.parametrize("mode", ["mean", "ema"])
def test_start_leaves_out_the_first_iterates(mode):
    expected = averaged(ITERATES[3:], mode=mode)
    torch.testing.assert_close(averaged(ITERATES, mode=mode, start=3), expected, rtol=0, atol=0)


@pytest.mark.parametrize("mode", ["mean", "ema"])
def test_before_start_the_last_iterate_is_reported(mode):
    assert averaged(ITERATES[:2], mode=mode, start=5).tolist() == ITERATES[1].tolist()


def test_the_iterate_may_be_overwritten_after_it_was_observed():
    readout = Polyak(mode="mean", start=0, decay=0.9).readout()
    iterate = torch.zeros(3, dtype=torch.float64)
    for values in ITERATES:
        readout.observe(Point(parameters=iterate.copy_(values)))
    torch.testing.assert_close(readout.point().parameters, ITERATES.mean(0), rtol=1e-14, atol=0)


def test_reported_point_is_left_alone_by_later_iterates():
    readout = Polyak(mode="mean", start=0, decay=0.9).readout()
    readout.observe(Point(parameters=ITERATES[0]))
    reported = readout.point().parameters
    readout.observe(Point(parameters=ITERATES[1]))
    assert reported.tolist() == ITERATES[0].tolist()


def test_memory_does_not_grow_with_the_iterates():
    readout = Polyak(mode="mean", start=0, decay=0.9).readout()
    readout.observe(Point(parameters=ITERATES[0]))
    buffer = readout._average
    for iterate in ITERATES[1:]:
        readout.observe(Point(parameters=iterate))
    assert readout._average is buffer


def test_a_stage_of_another_size_begins_anew():
    readout = Polyak(mode="mean", start=0, decay=0.9).readout()
    readout.observe(Point(parameters=torch.ones(5)))
    layout = {"weight": (0, (3,))}
    for iterate in ITERATES:
        readout.observe(Point(parameters=iterate, layout=layout))
    point = readout.point()
    torch.testing.assert_close(point.parameters, ITERATES.mean(0), rtol=1e-14, atol=0)
    assert point.layout == layout


def test_two_readouts_are_refused():
    polyak = Polyak(mode="mean", start=0, decay=0.9)
    with pytest.raises(Refused, match="already reports"):
        polyak(polyak(Recipe(stages=()), None), None)


def test_each_run_has_an_average_of_its_own():
    recipe = Polyak(mode="mean", start=0, decay=0.9)(Recipe(stages=()), None)
    recipe.readout().observe(Point(parameters=ITERATES[0]))
    with pytest.raises(RuntimeError, match="no iterate"):
        recipe.readout().point()


@pytest.mark.parametrize(
    ("mode", "options"), [("mean", {}), ("ema", {"multi_avg_fn": get_ema_multi_avg_fn(0.9)})], ids=["mean", "ema"]
)
def test_averages_are_those_of_torch_s_averaged_models(mode, options):
    model = nn.Linear(3, 1, bias=False, dtype=torch.float64)
    averaging = AveragedModel(model, **options)
    for iterate in ITERATES:
        nn.utils.vector_to_parameters(iterate, model.parameters())
        averaging.update_parameters(model)
    expected = nn.utils.parameters_to_vector(averaging.module.parameters()).detach()
    torch.testing.assert_close(averaged(ITERATES, mode=mode), expected, rtol=1e-13, atol=0)


def normalised(recipe):
    options = {"layers": [], "momentum": 0.1, "eps": 1e-8, "affine": True, "per_location": False, "penalty": 0.1}
    return batch_norm(variant="normalise", placement="XW", **options)(recipe, SeededStreams(0))


@pytest.mark.parametrize("averaged_first", [True, False])
def test_statistics_are_those_of_the_averaged_point_whichever_comes_first(averaged_first):
    polyak = Polyak(mode="mean", start=0, decay=0.9)
    recipe = Recipe(stages=(Stage(problem=small_net(place()), optimizer=GradientDescent()),))
    recipe = normalised(polyak(recipe, None)) if averaged_first else polyak(normalised(recipe), None)
    trial = run(recipe, place(), evaluations=9)
    scored = trial.outcome.point
    torch.testing.assert_close(scored.parameters, torch.stack(trial.points).mean(0), rtol=1e-13, atol=1e-15)
    net = nn.Sequential(nn.Linear(3, 4, bias=False), nn.BatchNorm1d(4, eps=1e-8), nn.Tanh(), nn.Linear(4, 1)).double()
    nn.utils.vector_to_parameters(scored.parameters, net.parameters())
    inputs, _ = recipe.stages[0].problem.data["train"]
    update_bn(inputs.split(8), net)
    expected = torch.cat((net[1].running_mean, net[1].running_var))
    torch.testing.assert_close(scored.statistics, expected, rtol=1e-12, atol=1e-14)
