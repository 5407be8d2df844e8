"""What each meta-algorithm changes: pairs of trials with it and without it, seed by seed, by records alone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from optbench.analysis import Verdict, compare, holm, log_ratios, lower_quantile
from optbench.records import (
    OBJECTIVE,
    Ablation,
    AblationEffect,
    ReportModel,
    ReportProblem,
    Status,
    SuiteSpec,
    TrialRecord,
    Yardstick,
    finite,
)
from optbench.report.cells import rounded
from optbench.report.naming import Info, Parts, key_of, key_of_text, labels
from optbench.report.runs import GAP_FLOOR, Traces, stated_minimum
from optbench.report.task_alone import Trials, for_the_task_alone
from optbench.tuning.quality import measured

Array = NDArray[np.float64]
TASK_ALONE = ", task alone"
LEVEL = 0.05  # of the tests, adjusted by Holm over all effects
VERDICTS = {
    Verdict.FASTER: "better",
    Verdict.SLOWER: "worse",
    Verdict.SOLVES_MORE: "succeeds more often",
    Verdict.SOLVES_LESS: "succeeds less often",
    Verdict.UNSOLVED: "neither succeeds",
}
_SETTLED = (Verdict.TOO_FEW, Verdict.UNSOLVED)


@dataclass(frozen=True)
class _Pairs:
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


def with_ablations(
    model: ReportModel,
    suite: SuiteSpec,
    records: Sequence[TrialRecord],
    *,
    snapshots: Traces = lambda _: None,
    info: Info | None = None,
) -> ReportModel:
    """Return the report with the effects of what `suite` ablates; `info` of meta-algorithms as for `labels`.

    `snapshots(id)` returns a trial's trace: where something came before the task, a second effect compares at equal
    cost of the task.

    The suite and its records are those that the report was made of: tuned optimizers under their own names. Several
    trials of a seed, repetitions or the choices of several tunings, count as their median.
    """
    if not suite.ablations:
        return model
    pairs = list(_pairs(model, suite, records, snapshots))
    pairs += [_average(group) for group in _groups(pairs, lambda item: f"{item.kind} {item.problem}")]
    names = _Names(model, suite.ablations, info or {})
    effects = [names.effect(item, [item]) for item in pairs]
    effects += [names.effect(replace(group[0], problem=""), group) for group in _groups(pairs, lambda item: item.arms)]
    order = {problem.id: place for place, problem in enumerate(model.problems)}
    effects.sort(key=lambda effect: order.get(effect.problem, len(order)))
    return replace(model, ablations=tuple(_adjusted(effects)))


# ---- what is paired


def _pairs(model: ReportModel, suite: SuiteSpec, records: Sequence[TrialRecord], snapshots: Traces) -> Iterator[_Pairs]:
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


def _paired(ablation: Ablation, problem: str, yardstick: Yardstick, arms: Sequence[Trials]) -> _Pairs | None:
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
    return _Pairs(
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


def _groups(pairs: Iterable[_Pairs], key: Callable[[_Pairs], str]) -> list[list[_Pairs]]:
    """Return those that share a key, where there are several."""
    found: dict[str, list[_Pairs]] = defaultdict(list)
    for item in pairs:
        found[key(item)].append(item)
    return [group for group in found.values() if len(group) > 1]


def _average(group: Sequence[_Pairs]) -> _Pairs:
    """Return the effect on each seed, averaged over what else is on: geometric means of both arms."""
    seeds = tuple(seed for seed in group[0].seeds if all(seed in item.seeds for item in group))

    def mean(read: Callable[[_Pairs], tuple[Array, Array]]) -> tuple[Array, Array]:
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


# ---- what is said of it


@dataclass(frozen=True)
class _Names:
    """The report's names for what is ablated."""

    model: ReportModel
    ablations: Sequence[Ablation]
    info: Info

    def effect(self, named: _Pairs, rows: Sequence[_Pairs]) -> AblationEffect:
        """Return the effect over `rows`, a problem each, under the names of `named`."""
        ablation, (present, absent) = named.ablation, (_table(rows, place) for place in (0, 1))
        comparison = compare(present, absent, np.random.default_rng(0) if present.ndim > 1 else None)
        alone = len(rows) == 1
        return AblationEffect(
            factor=self._factors[key_of(ablation.factor)],
            beside=self._label(ablation.base if named.averaged else ablation.absent),
            present="" if named.averaged else self._optimizers[key_of(ablation.present)][0],
            absent="" if named.averaged else self._optimizers[key_of(ablation.absent)][0],
            problem=named.problem,
            measure=named.measure,
            higher_is_better=named.yardstick.higher_is_better,
            value_present=rounded(_median(named.values[0])) if alone else None,
            value_absent=rounded(_median(named.values[1])) if alone else None,
            pairs=comparison.n if present.ndim > 1 else int(np.count_nonzero(~np.isnan(log_ratios(present, absent)))),
            ratio=rounded(comparison.ratio),
            low=rounded(comparison.low),
            high=rounded(comparison.high),
            log_ratios=tuple(map(finite, log_ratios(present, absent).tolist())) if alone else (),
            p_value=rounded(comparison.p_value),
            adjusted=None,
            verdict=comparison.verdict,
            seconds=_mean_ratio(item.seconds for item in rows),
            flops=_mean_ratio(item.flops for item in rows),
        )

    def _label(self, recipe: Parts) -> str:
        return self._optimizers.get(key_of(recipe), ("", recipe[0].short))[1]

    @cached_property
    def _optimizers(self) -> dict[str, tuple[str, str]]:
        return {key_of_text(item.expression): (item.id, item.label) for item in self.model.optimizers}

    @cached_property
    def _factors(self) -> dict[str, str]:
        parts = {key_of(item.factor): item.factor for item in self.ablations}
        return dict(zip(parts, labels(list(parts.values()), self.info), strict=True))


def _table(rows: Sequence[_Pairs], place: int) -> Array:
    """Return the costs of one arm: (seeds,) of one problem, (problems,) where each has one seed, else both."""
    if len(rows) == 1 or all(len(item.seeds) == 1 for item in rows):
        return np.concatenate([item.costs[place] for item in rows])
    seeds = sorted({seed for item in rows for seed in item.seeds})
    table = np.full((len(rows), len(seeds)), np.nan)
    for row, item in zip(table, rows, strict=True):
        row[np.isin(seeds, item.seeds)] = item.costs[place]
    return table


def _median(values: Array) -> float | None:
    """Return the median, failed runs last; None where it is one of them."""
    return lower_quantile(np.where(np.isnan(values), np.inf, values)) if values.size else None


def _mean_ratio(arms: Iterable[tuple[Array, Array]]) -> float | None:
    """Return the geometric mean over pairs, then over problems; None where something was not measured."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = [float(np.mean(np.log(first) - np.log(second))) for first, second in arms]
    return rounded(float(np.exp(np.mean(logs))))


def _adjusted(effects: Sequence[AblationEffect]) -> Iterator[AblationEffect]:
    """Yield the effects, each with the verdict that stands once all of them are counted."""
    p_values = [1.0 if effect.p_value is None else effect.p_value for effect in effects]
    for effect, p_value in zip(effects, holm(p_values).tolist(), strict=True):
        verdict = Verdict(effect.verdict)
        if verdict not in _SETTLED and p_value > LEVEL:
            verdict = Verdict.WITHIN_NOISE
        yield replace(effect, adjusted=rounded(p_value), verdict=VERDICTS.get(verdict, verdict.value))
