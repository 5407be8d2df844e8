"""How a cost grows with size: the exponent of a power law, with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

ROUNDING = 1e-12  # of a logarithm of a value: residuals below it are those of an exact power law


@dataclass(frozen=True)
class Exponent:
    """The slope of log(value) over log(size), and the interval that holds it with the confidence asked for."""

    exponent: float  # nan with fewer than two sizes
    low: float  # nan, as `high`, with fewer than three sizes: two points always lie on a line
    high: float
    points: int  # how many different sizes the fit has
    top_octave: Exponent | None = (
        None  # the same over the sizes of at least half the largest; None if only one is there
    )


def fit_exponent(sizes: ArrayLike, values: ArrayLike, *, confidence: float = 0.95) -> Exponent:
    """Return the exponent p of value ∝ sizeᵖ by least squares in log-log, with its t interval.

    The interval is p ± t·s/√Σ(log size − mean)², t the quantile of Student's distribution with points − 2 degrees of
    freedom and s² the mean square residual by them; an exact power law has one of no width. N. R. Draper and
    H. Smith, Applied regression analysis, 1998, section 1.4. Lower-order terms bend the line at small sizes, which
    the top octave shows.

    Args:
        sizes: Shape (runs,), positive and finite.
        values: Shape (runs,), not negative; nan (not run) is left out. Several values at one size count as one point,
            their geometric mean: they share whatever holds the size off the line. All zero: exponent 0 in [0, 0].
        confidence: Of the interval.

    Raises:
        ValueError: shapes differ; a size is not positive; a value is negative, infinite, or 0 among positive ones.

    >>> fit = fit_exponent([100, 200, 400, 800], [3e4, 12e4, 48e4, 192e4])
    >>> round(fit.exponent, 9), fit.high - fit.low, fit.points
    (2.0, 0.0, 4)
    """
    points, positive = _checked(sizes, values)
    whole = _fit(points, positive, confidence)
    top = points >= points.max(initial=0.0) / 2 * (1 - 1e-12)
    if np.unique(points[top]).size < 2:
        return whole
    return replace(whole, top_octave=_fit(points[top], positive[top], confidence))


def _checked(sizes: ArrayLike, values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    where, what = np.atleast_1d(np.asarray(sizes, dtype=float)), np.atleast_1d(np.asarray(values, dtype=float))
    if where.shape != what.shape or where.ndim != 1:
        raise ValueError(f"sizes have the shape {where.shape} and values {what.shape}; both must be (runs,)")
    if not np.all((where > 0) & np.isfinite(where)):
        raise ValueError(f"sizes must be positive and finite, not {where.tolist()}")
    run = ~np.isnan(what)
    where, what = where[run], what[run]
    if np.any(what < 0) or np.any(np.isinf(what)):
        raise ValueError(f"values must be finite and not negative, not {what.tolist()}")
    if np.any(what == 0) and np.any(what > 0):
        zeros = ", ".join(f"{size:g}" for size in np.unique(where[what == 0]))
        raise ValueError(f"the value is 0 at size {zeros} among positive ones: no power law has that; leave it out")
    return where, what


def _fit(sizes: NDArray[np.float64], values: NDArray[np.float64], confidence: float) -> Exponent:
    distinct, place = np.unique(sizes, return_inverse=True)
    if distinct.size < 2:
        return Exponent(math.nan, math.nan, math.nan, distinct.size)
    if not values.any():
        return Exponent(0.0, 0.0, 0.0, distinct.size)
    heights = np.bincount(place, np.log(values)) / np.bincount(place)
    slope, half = _line(np.log(distinct), heights, confidence)
    return Exponent(slope, slope - half, slope + half, distinct.size)


def _line(x: NDArray[np.float64], y: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Return the slope of the least-squares line and half the width of its interval (nan for two points)."""
    from scipy.special import stdtrit

    across, up = x - x.mean(), y - y.mean()
    square = float(across @ across)
    slope = float(across @ up) / square
    freedom = x.size - 2
    if not freedom:
        return slope, math.nan
    residuals = up - slope * across
    if np.abs(residuals).max() <= ROUNDING * max(1.0, float(np.abs(y).max())):
        return slope, 0.0
    error = math.sqrt(float(residuals @ residuals) / freedom / square)
    return slope, float(stdtrit(freedom, (1 + confidence) / 2)) * error
