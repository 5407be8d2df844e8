"""What each meta-algorithm changes: pairs of trials with it and without it, seed by seed, by records alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from optbench.analysis import Verdict, compare, holm, log_ratios, lower_quantile
from optbench.records import Ablation, AblationEffect, ReportModel, SuiteSpec, TrialRecord, Yardstick, finite
from optbench.report.ablation_pairs import Array, Pairs, averaged, grouped, pairs_of
from optbench.report.cells import rounded
from optbench.report.naming import Info, Parts, key_of, key_of_text, labels
from optbench.report.runs import Traces

LEAST_PROBLEMS = 3  # of a summary: the interval over two of them may hold anything
LEVEL = 0.05  # of the tests, adjusted by Holm over all effects
VERDICTS = {
    Verdict.FASTER: "better",
    Verdict.SLOWER: "worse",
    Verdict.SOLVES_MORE: "succeeds more often",
    Verdict.SOLVES_LESS: "succeeds less often",
    Verdict.UNSOLVED: "neither succeeds",
}
_SETTLED = (Verdict.TOO_FEW, Verdict.UNSOLVED)


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
    pairs = list(pairs_of(model, suite, records, snapshots))
    pairs += [averaged(group) for group in grouped(pairs, lambda item: f"{item.kind} {item.problem}")]
    names = _Names(model, suite.ablations, info or {})
    effects = [names.effect(item, [item]) for item in pairs]
    over_problems = (group for group in grouped(pairs, lambda item: item.arms) if len(group) >= LEAST_PROBLEMS)
    effects += [names.effect(replace(group[0], problem=""), group) for group in over_problems]
    order = {problem.id: place for place, problem in enumerate(model.problems)}
    effects.sort(key=lambda effect: order.get(effect.problem, len(order)))
    return replace(model, ablations=tuple(_adjusted(effects)))


@dataclass(frozen=True)
class _Names:
    """The report's names for what is ablated."""

    model: ReportModel
    ablations: Sequence[Ablation]
    info: Info

    def effect(self, named: Pairs, rows: Sequence[Pairs]) -> AblationEffect:
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
            value_present=_median(named.values[0], named.yardstick) if alone else None,
            value_absent=_median(named.values[1], named.yardstick) if alone else None,
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


def _table(rows: Sequence[Pairs], place: int) -> Array:
    """Return the costs of one arm: (seeds,) of one problem, (problems,) where each has one seed, else both."""
    if len(rows) == 1 or all(len(item.seeds) == 1 for item in rows):
        return np.concatenate([item.costs[place] for item in rows])
    seeds = sorted({seed for item in rows for seed in item.seeds})
    table = np.full((len(rows), len(seeds)), np.nan)
    for row, item in zip(table, rows, strict=True):
        row[np.isin(seeds, item.seeds)] = item.costs[place]
    return table


def _median(values: Array, yardstick: Yardstick) -> float | None:
    """Return the median, failed runs being the worst; None where it is one of them."""
    worst = -np.inf if yardstick.higher_is_better else np.inf
    return rounded(lower_quantile(np.where(np.isnan(values), worst, values)))


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
