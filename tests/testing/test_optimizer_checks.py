"""Each wrong optimizer is caught by the check that is named after its fault, with the line; sound ones pass all."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Mapping
from typing import Any

import pytest

from optbench.testing import ConformanceError, check_optimizer
from tests.testing.plants import planted

CAUGHT = [
    (planted.Climbing, "decreases-a-quadratic", "at the start it was"),
    (planted.KeepingCopies, "state-stops-growing", "state.copies holds ever more"),
    (planted.Chaining, "state-stops-growing", "state.undo[0][0][0][0]… holds ever more"),
    pytest.param(
        planted.Linked, "state-stops-growing", "state.undo[0][0][0][0]… holds ever more", marks=pytest.mark.slow
    ),
    pytest.param(
        planted.KeepingCopiesInTheModule, "state-stops-growing", "planted.KEPT holds ever more", marks=pytest.mark.slow
    ),
    pytest.param(
        planted.KeepingArraysInTheClass,
        "state-stops-growing",
        "planted.KeepingArraysInTheClass.seen holds ever more",
        marks=pytest.mark.slow,
    ),
    pytest.param(planted.KeepingBytes, "state-stops-growing", "state.copies holds ever more", marks=pytest.mark.slow),
    pytest.param(planted.KeepingNumbers, "state-stops-growing", "state.copies holds ever more", marks=pytest.mark.slow),
    (planted.KeepingAnArray, "state-stops-growing", "state.copies holds ever more"),
    (planted.KeepingSquareLate, "state-memory-as-declared", "state.square"),
    (planted.PeakingSquareLate, "peak-memory-as-declared", "peak_memory is declared O(n)"),
    (planted.KeepingCopiesElsewhere, "state-stops-growing", "held by neither it nor its state nor its modules"),
    (planted.BehindTheBack, "only-through-the-oracle", "objective's value behind the oracle's back"),
    (planted.BehindAutograd, "only-through-the-oracle", "objective's value behind the oracle's back"),
    (planted.ThroughTheOraclesParts, "only-through-the-oracle", "behind the oracle's back"),
    (planted.AroundTheWrapper, "only-through-the-oracle", "objective's hessian behind the oracle's back"),
    (planted.FindingTheProblem, "only-through-the-oracle", "objective's value behind the oracle's back"),
    (planted.WritingIntoTheStartLate, "leaves-the-start-alone", "it writes into the start"),
    (planted.WritingIntoTheGradientLate, "leaves-results-alone", "writes into the gradient that the oracle returned"),
    (planted.AskingMoreLate, "asks-only-what-it-declares", "asked for 'hessian'"),
    (planted.SwallowingLate, "obeys-the-budget", "with a budget of 50 evaluations step catches the StopTrial"),
    (planted.SeedingGlobally, "leaves-global-random-state", "generator of torch"),
    (planted.SeedingAnAccelerator, "leaves-global-random-state", "generator of an accelerator"),
    (planted.FlushingDenormals, "leaves-global-settings", "denormal numbers"),
    (planted.SettingTheEnvironment, "leaves-global-settings", "the environment variables"),
    (planted.StoppingTheCollector, "leaves-global-settings", "the garbage collector"),
    (planted.LookingForAnomalies, "leaves-global-settings", "torch's search for anomalies"),
    pytest.param(
        planted.PinningItself,
        "leaves-global-settings",
        "the processors it may run on",
        marks=pytest.mark.skipif(
            not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="needs two processors"
        ),
    ),
    (planted.DrawingGlobally, "leaves-global-random-state", "generator of numpy"),
    (planted.DrawingGlobally, "repeats-bitwise", "differ: at evaluation"),
    (planted.Unrepeatable, "repeats-bitwise", "two runs under one seed on a quadratic differ"),
    (planted.Unrepeatable, "seeds-matter-as-declared", "declared deterministic"),
    (planted.ChangingTheDefault, "leaves-global-settings", "torch's default dtype"),
    (planted.KeepingSquare, "state-memory-as-declared", "state_memory is declared O(n)"),
    (planted.KeepingSquare, "state-memory-as-declared", "state.square"),
    (planted.PeakingSquare, "peak-memory-as-declared", "peak_memory is declared O(n)"),
    (planted.WritingIntoTheStart, "leaves-the-start-alone", "it writes into the start"),
    (planted.WritingIntoTheGradient, "leaves-results-alone", "writes into the gradient that the oracle returned"),
    (planted.Swallowing, "obeys-the-budget", "step catches the StopTrial"),
    (planted.SwallowingOwner, "obeys-the-budget", "minimize catches the StopTrial"),
    (planted.SilentOwner, "minimizer-contract", "never calls observe()"),
    (planted.AskingMore, "asks-only-what-it-declares", "asked for 'hessian', its record declares gradient"),
    (planted.Upcasting, "float32-and-float64", "aten._to_copy.default makes a tensor in float64"),
    (planted.PublishingWide, "float32-and-float64", "publishes points in torch.float64"),
    (planted.PublishingWide, "state-contract", "is in torch.float64; expected torch.float32"),
    (planted.Crashing, "decreases-a-quadratic", "killed by SIGSEGV"),
    (planted.AfraidOfNan, "survives-nan", "it raised FloatingPointError: what is this?"),
    (planted.WantingTwo, "one-parameter", "IndexError"),
    (planted.Talkative, "state-contract", "sets finished to 'done'"),
    (planted.Forgetful, "restarts", "the state's point is not the start"),
]


MEMORY = ["state-memory-as-declared", "peak-memory-as-declared", "state-stops-growing"]


def marked_lines(cls: type) -> list[int]:
    """Return the lines of a class that end with the mark."""
    lines, first = inspect.getsourcelines(cls)
    return [first + index for index, line in enumerate(lines) if line.rstrip().endswith("# here")]


def failure(cls: type, check: str, fields: Mapping[str, Any] | None = None, **settings: Any) -> str:
    with pytest.raises(ConformanceError) as caught:
        check_optimizer(planted.record(cls, **(fields or {})), only=[check], **settings)
    return str(caught.value)


@pytest.mark.parametrize(("cls", "check", "words"), CAUGHT, ids=lambda item: getattr(item, "__name__", None))
def test_a_fault_is_caught_by_name_with_its_line(cls: type, check: str, words: str) -> None:
    message = failure(cls, check)
    assert f"{check}: " in message
    assert words in message
    for line in marked_lines(cls) if check != "repeats-bitwise" else []:  # which can't know
        assert f"planted.py:{line} in" in message
    assert re.search(r"planted.py:\d+ in \S+\)$", message)


@pytest.mark.parametrize("expression", ["torch.optim:LBFGS(max_iter=2)", "torch.optim:Adafactor"])
def test_torchs_own_classes_pass_by_name_though_no_record_declares_their_histories(expression: str) -> None:
    """LBFGS keeps 100 pairs: its state grows with the steps until they are there."""
    assert not any(finding.failed for finding in check_optimizer(expression, only=MEMORY))


@pytest.mark.parametrize("order", ["O(max(m, n))", "O(mn)", "n"])
@pytest.mark.parametrize(("field", "check"), [("state_memory", MEMORY[0]), ("peak_memory", MEMORY[1])])
def test_an_order_that_nobody_can_read_is_no_way_around_the_check(field: str, check: str, order: str) -> None:
    message = failure(planted.Sound, check, {field: order}, isolate=False)
    assert f"{field} is declared {order!r}; expected sums of products of powers" in message


@pytest.mark.parametrize("order", ["O(n log n)", "O(m*n)", "O(3 n + k)"])
def test_the_spelling_of_an_order_does_not_matter(order: str) -> None:
    message = failure(planted.KeepingSquare, MEMORY[0], {"state_memory": order}, isolate=False)
    assert f"state_memory is declared {order}" in message


def test_a_method_that_never_draws_may_not_say_that_it_does() -> None:
    with pytest.raises(ConformanceError, match="bit for bit"):
        check_optimizer(planted.record(planted.Sound, deterministic=False), only=["seeds-matter-as-declared"])


@pytest.mark.parametrize(
    "record",
    [
        planted.record(planted.Sound),
        planted.record(planted.Drawing, deterministic=False),
        planted.record(planted.Owner),
        planted.record(planted.KeepingALog),
        planted.record(planted.KeepingSquare, state_memory="O(n^2)", peak_memory="O(n^2)"),
    ],
    ids=lambda record: record.name,
)
def test_sound_optimizers_pass_every_check(record) -> None:
    findings = check_optimizer(record)
    assert {finding.status for finding in findings} == {"ok", "not applicable"}


def test_faults_are_found_in_this_process_too() -> None:
    message = failure(planted.Swallowing, "obeys-the-budget", isolate=False)
    assert "catches the StopTrial" in message
