"""How checks are run and judged."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from optbench.api import OptimizerPlugin, StopTrial
from optbench.testing import CheckFailed
from optbench.testing.framework import Check, Outcome, Subject, run_checks, unknown_expectations

ROOT = Path(__file__).parents[2]


def fails(subject: Subject) -> None:
    raise CheckFailed("went uphill")


def raises(subject: Subject) -> None:
    raise StopTrial("end")


def passes(subject: Subject) -> None:
    pass


def hangs(subject: Subject) -> None:
    while True:
        time.sleep(0.01)


def crashes(subject: Subject) -> None:
    ctypes.string_at(0)


def leaves(subject: Subject) -> None:
    os._exit(0)


def subject(**expected: str) -> Subject:
    record = OptimizerPlugin(name="mine", factory=f"{__name__}:passes", summary="x", expected_failures=expected)
    return Subject.of_record(record)


def outcome_of(run: Callable[[Subject], None], isolate: bool = True, **expected: str) -> Outcome:
    (found,) = run_checks(subject(**expected), [Check("it", "It holds.", run)], isolate=isolate, timeout=2.0)
    return found


@pytest.mark.parametrize("isolate", [True, False])
def test_an_outcome_carries_the_message_of_the_failure(isolate: bool) -> None:
    found = outcome_of(fails, isolate)
    assert (found.status, found.message, found.failed) == ("failed", "went uphill", True)
    assert outcome_of(passes, isolate).status == "ok"


@pytest.mark.parametrize("isolate", [True, False])
def test_whatever_a_plugin_raises_is_a_failure_with_its_line(isolate: bool) -> None:
    found = outcome_of(raises, isolate)
    assert found.status == "failed"
    assert "raised StopTrial: end" in found.message
    assert "test_framework.py" in found.message
    assert "in raises" in found.message


def test_a_hang_is_a_failure_that_says_where() -> None:
    found = outcome_of(hangs)
    assert found.failed
    assert "still running after 2 s" in found.message
    assert "in hangs" in found.message


@pytest.mark.parametrize(
    ("run", "words"), [(crashes, ("killed by SIGSEGV", "in crashes")), (leaves, ("ended the process, exit code 0",))]
)
def test_a_crash_is_a_failure_and_the_checks_after_it_run(run, words) -> None:
    checks = [Check("first", "", passes), Check("second", "", run), Check("third", "", passes)]
    first, second, third = run_checks(subject(), checks)
    assert (first.status, second.status, third.status) == ("ok", "failed", "ok")
    for word in words:
        assert word in second.message


def test_a_check_that_does_not_apply_says_why_and_is_not_run() -> None:
    (found,) = run_checks(subject(), [Check("it", "", fails, lambda _: "no such thing")])
    assert (found.status, found.message) == ("not applicable", "no such thing")


def test_an_expected_failure_must_happen() -> None:
    assert outcome_of(fails, it="known").status == "expected failure"
    unexpected = outcome_of(passes, it="known")
    assert unexpected.failed
    assert "expected to fail (known) and passes" in unexpected.message
    (absent,) = run_checks(subject(it="known"), [Check("it", "", fails, lambda _: "no such thing")])
    assert absent.failed


def test_an_expected_failure_of_no_check_is_a_failure_that_names_the_nearest() -> None:
    (found,) = unknown_expectations({"survive-nan": "known"}, [Check("survives-nan", "", passes)])
    assert found.failed
    assert "nearest: survives-nan" in found.message


def test_checking_leaves_the_settings_of_the_calling_process_alone() -> None:
    """In a fresh process: here, an earlier test has warmed up."""
    code = (
        "import torch; from tests.testing.test_framework import outcome_of, passes\n"
        "modes = lambda: (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads())\n"
        "torch.set_num_threads(2); before = modes(); print(outcome_of(passes).status, modes() == before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.split() == ["ok", "True"], done.stderr


def test_nothing_is_said_of_a_plugin_whose_library_is_absent() -> None:
    record = OptimizerPlugin(
        name="mine",
        factory=f"{__name__}:passes",
        summary="x",
        requires={"no_such_library": "mine[all]"},
        expected_failures={"passes": "it would"},
    )
    (outcome,) = run_checks(Subject.of_record(record), [Check("passes", "x", passes)])
    assert (outcome.status, outcome.failed) == ("not applicable", False)
    assert outcome.message == "mine needs no_such_library, which is not installed: pip install 'mine[all]'"
