"""What a conformance check is, and how checks are run and judged.

A check looks at one `Subject` (a plugin's record with its options) and raises `CheckFailed` with a message that says
what was expected, what was seen and, where that can be known, the line of the plugin. Tables of checks are tuples of
`Check`; `optbench.testing.collection` says which table belongs to which kind of plugin. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from optbench.api.errors import MissingData
from optbench.testing.subject import Subject

__all__ = ["Check", "CheckFailed", "DoesNotApply", "Finding", "Status", "Subject", "attempt", "require", "run_checks"]

Status = Literal["ok", "failed", "expected failure", "not applicable"]
TIMEOUT = 60.0  # seconds that one check may take


class CheckFailed(AssertionError):  # noqa: N818 -- a verdict, not an error of the kit
    """A plugin does not do what its kind, or its own record, promises."""


class DoesNotApply(Exception):  # noqa: N818 -- no error
    """Raised by a check that finds, once it has built the plugin, that it has nothing to look at; says why."""


def require(holds: object, message: str) -> None:
    """Raise CheckFailed with the message unless `holds`."""
    if not holds:
        raise CheckFailed(message)


def always(_: Subject) -> str:
    """Apply to every subject."""
    return ""


@dataclass(frozen=True)
class Check:
    """One promise, and how to test it.

    `run` may import and execute the plugin: it is called in a process of its own. `applies` reads the record only; it
    returns why the check does not apply, or an empty text.
    """

    name: str  # lower-case, hyphens; what `expected_failures` and `--only` name
    summary: str  # one sentence: what a sound plugin does
    run: Callable[[Subject], None]
    applies: Callable[[Subject], str] = always
    builds: bool = False  # whether it builds the plugin: where it fails, no later check is run
    of_module: bool = False  # whether it looks at the module with the hooks alone: one test for all of its records


@dataclass(frozen=True)
class Finding:
    """How one check of one subject went."""

    check: str
    summary: str
    status: Status
    message: str = ""  # of a failure, expected or not; or why the check does not apply

    @property
    def failed(self) -> bool:
        """Whether the plugin is at fault."""
        return self.status == "failed"


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


def attempt(check: Check, subject: Subject) -> Finding:
    """Run one check here; whatever it raises is a failure."""
    from optbench.testing.blame import described, located

    try:
        check.run(subject)
    except KeyboardInterrupt:
        raise
    except (DoesNotApply, MissingData) as reason:
        return Finding(check.name, check.summary, "not applicable", str(reason))
    except CheckFailed as failure:
        return Finding(check.name, check.summary, "failed", located(str(failure), subject))
    except BaseException as error:  # noqa: BLE001 -- a plugin may raise anything, even StopTrial or SystemExit
        return Finding(check.name, check.summary, "failed", located(f"raised {described(error, subject)}", subject))
    return Finding(check.name, check.summary, "ok")


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
