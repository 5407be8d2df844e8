"""Whether independent tunings rank the leading optimizers of a problem alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from statistics import fmean

from optbench.analysis import lower_quantile, order_agreement
from optbench.records import ReportModel, TrialRecord, TunedCell, TuningAgreement, finite
from optbench.report.cells import rounded
from optbench.report.tuning_values import Signed
from optbench.tuning import TunedArm

LEADERS = 3  # of each tuning, that are compared with those of the others

Scores = list[list[float]]  # of each tuning, on each seed; lower is better


def agreements(model: ReportModel, tuned: Sequence[tuple[TunedArm, TunedCell]]) -> Iterator[TuningAgreement]:
    """Yield, for each problem with several optimizers tuned several times, whether the tunings agree."""
    for problem in model.problems:
        here = [pair for pair in tuned if pair[1].problem == problem.id and pair[1].method != "stored"]
        names = [cell.optimizer for _, cell in here]
        repeats = min((len(arm.choices) for arm, _ in here), default=0)
        if len(here) >= 2 and repeats >= 2:
            yield _agreement(problem.id, names, [_scores(arm)[:repeats] for arm, _ in here])


def _agreement(problem: str, names: Sequence[str], scores: Sequence[Scores]) -> TuningAgreement:
    """Compare the orders of those that are among the first of a tuning; what another does, further down, is no lead."""
    leaders = [_leaders(names, [of[repeat] for of in scores]) for repeat in range(len(scores[0]))]
    places = [place for place, name in enumerate(names) if any(name in row for row in leaders)]
    seeds = min(len(row) for place in places for row in scores[place]) if places else 0
    pairs = math.comb(len(places), 2)
    unknown = TuningAgreement(problem=problem, leaders=tuple(leaders), tau=None, alike=None, pairs=pairs)
    if not seeds:
        return unknown
    found = order_agreement([[scores[place][repeat][:seeds] for place in places] for repeat in range(len(leaders))])
    return replace(
        unknown,
        tau=rounded(finite(found.tau)),
        alike=found.alike,
        opposed=tuple((names[places[x]], names[places[y]]) for x, y in found.opposed),
        decided=found.decided,
    )


def _scores(arm: TunedArm) -> Scores:
    """Return how each choice does on each of the scoring seeds, in their order."""
    signed = Signed(arm.task.score)
    return [_by_seed(records, signed) for records in arm.scored]


def _by_seed(records: Sequence[TrialRecord], signed: Signed) -> list[float]:
    seeds = sorted({record.spec.seed for record in records})
    return [fmean(signed.value(record) for record in records if record.spec.seed == seed) for seed in seeds]


def _leaders(names: Sequence[str], scores: Sequence[Sequence[float]]) -> tuple[str, ...]:
    """Return the names of the best medians, the best first; of what mostly failed none."""
    medians = [lower_quantile(row) if row else math.inf for row in scores]
    order = sorted(zip(medians, names, strict=True), key=lambda pair: pair[0])
    return tuple(name for median, name in order[:LEADERS] if math.isfinite(median))
