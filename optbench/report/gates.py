"""Judges a suite's gates.

Each quantity is computed from records and event logs alone: what an optimizer says of itself has no part in it. Event
logs have one row an evaluation, with `step` the number of steps completed before it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

import numpy as np
from numpy.typing import NDArray

from optbench.analysis import best_so_far
from optbench.records import COUNT_COLUMNS, Gate, GateResult, Status, Trace, TrialRecord
from optbench.records.text import range_text
from optbench.report.runs import Traces

Numbers = NDArray[np.float64]

ENDED_WELL = (Status.OK, Status.TARGET, Status.BUDGET)
ROUNDING: Mapping[str, float] = {"float64": 2.0**-26, "float32": 2.0**-12}  # √eps, relative to max(|f0|, |f*|)


@dataclass(frozen=True)
class Trial:
    """What a quantity is computed from."""

    record: TrialRecord
    events: Trace | None
    target: str = ""


class Unmeasured(Exception):  # noqa: N818 -- an outcome, not an error
    """A trial does not have the quantity; the message says why."""


@dataclass(frozen=True)
class Sample:
    """What was measured: every number must satisfy the gate; the interval, where there is one, is of their mean."""

    value: float
    low: float | None = None
    high: float | None = None


def judge(gates: Sequence[Gate], records: Sequence[TrialRecord], events: Traces) -> tuple[GateResult, ...]:
    """Return what came of each gate; `events(id)` returns a trial's event log, None where there is none."""
    return tuple(_judge(gate, [record for record in records if gate.selects(record.spec)], events) for gate in gates)


def _judge(gate: Gate, records: Sequence[TrialRecord], events: Traces) -> GateResult:
    worst, message = None, _failed(records)
    if not message:
        try:
            samples = _seed_means(records) if gate.quantity == "excess" else _each(gate, records, events)
            worst = max((_scaled(sample, gate.scale) for sample in samples), key=lambda sample: _miss(gate, sample))
            message = _verdict(gate, worst)
        except Unmeasured as why:
            message = str(why)
    shared = ("name", "statement", "quantity", "target", "expected", "tolerance", "at_most", "at_least")
    return GateResult(
        **{key: getattr(gate, key) for key in shared},
        measured=None if worst is None else worst.value,
        low=None if worst is None else worst.low,
        high=None if worst is None else worst.high,
        passed=not message,
        trials=tuple(record.id for record in records),
        message=message,
    )


def _failed(records: Sequence[TrialRecord]) -> str:
    """Return why trials give no number, "" where all of them ended well."""
    if not records:
        return "none of its trials has a result"
    failed = [record for record in records if record.status not in ENDED_WELL]
    if not failed:
        return ""
    first = failed[0]
    why = (first.message or first.reason).partition("\n")[0]
    return f"{len(failed)} of {len(records)} trials: {first.status}" + (f", {why}" if why else "")


# ---- comparing


def _miss(gate: Gate, sample: Sample) -> float:
    """Return by how much the sample misses what the gate asks for, at most 0 where it meets it; inf for NaN."""
    if math.isnan(sample.value):
        return math.inf
    misses = [] if gate.at_most is None else [sample.value - gate.at_most]
    misses += [] if gate.at_least is None else [gate.at_least - sample.value]
    if gate.expected is not None and gate.tolerance is not None:
        misses.append(abs(sample.value - gate.expected) - gate.tolerance)
        if not _covers(sample, gate.expected):
            misses.append(math.inf)
    return max(misses)


def _covers(sample: Sample, expected: float) -> bool:
    return sample.low is None or sample.high is None or sample.low <= expected <= sample.high


def _verdict(gate: Gate, worst: Sample) -> str:
    if _miss(gate, worst) <= 0:
        return ""
    if gate.expected is not None and not _covers(worst, gate.expected):
        return f"the 95 % interval {range_text(f'{worst.low:.4g}', f'{worst.high:.4g}')} leaves out what is expected"
    return "outside of what is allowed"


def _scaled(sample: Sample, scale: float) -> Sample:
    ends = [None if end is None else end * scale for end in (sample.low, sample.high)]
    low, high = reversed(ends) if scale < 0 else ends
    return Sample(sample.value * scale, low, high)


# ---- measuring


def _each(gate: Gate, records: Sequence[TrialRecord], events: Traces) -> list[Sample]:
    """Return every number of every trial."""
    measure = MEASURES[gate.quantity]
    trials = [Trial(record, events(record.id), gate.target) for record in records]
    return [Sample(float(value)) for trial in trials for value in measure(trial)]


def _seed_means(records: Sequence[TrialRecord]) -> list[Sample]:
    """Return the mean over seeds of f − f* at the scored point for each problem, optimizer, device and dtype."""
    seeds: dict[str, dict[int, float]] = defaultdict(dict)
    for record in sorted(records, key=lambda record: -record.spec.repetition):  # repetitions differ in time only
        spec = record.spec
        group = repr((spec.problem, spec.optimizer, spec.meta_algorithms, spec.device, spec.dtype))
        seeds[group][spec.seed] = _excess(record)
    return [_mean(list(values.values())) for values in seeds.values()]


def _mean(values: Sequence[float]) -> Sample:
    """Return the mean with its 95 % interval by Student's t; a single value has none."""
    mean = fmean(values)
    if len(values) == 1:
        return Sample(mean)
    from scipy.stats import t as student

    half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return Sample(mean, mean - half, mean + half)


def _excess(record: TrialRecord) -> float:
    if record.f_best is None:
        raise Unmeasured("the objective at the scored point is not finite or was not measured")
    return record.f_best - _minimum(record)


def steps(trial: Trial) -> Numbers:
    """Return the number of steps, or of the step during which the target was reached, counted from 1."""
    if not trial.target:
        return np.array([float(trial.record.counts["steps"])])
    events = _whole(trial.events)
    spent = np.max([events[name] for name in COUNT_COLUMNS if name in events.columns], axis=0)
    reached = np.flatnonzero(spent >= evaluations(trial) * (1 - 1e-12))
    if not reached.size:
        raise Unmeasured("the event log ends before the target was reached")
    return np.array([events["step"][int(reached[0])] + 1])


def evaluations(trial: Trial) -> Numbers:
    """Return the evaluations counted in all, or until the target."""
    record, target = trial.record, trial.target
    found = record.evaluations_to_target.get(target) if target else record.evaluations
    if found is None:
        raise Unmeasured(f"the target {target} was not reached" if target else "no evaluations were counted")
    return np.array([float(found)])


def gradients(trial: Trial) -> Numbers:
    """Return the number of gradients evaluated."""
    return np.array([float(trial.record.counts["gradient"])])


def rate(trial: Trial) -> Numbers:
    """Return the factor by which each step multiplies f − f*.

    A step's value is the best one that was evaluated up to its end. A method that evaluates before it moves shows each
    point one step late; its first step then shows nothing new, and is left out.
    Factors of gaps that rounding would blur, below √eps·max(|f0|, |f*|), are left out.
    """
    events, f_star = _deterministic(trial), _minimum(trial.record)
    values = np.asarray(events["value"])
    known = np.isfinite(values)
    if not known.any():
        raise Unmeasured("no finite value was evaluated")
    start, best = float(values[known][0]), best_so_far(values)[known]
    ends = np.flatnonzero(np.diff(np.asarray(events["step"])[known], append=math.inf) > 0)
    series = best[ends] if best[ends[0]] == start else np.concatenate([[start], best[ends]])
    gaps = series - f_star
    clear = gaps[:-1] > ROUNDING[trial.record.spec.dtype] * max(abs(start), abs(f_star))
    if not clear.any():
        raise Unmeasured("no step begins above the rounding of f")
    factors: Numbers = gaps[1:][clear] / gaps[:-1][clear]
    return factors


def gradient_ratio(trial: Trial) -> Numbers:
    """Return |g|∞ of the last gradient over that of the first."""
    norms = np.asarray(_deterministic(trial)["gradient_norm"])
    norms = norms[np.isfinite(norms)]
    if not norms.size or norms[0] == 0:
        raise Unmeasured("no gradient was evaluated, or the first one is zero")
    ratio: Numbers = norms[-1:] / norms[0]
    return ratio


MEASURES: Mapping[str, Callable[[Trial], Numbers]] = {
    "steps": steps,
    "evaluations": evaluations,
    "gradients": gradients,
    "rate": rate,
    "gradient-ratio": gradient_ratio,
}


def _minimum(record: TrialRecord) -> float:
    if record.f_star is None:
        raise Unmeasured("the problem states no minimum")
    return record.f_star


def _whole(events: Trace | None) -> Trace:
    if events is None or not len(events):
        raise Unmeasured("no event log is stored")
    if not events.complete:
        raise Unmeasured("the event log was thinned after a million events")
    return events


def _deterministic(trial: Trial) -> Trace:
    """Return the log where its values are the objective itself."""
    record = trial.record
    if record.batch_size is not None:
        raise Unmeasured("the values of steps on minibatches are not the objective")
    if len(record.stage_counts) > 1:
        raise Unmeasured("the stages of one trial may have different objectives")
    return _whole(trial.events)
