"""Runs checks, each in a process of its own, and judges what they find by the failures that are expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from optbench.testing.framework import Check, Finding, Subject, attempt

TIMEOUT = 60.0  # seconds that one check may take


def run_checks(
    subject: Subject,
    checks: Iterable[Check],
    *,
    expected: Mapping[str, str],
    timeout: float = TIMEOUT,
    isolate: bool = True,
) -> Iterator[Finding]:
    """Yield a finding a check, in their order, judged by the expected failures.

    Each check may take `timeout` seconds. With `isolate` a hang or a crash of the plugin is a failed check; without,
    checks run in this process, for debugging.
    """
    from optbench.registry import missing_library
    from optbench.testing.isolation import attempt_isolated

    chosen = tuple(checks)
    if absent := missing_library(subject.record):  # nothing can be said of it here, whatever is expected
        yield from (Finding(check.name, check.summary, "not applicable", absent) for check in chosen)
        return
    reasons = {check.name: check.applies(subject) for check in chosen}
    to_run = tuple(check for check in chosen if not reasons[check.name])
    ran = attempt_isolated(subject, to_run, timeout) if isolate else (attempt(check, subject) for check in to_run)
    built = True
    for check in chosen:
        reason = reasons[check.name]
        if not built:  # nothing can be expected of it, either
            yield Finding(check.name, check.summary, "not applicable", reason or "not run: it can't be built")
            continue
        found = Finding(check.name, check.summary, "not applicable", reason) if reason else next(ran)
        built = not (check.builds and found.failed)
        yield judged(found, expected)


def judged(finding: Finding, expected: Mapping[str, str]) -> Finding:
    """Return the finding in the light of the expected failures, which are strict: they must happen."""
    if finding.check not in expected:
        return finding
    reason = expected[finding.check]
    if finding.failed:
        return replace(finding, status="expected failure", message=f"{reason} ({finding.message})")
    seen = "passes" if finding.status == "ok" else f"does not apply ({finding.message})"
    message = f"is expected to fail ({reason}) and {seen}: remove it from expected_failures"
    return replace(finding, status="failed", message=message)


def unknown_expectations(expected: Mapping[str, str], checks: Sequence[Check]) -> list[Finding]:
    """Return a failure for each expected failure that names no check."""
    names = [check.name for check in checks]
    return [
        Finding(name, "Expected failures name checks.", "failed", f"no check of this name; {_known(name, names)}")
        for name in expected
        if name not in names
    ]


def _known(name: str, names: Sequence[str]) -> str:
    from optbench.records.nearest import suggestion

    return suggestion(name, names) or f"checks: {', '.join(names)}"
