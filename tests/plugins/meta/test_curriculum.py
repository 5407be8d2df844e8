"""Curricula: which examples are drawn, or weigh, when."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice

import pytest
import torch
from optbench_meta.blur import Blurred, Draws
from optbench_meta.curriculum import Curriculum
from optbench_meta.pacing import PACINGS, Pace
from torch.nn import functional

from optbench.api import Point, Recipe, Refused, Stage
from optbench.api.sampling import reshuffled, with_replacement
from optbench.api.weighting import IGNORED, weighted_mean
from optbench.measure.ledger import Ledger
from optbench.records import Budget
from optbench.testing.meta_rig import GradientDescent
from optbench.testing.trials import Watcher, drive, place
from optbench.testing.workloads import Quadratic, small_net

HERE = place(seed=5)
EXAMPLES, BATCH, STEPS = 400, 20, 100
OPTIONS = {"by": "sampling", "mode": "stochastic", "pacing": "linear", "start": 0.2, "steps": STEPS, "mix": 0.2}
OPTIONS |= {"stages": 4, "share": 0.5}


def task(difficulty=None, **changes):
    """Return a net on 400 examples of shuffled difficulties, in minibatches of 20."""
    order = torch.randperm(EXAMPLES, generator=torch.Generator().manual_seed(0))
    data = {
        split: tuple(part.repeat(13, 1)[:EXAMPLES] for part in pair) for split, pair in small_net(HERE).data.items()
    }
    given = {"data": data, "batch_size": BATCH, "difficulty": order if difficulty is None else difficulty, **changes}
    return replace(small_net(HERE), **given)


def paced(problem, **options):
    """Return the problem that a curriculum makes of it."""
    recipe = Recipe(stages=(Stage(problem=problem, optimizer=GradientDescent()),))
    return Curriculum(**{**OPTIONS, **options})(recipe, HERE.streams).stages[0].problem


def drawn(problem, count, streams=HERE.streams):
    """Return the difficulties of the first minibatches, (count, B)."""
    return torch.stack([problem.difficulty[batch] for batch in islice(problem.batches(streams), count)])


def open_part(minibatch, options):
    pace = Pace(name=options["pacing"], start=options["start"], steps=options["steps"])
    return pace.open_part(minibatch, EXAMPLES)


@pytest.mark.parametrize("pacing", PACINGS)
def test_a_deterministic_curriculum_draws_what_is_open_and_nothing_else(pacing):
    options = {**OPTIONS, "mode": "deterministic", "pacing": pacing}
    problem = paced(task(), **options)
    for minibatch, difficulties in enumerate(drawn(problem, STEPS + 5)):
        assert difficulties.max() < open_part(minibatch, options) * EXAMPLES
    assert drawn(problem, STEPS + 40)[STEPS:].max() > 0.95 * EXAMPLES


@pytest.mark.parametrize("pacing", PACINGS)
@pytest.mark.parametrize("mix", [0.2, 0.6])
def test_the_share_of_hard_examples_follows_its_schedule(pacing, mix):
    """Counted over forty seeds and ten minibatches at a time: within four standard errors of independent draws."""
    options = {**OPTIONS, "pacing": pacing, "mix": mix}
    runs = torch.stack([drawn(paced(task(), **options), STEPS + 20, place(seed=seed).streams) for seed in range(40)])
    hard = (runs >= EXAMPLES // 2).double().mean(dim=(0, 2))
    expected = torch.tensor(
        [mix / 2 + (1 - mix) * max(0.0, 1 - 1 / (2 * open_part(minibatch, options))) for minibatch in range(STEPS + 20)]
    ).double()
    assert expected[0] == pytest.approx(mix / 2)
    assert expected[-1] == pytest.approx(0.5)
    for counted, told in zip(hard.split(10), expected.split(10), strict=True):
        error = math.sqrt(float((told * (1 - told)).mean()) / (10 * 40 * BATCH))
        assert abs(float(counted.mean() - told.mean())) < 4 * error


def test_a_curriculum_that_is_all_mix_draws_every_example_once_an_epoch():
    epoch = drawn(paced(task(), mix=1.0), EXAMPLES // BATCH)
    assert torch.equal(epoch.flatten().sort().values, torch.arange(EXAMPLES))


def test_a_stochastic_curriculum_mixes_at_all_times():
    runs = torch.stack([drawn(paced(task()), STEPS, place(seed=seed).streams) for seed in range(40)])
    hard = (runs >= EXAMPLES // 2).double().mean(dim=(0, 2))
    assert hard[:10].min() > 0.05
    assert hard.max() < 0.6


def test_examples_beyond_the_open_ones_are_alike():
    runs = torch.cat([drawn(paced(task()), 10, place(seed=seed).streams).flatten() for seed in range(60)])
    counts = torch.histc(runs[runs >= 240].double(), bins=4, min=240, max=400)
    expected = counts.sum() / 4
    assert ((counts - expected).abs() < 4 * expected.sqrt()).all()


def test_once_all_examples_are_open_they_are_drawn_as_without_a_curriculum():
    problem = paced(task(), start=1.0)
    plain = reshuffled(HERE.streams, EXAMPLES, BATCH)
    for batch, expected in islice(zip(problem.batches(HERE.streams), plain, strict=False), 50):
        assert torch.equal(batch, expected)


def test_no_example_comes_twice_before_all_open_ones_came():
    problem = paced(task(), mode="deterministic", start=0.5, pacing="step")
    batches = torch.stack(list(islice(problem.batches(HERE.streams), 10)))
    assert len(batches.unique()) == EXAMPLES // 2


def test_fewer_open_examples_than_a_minibatch_come_again():
    problem = paced(task(), mode="deterministic", start=0.01)
    assert set(next(problem.batches(HERE.streams)).tolist()) == set(problem.difficulty.argsort()[:4].tolist())


@pytest.mark.parametrize("mix", [0.0, 0.3])
def test_weights_are_one_on_average_and_favour_what_is_open(mix):
    options = {"by": "weight", "mode": "stochastic" if mix else "deterministic", "mix": mix or 0.2}
    problem = paced(task(), **options)
    batches = problem.batches(HERE.streams)
    for minibatch in range(STEPS + 2):
        next(batches)
        weights = problem.weighting(torch.arange(EXAMPLES))
        part = open_part(minibatch, OPTIONS)
        assert float(weights.mean()) == pytest.approx(1)
        is_open = problem.difficulty < part * EXAMPLES
        expected = is_open.double() * (1 - mix) / part + mix
        torch.testing.assert_close(weights, expected)


def test_weighing_draws_the_examples_that_are_drawn_without_it():
    problem = paced(task(sampling=with_replacement), by="weight")
    plain = with_replacement(HERE.streams, EXAMPLES, BATCH)
    for batch, expected in islice(zip(problem.batches(HERE.streams), plain, strict=False), 20):
        assert torch.equal(batch, expected)


def test_a_minibatchs_objective_and_gradient_are_weighted_and_the_full_ones_are_not():
    plain = task()
    problem = paced(plain, by="weight", mode="deterministic", start=0.5)
    batch = next(problem.batches(HERE.streams))
    x = plain.start(HERE.streams).parameters
    inputs, targets = (part[batch] for part in plain.data["train"])
    squares = (plain._apply(plain._tensors(x), inputs) - targets).square().flatten()
    weights = torch.where(plain.difficulty[batch] < 200, 2.0, 0.0).double()
    torch.testing.assert_close(problem.value(x, batch), (weights * squares).mean())
    value, gradient = problem.value_and_gradient(x, batch)
    expected = torch.autograd.functional.jacobian(lambda x: problem.value(x, batch), x)
    torch.testing.assert_close(gradient, expected)
    torch.testing.assert_close(value, problem.value(x, batch))
    torch.testing.assert_close(problem.value(x), plain.value(x))


def test_gauss_newton_products_are_weighted_too():
    plain = task()
    problem = paced(plain, by="weight", mode="deterministic", start=0.5)
    batch = next(problem.batches(HERE.streams))
    x = plain.start(HERE.streams).parameters
    v = torch.sin(torch.arange(len(x))).double()
    inputs, _ = (part[batch] for part in plain.data["train"])
    jacobian = torch.autograd.functional.jacobian(lambda x: plain._apply(plain._tensors(x), inputs).flatten(), x)
    weights = torch.where(plain.difficulty[batch] < 200, 2.0, 0.0).double()
    expected = jacobian.T @ (2 * weights / BATCH * (jacobian @ v))
    torch.testing.assert_close(problem.gauss_newton_vector(x, v, batch), expected)


@pytest.mark.parametrize(
    ("loss", "outputs", "targets"),
    [
        (functional.cross_entropy, torch.randn(6, 3).double(), torch.tensor([0, 1, 2, 0, 1, 2])),
        (
            functional.cross_entropy,
            torch.randn(2, 3, 4).double(),
            torch.tensor([[0, 1, IGNORED, 2], [IGNORED] * 3 + [1]]),
        ),
        (functional.mse_loss, torch.randn(6, 3).double(), torch.randn(6, 3).double()),
        (functional.binary_cross_entropy_with_logits, torch.randn(6, 3).double(), torch.rand(6, 3).double()),
    ],
)
def test_weights_of_one_give_the_mean_loss(loss, outputs, targets):
    weights = torch.ones(len(outputs)).double()
    torch.testing.assert_close(weighted_mean(loss, outputs, targets, weights), loss(outputs, targets))


def test_each_examples_part_of_the_loss_is_multiplied_by_its_weight():
    outputs, targets = torch.randn(3, 2).double(), torch.tensor([0, 1, 1])
    parts = functional.cross_entropy(outputs, targets, reduction="none")
    weights = torch.tensor([0.0, 1.0, 2.0]).double()
    expected = (parts[1] + 2 * parts[2]) / 3
    torch.testing.assert_close(weighted_mean(functional.cross_entropy, outputs, targets, weights), expected)


@pytest.mark.parametrize("pacing", PACINGS)
def test_paces_begin_at_start_never_fall_and_end_with_all(pacing):
    pace = Pace(name=pacing, start=0.25, steps=50)
    parts = [pace.open_part(minibatch, 400) for minibatch in range(80)]
    assert parts[0] == 0.25
    assert parts == sorted(parts)
    assert parts[50:] == [1.0] * 30
    assert parts[40] < 1


@pytest.mark.parametrize(
    ("pacing", "halfway"), [("linear", 0.625), ("exponential", 0.5), ("root", math.sqrt(0.53125)), ("step", 0.25)]
)
def test_paces_halfway(pacing, halfway):
    assert PACINGS[pacing](0.25, 0.5) == pytest.approx(halfway)


def test_a_part_of_an_example_that_is_open_opens_all_of_it():
    pace = Pace(name="linear", start=0.01, steps=10)
    assert [pace.open_part(minibatch, 10) for minibatch in (0, 1, 2)] == [0.1, 0.2, 0.3]  # 0.1, 1.09, 2.08 of 10


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (Quadratic(5, HERE), "those of this task are not"),
        (task(torch.ones(EXAMPLES)), "those of this task are not"),
        (task(torch.arange(7)), "those of this task are not"),
        (task(batch_size=None), "wants minibatches"),
    ],
)
def test_a_task_on_which_nothing_is_easier_is_refused(problem, told):
    with pytest.raises(Refused, match=told):
        paced(problem)


@pytest.mark.parametrize("by", ["sampling", "weight"])
def test_a_second_curriculum_is_refused(by):
    with pytest.raises(Refused, match="has one already"):
        paced(paced(task(), by=by))


def test_stages_without_a_difficulty_are_left_alone():
    stages = tuple(
        Stage(problem=problem, optimizer=GradientDescent(), share=0.5) for problem in (Quadratic(5, HERE), task())
    )
    first, second = Curriculum(**OPTIONS)(Recipe(stages=stages), HERE.streams).stages
    assert first is stages[0]
    assert second.problem.sampling is not stages[1].problem.sampling


@pytest.mark.parametrize("by", ["sampling", "weight"])
def test_runs_repeat_bitwise_and_differ_from_those_without(by):
    def end(problem):
        recipe = Recipe(stages=(Stage(problem=problem, optimizer=GradientDescent()),))
        return drive(recipe, HERE, Budget(steps=30), ledger=Ledger(), watcher=Watcher()).end

    assert torch.equal(end(paced(task(), by=by)), end(paced(task(), by=by)))
    assert not torch.equal(end(paced(task(), by=by)), end(task()))


@pytest.mark.parametrize("by", ["sampling", "weight"])
def test_a_blurred_objective_has_its_curriculum(by):
    blurred = Blurred(task(), 0.1, Draws(HERE.streams, 2, antithetic=True))
    problem = paced(blurred, by=by, mode="deterministic")
    assert isinstance(problem, Blurred)
    batch = next(problem.batches(HERE.streams))
    assert (problem.difficulty[batch] < 80).all() == (by == "sampling")
    with pytest.raises(Refused, match="has one already"):
        paced(problem, by=by)


# ---- without minibatches


def staged(problem, **options):
    """Return the stages that a curriculum by weights makes of a problem's training."""
    recipe = Recipe(stages=(Stage(problem=problem, optimizer=GradientDescent()),))
    return Curriculum(**{**OPTIONS, "by": "weight", **options})(recipe, HERE.streams).stages


def test_without_minibatches_each_open_part_is_a_stage_that_leads_to_the_objective_itself():
    problem = task(batch_size=None)
    stages = staged(problem, share=0.4)
    assert [stage.name for stage in stages] == ["open 20%", "open 40%", "open 60%", "open 80%", ""]
    assert [stage.on_curve for stage in stages] == [False] * 4 + [True]
    assert [stage.share for stage in stages] == pytest.approx([0.1] * 4 + [0.6])
    assert stages[-1].problem is problem
    assert {stage.carry for stage in stages} == {None}


@pytest.mark.parametrize("mode", ["deterministic", "stochastic"])
@pytest.mark.parametrize("at_once", [2048, 150])
def test_without_minibatches_all_examples_are_weighted(mode, at_once, monkeypatch):
    monkeypatch.setattr("optbench.api.learning._AT_ONCE", at_once)
    problem = task(batch_size=None, l2=0.1)
    easier = staged(problem, mode=mode)[1].problem  # 40 % are open
    x = problem.start(HERE.streams).parameters
    inputs, targets = problem.data["train"]
    leaves = problem._tensors(x.requires_grad_())
    losses = problem.loss(problem._apply(leaves, inputs), targets, reduction="none").reshape(EXAMPLES, -1)
    mix = 0.2 if mode == "stochastic" else 0.0
    weights = mix + (1 - mix) / 0.4 * (problem.difficulty < 160).double()
    expected = (weights[:, None] * losses).mean() + 0.05 * sum(leaf.square().sum() for leaf in leaves if leaf.ndim >= 2)
    (gradient,) = torch.autograd.grad(expected, x)
    found = easier.value_and_gradient(x.detach())
    torch.testing.assert_close(found, (expected.detach(), gradient), rtol=1e-12, atol=1e-14)
    assert easier.evaluate(Point(parameters=x.detach()), "train") == problem.evaluate(
        Point(parameters=x.detach()), "train"
    )


def test_what_leads_to_a_stage_leads_to_its_easiest_examples():
    carry = lambda previous, fresh: fresh  # noqa: E731
    recipe = Recipe(stages=(Stage(problem=task(batch_size=None), optimizer=None, carry=carry, name="teacher"),))
    first, *others = Curriculum(**{**OPTIONS, "by": "weight"})(recipe, HERE.streams).stages
    assert (first.carry, {stage.carry for stage in others}) == (carry, {None})
    assert first.name == "teacher, open 20%"


def test_what_is_kept_of_an_optimizer_is_kept_up_to_the_easiest_examples_only():
    """Each open part is another objective: curvature of one says nothing of the next."""
    recipe = Recipe(stages=(Stage(problem=task(batch_size=None), optimizer=None, keep_state=True),))
    stages = Curriculum(**{**OPTIONS, "by": "weight"})(recipe, HERE.streams).stages
    assert [stage.keep_state for stage in stages] == [True, False, False, False, False]


def test_no_example_of_an_order_is_passed_over_unseen():
    """Orders of 400 in minibatches of 3: of each, every open example is drawn once before the next begins."""
    problem = paced(task(batch_size=3), mode="deterministic", pacing="step", start=0.05, steps=10**6)
    assert sorted(drawn(problem, 20).flatten().tolist()) == sorted([*range(20)] * 3)


def test_a_second_curriculum_without_minibatches_is_refused():
    recipe = Recipe(stages=staged(task(batch_size=None)))
    with pytest.raises(Refused, match="has one already"):
        Curriculum(**{**OPTIONS, "by": "weight"})(recipe, HERE.streams)


def test_a_pace_that_stands_still_makes_one_stage():
    assert [stage.name for stage in staged(task(batch_size=None), pacing="step")] == ["open 20%", ""]
