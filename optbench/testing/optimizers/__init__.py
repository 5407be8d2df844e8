"""The checks of optimizers; which of them apply follows from what a record declares. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable

from optbench.testing.deferred import deferred
from optbench.testing.framework import Check
from optbench.testing.loading import LOADING_CHECKS
from optbench.testing.needs import gives_movable_point, missing_need, needs_quadratic
from optbench.testing.subject import Subject


def _check(
    name: str, summary: str, module: str, function: str, applies: Callable[[Subject], str] = missing_need
) -> Check:
    return Check(name, summary, deferred(f"optimizers.{module}", function), applies)


_DESCENT = (
    _check("decreases-a-quadratic", "f falls on a quadratic.", "descending", "check_decreases"),
    _check("one-parameter", "f falls on a parabola, n = 1.", "descending", "check_one_parameter", needs_quadratic),
    _check("survives-nan", "What is no number ends a trial without an exception.", "descending", "check_survives"),
    _check(
        "float32-and-float64",
        "It descends in the trial's precision and computes in no wider one.",
        "precision",
        "check_precisions",
    ),
)
_CONTRACT = (
    _check("state-contract", "States have a point of the right kind and a word of the end.", "contract", "check_state"),
    _check(
        "minimizer-contract",
        "A solver with its own loop calls observe() and returns its point.",
        "contract",
        "check_minimizer",
    ),
    _check("restarts", "restart() goes on from the given start.", "contract", "check_restart"),
    _check(
        "point-may-be-moved",
        "A step goes on from the state's point, whoever has written to it.",
        "contract",
        "check_moved",
        gives_movable_point,
    ),
    _check("leaves-the-start-alone", "The start is copied, never written to.", "ownership", "check_start"),
    _check("leaves-results-alone", "What the oracle returns is never written to.", "ownership", "check_results"),
    _check("obeys-the-budget", "StopTrial is never caught, whatever budget ends.", "oracle_use", "check_budget"),
    _check(
        "asks-only-what-it-declares",
        "No kind of evaluation is asked for that the record leaves out.",
        "oracle_use",
        "check_declared",
    ),
    _check(
        "only-through-the-oracle",
        "Every evaluation of the objective is asked of the oracle.",
        "oracle_use",
        "check_only_through_oracle",
    ),
)
_REPEATABILITY = (
    _check("repeats-bitwise", "One seed gives one run, bit for bit.", "repeatability", "check_repeats"),
    _check(
        "seeds-matter-as-declared",
        "Other seeds give other runs if, and only if, it is declared not deterministic.",
        "repeatability",
        "check_seeds",
        needs_quadratic,
    ),
    _check(
        "leaves-global-random-state",
        "The global random generators are left alone.",
        "process",
        "check_random_state",
    ),
    _check("leaves-global-settings", "Settings of the process are left alone.", "process", "check_settings"),
)
_MEMORY = (
    _check(
        "state-memory-as-declared",
        "The state's bytes grow with n at most as declared.",
        "memory",
        "check_state",
        needs_quadratic,
    ),
    _check(
        "peak-memory-as-declared",
        "The peak of live bytes grows with n at most as declared.",
        "memory",
        "check_peak",
        needs_quadratic,
    ),
    _check(
        "state-stops-growing",
        "What it holds does not grow with the number of steps.",
        "growth",
        "check_stops_growing",
        needs_quadratic,
    ),
)
OPTIMIZER_CHECKS: tuple[Check, ...] = (*LOADING_CHECKS, *_DESCENT, *_CONTRACT, *_REPEATABILITY, *_MEMORY)
