"""Derivatives from values alone, and where a stated derivative departs from them. Shapes: n parameters, m values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

_STEPS = 14  # lengths tried, each a quarter of the one before
_LONGEST = 0.1  # relative to the point
_CERTAIN = 10.0  # a departure of so many times the differences' own error is one
_RELATIVE = 1e-6  # departures below this share are never told


@dataclass(frozen=True)
class Departure:
    """One entry in which a stated derivative is not what the values show."""

    entry: tuple[int, ...]  # of the derivative: (i,) of a gradient, (i, j) of a Jacobian or a Hessian
    stated: float
    expected: float

    def __str__(self) -> str:
        """Return "[i]: expected …, got … (relative error …)"."""
        error = abs(self.stated - self.expected) / max(abs(self.expected), abs(self.stated))
        place = ", ".join(map(str, self.entry))
        expected, stated = f"{self.expected:.9g}", f"{self.stated:.9g}"
        return f"[{place}]: expected {expected} by differences, got {stated} (relative error {error:.1e})"


@dataclass(frozen=True)
class Slope:
    """The derivative of m values along a direction, and by how much it may be off."""

    values: Tensor  # (m,)
    error: float


def slope(function: Callable[[Tensor], Tensor], x: Tensor, direction: Tensor) -> Slope:
    """Return the derivative of `function`, (n,) -> () or (m,), at x along `direction`.

    Central differences, of which each pair is extrapolated to a step of 0 (Richardson); the length is the one at which
    two extrapolations agree best, up to the rounding of the values. So a kink further away than the length, or a large
    constant among the values, does no harm.
    """
    moved = float(torch.where(direction != 0, x, 0.0).abs().max())
    longest = _LONGEST * (1.0 + moved) / max(float(direction.abs().max()), 1e-300)
    lengths = [longest / 4.0**k for k in range(_STEPS)]
    pairs = [(function(x + t * direction).reshape(-1), function(x - t * direction).reshape(-1)) for t in lengths]
    raw = [(ahead - behind) / (2 * t) for (ahead, behind), t in zip(pairs, lengths, strict=True)]
    rounding = [
        torch.finfo(ahead.dtype).eps * max(_largest(ahead), _largest(behind)) / t
        for (ahead, behind), t in zip(pairs, lengths, strict=True)
    ]
    better = [(16 * fine - coarse) / 15 for coarse, fine in pairwise(raw)]
    errors = [_largest(fine - coarse) + rounding[k + 2] for k, (coarse, fine) in enumerate(pairwise(better))]
    finite = [(error, index) for index, error in enumerate(errors) if error == error]  # noqa: PLR0124 -- NaN
    error, index = min(finite, default=(float("inf"), 0))
    return Slope(better[index + 1], error)


def departure(
    function: Callable[[Tensor], Tensor], stated: Tensor, x: Tensor, generator: torch.Generator
) -> Departure | None:
    """Return an entry in which `stated`, (n,) or (m, n), is not the derivative of `function`; None where it is.

    One random direction shows whether there is any; halving the columns then finds one.
    """
    rows = stated.reshape(-1, x.numel())
    direction = torch.randn(x.numel(), generator=generator, dtype=x.dtype)
    row = _departing_row(function, rows, x, direction)
    if row is None:
        return None
    columns = torch.arange(x.numel())
    while len(columns) > 1:
        halves = (columns[: len(columns) // 2], columns[len(columns) // 2 :])
        columns = max(halves, key=lambda half: abs(_excess(function, rows, x, _only(direction, half), row)))
    column = int(columns[0])
    unit = _only(torch.ones_like(x), columns)
    expected = float(slope(function, x, unit).values[row])
    entry = (column,) if stated.ndim == 1 else (row, column)
    return Departure(entry, float(rows[row, column]), expected)


def departing_column(function: Callable[[Tensor], Tensor], stated: Tensor, x: Tensor) -> Departure | None:
    """Return an entry in which `stated` departs, as `departure` does, each coordinate by itself: 28 n evaluations.

    In a badly scaled problem, what is wrong along one coordinate is lost in what is right along another.
    """
    rows = stated.reshape(-1, x.numel())
    for column in range(x.numel()):
        found = slope(function, x, _only(torch.ones_like(x), torch.tensor([column])))
        row, excess = _worst(rows[:, column] - found.values, found, rows[:, column])
        if excess:
            entry = (column,) if stated.ndim == 1 else (row, column)
            return Departure(entry, float(rows[row, column]), float(found.values[row]))
    return None


def departing_entry(
    function: Callable[[Tensor], Tensor], stated: Tensor, x: Tensor, direction: Tensor
) -> Departure | None:
    """Return an entry in which `stated`, (m,), is not the derivative of `function` along `direction`."""
    found = slope(function, x, direction)
    index, excess = _worst(stated - found.values, found, stated)
    return Departure((index,), float(stated[index]), float(found.values[index])) if excess else None


def _departing_row(function: Callable[[Tensor], Tensor], rows: Tensor, x: Tensor, direction: Tensor) -> int | None:
    found = slope(function, x, direction)
    scale = (rows.square() @ direction.square()).sqrt()  # what rounding in the product is relative to
    index, excess = _worst(rows @ direction - found.values, found, scale)
    return index if excess else None


def _worst(difference: Tensor, found: Slope, scale: Tensor) -> tuple[int, bool]:
    """Return where the difference is largest, and whether it is more than rounding and the differences' own error."""
    index = int(torch.where(difference.isnan(), torch.inf, difference.abs()).argmax())
    allowed = _CERTAIN * found.error + _RELATIVE * max(_largest(scale), _largest(found.values))
    return index, not abs(float(difference[index])) <= allowed


def _excess(function: Callable[[Tensor], Tensor], rows: Tensor, x: Tensor, direction: Tensor, row: int) -> float:
    return float(rows[row] @ direction - slope(function, x, direction).values[row])


def _only(direction: Tensor, columns: Tensor) -> Tensor:
    kept = torch.zeros_like(direction)
    kept[columns] = direction[columns]
    return kept


def _largest(values: Tensor) -> float:
    return float(values.abs().max()) if values.numel() else 0.0
