"""The checks of optimizers; which of them apply follows from what a record declares."""

from __future__ import annotations

from optbench.testing.framework import Check
from optbench.testing.loading import LOADING_CHECKS
from optbench.testing.optimizers import contract, descending, memory, oracle_use, precision, repeatability
from optbench.testing.workloads import missing_need, needs_quadratic

OPTIMIZER_CHECKS: tuple[Check, ...] = (
    *LOADING_CHECKS,
    Check("decreases-a-quadratic", "f falls on a quadratic.", descending.check_decreases, missing_need),
    Check("one-parameter", "f falls on a parabola, n = 1.", descending.check_one_parameter, needs_quadratic),
    Check(
        "survives-nan",
        "NaN and infinite results end a trial without an exception.",
        descending.check_survives,
        missing_need,
    ),
    Check(
        "float32-and-float64",
        "It works in the trial's precision and in no wider one.",
        precision.check_precisions,
        missing_need,
    ),
    Check(
        "state-contract",
        "States have a point of the right kind and a word of the end.",
        contract.check_state,
        missing_need,
    ),
    Check(
        "minimizer-contract",
        "A solver with its own loop calls observe() and returns its point.",
        contract.check_minimizer,
        missing_need,
    ),
    Check("restarts", "restart() goes on from the given start.", contract.check_restart, missing_need),
    Check("leaves-the-start-alone", "The start is copied, never written to.", oracle_use.check_start, missing_need),
    Check(
        "leaves-results-alone",
        "What the oracle returns is never written to.",
        oracle_use.check_results,
        missing_need,
    ),
    Check(
        "obeys-the-budget", "StopTrial is never caught, whatever budget ends.", oracle_use.check_budget, missing_need
    ),
    Check(
        "asks-only-what-it-declares",
        "No kind of evaluation is asked for that the record leaves out.",
        oracle_use.check_declared,
        missing_need,
    ),
    Check(
        "only-through-the-oracle",
        "Every evaluation of the objective is asked of the oracle.",
        oracle_use.check_only_through_oracle,
        missing_need,
    ),
    Check("repeats-bitwise", "One seed gives one run, bit for bit.", repeatability.check_repeats, missing_need),
    Check(
        "seeds-matter-as-declared",
        "Other seeds give other runs if, and only if, it is declared not deterministic.",
        repeatability.check_seeds,
        needs_quadratic,
    ),
    Check(
        "leaves-global-random-state",
        "The global random generators are left alone.",
        repeatability.check_random_state,
        missing_need,
    ),
    Check(
        "leaves-global-settings", "Settings of the process are left alone.", repeatability.check_settings, missing_need
    ),
    Check(
        "state-memory-as-declared",
        "The state's bytes grow with n at most as declared.",
        memory.check_state,
        memory.order_applies("state_memory"),
    ),
    Check(
        "peak-memory-as-declared",
        "The peak of live bytes grows with n at most as declared.",
        memory.check_peak,
        memory.order_applies("peak_memory"),
    ),
    Check(
        "state-stops-growing",
        "What it holds does not grow with the number of steps.",
        memory.check_stops_growing,
        needs_quadratic,
    ),
)
