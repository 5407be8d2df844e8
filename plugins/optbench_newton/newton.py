"""Newton's method. `damping` says which: a fixed number, or "auto"."""

from __future__ import annotations

from optbench.api import UserError
from optbench_newton.adaptive import AdaptiveNewton
from optbench_newton.fixed import FixedNewton


def newton(*, damping: str) -> AdaptiveNewton | FixedNewton:
    """Return the method that the option describes; raises UserError where it is neither "auto" nor a number ≥ 0."""
    if damping == "auto":
        return AdaptiveNewton()
    try:
        amount = float(damping)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise UserError(f"newton: damping {damping!r}", 'allowed: "auto" or a number from 0')
    return FixedNewton(amount)
