"""Checks look at a small copy of a problem, and not at all where its data are missing."""

from __future__ import annotations

from typing import Any

import pytest

from optbench.api import FunctionProblem, Option, ProblemPlugin, hookimpl
from optbench.api.errors import MissingData
from optbench.registry import build_catalogue
from optbench.testing import check_problem
from optbench.testing.framework import Subject, attempt
from optbench.testing.loading import LOADING_CHECKS
from optbench.testing.problems import PROBLEM_CHECKS

OPTIONS = {"n": Option(default=10**9, doc="size", low=1), "power": Option(default=2, doc="of each term", low=2)}


def powers(*, n: int, power: int, **_: Any) -> FunctionProblem:
    return FunctionProblem(size=n, start_point=[1.0] * n, value=lambda x: (x**power).sum())


def missing(**_: Any) -> FunctionProblem:
    raise MissingData("data set x is not on this machine", "apt install x")


def record(factory: str, **fields: Any) -> ProblemPlugin:
    return ProblemPlugin(name="powers", factory=f"{__name__}:{factory}", summary="", options=OPTIONS, **fields)


def test_a_subject_has_the_small_copys_options_unless_others_are_written() -> None:
    assert Subject.of_record(record("powers", small={"n": 3})).options == {"n": 3, "power": 2}
    assert Subject.of_record(record("powers", small={"n": 3}), {"n": 5}).options == {"n": 5, "power": 2}
    assert Subject.of_record(record("powers")).options == {"n": 10**9, "power": 2}


def test_a_huge_problem_passes_by_its_small_copy() -> None:
    found = check_problem(
        record("powers", small={"n": 3}), only=["shapes-and-dtypes", "gradient-is-right"], isolate=False
    )
    assert {finding.status for finding in found} == {"ok"}


@pytest.mark.parametrize("check", [*LOADING_CHECKS[1:], *PROBLEM_CHECKS[:1]], ids=lambda check: check.name)
def test_nothing_is_checked_where_data_are_missing(check: Any) -> None:
    finding = attempt(check, Subject.of_record(record("missing")))
    assert (finding.status, finding.message) == ("not applicable", "data set x is not on this machine; apt install x")


def test_a_small_copy_of_unknown_options_is_a_broken_record() -> None:
    class Plugin:
        @hookimpl
        def optbench_problems(self) -> list[ProblemPlugin]:
            return [record("powers", small={"m": 3})]

    catalogue = build_catalogue({"plugin": Plugin()})
    assert not catalogue.records("problems")
    assert "small: unknown option 'm'" in catalogue.broken[0].reason
