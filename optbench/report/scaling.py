"""How memory grows with the size of a problem: exponents against what plugins declare, and the points behind them."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from optbench.analysis import Exponent, fit_exponent
from optbench.records import (
    LEAST_SIZES,
    ReportOptimizer,
    Scaling,
    ScalingFit,
    ScalingPoint,
    Status,
    TrialRecord,
    finite,
)
from optbench.records.orders import SLACK, SLACK_OF_FEW, degree
from optbench.report.naming import Info, expression, key_of

PROCESS = "peak_process_bytes"
LEAST_GROWTH = 2**20  # bytes of a process: below, it is the noise of pages

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

    `info` maps qualified names of optimizers to their declared `state_memory` and `peak_memory`. Only what was measured
    is fitted. The process's growth is fitted for solvers that have no exact figures, and where it shows memory that
    exact figures miss; beside others it is shown alone.
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
    shown = tuple(dict.fromkeys((*scaling.quantities, PROCESS)))
    points = [*_points(measured, shown, projected=False)]
    points += _points(_sweeps(scaling, projections, arms), scaling.quantities, projected=True)
    return tuple(fits), tuple(points)


def verdict(fit: Exponent, declared: float | None) -> str:
    """Compare an exponent with the declared one: above, if even the interval's low end is, or clearly the top octave.

    Lower-order terms may hide at small sizes what the top octave shows.
    """
    if not math.isfinite(fit.low):
        return "not fitted"
    if declared is None:
        return "nothing declared"
    top = fit.exponent if fit.top_octave is None else fit.top_octave.exponent
    if fit.low > declared + SLACK or top > declared + SLACK_OF_FEW:
        return "above declared"
    if fit.high < declared - SLACK and top < declared - SLACK_OF_FEW:
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
        arm = arms.get(key_of((spec.optimizer, *spec.meta_algorithms)))
        if arm is None or record.size is None or scaling.option not in spec.problem.options:
            continue
        kept = {name: value for name, value in spec.problem.options.items() if name != scaling.option}
        problem = expression((replace(spec.problem, options=kept),))
        sweeps[_Sweep(arm, problem, spec.device, spec.dtype)].append(record)
    return sweeps


def _fitted(scaling: Scaling, rows: Sequence[TrialRecord]) -> tuple[str, ...]:
    exact = any(row.peak_live_bytes is not None for row in rows)
    all_seen = exact and not any(row.bytes_beyond_tensors for row in rows)
    if all_seen or PROCESS in scaling.quantities:
        return scaling.quantities
    return (*scaling.quantities, PROCESS)


def _fit(sweep: _Sweep, quantity: str, rows: Sequence[TrialRecord], info: Info) -> ScalingFit:
    spec = rows[0].spec
    values = _values(rows, quantity)
    fit = _exponent(values)
    about = info.get(spec.optimizer.name, {})
    declared = str(about.get("state_memory" if quantity == "state_bytes" else "peak_memory", ""))
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
        verdict=verdict(fit, expected),
    )


def _exponent(values: Mapping[int, int]) -> Exponent:
    """Fit; zeros among positive values, and fewer than three sizes, give no exponent."""
    some_zero = any(values.values()) and not all(values.values())
    if some_zero or len(values) < LEAST_SIZES:
        return Exponent(math.nan, math.nan, math.nan, len(values))
    return fit_exponent(list(values), list(values.values()))


def _values(rows: Sequence[TrialRecord], quantity: str) -> dict[int, int]:
    """Return the bytes by size, the most of several trials; a process's growth that is noise is left out."""
    least = LEAST_GROWTH if quantity == PROCESS else 0
    values: dict[int, int] = {}
    for row in sorted(rows, key=lambda row: row.size or 0):
        value = getattr(row, quantity)
        if row.size is not None and value is not None and value >= least:
            values[row.size] = max(value, values.get(row.size, 0))
    return values


def _points(
    sweeps: Mapping[_Sweep, Sequence[TrialRecord]], quantities: Sequence[str], *, projected: bool
) -> Iterator[ScalingPoint]:
    for sweep, rows in sweeps.items():
        spec = rows[0].spec
        for quantity in quantities:
            for size, value in _values(rows, quantity).items():
                yield ScalingPoint(
                    optimizer=sweep.arm.id,
                    name=spec.optimizer.name,
                    problem=sweep.problem,
                    device=sweep.device,
                    dtype=sweep.dtype,
                    quantity=quantity,
                    size=size,
                    bytes=value,
                    projected=projected,
                )
