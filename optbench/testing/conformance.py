"""`check_optimizer`, `check_problem` and their likes: all checks of one plugin, one error for all failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypedDict, Unpack

from optbench.registry import Catalogue
from optbench.testing.collection import checks_for, chosen_checks, require_known
from optbench.testing.framework import Finding, Subject
from optbench.testing.judging import TIMEOUT, run_checks, unknown_expectations
from optbench.testing.subjects import Given, subject_of


class ConformanceError(AssertionError):
    """A plugin fails checks; `findings` has one for each check, failed or not."""

    def __init__(self, subject: Subject, findings: Sequence[Finding]) -> None:
        """List the failures by name."""
        self.subject, self.findings = subject, tuple(findings)
        failed = [f"{finding.check}: {finding.message}" for finding in findings if finding.failed]
        super().__init__("\n  ".join([f"{subject.name} fails {len(failed)} of {len(findings)} checks:", *failed]))


class Settings(TypedDict, total=False):
    """What the functions take by keyword."""

    catalogue: Catalogue | None  # where names are looked up; None: everything that is installed
    only: Sequence[str]  # names of checks; empty: all
    expected_failures: Mapping[str, str]  # check -> reason, beside those of the record; strict
    timeout: float  # seconds a check
    isolate: bool  # False: in this process, for debugging


def check_optimizer(given: Given, **settings: Unpack[Settings]) -> tuple[Finding, ...]:
    """Check an optimizer, given as a record, as a name or expression of the catalogue, or as a file that has one.

    Returns a finding a check; raises ConformanceError, which lists the failures, and UserError for unknown names.
    """
    return _check(given, "optimizers", settings)


def check_problem(given: Given, **settings: Unpack[Settings]) -> tuple[Finding, ...]:
    """Check a problem; see `check_optimizer`."""
    return _check(given, "problems", settings)


def check_meta_algorithm(given: Given, **settings: Unpack[Settings]) -> tuple[Finding, ...]:
    """Check a meta-algorithm; see `check_optimizer`."""
    return _check(given, "meta-algorithms", settings)


def check_initializer(given: Given, **settings: Unpack[Settings]) -> tuple[Finding, ...]:
    """Check an initializer; see `check_optimizer`."""
    return _check(given, "initializers", settings)


def check_data_set(given: Given, **settings: Unpack[Settings]) -> tuple[Finding, ...]:
    """Check a data set; see `check_optimizer`."""
    return _check(given, "data-sets", settings)


def _check(given: Given, kind: str, settings: Settings) -> tuple[Finding, ...]:
    subject = subject_of(given, kind, settings.get("catalogue"))
    found = tuple(findings(subject, **settings))
    if any(finding.failed for finding in found):
        raise ConformanceError(subject, found)
    return found


def findings(subject: Subject, **settings: Unpack[Settings]) -> Iterator[Finding]:
    """Yield the finding of each check of a subject as it is known; raises UserError for an unknown check."""
    only = settings.get("only", ())
    require_known(only, [subject.kind])
    expected = {**subject.record.expected_failures, **settings.get("expected_failures", {})}
    yield from run_checks(
        subject,
        chosen_checks(subject.kind, only),
        expected=expected,
        timeout=settings.get("timeout", TIMEOUT),
        isolate=settings.get("isolate", True),
    )
    yield from () if only else unknown_expectations(expected, checks_for(subject.kind))
