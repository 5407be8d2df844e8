"""The minima of ridge regression and the Lasso to the last digit, in float64, with certificates.

Shapes: N examples, n inputs of an example.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

REFINEMENTS = 3  # of the linear system, from zero
_CERTAIN = 1e-14  # of f(0): the gap that is allowed; rounding of the two values alone leaves about a tenth


@dataclass(frozen=True)
class Minimum:
    """A minimiser with its certificate: f(point) − min f ≤ gap."""

    point: Numbers  # (n,)
    value: float
    gap: float


def ridge_minimum(inputs: Numbers, targets: Numbers, penalty: float) -> Minimum:
    """Return the least value of ½‖Aθ − b‖²/N + ½ penalty ‖θ‖² by least squares, certified by the gradient."""
    count, size = inputs.shape
    stacked = np.vstack((inputs / count**0.5, penalty**0.5 * np.eye(size)))
    point = np.linalg.lstsq(stacked, np.concatenate((targets / count**0.5, np.zeros(size))))[0]
    errors = inputs @ point - targets
    gradient = inputs.T @ errors / count + penalty * point
    value = 0.5 * float(errors @ errors) / count + 0.5 * penalty * float(point @ point)
    return _certified(Minimum(point, value, float(gradient @ gradient) / (2 * penalty)), targets)


def lasso_minimum(inputs: Numbers, targets: Numbers, penalty: float) -> Minimum:
    """Return the least value of ½‖Aθ − b‖²/N + penalty·Σ|θ|, certified by the duality gap.

    scikit-learn tells which coefficients are not zero and their signs; on those the minimum is a linear system.
    """
    from sklearn.linear_model import Lasso

    model = Lasso(alpha=penalty, fit_intercept=False, tol=1e-12, max_iter=1_000_000)
    found = np.array(model.fit(np.array(inputs), np.array(targets)).coef_)  # it may want to write into them
    used, count = np.flatnonzero(found), len(inputs)
    columns, signs = inputs[:, used], np.sign(found[used])
    point = np.zeros_like(found)
    for _ in range(REFINEMENTS):
        slope = columns.T @ (targets - columns @ point[used]) / count - penalty * signs
        point[used] += np.linalg.lstsq(columns.T @ columns / count, slope)[0]
    return _certified(_with_gap(inputs, targets, penalty, point), targets)


def _with_gap(inputs: Numbers, targets: Numbers, penalty: float, point: Numbers) -> Minimum:
    """Return the value with its distance from the dual one at the scaled residuals (Kim et al. 2007, section III)."""
    count = len(inputs)
    residuals = targets - inputs @ point
    value = 0.5 * float(residuals @ residuals) / count + penalty * float(np.abs(point).sum())
    steepest = float(np.abs(inputs.T @ residuals).max()) / count
    scale = min(1.0, penalty / steepest) if steepest else 1.0
    dual = (scale * float(residuals @ targets) - 0.5 * scale**2 * float(residuals @ residuals)) / count
    return Minimum(point, value, value - dual)


def _certified(minimum: Minimum, targets: Numbers) -> Minimum:
    if not minimum.gap <= _CERTAIN * 0.5 * float(targets @ targets) / len(targets):
        message = f"no certified minimum: the gap is only known to be below {minimum.gap:.1e}"
        raise ArithmeticError(message)
    return minimum
