"""How checks are run and judged."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from optbench.api import OptimizerPlugin, StopTrial
from optbench.testing import CheckFailed
from optbench.testing.framework import Check, Finding, Subject
from optbench.testing.judging import run_checks, unknown_expectations

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


def subject() -> Subject:
    return Subject.of_record(OptimizerPlugin(name="mine", factory=f"{__name__}:passes", summary="x"))


def finding_of(run: Callable[[Subject], None], isolate: bool = True, timeout: float = 10.0, **expected: str) -> Finding:
    check = Check("it", "It holds.", run)
    (found,) = run_checks(subject(), [check], expected=expected, isolate=isolate, timeout=timeout)
    return found


@pytest.mark.parametrize("isolate", [True, False])
def test_a_finding_carries_the_message_of_the_failure_and_ends_with_where_the_factory_is(isolate: bool) -> None:
    found = finding_of(fails, isolate)
    assert (found.status, found.failed) == ("failed", True)
    assert re.fullmatch(r"went uphill \(.*test_judging.py:\d+ in passes\)", found.message)
    assert finding_of(passes, isolate).status == "ok"


@pytest.mark.parametrize("isolate", [True, False])
def test_whatever_a_plugin_raises_is_a_failure_with_its_line(isolate: bool) -> None:
    found = finding_of(raises, isolate)
    assert found.status == "failed"
    assert re.fullmatch(r"raised StopTrial: end \(.*test_judging.py:\d+ in raises\)", found.message)


def test_a_hang_is_a_failure_that_says_where() -> None:
    found = finding_of(hangs, timeout=0.5)
    assert found.failed
    assert re.search(r"still running after 0.5 s \(.*test_judging.py:\d+ in hangs\)$", found.message)


@pytest.mark.parametrize(
    ("run", "words"), [(crashes, ("killed by SIGSEGV", "in crashes")), (leaves, ("ended the process, exit code 0",))]
)
def test_a_crash_is_a_failure_and_the_checks_after_it_run(run, words) -> None:
    checks = [Check("first", "", passes), Check("second", "", run), Check("third", "", passes)]
    first, second, third = run_checks(subject(), checks, expected={})
    assert (first.status, second.status, third.status) == ("ok", "failed", "ok")
    for word in words:
        assert word in second.message


def test_a_check_that_does_not_apply_says_why_and_is_not_run() -> None:
    (found,) = run_checks(subject(), [Check("it", "", fails, lambda _: "no such thing")], expected={})
    assert (found.status, found.message) == ("not applicable", "no such thing")


def test_an_expected_failure_must_happen() -> None:
    assert finding_of(fails, it="known").status == "expected failure"
    unexpected = finding_of(passes, it="known")
    assert unexpected.failed
    assert "expected to fail (known) and passes" in unexpected.message
    (absent,) = run_checks(subject(), [Check("it", "", fails, lambda _: "no such")], expected={"it": "known"})
    assert absent.failed


def test_an_expected_failure_of_no_check_is_a_failure_that_names_the_nearest() -> None:
    (found,) = unknown_expectations({"survive-nan": "known"}, [Check("survives-nan", "", passes)])
    assert found.failed
    assert "nearest: survives-nan" in found.message


@pytest.mark.slow
def test_checking_leaves_the_settings_of_the_calling_process_alone() -> None:
    """In a fresh process: here, an earlier test has warmed up."""
    code = (
        "import torch; from tests.testing.test_judging import finding_of, passes\n"
        "modes = lambda: (torch.are_deterministic_algorithms_enabled(), torch.get_num_threads())\n"
        "torch.set_num_threads(2); before = modes(); print(finding_of(passes).status, modes() == before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.stdout.split() == ["ok", "True"], done.stderr


def test_nothing_is_said_of_a_plugin_whose_library_is_absent() -> None:
    record = OptimizerPlugin(
        name="mine",
        factory=f"{__name__}:passes",
        summary="x",
        requires={"no_such_library": "mine[all]"},
    )
    checks = [Check("passes", "x", passes)]
    (finding,) = run_checks(Subject.of_record(record), checks, expected={"passes": "it would"})
    assert (finding.status, finding.failed) == ("not applicable", False)
    assert finding.message == "mine needs no_such_library, which is not installed: pip install 'mine[all]'"
