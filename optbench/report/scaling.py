"""How memory and time grow with a problem's size: exponents against what plugins declare, and the points behind."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from optbench.analysis import Exponent, fit_exponent, lower_quantile
from optbench.records import (
    LEAST_SIZES,
    STEP,
    ReportOptimizer,
    Scaling,
    ScalingFit,
    ScalingPoint,
    Status,
    TrialRecord,
    finite,
)
from optbench.records.orders import SLACK, SLACK_OF_FEW, SLACK_OF_TIMES, degree
from optbench.report.naming import Info, expression, key_of
from optbench.report.runs import time_doubts

PROCESS = "peak_process_bytes"
LEAST_GROWTH = 2**20  # bytes of a process: below, it is the noise of pages

DECLARED = {"state_bytes": "state_memory", STEP: "step_time"}  # what a quantity is compared with; else the peak


@dataclass(frozen=True, kw_only=True)
class Slack:
    """By how much an exponent may miss the declared one."""

    interval: float  # the nearer end of its interval
    top_above: float  # the exponent of the top octave, upwards
    top_below: float  # and downwards


_OF_BYTES = Slack(interval=SLACK, top_above=SLACK_OF_FEW, top_below=SLACK_OF_FEW)
# In the top octave a cache may be left behind: seconds that rise there say nothing.
_OF_TIMES = Slack(interval=SLACK_OF_TIMES, top_above=math.inf, top_below=SLACK_OF_TIMES)

Arms = Mapping[str, ReportOptimizer]  # by the key of the optimizer with its meta-algorithms


@dataclass(frozen=True)
class _Sweep:
    """One optimizer on one problem at several sizes."""

    arm: ReportOptimizer
    problem: str  # expression without the swept option
    device: str
    dtype: str


def build_scaling(
    scaling: Scaling | None, records: Sequence[TrialRecord], projections: Sequence[TrialRecord], arms: Arms, info: Info
) -> tuple[tuple[ScalingFit, ...], tuple[ScalingPoint, ...]]:
    """Return the fits and the points of a suite that sweeps a size; of another, neither.

    `info` maps qualified names of optimizers to their declared `state_memory`, `peak_memory`, `step_time`. Only what
    was measured is fitted. The process's growth is fitted for solvers that have no exact figures, and where it shows
    memory that exact figures miss; beside others it is shown alone.
    """
    if scaling is None:
        return (), ()
    measured = _sweeps(scaling, records, arms)
    fits = [
        _fit(sweep, quantity, rows, info)
        for sweep, rows in measured.items()
        for quantity in _fitted(scaling, rows)
        if any(getattr(row, quantity) is not None for row in rows)
    ]
    shown = tuple(dict.fromkeys((*scaling.quantities, PROCESS))) if scaling.bytes_of else scaling.quantities
    points = [*_points(measured, shown, projected=False)]
    points += _points(_sweeps(scaling, projections, arms), scaling.bytes_of, projected=True)
    return tuple(fits), tuple(points)


def verdict(fit: Exponent, declared: float | None, slack: Slack) -> str:
    """Compare an exponent with the declared one: above, if even the interval's low end is, or clearly the top octave.

    Lower-order terms may hide at small sizes what the top octave shows.
    """
    if not math.isfinite(fit.low):
        return "not fitted"
    if declared is None:
        return "nothing declared"
    top = fit.exponent if fit.top_octave is None else fit.top_octave.exponent
    if fit.low > declared + slack.interval or top > declared + slack.top_above:
        return "above declared"
    if fit.high < declared - slack.interval and top < declared - slack.top_below:
        return "below declared"
    return "as declared"


def not_projectable(projections: Sequence[TrialRecord]) -> Iterator[str]:
    """Yield a sentence for each reason why sizes could not be projected."""
    reasons: dict[tuple[str, str], None] = {}
    for record in projections:
        if record.status is not Status.OK:
            reasons[record.spec.optimizer.short, record.reason.rstrip(".") or str(record.status)] = None
    for name, reason in reasons:
        yield f"{name} is shown at the sizes that were run only: {reason}."


def _sweeps(scaling: Scaling, records: Iterable[TrialRecord], arms: Arms) -> dict[_Sweep, list[TrialRecord]]:
    """Group records that differ in size alone."""
    sweeps: dict[_Sweep, list[TrialRecord]] = defaultdict(list)
    for record in records:
        spec = record.spec
        arm = arms.get(key_of(spec.recipe))
        if arm is None or record.size is None or scaling.option not in spec.problem.options:
            continue
        kept = {name: value for name, value in spec.problem.options.items() if name != scaling.option}
        problem = expression((replace(spec.problem, options=kept),))
        sweeps[_Sweep(arm, problem, spec.device, spec.dtype)].append(record)
    return sweeps


def _fitted(scaling: Scaling, rows: Sequence[TrialRecord]) -> tuple[str, ...]:
    exact = any(row.peak_live_bytes is not None for row in rows)
    all_seen = exact and not any(row.bytes_beyond_tensors for row in rows)
    if all_seen or PROCESS in scaling.quantities or not scaling.bytes_of:
        return scaling.quantities
    return (*scaling.quantities, PROCESS)


def _fit(sweep: _Sweep, quantity: str, rows: Sequence[TrialRecord], info: Info) -> ScalingFit:
    spec = rows[0].spec
    values = _values(rows, quantity)
    fit = _exponent(values)
    about = info.get(spec.optimizer.name, {})
    declared = str(about.get(DECLARED.get(quantity, "peak_memory"), ""))
    expected = degree(declared)
    return ScalingFit(
        optimizer=sweep.arm.id,
        name=spec.optimizer.name,
        options=spec.optimizer.options,
        problem=sweep.problem,
        device=sweep.device,
        dtype=sweep.dtype,
        quantity=quantity,
        exponent=finite(fit.exponent),
        low=finite(fit.low),
        high=finite(fit.high),
        top_octave=None if fit.top_octave is None else finite(fit.top_octave.exponent),
        points=fit.points,
        declared=declared,
        declared_exponent=expected,
        verdict=verdict(fit, expected, _OF_TIMES if quantity == STEP else _OF_BYTES),
    )


def _exponent(values: Mapping[int, float]) -> Exponent:
    """Fit; zeros among positive values, and fewer than three sizes, give no exponent."""
    some_zero = any(values.values()) and not all(values.values())
    if some_zero or len(values) < LEAST_SIZES:
        return Exponent(math.nan, math.nan, math.nan, len(values))
    return fit_exponent(list(values), list(values.values()))


def _values(rows: Sequence[TrialRecord], quantity: str) -> dict[int, float]:
    """Return the figure by size: of several trials the most bytes, the median of their seconds.

    A process's growth that is noise is left out.
    """
    least = LEAST_GROWTH if quantity == PROCESS else 0
    found: dict[int, list[float]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.size or 0):
        value = getattr(row, quantity)
        if row.size is not None and value is not None and value >= least:
            found[row.size].append(value)
    return {size: lower_quantile(values) if quantity == STEP else max(values) for size, values in found.items()}


def _doubted(rows: Sequence[TrialRecord], quantity: str) -> set[int]:
    """Return the sizes at which times are not to be believed."""
    return {row.size for row in rows if quantity == STEP and row.size is not None and time_doubts(row)}


def _points(
    sweeps: Mapping[_Sweep, Sequence[TrialRecord]], quantities: Sequence[str], *, projected: bool
) -> Iterator[ScalingPoint]:
    for sweep, rows in sweeps.items():
        spec = rows[0].spec
        for quantity in quantities:
            doubted = _doubted(rows, quantity)
            for size, value in _values(rows, quantity).items():
                yield ScalingPoint(
                    optimizer=sweep.arm.id,
                    name=spec.optimizer.name,
                    problem=sweep.problem,
                    device=sweep.device,
                    dtype=sweep.dtype,
                    quantity=quantity,
                    size=size,
                    value=value,
                    projected=projected,
                    doubted=size in doubted,
                )
