"""`optbench check NAME`: is a plugin sound? One line a check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optbench.cli._common import console, json_option, open_catalogue, plain, plugin_options, print_json

if TYPE_CHECKING:
    from optbench.registry import Catalogue
    from optbench.testing import Finding, Subject
    from optbench.testing.framework import Status

_STYLES: Mapping[Status, str] = {
    "ok": "green",
    "failed": "bold red",
    "expected failure": "yellow",
    "not applicable": "dim",
}
_WIDTH = max(map(len, _STYLES))


@click.command("check")
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@click.option("--only", multiple=True, metavar="CHECK", help="Run this check only; repeatable.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.0, min_open=True),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Kill a check after so many seconds; it has failed.",
)
@json_option
@plugin_options
def command(
    names: tuple[str, ...],
    *,
    only: tuple[str, ...],
    timeout: float,
    as_json: bool,
    plugin: tuple[Path, ...],
    block: tuple[str, ...],
) -> int:
    """Check that plugins are sound. The exit code is 1 where a check failed.

    NAME is an optimizer, a problem, a meta-algorithm, an initializer or a data set, with options if wished, as in
    "lbfgs(history=5)"; or a plugin, an importable module or a Python file, for all that it provides. `problems/NAME`
    looks among the problems only. Checks run in a process of their own: a hang or a crash of a plugin is a failed
    check.
    """
    from optbench.testing.collection import require_known
    from optbench.testing.subjects import find_subjects

    catalogue = open_catalogue(plugin, block)
    subjects = [subject for name in names for subject in find_subjects(name, catalogue)]
    require_known(only, [subject.kind for subject in subjects])
    reports = [_check(subject, only, timeout, None if as_json else catalogue) for subject in subjects]
    failed = any(finding.failed for findings in reports for finding in findings)
    if as_json:
        print_json({"passed": not failed, "subjects": list(map(_to_json, subjects, reports))})
    else:
        _print_summary([finding for findings in reports for finding in findings])
    return int(failed)


def _check(subject: Subject, only: tuple[str, ...], timeout: float, catalogue: Catalogue | None) -> list[Finding]:
    """Run the checks of one subject; with a catalogue, which spells its options, each is printed as it ends."""
    from rich.markup import escape

    from optbench.records import Call
    from optbench.registry import telling_options
    from optbench.testing.collection import chosen_checks
    from optbench.testing.conformance import findings

    if only:
        only = tuple(check.name for check in chosen_checks(subject.kind, only))
        if not only:
            return []
    if catalogue is not None:
        written = Call(subject.name, telling_options(catalogue, subject.registered, subject.options))
        summary = escape(subject.registered.record.summary)
        console().print(f"[bold]{escape(str(written))}[/bold]  {summary}", soft_wrap=True)
    found = []
    for finding in findings(subject, only=only, timeout=timeout):
        found.append(finding)
        if catalogue is not None:
            _print(finding)
    return found


def _print(finding: Finding) -> None:
    from rich.markup import escape

    style = _STYLES[finding.status]
    message = f": {escape(finding.message)}" if finding.message else ""
    console().print(f"  [{style}]{finding.status:<{_WIDTH}}[/{style}]  {finding.check}{message}", soft_wrap=True)


def _print_summary(findings: Sequence[Finding]) -> None:
    """Print how many checks passed, failed and don't apply, in one line."""
    counts = Counter(finding.status for finding in findings)
    passed, failed, expected, absent = (counts[status] for status in _STYLES)
    excused = f"{expected} expected failure{'' if expected == 1 else 's'}, " if expected else ""
    checks = f"{len(findings)} check{'' if len(findings) == 1 else 's'}"
    console().print(f"{checks}: {passed} passed, {failed} failed, {excused}{absent} not applicable", soft_wrap=True)


def _to_json(subject: Subject, findings: list[Finding]) -> dict[str, Any]:
    return {
        "name": subject.name,
        "kind": subject.kind,
        "options": plain(subject.options),
        "checks": [plain(finding) for finding in findings],
    }
