"""`optbench compare`: what got better or worse between two runs, two stores, or two optimizers of one run."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optbench.api import UserError
from optbench.cli._about import plugin_info
from optbench.cli._common import console, json_option, open_catalogue, plugin_options, print_json, warn_broken
from optbench.cli._execute import DEFAULT_STORE
from optbench.cli._sides import ALLOWED, Given, Results, of_optimizer, read
from optbench.records import BYTES, Changes, TrialRecord

if TYPE_CHECKING:
    from optbench.registry import Catalogue
    from optbench.report import Measure, Pair

_BY_DEFAULT = ("evaluations", "state_bytes", "peak_live_bytes")
_OF_A_MACHINE = ("seconds", "peak_process_bytes")
_APART = "times and growth of processes are not compared: the machines, or their libraries, differ"
_MARGIN = 1.01
_MOST_MISSING = 15  # lines on what only one side has


@click.command("compare")
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option(
    "--store", metavar="PATH|URL", default=str(DEFAULT_STORE), show_default=True, help="Of runs and optimizers."
)
@click.option("--suite", metavar="NAME", help="Compare the last runs of this suite; default: of A's last run.")
@click.option(
    "--measure",
    multiple=True,
    metavar="NAME",
    help="evaluations, seconds, a figure of bytes (state_bytes, …) or a metric; repeatable; "
    "default: evaluations, state_bytes, peak_live_bytes.",
)
@click.option(
    "--target",
    multiple=True,
    metavar="TARGET",
    help="Count evaluations and seconds to this target of the suite; repeatable; "
    "default, for each optimizer: the strictest that half of its trials in A reach.",
)
@click.option(
    "--margin",
    type=click.FloatRange(min=1.0),
    default=_MARGIN,
    show_default=True,
    help="The least ratio that counts as a change.",
)
@click.option(
    "--fail-on",
    "fail_on",
    multiple=True,
    type=click.Choice(["regression", "missing"]),
    help="Exit with 1 where something got worse, or only one side has it; repeatable.",
)
@plugin_options
@json_option
def command(
    before: str,
    after: str,
    store: str,
    suite: str | None,
    measure: tuple[str, ...],
    target: tuple[str, ...],
    margin: float,
    fail_on: tuple[str, ...],
    plugin: tuple[Path, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> int:
    """Tell what got better, worse, or is not told apart from A to B.

    A and B are stores (PATH, or PATH#RUN), published shards (their folders), numbers of runs in --store, or two
    optimizers of its last run.
    """
    if not math.isfinite(margin):
        raise UserError(f"--margin {margin}", "allowed: a ratio of at least 1")
    catalogue = open_catalogue(plugin, block)
    one, other = Given.parse(before, store), Given.parse(after, store)
    changes = _changes(catalogue, (one, other), store, suite, measure or _BY_DEFAULT, target, margin)
    warn_broken(catalogue)
    failed = ("regression" in fail_on and bool(changes.regressions)) or ("missing" in fail_on and bool(changes.missing))
    if as_json:
        print_json({**changes.to_json(), "failed": failed})
    else:
        _print(changes)
    return 1 if failed else 0


def _changes(
    catalogue: Catalogue,
    given: tuple[Given, Given],
    store: str,
    suite: str | None,
    names: Sequence[str],
    targets: Sequence[str],
    margin: float,
) -> Changes:
    from optbench.report import effects, problem_labels, unpaired_problems

    sides = _sides(catalogue, given, store, suite)
    records = [*sides[0].records, *sides[1].records]
    pairs, missing = _paired(catalogue, given, sides)
    measures, notes = _measures(catalogue, sides, names, targets)
    label = problem_labels(
        records, plugin_info(catalogue, "problems", {record.spec.problem.name for record in records})
    )
    found, problems = effects(pairs, measures, label, margin)
    if not found:
        raise UserError(
            f"{given[0].text} and {given[1].text} have no results in common",
            remedy="compare runs of one suite, or optimizers that ran on the same problems",
        )
    titles = [side.side for side in sides]
    budgets = [side.spec.budget.in_words for side in sides]
    if budgets[0] != budgets[1]:
        notes.append(f"the budgets differ: {budgets[0]} before, {budgets[1]} after")
    return Changes(
        before=titles[0],
        after=titles[1],
        effects=found,
        problems=problems,
        missing=(*missing, *unpaired_problems(pairs, label)),
        notes=tuple(notes),
    )


def _sides(catalogue: Catalogue, given: tuple[Given, Given], store: str, suite: str | None) -> tuple[Results, Results]:
    """Read what is compared: two runs, or one run whose optimizers are."""
    kinds = {one.store is None for one in given}
    if kinds == {True}:
        run = read(catalogue, Given(store, store), suite)
        return run, run
    if kinds == {True, False}:
        optimizer = next(one.text for one in given if one.store is None)
        raise UserError(f"{optimizer!r} is no store and no run, the other side is one", ALLOWED, "give two of a kind")
    before = read(catalogue, given[0], suite)
    return before, read(catalogue, given[1], suite or before.spec.name)


def _paired(
    catalogue: Catalogue, given: tuple[Given, Given], sides: tuple[Results, Results]
) -> tuple[list[Pair], list[str]]:
    from optbench.report import Pair, paired_arms

    names = {record.spec.optimizer.name for side in sides for record in side.records}
    info = plugin_info(catalogue, "optimizers", names)
    if given[0].store is None:
        trials = [of_optimizer(one.text, side, info) for one, side in zip(given, sides, strict=True)]
        return [Pair(f"{given[0].text} → {given[1].text}", *trials)], []
    return paired_arms(sides[0].records, sides[1].records, info)


def _measures(
    catalogue: Catalogue, sides: tuple[Results, Results], names: Sequence[str], targets: Sequence[str]
) -> tuple[Callable[[Pair], list[Measure]], list[str]]:
    """Return what each pair is compared by, and notes on it; raises UserError where nothing of a name is measured."""
    from optbench.report import bytes_of, evaluations_to, headline_target, metric, seconds_to

    allowed = _targets(sides, targets)
    directions = _directions(catalogue, [*sides[0].records, *sides[1].records])
    to = {"evaluations": evaluations_to, "seconds": seconds_to}
    for name in names:
        if not (name in to or name in BYTES or name in directions):
            raise UserError(f"--measure {name}", f"allowed: {', '.join([*to, *BYTES, *directions])}")
    apart = sides[0].machine != sides[1].machine and any(name in _OF_A_MACHINE for name in names)
    kept = [name for name in names if not (apart and name in _OF_A_MACHINE)]

    def measures(pair: Pair) -> list[Measure]:
        headline = headline_target(allowed, pair.before)
        chosen = list(targets) or ([] if headline is None else [headline])
        found: list[Measure] = []
        for name in kept:
            if name in to:
                found += map(to[name], chosen)
            elif name in BYTES:
                found.append(bytes_of(name))
            else:
                found.append(metric(name, higher_is_better=directions[name]))
        return found

    return measures, [_APART] if apart else []


def _targets(sides: tuple[Results, Results], wanted: Sequence[str]) -> list[str]:
    allowed = [target for target in sides[0].spec.targets if target in sides[1].spec.targets]
    for target in wanted:
        if target not in allowed:
            raise UserError(f"--target {target}", f"allowed: {', '.join(allowed) or 'none, the suites share none'}")
    return allowed


def _directions(catalogue: Catalogue, records: Sequence[TrialRecord]) -> dict[str, bool]:
    """Return the metrics that were measured, and whether higher ones are better."""
    names = dict.fromkeys(name for record in records for name in record.metrics)
    known = {record.name: record.record.higher_is_better for record in catalogue.records("metrics")}
    return {name: known[name.rpartition("/")[2]] for name in names if name.rpartition("/")[2] in known}


def _print(changes: Changes) -> None:
    from optbench.records.text import commit_text
    from optbench.report import change_table, problem_table

    screen = console()
    before, after = changes.before, changes.after
    sides = {"run": before} if before == after else {"before": before, "after": after}
    for word, side in sides.items():
        commit = f", commit {commit_text(side.commit)}" if side.commit else ""
        screen.print(
            f"{word}: {side.title}, suite {side.suite}, {side.started} UTC, {side.machine}{commit}", markup=False
        )
    screen.print(change_table(changes, screen.width))
    if (problems := problem_table(changes)) is not None:
        screen.print(problems)
    more = len(changes.missing) - _MOST_MISSING
    told = [*changes.missing[:_MOST_MISSING], *([f"{more} more that only one side has: --json"] if more > 0 else [])]
    for line in (*told, *changes.notes):
        screen.print(line, markup=False, soft_wrap=True)
