"""`optbench check NAME`: is a plugin sound? One line a check."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optbench.cli._common import console, json_option, open_catalogue, plain, plugin_options, print_json

if TYPE_CHECKING:
    from optbench.testing import Outcome, Subject

_STYLES = {"ok": "green", "failed": "bold red", "expected failure": "yellow", "not applicable": "dim"}
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

    NAME is an optimizer, a problem or a meta-algorithm, with options if wished, as in "lbfgs(history=5)"; or a
    plugin, an importable module or a Python file, for all that it provides. `problems/NAME` looks among the problems
    only. Checks run in a process of their own: a hang or a crash of a plugin is a failed check.
    """
    from optbench.testing.collection import find_subjects, require_known

    require_known(only)
    catalogue = open_catalogue(plugin, block)
    subjects = [subject for name in names for subject in find_subjects(name, catalogue)]
    reports = [_check(subject, only, timeout, quiet=as_json) for subject in subjects]
    failed = any(outcome.failed for outcomes in reports for outcome in outcomes)
    if as_json:
        print_json({"passed": not failed, "subjects": list(map(_to_json, subjects, reports))})
    else:
        _print_summary([outcome for outcomes in reports for outcome in outcomes])
    return int(failed)


def _check(subject: Subject, only: tuple[str, ...], timeout: float, *, quiet: bool) -> list[Outcome]:
    """Run the checks of one subject; each is printed as it ends, unless `quiet`."""
    from rich.markup import escape

    from optbench.records import Call
    from optbench.registry import telling_options
    from optbench.testing.conformance import outcomes

    if not quiet:
        written = Call(subject.name, telling_options(subject.registered, subject.options))
        summary = escape(subject.registered.record.summary)
        console().print(f"[bold]{escape(str(written))}[/bold]  {summary}", soft_wrap=True)
    found = []
    for outcome in outcomes(subject, only=only, timeout=timeout):
        found.append(outcome)
        if not quiet:
            _print(outcome)
    return found


def _print(outcome: Outcome) -> None:
    from rich.markup import escape

    style = _STYLES[outcome.status]
    message = f": {escape(outcome.message)}" if outcome.message else ""
    console().print(f"  [{style}]{outcome.status:<{_WIDTH}}[/{style}]  {outcome.check}{message}", soft_wrap=True)


def _print_summary(outcomes: Iterable[Outcome]) -> None:
    counts = Counter(outcome.status for outcome in outcomes)
    told = ", ".join(f"{counts[status]} {status}" for status in _STYLES if counts[status])  # type: ignore[index]  # statuses
    console().print(f"{counts.total()} checks: {told}")


def _to_json(subject: Subject, outcomes: list[Outcome]) -> dict[str, Any]:
    return {
        "name": subject.name,
        "kind": subject.kind,
        "options": plain(subject.options),
        "checks": [plain(outcome) for outcome in outcomes],
    }
