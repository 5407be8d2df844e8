"""The table of what is checked of every initializer. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable

from optbench.testing.deferred import deferred
from optbench.testing.framework import Check, Subject


def _behaviour(function: str) -> Callable[[Subject], None]:
    return deferred("initializers_behaviour", function)


INITIALIZER_CHECKS: tuple[Check, ...] = (
    Check(
        "fills-in-place",
        "Every entry of a tensor that it takes becomes a finite number, whatever it was.",
        _behaviour("check_fills"),
    ),
    Check("leaves-others-alone", "Nothing is written beside the tensor.", _behaviour("check_others")),
    Check("filling-repeats", "The same generator fills alike, bit for bit.", _behaviour("check_repeats")),
    Check(
        "leaves-global-random-state",
        "Random numbers come from the given generator: no global one is seeded or used.",
        _behaviour("check_global_randomness"),
    ),
    Check(
        "starts-a-net",
        "A net starts alike each time, with finite numbers, in float32 as in float64 but for rounding.",
        _behaviour("check_start"),
    ),
    Check(
        "adjusts-its-own-tensor",
        "What looks at data changes the tensor that it is given, and no other.",
        _behaviour("check_adjusts"),
    ),
)
