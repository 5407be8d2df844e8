"""Minimisers of interpolating polynomials, safeguarded. Imports no torch."""

from __future__ import annotations

import math

from optbench.numerics.line import Trial


def cubic_minimum(a: Trial, b: Trial) -> float:
    """Return the minimiser of the cubic through two values and slopes; NaN where it has none.

    Nocedal & Wright, Numerical Optimization (2006), equation 3.59.
    """
    width = b.step - a.step
    if not width:
        return math.nan
    bend = a.slope + b.slope - 3 * (b.value - a.value) / width
    largest = max(abs(a.slope), abs(b.slope), abs(bend))
    if not 0 < largest < math.inf:
        return math.nan
    unit = math.ldexp(1.0, math.frexp(largest)[1] - 1)  # a power of two: no digit changes
    before, after, bend = a.slope / unit, b.slope / unit, bend / unit  # their squares would leave the floats early
    radicand = bend * bend - before * after
    if not radicand >= 0:
        return math.nan
    root = math.copysign(math.sqrt(radicand), width)
    denominator = after - before + 2 * root
    return b.step - width * (after + root - bend) / denominator if denominator else math.nan


def secant_minimum(a: Trial, b: Trial) -> float:
    """Return where the line through two slopes is zero; NaN where it is flat. Rounding of values does not matter."""
    rise = b.slope - a.slope
    return a.step - a.slope * (b.step - a.step) / rise if rise else math.nan


def quadratic_minimum(a: Trial, b: Trial) -> float:
    """Return the minimiser of the parabola through a's value and slope and b's value; NaN where it has none."""
    width = b.step - a.step
    above = b.value - a.value - a.slope * width  # how far b lies above the tangent at a
    return a.step - 0.5 * a.slope * width * (width / above) if above > 0 else math.nan


def power_minimum(a: Trial, b: Trial) -> float:
    """Return the minimiser of a's tangent plus c·(step − a.step)ᵖ through b's value and slope; NaN where it has none.

    The power is what b's slope says of its rise above a's tangent: 2 is a parabola. It finds in one evaluation a step
    that is shorter by many orders, where f grows like a power far from its minimum.
    """
    width = b.step - a.step
    rise, drop = b.value - a.value - a.slope * width, -a.slope * width
    if not (rise > 0 and drop > 0 and math.isfinite(rise)):
        return math.nan
    power = (b.slope - a.slope) * width / rise
    if not 1 < power < math.inf:
        return math.nan
    return a.step + width * (drop / (power * rise)) ** (1 / (power - 1))


def clipped(step: float, low: float, high: float, otherwise: float) -> float:
    """Return `step` within [low, high] (in either order), or `otherwise` where it isn't a number."""
    if not math.isfinite(step):
        return otherwise
    return min(max(step, min(low, high)), max(low, high))


def rounded(number: float, bits: int) -> float:
    """Return a finite number rounded to so many binary digits."""
    mantissa, exponent = math.frexp(number)
    return math.ldexp(round(math.ldexp(mantissa, bits)), exponent - bits)
