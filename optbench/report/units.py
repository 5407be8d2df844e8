"""Numbers as short text; "–" stands for what is not there."""

from __future__ import annotations

from optbench.records.text import NONE


def count_text(value: float | None) -> str:
    """Return a count: 152, 3,449."""
    return NONE if value is None else f"{value:,.0f}"


def seconds_text(value: float | None) -> str:
    """Return a time with two digits: 12 ms, 1.5 s."""
    return NONE if value is None else _scaled(value, ((1e-6, "µs"), (1e-3, "ms"), (1.0, "s")))


def bytes_text(value: float | None) -> str:
    """Return a size with three digits: 512 B, 1.2 kB."""
    return NONE if value is None else _scaled(value, ((1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB")))


def size_text(value: int) -> str:
    """Return a number of parameters: 250, 20k, 1M."""
    return _scaled(value, ((1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"))).replace(" ", "")


def _scaled(value: float, units: tuple[tuple[float, str], ...]) -> str:
    scale, unit = max((pair for pair in units if pair[0] <= value), default=units[0])
    digits = value / scale
    return f"{digits:.0f} {unit}" if digits >= 100 else f"{digits:.2g} {unit}"
