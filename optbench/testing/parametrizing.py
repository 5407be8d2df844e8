"""Checks as pytest tests. Needs pytest, as nothing else of the kit does."""

from __future__ import annotations

import atexit
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pytest

from optbench.api import UserError
from optbench.registry import Catalogue, load_catalogue, missing_library
from optbench.testing.collection import checks_for
from optbench.testing.framework import Check, CheckFailed, Subject
from optbench.testing.isolation import Isolation
from optbench.testing.judging import TIMEOUT, unknown_expectations
from optbench.testing.subjects import Given, find_subjects, subject_of

_ISOLATION = Isolation()  # one for all tests: those of one subject follow one another
atexit.register(_ISOLATION.close)


@dataclass(frozen=True)
class BoundCheck:
    """A check of one subject; calling it runs it in another process and raises CheckFailed where it fails."""

    subject: Subject
    check: Check
    timeout: float = TIMEOUT

    def __call__(self) -> None:
        """Run it, whatever is expected of it: the decorator marks expected failures."""
        finding = _ISOLATION.attempt(self.subject, self.check, checks_for(self.subject.kind), self.timeout)
        if finding.failed:
            raise CheckFailed(finding.message)
        if finding.status == "not applicable":
            pytest.skip(finding.message)


def parametrize_with_checks(
    subjects: Iterable[Given],
    expected_failures: Mapping[str, Mapping[str, str]] | None = None,
    *,
    catalogue: Catalogue | None = None,
    timeout: float = TIMEOUT,
) -> pytest.MarkDecorator:
    """Decorate `def test_…(check): check()` so that it becomes a test for each plugin and each check that applies.

    `subjects` are records, or texts as `optbench check` takes them. `expected_failures` maps a plugin's name to
    {check: reason}, beside what its record says; the tests are strict: one that passes unexpectedly fails. Ids are
    like `lbfgs-decreases-a-quadratic`.
    """
    given = expected_failures or {}
    found = [subject for item in subjects for subject in _subjects(item, catalogue)]
    if unknown := set(given) - {name for subject in found for name in (subject.name, subject.registered.name)}:
        raise UserError(f"expected failures of {', '.join(sorted(unknown))}", "which is none of the subjects")
    looked_at: set[tuple[str, str]] = set()
    cases = [case for item in found for case in _cases(item, given, timeout, looked_at)]
    return pytest.mark.parametrize("check", cases)


def _subjects(given: Given, catalogue: Catalogue | None) -> tuple[Subject, ...]:
    if isinstance(given, str):
        return find_subjects(given, catalogue or load_catalogue())
    return (subject_of(given, "", catalogue),)


def _cases(
    subject: Subject, given: Mapping[str, Mapping[str, str]], timeout: float, looked_at: set[tuple[str, str]]
) -> Iterator[object]:
    """Yield a test for each check; of those that look at a module, for the first of its records alone."""
    name = subject.registered.name
    expected = {**subject.record.expected_failures, **given.get(name, {}), **given.get(subject.name, {})}
    checks = checks_for(subject.kind)
    for unknown in unknown_expectations(expected, checks):
        raise UserError(f"{subject.name}: expected failure of {unknown.check!r}", unknown.message)
    if absent := missing_library(subject.record):
        yield pytest.param(None, id=name, marks=pytest.mark.skip(reason=absent))
        return
    for check in checks:
        reason = check.applies(subject)
        if reason and check.name in expected:
            raise UserError(f"{subject.name}: expected failure of {check.name!r}", f"it does not apply: {reason}")
        seen = check.of_module and (check.name, subject.registered.module) in looked_at
        if not reason and (not seen or check.name in expected):
            looked_at.add((check.name, subject.registered.module))
            bound = BoundCheck(subject, check, timeout)
            yield pytest.param(bound, id=f"{name}-{check.name}", marks=_marks(expected.get(check.name)))


def _marks(expected: str | None) -> list[pytest.MarkDecorator]:
    if expected is None:
        return []
    return [pytest.mark.xfail(reason=expected, raises=CheckFailed, strict=True)]
