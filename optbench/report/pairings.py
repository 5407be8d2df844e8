"""Compares the optimizers that a suite pairs, by records alone: problems solved, and evaluations where both solve."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from optbench.analysis import Verdict, compare, t_interval
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


Trials = Mapping[Case, TrialRecord]


def compare_pairings(
    pairings: Iterable[Pairing], records: Sequence[TrialRecord], names: Mapping[str, str]
) -> tuple[PairingResult, ...]:
    """Return a result for each pairing and target; `names` are the optimizers' by `key_of`.

    A trial solves where it reached the target before its end, however it ended. The ratio is the geometric mean over
    the pairs that both solve of the evaluations to the target, with Student's 95 % interval of the mean logarithm.
    """
    trials = _by_optimizer(records)
    return tuple(
        _compared(pairing, target, trials, names) for pairing in pairings for target in dict.fromkeys(pairing.targets)
    )


def count_solved(
    targets: Sequence[str],
    records: Sequence[TrialRecord],
    names: Mapping[str, str],
    problem_of: Callable[[TrialRecord], str],
) -> tuple[SolvedCount, ...]:
    """Return for each optimizer that has run, and each target, on how many problems it was reached.

    `names` are the optimizers' by `key_of`, `problem_of` names a record's problem.
    """
    trials = _by_optimizer(records)
    solvable = {target: {case for rows in trials.values() for case in _reached(rows, target)} for target in targets}
    return tuple(
        SolvedCount(
            optimizer=names[key],
            test=target,
            problems=len(rows),
            solved=_solved(_costs(rows, target)),
            missed=tuple(dict.fromkeys(map(problem_of, _missed(rows, target, solvable[target])))),
        )
        for key, rows in trials.items()
        for target in targets
    )


def _reached(rows: Trials, target: str) -> set[Case]:
    return {case for case, record in rows.items() if record.evaluations_to_target.get(target) is not None}


def _missed(rows: Trials, target: str, solvable: set[Case]) -> list[TrialRecord]:
    """Return the trials that don't solve what is `solvable`."""
    missed = (solvable & rows.keys()) - _reached(rows, target)
    return [record for case, record in rows.items() if case in missed]


def _by_optimizer(records: Iterable[TrialRecord]) -> dict[str, dict[Case, TrialRecord]]:
    """Return the trials that ran by optimizer; of repetitions, which differ in time only, the first."""
    found: dict[str, dict[Case, TrialRecord]] = {}
    ran = (record for record in records if record.status is not Status.SKIPPED)
    for record in sorted(ran, key=lambda record: record.spec.repetition):
        spec = record.spec
        case = Case(key_of((spec.problem,)), spec.device, spec.dtype, spec.seed)
        found.setdefault(key_of(spec.recipe), {}).setdefault(case, record)
    return found


def _compared(pairing: Pairing, target: str, trials: Mapping[str, Trials], names: Mapping[str, str]) -> PairingResult:
    first, second = (trials.get(key_of(parts), {}) for parts in (pairing.first, pairing.second))
    shared = [case for case in first if case in second and (first[case].size or 0) >= pairing.min_size]
    costs = [_costs({case: rows[case] for case in shared}, target) for rows in (first, second)]
    both = np.isfinite(costs[0]) & np.isfinite(costs[1])
    interval = t_interval(np.log(costs[0][both] / costs[1][both]))
    ratio, low, high = (_exponential(value) for value in (interval.estimate, interval.low, interval.high))
    return PairingResult(
        first=_name(pairing.first, names),
        second=_name(pairing.second, names),
        min_size=pairing.min_size,
        test=target,
        problems=len(shared),
        solved_first=_solved(costs[0]),
        solved_second=_solved(costs[1]),
        both=int(both.sum()),
        ratio=ratio,
        low=low,
        high=high,
        verdict=_verdict(*costs) if shared else NOT_RUN,
    )


def _costs(rows: Trials, target: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the evaluations to the target, inf where it was not reached."""
    reached = (record.evaluations_to_target.get(target) for record in rows.values())
    return np.array([math.inf if cost is None else cost for cost in reached], dtype=np.float64)


def _solved(costs: np.ndarray[tuple[int], np.dtype[np.float64]]) -> int:
    return int(np.isfinite(costs).sum())


def _verdict(
    first: np.ndarray[tuple[int], np.dtype[np.float64]], second: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> str:
    verdict = compare(first, second).verdict
    return _TOO_FEW if verdict is Verdict.TOO_FEW else verdict.value


def _exponential(logarithm: float) -> float | None:
    return finite(math.exp(logarithm)) if math.isfinite(logarithm) else None


def _name(parts: Parts, names: Mapping[str, str]) -> str:
    return names.get(key_of(parts)) or expression(parts)
