"""The table of what is checked of every problem. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable

from optbench.testing.deferred import deferred
from optbench.testing.framework import Check, Subject


def declares(*kinds: str) -> Callable[[Subject], str]:
    """Return a test whether a problem's record declares one of some kinds of evaluation."""

    def applies(subject: Subject) -> str:
        declared = not subject.record.evaluations.isdisjoint(kinds)
        return "" if declared else f"it declares no {' or '.join(kinds).replace('_', '-')}"

    return applies


def gives_minibatches(subject: Subject) -> str:
    """Tell why a problem has no minibatches."""
    return "" if "minibatches" in subject.record.gives else "it gives no minibatches"


def _derivatives(function: str) -> Callable[[Subject], None]:
    return deferred("problems_derivatives", function)


def _behaviour(function: str) -> Callable[[Subject], None]:
    return deferred("problems_behaviour", function)


PROBLEM_CHECKS: tuple[Check, ...] = (
    Check(
        "shapes-and-dtypes",
        "Points, values and derivatives have the contract's shapes, in float32 and in float64.",
        _behaviour("check_shapes"),
    ),
    Check("start-repeats", "The start is the same each time, and the caller's own.", _behaviour("check_start")),
    Check(
        "seed-only-where-declared",
        "The same seed gives the same problem; another one does, too, unless the record says otherwise.",
        _behaviour("check_seed"),
    ),
    Check(
        "evaluations-change-nothing",
        "Evaluating leaves the problem, its statistics, the point and earlier results as they were.",
        _behaviour("check_evaluations"),
    ),
    Check(
        "statistics-follow-the-steps",
        "Of running statistics a step keeps those of its evaluation where it ends, else those of its first.",
        deferred("problems_statistics", "check_statistics"),
    ),
    Check(
        "declared-evaluations-work",
        "Every kind of evaluation that the record declares can be had, and is finite at the start.",
        _behaviour("check_declared"),
    ),
    Check(
        "leaves-global-random-state",
        "Random numbers come from the given streams: no global generator is seeded or used.",
        _behaviour("check_global_randomness"),
    ),
    Check(
        "f-star-is-a-lower-bound",
        "No value lies below an f* that is said to be exact or a bound.",
        _behaviour("check_f_star"),
    ),
    Check(
        "minibatches-are-fair",
        "Minibatches are indices in range, repeat under a seed, and average to the full gradient.",
        deferred("problems_minibatches", "check_minibatches"),
        gives_minibatches,
    ),
    Check(
        "gradient-is-right",
        "The gradient is that of the value: by autograd and by differences.",
        _derivatives("check_gradient"),
        declares("gradient"),
    ),
    Check(
        "value-and-gradient-agree",
        "Value and gradient are the same together and alone.",
        _derivatives("check_value_and_gradient"),
        declares("gradient"),
    ),
    Check(
        "hessian-vector-is-right",
        "Hessian-vector products are those of the gradient's differences.",
        _derivatives("check_hessian_vector"),
        declares("hessian_vector"),
    ),
    Check(
        "hessian-is-right",
        "The Hessian is symmetric and that of the gradient's differences.",
        _derivatives("check_hessian"),
        declares("hessian"),
    ),
    Check(
        "residuals-match-the-value",
        "The value is the sum of the residuals' squares, or half of it.",
        _derivatives("check_residuals"),
        declares("residuals"),
    ),
    Check(
        "jacobian-is-right",
        "The Jacobian is that of the residuals' differences.",
        _derivatives("check_jacobian"),
        declares("jacobian"),
    ),
    Check(
        "gauss-newton-vector-is-right",
        "Gauss-Newton products are those of the residuals' Jacobian, or of one positive semidefinite matrix.",
        _derivatives("check_gauss_newton_vector"),
        declares("gauss_newton_vector", "residuals"),
    ),
    Check(
        "line-minimum-is-right",
        "The slope vanishes where the minimum along a line is said to be.",
        _derivatives("check_line_minimum"),
        declares("line_minimum"),
    ),
    Check(
        "panels-are-as-stated",
        "In each panel the value is the parabola of its gram, with its absolute values and within its bound.",
        deferred("problems_panels", "check_panels"),
    ),
    Check(
        "stays-on-the-device",
        "It is built and evaluated on any device, from the same start.",
        deferred("problems_device", "check_device"),
    ),
)
