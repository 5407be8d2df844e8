"""The tuning section of a report: scores by tuning and by budget, what was chosen, what it cost, and who leads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np

from optbench.analysis import best_of_weights, lower_quantile, weighted_lower_quantile
from optbench.records import (
    FAILED,
    Range,
    ReportModel,
    SuiteSpec,
    TrialRecord,
    TrialSpec,
    TunedCell,
    Tuning,
    TuningChoice,
    Yardstick,
)
from optbench.report.cells import SHARES, rounded
from optbench.report.naming import key_of, key_of_text, place_of
from optbench.report.tuned import tuned_recipe
from optbench.report.tuning_agreement import agreements
from optbench.report.tuning_notes import tuning_notes
from optbench.report.tuning_values import Signed
from optbench.tuning import Choice, Tried, TunedArm
from optbench.tuning.quality import measured

_CURVE_POINTS = 24


def with_tuning(
    model: ReportModel, suite: SuiteSpec, plain: Sequence[TrialRecord], arms: Sequence[TunedArm]
) -> ReportModel:
    """Return the report with its tuning section; `arms` and the `plain` records are those of `suite`'s run."""
    if suite.tuning is None:
        return model
    untuned = _by_arm(plain)
    tuned = [(arm, cell) for arm in arms for cell in _cell(model, arm, suite.tuning, untuned)]
    cells, agreed = tuple(cell for _, cell in tuned), tuple(agreements(model, tuned))
    notes = tuning_notes(model, suite.tuning, cells, agreed)
    return replace(model, tuned=cells, agreements=agreed, notes=(*model.notes, *notes))


def _cell(
    model: ReportModel, arm: TunedArm, tuning: Tuning, untuned: Mapping[tuple[str, ...], Sequence[TrialRecord]]
) -> Iterator[TunedCell]:
    """Yield the cell; none where the report has no such optimizer, since nothing of it could be run."""
    task = arm.task
    recipe = task.trial.recipe
    optimizers = {key_of_text(item.expression): item.id for item in model.optimizers}
    name, problem = key_of(tuned_recipe(recipe, task.space)), _problem(model, arm)
    if name not in optimizers or problem is None:
        return
    signed = Signed(task.score)
    rows = untuned.get(_arm(task.trial), ())
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


def _choice(choice: Choice, scored: Sequence[TrialRecord], select: Yardstick, signed: Signed) -> TuningChoice:
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


def _curve(arm: TunedArm, signed: Signed) -> tuple[tuple[int, ...], tuple[Range, ...]]:
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


def _ranked(tried: Sequence[Tried], signed: Signed) -> list[float]:
    """Return the scores of settings on the tuning's seeds, those of the best setting first."""
    ordered = sorted(tried, key=lambda item: item.point.quality)
    return [fmean(signed.value(record) for record in item.records) for item in ordered]


def _problem(model: ReportModel, arm: TunedArm) -> str | None:
    trial = arm.task.trial
    wanted = place_of(trial)
    found = (item.id for item in model.problems if (key_of_text(item.expression), item.device, item.dtype) == wanted)
    return next(found, None)


def _by_arm(records: Iterable[TrialRecord]) -> dict[tuple[str, ...], list[TrialRecord]]:
    arms: dict[tuple[str, ...], list[TrialRecord]] = {}
    for record in records:
        arms.setdefault(_arm(record.spec), []).append(record)
    return arms


def _arm(trial: TrialSpec) -> tuple[str, ...]:
    """Return what trials of one optimizer on one problem have in common."""
    return (key_of(trial.recipe), *place_of(trial))
