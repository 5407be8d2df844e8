"""The tuning section of a report: scores by tuning and by budget, what was chosen, what it cost, and who leads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np

from optbench.analysis import best_of_weights, lower_quantile, rank_agreement, weighted_lower_quantile
from optbench.records import (
    FAILED,
    Range,
    ReportModel,
    SuiteSpec,
    TrialRecord,
    TrialSpec,
    TunedCell,
    Tuning,
    TuningAgreement,
    TuningChoice,
    Yardstick,
    finite,
)
from optbench.report.cells import SHARES, rounded
from optbench.report.naming import key_of, key_of_text
from optbench.report.tuned import tuned_recipe
from optbench.report.tuning_notes import tuning_notes
from optbench.tuning import Choice, Tried, TunedArm
from optbench.tuning.quality import measured

LEADERS = 3  # of each tuning, that are compared with those of the others
_CURVE_POINTS = 24


def with_tuning(
    model: ReportModel, suite: SuiteSpec, plain: Sequence[TrialRecord], arms: Sequence[TunedArm]
) -> ReportModel:
    """Return the report with its tuning section; `arms` and the `plain` records are those of `suite`'s run."""
    if suite.tuning is None:
        return model
    untuned = _by_place(plain)
    cells = tuple(cell for arm in arms for cell in _cell(model, arm, suite.tuning, untuned))
    agreements = tuple(_agreements(model, cells))
    notes = tuning_notes(model, suite.tuning, cells, agreements)
    return replace(model, tuned=cells, agreements=agreements, notes=(*model.notes, *notes))


def _cell(
    model: ReportModel, arm: TunedArm, tuning: Tuning, untuned: Mapping[str, Sequence[TrialRecord]]
) -> Iterator[TunedCell]:
    """Yield the cell; none where the report has no such optimizer, since nothing of it could be run."""
    task = arm.task
    recipe = (task.trial.optimizer, *task.trial.meta_algorithms)
    optimizers = {key_of_text(item.expression): item.id for item in model.optimizers}
    name, problem = key_of(tuned_recipe(recipe, task.space)), _problem(model, arm)
    if name not in optimizers or problem is None:
        return
    signed = _Signed(task.score)
    rows = untuned.get(_place(task.trial), ())
    budgets, curve = _curve(arm, signed)
    yield TunedCell(
        optimizer=optimizers[name],
        untuned=optimizers.get(key_of(recipe)),
        problem=problem,
        method="stored" if tuning.stored else tuning.method,
        searched=tuple(part.in_words for part in task.space),
        select=tuning.found_by if tuning.stored else task.select.in_words,
        measure=task.score.in_words,
        higher_is_better=task.score.higher_is_better,
        choices=tuple(
            _choice(choice, scored, task.select, signed) for choice, scored in zip(arm.choices, arm.scored, strict=True)
        ),
        score=signed.range([record for scored in arm.scored for record in scored]),
        untuned_score=signed.range(rows),
        budgets=budgets,
        curve=curve,
    )


class _Signed:
    """Reads records by a yardstick, such that lower is better and failure is infinite."""

    def __init__(self, yardstick: Yardstick) -> None:
        self.yardstick = yardstick
        self.sign = -1.0 if yardstick.higher_is_better else 1.0

    def value(self, record: TrialRecord) -> float:
        """Return one record's value."""
        value = measured(record, self.yardstick)
        return math.inf if value is None else self.sign * value

    def shown(self, value: float) -> float | None:
        """Return a value as it is shown; None for failure."""
        return rounded(None if math.isinf(value) else self.sign * value)

    def range(self, records: Iterable[TrialRecord]) -> Range:
        """Return the 10 %, 50 % and 90 % quantiles in the order of their size; failures lie at the worse end."""
        values = [self.value(record) for record in records]
        return self.ordered([lower_quantile(values, share) if values else math.nan for share in SHARES])

    def ordered(self, quantiles: Sequence[float]) -> Range:
        """Return quantiles of signed values, in which higher is worse, as they are shown."""
        low, median, high = map(self.shown, quantiles)
        return (low, median, high) if self.sign > 0 else (high, median, low)


def _choice(choice: Choice, scored: Sequence[TrialRecord], select: Yardstick, signed: _Signed) -> TuningChoice:
    tried = () if choice.course is None else choice.course.tried
    runs = [record for item in tried for record in item.records]
    settings = tuple(_setting(item, select) for item in tried)
    chosen = next((item for item in settings if item["options"] == choice.options), None)
    return TuningChoice(
        repeat=choice.repeat,
        options=choice.options,
        value=None if chosen is None else chosen["value"],
        score=signed.shown(lower_quantile([signed.value(record) for record in scored])) if scored else None,
        edge=choice.edge,
        settings=len(tried),
        failures=sum(record.status in FAILED for record in runs),
        **choice.cost,
        skipped="" if choice.course is None else choice.course.skipped,
        tried=settings,
    )


def _setting(item: Tried, select: Yardstick) -> dict[str, Any]:
    known = [value for record in item.records if (value := measured(record, select)) is not None]
    return {
        "options": item.options,
        "value": rounded(fmean(known)) if known else None,
        "failures": item.point.quality.failures,
    }


def _curve(arm: TunedArm, signed: _Signed) -> tuple[tuple[int, ...], tuple[Range, ...]]:
    """Return the score of the best of k settings, drawn from those of each tuning, over what k settings cost in trials.

    The setting is chosen by the tuning's yardstick and scored by the other, both on the tuning's seeds.
    """
    searched = [choice.course.tried for choice in arm.choices if choice.course is not None and choice.course.tried]
    ranked = [_ranked(tried, signed) for tried in searched]
    if not ranked:
        return (), ()
    trials = len(searched[0][0].records)  # of each setting
    least = min(map(len, ranked))
    drawn = sorted({round(count) for count in np.geomspace(1, least, min(least, _CURVE_POINTS))})
    curve = []
    for count in drawn:
        values = np.concatenate(ranked)
        weights = np.concatenate([best_of_weights(len(scores), count) for scores in ranked])
        curve.append(signed.ordered([weighted_lower_quantile(values, weights, share) for share in SHARES]))
    return tuple(count * trials for count in drawn), tuple(curve)


def _ranked(tried: Sequence[Tried], signed: _Signed) -> list[float]:
    """Return the scores of settings on the tuning's seeds, those of the best setting first."""
    ordered = sorted(tried, key=lambda item: item.point.quality)
    return [fmean(signed.value(record) for record in item.records) for item in ordered]


def _agreements(model: ReportModel, cells: Sequence[TunedCell]) -> Iterator[TuningAgreement]:
    """Yield, for each problem with several optimizers tuned several times, whether the tunings agree."""
    for problem in model.problems:
        here = [cell for cell in cells if cell.problem == problem.id and cell.method != "stored"]
        repeats = min((len(cell.choices) for cell in here), default=0)
        if len(here) < 2 or repeats < 2:
            continue
        table = [[_lower_is_better(cell, cell.choices[repeat].score) for cell in here] for repeat in range(repeats)]
        leaders = [_leaders(here, row) for row in table]
        yield TuningAgreement(
            problem=problem.id,
            leaders=tuple(leaders),
            tau=rounded(finite(rank_agreement(table))),
            alike=len({row[:1] for row in leaders}) == len({frozenset(row) for row in leaders}) == 1,
        )


def _lower_is_better(cell: TunedCell, score: float | None) -> float:
    return math.inf if score is None else -score if cell.higher_is_better else score


def _leaders(cells: Sequence[TunedCell], scores: Sequence[float]) -> tuple[str, ...]:
    order = sorted(zip(scores, (cell.optimizer for cell in cells), strict=True), key=lambda pair: pair[0])
    return tuple(optimizer for score, optimizer in order[:LEADERS] if math.isfinite(score))


def _problem(model: ReportModel, arm: TunedArm) -> str | None:
    trial = arm.task.trial
    wanted = key_of((trial.problem,)), trial.device, trial.dtype
    found = (item.id for item in model.problems if (key_of_text(item.expression), item.device, item.dtype) == wanted)
    return next(found, None)


def _by_place(records: Iterable[TrialRecord]) -> dict[str, list[TrialRecord]]:
    places: dict[str, list[TrialRecord]] = {}
    for record in records:
        places.setdefault(_place(record.spec), []).append(record)
    return places


def _place(trial: TrialSpec) -> str:
    """Return what trials of one optimizer on one problem have in common."""
    recipe = key_of((trial.optimizer, *trial.meta_algorithms))
    return " on ".join((recipe, key_of((trial.problem,)), trial.device, trial.dtype))
