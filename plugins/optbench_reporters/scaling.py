"""Lines of bytes against size, for the page's chart and the static figure alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from optbench.records import ReportModel, ScalingFit

STATE, PEAK, PROCESS = "state_bytes", "peak_live_bytes", "peak_process_bytes"
PANELS = ("peak", "state")


@dataclass(frozen=True)
class Line:
    """One optimizer on one problem: its points in the order of size, the projected ones last."""

    optimizer: int  # position in the report's list
    label: str
    panel: str  # one of PANELS
    exponent: float | None
    sizes: tuple[int, ...]
    bytes: tuple[int, ...]
    measured: int  # how many of them were
    marks: tuple[tuple[int, int], ...]  # (size, growth of the process), where the line itself is exact

    def to_json(self) -> dict[str, Any]:
        """Return what the chart needs."""
        return {
            "o": self.optimizer,
            "name": self.label,
            "panel": self.panel,
            "x": self.sizes,
            "y": self.bytes,
            "from": self.measured,
            "marks": self.marks,
            "slope": self.exponent,
        }


def scaling_lines(model: ReportModel) -> tuple[Line, ...]:
    """Return the lines; zeros have no place on a logarithmic axis and are left out."""
    return tuple(line for fit in model.scaling for line in _lines(model, fit))


def scaling_rows(model: ReportModel) -> list[dict[str, Any]]:
    """Return the rows of the page's table."""
    names = {item.id: item.label for item in model.optimizers}
    return [
        {
            "name": names[fit.optimizer] + _where(model, fit),
            **dict(zip(("bytes", "exponent", "interval", "top"), fit.cells, strict=True)),
            "declared": fit.declared or "–",
            "verdict": fit.verdict,
        }
        for fit in model.scaling
    ]


def _lines(model: ReportModel, fit: ScalingFit) -> Iterator[Line]:
    panel = "state" if fit.quantity == STATE else "peak"
    if fit.quantity not in (STATE, PEAK, PROCESS):
        return
    points = sorted(model.points_of(fit, fit.quantity), key=lambda point: (point.projected, point.size))
    shown = [point for point in points if point.bytes > 0]
    if shown:
        index = [item.id for item in model.optimizers].index(fit.optimizer)
        marks = model.points_of(fit, PROCESS) if fit.quantity == PEAK else ()
        yield Line(
            optimizer=index,
            label=model.optimizers[index].label + _where(model, fit),
            panel=panel,
            exponent=fit.exponent,
            sizes=tuple(point.size for point in shown),
            bytes=tuple(point.bytes for point in shown),
            measured=sum(not point.projected for point in shown),
            marks=tuple((point.size, point.bytes) for point in marks),
        )


def _where(model: ReportModel, fit: ScalingFit) -> str:
    """Tell problem, device and precision where the suite sweeps several."""
    told = [
        value
        for name, value in (("problem", fit.problem), ("device", fit.device), ("dtype", fit.dtype))
        if len({getattr(other, name) for other in model.scaling}) > 1
    ]
    return f" on {', '.join(told)}" if told else ""
