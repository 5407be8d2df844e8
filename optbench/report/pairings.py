"""Compares the optimizers that a suite pairs, by records alone: problems solved, and evaluations where both solve."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from optbench.analysis import LEAST_SEEDS, Verdict, compare, t_interval
from optbench.records import Pairing, PairingResult, SolvedCount, Status, TrialRecord, finite
from optbench.report.naming import Parts, expression, key_of

NOT_RUN = "not run"
_TOO_FEW = "too few pairs"


class Case(NamedTuple):
    """What two trials have in common that are compared."""

    problem: str
    device: str
    dtype: str
    seed: int
    tuning: int = 0

    @property
    def task(self) -> tuple[str, str, str]:
        """What the trials of all seeds and tunings have in common."""
        return self.problem, self.device, self.dtype


Pair = tuple[TrialRecord, TrialRecord]
Array = NDArray[np.float64]
Trials = Mapping[Case, TrialRecord]


def compare_pairings(
    pairings: Iterable[Pairing], records: Sequence[TrialRecord], names: Mapping[str, str], repetitions: int = 1
) -> tuple[PairingResult, ...]:
    """Return a result for each pairing and target; `names` are the optimizers' by `key_of`.

    A trial solves where it reached the target before its end, however it ended. The ratio is the geometric mean over
    the pairs that both solve of the evaluations to the target, with Student's 95 % interval of the mean logarithm.

    Each of several tunings counts; `repetitions` of the suite tell them from repetitions. Trials that share a tuning's
    choice are no independent ones: logarithms are averaged over the seeds of a tuning first, and the interval and the
    verdict are over tunings (of all problems). Where one of the two has a single tuning, its trials stand against
    those of each tuning of the other, and the problem counts once. A pairing neither of which ran, being left out by
    whoever narrowed the suite, has no result.
    """
    trials = _by_optimizer(records, repetitions)
    return tuple(
        _compared(pairing, target, trials, names)
        for pairing in pairings
        if {key_of(pairing.first), key_of(pairing.second)} & trials.keys()
        for target in dict.fromkeys(pairing.targets)
    )


def count_solved(
    targets: Sequence[str],
    records: Sequence[TrialRecord],
    names: Mapping[str, str],
    problem_of: Callable[[TrialRecord], str],
    repetitions: int = 1,
) -> tuple[SolvedCount, ...]:
    """Return for each optimizer that has run, and each target, on how many problems it was reached.

    `names` are the optimizers' by `key_of`, `problem_of` names a record's problem; a problem counts once for each
    seed and each tuning, which `repetitions` of the suite tell from repetitions.
    """
    trials = _by_optimizer(records, repetitions)
    solvable = {
        target: {(*case.task, case.seed) for rows in trials.values() for case in _reached(rows, target)}
        for target in targets
    }
    return tuple(
        SolvedCount(
            optimizer=names[key],
            test=target,
            problems=len(rows),
            solved=_solved(_costs(rows.values(), target)),
            missed=tuple(dict.fromkeys(map(problem_of, _missed(rows, target, solvable[target])))),
        )
        for key, rows in trials.items()
        for target in targets
    )


def _reached(rows: Trials, target: str) -> set[Case]:
    return {case for case, record in rows.items() if record.evaluations_to_target.get(target) is not None}


def _missed(rows: Trials, target: str, solvable: set[tuple[str, str, str, int]]) -> list[TrialRecord]:
    """Return the trials that don't solve what is `solvable`: problems on a device, in a precision, with a seed."""
    reached = _reached(rows, target)
    return [record for case, record in rows.items() if case not in reached and (*case.task, case.seed) in solvable]


def _by_optimizer(records: Iterable[TrialRecord], repetitions: int) -> dict[str, dict[Case, TrialRecord]]:
    """Return the trials that ran by optimizer; of repetitions, which differ in time only, the first."""
    found: dict[str, dict[Case, TrialRecord]] = {}
    ran = (record for record in records if record.status is not Status.SKIPPED)
    for record in sorted(ran, key=lambda record: record.spec.repetition):
        spec = record.spec
        tuning = spec.repetition // repetitions  # 0 of what is not tuned
        case = Case(key_of((spec.problem,)), spec.device, spec.dtype, spec.seed, tuning)
        found.setdefault(key_of(spec.recipe), {}).setdefault(case, record)
    return found


def _compared(pairing: Pairing, target: str, trials: Mapping[str, Trials], names: Mapping[str, str]) -> PairingResult:
    first, second = (trials.get(key_of(parts), {}) for parts in (pairing.first, pairing.second))
    units = [unit for unit in _units(first, second) if (unit[0][0].size or 0) >= pairing.min_size]
    costs = _table(units, target, 0), _table(units, target, 1)
    both = np.isfinite(costs[0]) & np.isfinite(costs[1])
    logs = np.log(np.divide(*costs, where=both, out=np.ones(both.shape)))
    interval = t_interval([row[solved].mean() for row, solved in zip(logs, both, strict=True) if solved.any()])
    ratio, low, high = (_exponential(value) for value in (interval.estimate, interval.low, interval.high))
    return PairingResult(
        first=_name(pairing.first, names),
        second=_name(pairing.second, names),
        min_size=pairing.min_size,
        test=target,
        problems=sum(map(len, units)),
        solved_first=_solved(costs[0]),
        solved_second=_solved(costs[1]),
        both=int(both.sum()),
        ratio=ratio,
        low=low,
        high=high,
        verdict=_verdict(*costs) if units else NOT_RUN,
    )


def _units(first: Trials, second: Trials) -> list[list[Pair]]:
    """Return the pairs in groups that are independent: a seed where nothing is tuned, else a tuning, or a problem."""
    counts = [Counter(task for task, _ in {(case.task, case.tuning) for case in trials}) for trials in (first, second)]
    units: dict[Hashable, list[Pair]] = defaultdict(list)
    for case, record in first.items():
        several = [count[case.task] > 1 for count in counts]
        if all(several):
            rivals = [second[case]] if case in second else []
        else:
            rivals = [rival for other, rival in second.items() if other._replace(tuning=case.tuning) == case]
        unit = (case.task, case.tuning) if all(several) else case.task if any(several) else case
        units[unit] += [(record, rival) for rival in rivals]
    return [pairs for pairs in units.values() if pairs]


def _table(units: Sequence[Sequence[Pair]], target: str, which: int) -> Array:
    """Return the costs of one of the two, a row a unit, nan where it has fewer pairs than another."""
    table = np.full((len(units), max(map(len, units), default=0)), np.nan)
    for row, pairs in zip(table, units, strict=True):
        row[: len(pairs)] = _costs([pair[which] for pair in pairs], target)
    return table


def _costs(records: Iterable[TrialRecord], target: str) -> Array:
    """Return the evaluations to the target, inf where it was not reached."""
    reached = (record.evaluations_to_target.get(target) for record in records)
    return np.array([math.inf if cost is None else cost for cost in reached], dtype=np.float64)


def _solved(costs: Array) -> int:
    return int(np.isfinite(costs).sum())


def _verdict(first: Array, second: Array) -> str:
    """Return the verdict over units; one with several pairs counts by their mean, or their median if some miss."""
    several = first.shape[1] > 1
    verdict = compare(first, second, least=1).verdict if several else compare(first[:, 0], second[:, 0]).verdict
    few = verdict is Verdict.TOO_FEW or (several and len(first) < LEAST_SEEDS)
    return _TOO_FEW if few else verdict.value


def _exponential(logarithm: float) -> float | None:
    return finite(math.exp(logarithm)) if math.isfinite(logarithm) else None


def _name(parts: Parts, names: Mapping[str, str]) -> str:
    return names.get(key_of(parts)) or expression(parts)
