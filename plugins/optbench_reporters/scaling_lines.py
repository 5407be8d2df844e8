"""Lines of bytes or seconds against size, for the page's chart and the static figure alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from optbench.records import STEP, ReportModel, ScalingFit

STATE, PEAK, PROCESS = "state_bytes", "peak_live_bytes", "peak_process_bytes"
PANELS = {STATE: "state", PEAK: "peak", PROCESS: "peak", STEP: "step"}  # where a quantity is drawn
COINCIDE = 1.05  # figures that differ by less than this factor are drawn at the same place


@dataclass(frozen=True)
class Line:
    """One optimizer on one problem: its points in the order of size, the projected ones last; none where all are 0."""

    optimizer: int  # position in the report's list
    label: str
    panel: str  # one of PANELS's
    exponent: float | None
    sizes: tuple[int, ...]
    values: tuple[float, ...]  # bytes, or seconds
    measured: int  # how many of them were
    marks: tuple[tuple[int, int], ...]  # (size, growth of the process), where the line itself is exact
    process: bool  # whether the line itself is the growth of the process
    doubted: tuple[int, ...] = ()  # sizes at which times are not to be believed
    under: bool = False  # whether a line that is drawn later lies on it

    def to_json(self) -> dict[str, Any]:
        """Return what the chart needs."""
        return {
            "o": self.optimizer,
            "name": self.label,
            "panel": self.panel,
            "x": self.sizes,
            "y": self.values,
            "from": self.measured,
            "marks": self.marks,
            "slope": self.exponent,
            "process": self.process,
            "under": self.under,
            "doubted": self.doubted,
        }


def scaling_lines(model: ReportModel) -> tuple[Line, ...]:
    """Return the lines; zeros have no place on a logarithmic axis, so that lines of nothing else have no points."""
    lines = [line for fit in model.scaling for line in _lines(model, fit)]
    return tuple(replace(line, under=_is_hidden(line, lines[index + 1 :])) for index, line in enumerate(lines))


def _is_hidden(line: Line, later: Sequence[Line]) -> bool:
    return any(_coincide(line, other) for other in later if other.panel == line.panel)


def _coincide(line: Line, other: Line) -> bool:
    """Tell whether two lines have points at the same sizes, and all of those at the same place."""
    mine, others = (dict(zip(item.sizes, item.values, strict=True)) for item in (line, other))
    ratios = [mine[size] / others[size] for size in mine.keys() & others.keys()]
    return bool(ratios) and 1 / COINCIDE < min(ratios) <= max(ratios) < COINCIDE


def scaling_rows(model: ReportModel, *, memory: bool) -> list[dict[str, Any]]:
    """Return the rows of the page's table of memory, or of time."""
    names = {item.id: item.label for item in model.optimizers}
    return [
        {
            "name": names[fit.optimizer] + _where(model, fit),
            **dict(zip(("figure", "exponent", "interval", "top"), fit.cells, strict=True)),
            "declared": fit.declared or "–",
            "verdict": fit.verdict,
        }
        for fit in model.scaling
        if fit.is_memory == memory
    ]


def _lines(model: ReportModel, fit: ScalingFit) -> Iterator[Line]:
    panel = PANELS.get(fit.quantity)
    if panel is None:
        return
    points = sorted(model.points_of(fit, fit.quantity), key=lambda point: (point.projected, point.size))
    shown = [point for point in points if point.value > 0]
    index = [item.id for item in model.optimizers].index(fit.optimizer)
    marks = model.points_of(fit, PROCESS) if fit.quantity == PEAK else ()
    if points:
        yield Line(
            optimizer=index,
            label=model.optimizers[index].label
            + _where(model, fit)
            + (" (process)" if fit.quantity == PROCESS else ""),
            panel=panel,
            exponent=fit.exponent,
            sizes=tuple(point.size for point in shown),
            values=tuple(point.value for point in shown),
            measured=sum(not point.projected for point in shown),
            marks=tuple((point.size, int(point.value)) for point in marks),
            process=fit.quantity == PROCESS,
            doubted=tuple(point.size for point in shown if point.doubted),
        )


def _where(model: ReportModel, fit: ScalingFit) -> str:
    """Tell problem, device and precision where the suite sweeps several."""
    told = [
        value
        for name, value in (("problem", fit.problem), ("device", fit.device), ("dtype", fit.dtype))
        if len({getattr(other, name) for other in model.scaling}) > 1
    ]
    return f" on {', '.join(told)}" if told else ""
