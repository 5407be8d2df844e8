"""Every meta-algorithm with three optimizers, on a task where it applies: it runs, and repeats bit for bit."""

from __future__ import annotations

import contextlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from optbench.api import Recipe, Refused
from optbench.measure.factories import build
from optbench.measure.ledger import Ledger
from optbench.records import Budget, TrialSpec
from optbench.registry import load_catalogue, meet, resolve, resolve_recipe
from optbench.registry.resolving import parse_text
from optbench.runner.jobs import JobFactory
from optbench.suites import load_suite
from optbench.testing.trials import Trial, Watcher, drive, place

CATALOGUE = load_catalogue()
METAS = [item.name for item in CATALOGUE.records("meta-algorithms") if item.distribution == "optbench"]
OPTIMIZERS = ("sgd(lr=0.05)", "adam(lr=0.01)", "lbfgs")
TASKS = (  # small, and each gives something that those before it do not
    "mlp-digits(hidden=[6], depth=4, examples=60, batch_size=20)",
    "mlp-digits(hidden=[6], depth=2, classes=[0, 1, 2], batch_size=20)",
    "recurrent-copy(hidden=[4], depth=2, digits=2, examples=30, batch_size=10)",
    "quadratic(n=6)",
    "ridge-diabetes",
)
TIMES = {"seconds", "cpu_seconds"}


def recipe_of(text: str, task: str) -> Recipe | None:
    """Return the recipe that a trial of an expression on a task runs; None where it is refused."""
    optimizer, metas = resolve_recipe(CATALOGUE, text)
    problem = resolve(CATALOGUE, "problems", parse_text(task)[0])
    if meet(CATALOGUE, problem, optimizer, metas).refusal:
        return None
    spec = TrialSpec(problem=problem, optimizer=optimizer, meta_algorithms=metas)
    with contextlib.suppress(Refused):
        return build(JobFactory(CATALOGUE, machine="").job(spec, "time", Path(), None)).recipe
    return None


@cache
def first_task(meta: str) -> str:
    """Return the first of the tasks where a meta-algorithm applies."""
    return next(task for task in TASKS if recipe_of(f"{OPTIMIZERS[0]} + {meta}", task) is not None)


def run(text: str, task: str) -> Trial:
    recipe = recipe_of(text, task)
    assert recipe is not None
    return drive(recipe, place(), Budget(evaluations=60), ledger=Ledger(), watcher=Watcher())


def differences(first: Trial, second: Trial) -> list[str]:
    """Name what differs in any bit between two trials that moved, times left out."""
    assert len(first.points) > 0
    points = [(*first.points, first.end), (*second.points, second.end)]
    same = len(points[0]) == len(points[1]) and all(map(torch.equal, *points))
    columns = sorted({*first.trace.columns, *second.trace.columns} - TIMES)
    bits = [
        [trial.trace[name].tobytes() if name in trial.trace.columns else b"" for name in columns]
        for trial in (first, second)
    ]
    told = [name for name, one, other in zip(columns, *bits, strict=True) if one != other]
    return ([] if same else ["points"]) + told


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("meta", METAS)
def test_each_meta_algorithm_runs_with_each_optimizer_and_repeats_bitwise(meta: str, optimizer: str) -> None:
    text = f"{optimizer} + {meta}"
    assert differences(run(text, first_task(meta)), run(text, first_task(meta))) == []


@pytest.mark.parametrize(
    "text",
    [
        'adam(lr=0.01) + batch-norm + polyak(mode="ema", decay=0.99)',
        'adam(lr=0.01) + polyak(mode="ema", decay=0.99) + batch-norm',
        "sgd(lr=0.05) + skip-connections + batch-norm + auxiliary-heads + activation + polyak",
        "sgd(lr=0.05) + batch-norm + pretrain-greedy + polyak",
        'sgd(lr=0.05) + batch-norm(variant="renormalise") + polyak',
        "lbfgs + batch-norm + skip-connections + pretrain-partial",
        "sgd(lr=0.05) + batch-norm + hints + polyak",
        'lbfgs + skip-connections + hints(mode="joint", kd=true)',
    ],
)
def test_any_number_composes_in_the_order_in_which_it_is_written(text: str) -> None:
    optimizer, metas = resolve_recipe(CATALOGUE, text)
    assert [component.name.partition("/")[2] for component in (optimizer, *metas)] == [
        term.partition("(")[0] for term in text.split(" + ")
    ]
    assert differences(run(text, TASKS[0]), run(text, TASKS[0])) == []


def test_a_suite_file_names_them_as_the_command_line_does(tmp_path: Any) -> None:
    text = 'adam(lr=0.01) + batch-norm + polyak(mode="ema", decay=0.99)'
    path = tmp_path / "mine.toml"
    lines = ["title = 'mine'", "[budget]", "evaluations = 10", "[[problem]]", "use = 'mlp-digits'"]
    path.write_text("\n".join([*lines, "[[optimizer]]", f"use = '''{text}'''"]))
    (entry,) = load_suite(path, CATALOGUE).optimizers
    assert (entry.use, entry.meta_algorithms) == resolve_recipe(CATALOGUE, text)


@pytest.mark.parametrize(
    ("text", "task", "reason"),
    [
        (
            "sgd + batch-norm",
            "quadratic",
            "batch-norm needs blocks and data and model, which neither quadratic nor sgd",
        ),
        ("sgd + batch-norm", "softmax-digits", "batch-norm needs blocks and model, which neither"),
        ("sgd + pretrain-greedy", "softmax-digits", "pretrain-greedy needs blocks, which neither"),
        ("sgd + curriculum", "mlp-digits", "curriculum needs difficulty, which neither mlp-digits nor sgd gives"),
        ('bfgs + batch-norm(variant="renormalise")', "mlp-digits", "batch-norm needs movable-point, which neither"),
        ("sgd + auxiliary-heads", "quadratic", "auxiliary-heads needs blocks and data and model, which neither"),
    ],
)
def test_what_needs_and_gives_do_not_match_is_refused_with_the_reason(text: str, task: str, reason: str) -> None:
    optimizer, metas = resolve_recipe(CATALOGUE, text)
    problem = resolve(CATALOGUE, "problems", parse_text(task)[0])
    refusal = meet(CATALOGUE, problem, optimizer, metas).refusal
    assert refusal is not None
    assert refusal.startswith(reason)


def test_running_averages_follow_the_points_that_line_searches_accept() -> None:
    task = "mlp-digits(hidden=[6], depth=2, examples=60, batch_size=0)"
    text = "lbfgs + batch-norm"
    trial, replayed = run(text, task), recipe_of(text, task)
    assert replayed is not None
    problem: Any = replayed.stages[0].problem
    problem.restore(problem.start(place().streams).statistics)
    for x in trial.points:
        problem.value(x)
        problem.commit(x)
    assert trial.ledger.evaluations > len(trial.points) + 1  # some were rejected
    assert trial.outcome.point is not None
    assert torch.equal(trial.outcome.point.statistics, problem.statistics())
