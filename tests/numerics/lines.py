"""Functions of one float that line searches are tried on, each with its derivative."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from optbench.numerics.line import Line

Phi = Callable[[float], tuple[float, float]]


def line(phi: Phi, **more: Any) -> Line:
    """Return what a search sees of φ."""
    value, slope = phi(0.0)
    return Line(phi=phi, value=value, slope=slope, **more)


def valley(step: float) -> tuple[float, float]:
    """Moré and Thuente's first function: convex at first, its minimum at √2."""
    return -step / (step**2 + 2), (step**2 - 2) / (step**2 + 2) ** 2


def quintic(step: float) -> tuple[float, float]:
    """Their second: a minimum at 1.6 that is hard to see from far off."""
    t = step + 0.004
    return t**5 - 2 * t**4, 5 * t**4 - 8 * t**3


def wavy(step: float) -> tuple[float, float]:
    """Their third: |1 − step|, rounded at 1 and with 39 quarters of a wave on it, so that slopes deceive."""
    near, waves = 0.01, 39
    value, slope = abs(1 - step), math.copysign(1.0, step - 1)
    if abs(1 - step) < near:
        value, slope = (step - 1) ** 2 / (2 * near) + near / 2, (step - 1) / near
    angle = waves * math.pi / 2
    height = 2 * (1 - near) / (waves * math.pi)
    return value + height * math.sin(angle * step), slope + height * angle * math.cos(angle * step)


def yanai(left: float, right: float) -> Phi:
    """Return their fourth, fifth and sixth functions (of Yanai, Ozawa and Kaneko), for two widths of the bends."""

    def phi(step: float) -> tuple[float, float]:
        scale_left, scale_right = math.hypot(1, left) - left, math.hypot(1, right) - right
        first, second = math.hypot(1 - step, right), math.hypot(step, left)
        value = scale_left * first + scale_right * second
        return value, scale_left * (step - 1) / first + scale_right * step / second

    return phi


MORE_THUENTE = {
    "valley": valley,
    "quintic": quintic,
    "wavy": wavy,
    "yanai-4": yanai(0.001, 0.001),
    "yanai-5": yanai(0.01, 0.001),
    "yanai-6": yanai(0.001, 0.01),
}


def parabola(step: float) -> tuple[float, float]:
    """Its minimum at 3."""
    return (step - 3) ** 2, 2 * (step - 3)


def wall(step: float) -> tuple[float, float]:
    """Not a number from 1 on, its minimum near 0.41."""
    if step >= 1:
        return math.nan, math.nan
    return -math.log(1 - step) - math.log(1 + step) - step, 1 / (1 - step) - 1 / (1 + step) - 1
