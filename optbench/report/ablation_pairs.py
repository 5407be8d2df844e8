"""The trials that an ablation pairs, seed by seed: what each came to as a cost, by records alone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from optbench.analysis import lower_quantile
from optbench.records import (
    OBJECTIVE,
    Ablation,
    ReportModel,
    ReportProblem,
    Status,
    SuiteSpec,
    TrialRecord,
    Yardstick,
)
from optbench.report.naming import key_of, key_of_text
from optbench.report.runs import GAP_FLOOR, Traces, stated_minimum
from optbench.report.task_alone import Trials, for_the_task_alone
from optbench.tuning.quality import measured

Array = NDArray[np.float64]
TASK_ALONE = ", task alone"


@dataclass(frozen=True)
class Pairs:
    """The trials of two arms on a problem, seed by seed, by one measure; all arrays are (seeds,)."""

    ablation: Ablation
    problem: str  # id
    yardstick: Yardstick
    seeds: tuple[int, ...]
    costs: tuple[Array, Array]  # with the factor, and without
    values: tuple[Array, Array]  # as they are shown
    seconds: tuple[Array, Array]
    flops: tuple[Array, Array]
    averaged: bool = False  # over pairs of arms
    alone: bool = False  # at equal cost of the task, what came before it left out

    @property
    def kind(self) -> str:
        """What is averaged over pairs of arms: the same factor of the same optimizer by the same measure."""
        ablation, measure = self.ablation, f"{self.yardstick.name} {self.alone}"
        return " ".join((key_of(ablation.factor), key_of(ablation.base), measure))

    @property
    def measure(self) -> str:
        """The measure in words."""
        return self.yardstick.in_words + (TASK_ALONE if self.alone else "")

    @property
    def arms(self) -> str:
        """What is summed up over problems."""
        return " ".join((self.kind, "" if self.averaged else key_of(self.ablation.absent)))


def pairs_of(
    model: ReportModel, suite: SuiteSpec, records: Sequence[TrialRecord], snapshots: Traces
) -> Iterator[Pairs]:
    """Yield the pairs of each ablation on each problem by each measure; those without a seed are left out."""
    places = _by_place(records)
    for problem in model.problems:
        where = key_of_text(problem.expression), problem.device, problem.dtype
        for ablation in suite.ablations:
            present, absent = (
                places.get((key_of(recipe), *where), {}) for recipe in (ablation.present, ablation.absent)
            )
            alone = for_the_task_alone(present, absent, snapshots)
            for yardstick in _yardsticks(suite, problem):
                whole = _paired(ablation, problem.id, yardstick, (present, absent))
                task = None if alone is None else _paired(ablation, problem.id, yardstick, alone)
                yield from filter(None, (whole, None if task is None else replace(task, alone=True)))


def _by_place(records: Sequence[TrialRecord]) -> dict[tuple[str, str, str, str], Trials]:
    """Return the trials that ran by optimizer, problem, device and precision."""
    found: dict[tuple[str, str, str, str], dict[int, list[TrialRecord]]] = defaultdict(lambda: defaultdict(list))
    for record in records:
        spec = record.spec
        if record.status is not Status.SKIPPED:
            recipe = key_of(spec.recipe)
            found[recipe, key_of((spec.problem,)), spec.device, spec.dtype][spec.seed].append(record)
    return {place: dict(sorted(trials.items())) for place, trials in found.items()}


def _yardsticks(suite: SuiteSpec, problem: ReportProblem) -> tuple[Yardstick, ...]:
    """Return what effects on a problem are measured by: its own score, the suite's, the tuning's, or the objective."""
    key = key_of_text(problem.expression)
    own = [entry.score for entry in suite.problems if entry.score is not None and key_of((entry.use,)) == key]
    tuned = () if suite.tuning is None else (suite.tuning.score,)
    return tuple(own[:1]) or suite.scores or tuned or (Yardstick(name=OBJECTIVE),)


def _paired(ablation: Ablation, problem: str, yardstick: Yardstick, arms: Sequence[Trials]) -> Pairs | None:
    """Return the pairs; None where there is none, or where nothing was measured."""
    present, absent = arms
    seeds = tuple(seed for seed in present if seed in absent)

    def both(read: Callable[[TrialRecord], float]) -> tuple[Array, Array]:
        first, second = (
            np.array([lower_quantile([read(record) for record in arm[seed]]) for seed in seeds]) for arm in arms
        )
        return first, second

    values = both(lambda record: _number(measured(record, yardstick)))
    if not seeds or (np.isnan(values).all() and not yardstick.is_target):
        return None
    return Pairs(
        ablation=ablation,
        problem=problem,
        yardstick=yardstick,
        seeds=seeds,
        costs=both(lambda record: _cost(record, yardstick)),
        values=values,
        seconds=both(lambda record: _number(record.seconds)),
        flops=both(lambda record: _number(record.cost)),
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _cost(record: TrialRecord, yardstick: Yardstick) -> float:
    """Return what a trial came to as a cost: inf where it failed or missed its target, nan where it is no ratio's.

    Where the minimum is known, the objective counts from there.
    """
    value = measured(record, yardstick)
    if value is None:
        return math.inf
    least = stated_minimum(record) if yardstick.name == OBJECTIVE else None
    if least is not None:
        start = abs((record.f0 or 0.0) - least) or 1.0
        value = max(value - least, GAP_FLOOR * start)
    if yardstick.higher_is_better:
        return 1 / value if value > 0 else math.inf
    return value if value > 0 else math.nan


def grouped(pairs: Iterable[Pairs], key: Callable[[Pairs], str]) -> list[list[Pairs]]:
    """Return those that share a key, where there are several."""
    found: dict[str, list[Pairs]] = defaultdict(list)
    for item in pairs:
        found[key(item)].append(item)
    return [group for group in found.values() if len(group) > 1]


def averaged(group: Sequence[Pairs]) -> Pairs:
    """Return the effect on each seed, averaged over what else is on: geometric means of both arms."""
    seeds = tuple(seed for seed in group[0].seeds if all(seed in item.seeds for item in group))

    def mean(read: Callable[[Pairs], tuple[Array, Array]]) -> tuple[Array, Array]:
        kept = [[array[np.isin(item.seeds, seeds)] for array in read(item)] for item in group]
        with np.errstate(invalid="ignore"):
            first, second = (np.exp(np.mean(np.log(arm), axis=0)) for arm in zip(*kept, strict=True))
        return first, second

    return replace(
        group[0],
        seeds=seeds,
        costs=mean(lambda item: item.costs),
        values=mean(lambda item: item.values),
        seconds=mean(lambda item: item.seconds),
        flops=mean(lambda item: item.flops),
        averaged=True,
    )
