"""The exponents of a suite that sweeps a size, as a table for a terminal of 100 columns, or of fewer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from optbench.records import ReportModel, ScalingFit
from optbench.report.fitting import fitted, omitted
from optbench.report.tables import NAME, NUMBER, TEXT, Style, fill, new_table
from optbench.report.units import bytes_text, seconds_text, size_text

if TYPE_CHECKING:
    from rich.table import Table

_HEADINGS = ("of", "exponent", "95 %", "top", "verdict", "run", "projected")  # the last two: at the largest size
_STYLES: dict[str, Style] = {
    "optimizer": NAME,
    **dict.fromkeys(_HEADINGS, NUMBER),
    "of": {"no_wrap": True},
    "verdict": TEXT,
}
_OF_MEMORY = (
    "state: kept between steps; peak: of what came alive, exact; process: growth of the process, for solvers that own "
    "their loop. run, projected: bytes at the largest size that was run, and at the largest that was not."
)
_OF_TIME = (
    "step: seconds a step beyond the evaluations, at small sizes what a step costs at least; run: at the largest size; "
    "†: times are in doubt."
)


def scaling_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row an optimizer and figure: the exponent, its interval, what is declared and what comes of it."""
    return fitted(partial(_table, model), (("top",), ("95 %",), ("projected",)), width)


def _table(model: ReportModel, left_out: frozenset[str]) -> Table:
    table = new_table(f"{model.title}: how {model.grows} grows", _caption(model) + omitted(left_out, _HEADINGS))
    names = {optimizer.id: optimizer.label for optimizer in model.optimizers}
    rows = ((names[fit.optimizer], *_cells(model, fit)) for fit in model.scaling)
    projected = any(fit.is_memory for fit in model.scaling)
    return fill(table, _STYLES, rows, left_out if projected else left_out | {"projected"})


def _caption(model: ReportModel) -> str:
    """Say what the columns are."""
    words = [
        "exponent p of figure ∝ nᵖ over the sizes that were run, with its 95 % interval; top: over the top octave.",
        "verdict: against the declared order; not fitted: fewer than three sizes have a figure, or some are zero.",
    ]
    if any(fit.is_memory for fit in model.scaling):
        words += [_OF_MEMORY]
    if not all(fit.is_memory for fit in model.scaling):
        words += [_OF_TIME]
    return " ".join(words)


def _cells(model: ReportModel, fit: ScalingFit) -> list[str]:
    return [
        *fit.cells,
        _verdict(fit),
        _largest(model, fit, projected=False),
        _largest(model, fit, projected=True),
    ]


def _verdict(fit: ScalingFit) -> str:
    """Put the declared order in the verdict's place for it: "as O(n^2)"."""
    return fit.verdict.replace("declared", fit.declared) if fit.declared_exponent is not None else fit.verdict


def _largest(model: ReportModel, fit: ScalingFit, *, projected: bool) -> str:
    points = (point for point in model.points_of(fit, fit.quantity) if point.projected == projected)
    last = max(points, key=lambda point: point.size, default=None)
    if last is None:
        return ""
    text = bytes_text(last.value) if fit.is_memory else seconds_text(last.value)
    return f"{text}{'†' if last.doubted else ''} at {size_text(last.size)}"
