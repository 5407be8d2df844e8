"""`optbench report`: write reports from stored results."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optbench.cli._common import console, json_option, open_catalogue, plugin_options, print_json, warn_broken
from optbench.cli._execute import DEFAULT_STORE

if TYPE_CHECKING:
    from optbench.records import SuiteSpec, TrialRecord
    from optbench.registry import Catalogue


@click.command("report")
@click.argument("suite", required=False)
@click.option(
    "--store", metavar="PATH|URL", default=str(DEFAULT_STORE), show_default=True, help="Where results are kept."
)
@click.option(
    "--reporter",
    multiple=True,
    metavar="NAME",
    help="Write with this reporter only; repeatable; default: all that are installed.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the report; default: reports/SUITE."
)
@plugin_options
@json_option
def command(
    suite: str | None,
    store: str,
    reporter: tuple[str, ...],
    out: Path | None,
    plugin: tuple[Path, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> int:
    """Write the report of the last stored run, of SUITE where it is named, and print its table."""
    from optbench.api import UserError
    from optbench.cli._reporting import build_model, write_reports
    from optbench.measure.reliability import with_spread
    from optbench.records import SuiteSpec
    from optbench.report import comparison_table, gate_table, scaling_table, solved_table, terminal_table
    from optbench.runner.scoring import Asked, rescored
    from optbench.runner.session import merge
    from optbench.store import ResultKey, Store
    from optbench.store.engine import database_path

    catalogue = open_catalogue(plugin, block)
    if not database_path(store).exists():
        raise UserError(
            f"no store at {database_path(store)}", remedy="run `optbench suite` first, or name one with --store"
        )
    with Store.open(store) as opened:
        run = opened.latest_run(suite)
        if run is None:
            raise UserError(f"no run of {suite or 'any suite'} in {store}", remedy="run `optbench suite` first")
        spec = SuiteSpec.from_json(run.suite)
        found = opened.get(opened.run_keys(run.id))
        memory = {key.id: record for key, record in found.items() if key.pass_ == "memory"}
        keys: dict[str, ResultKey] = {key.id: key for key in found if key.pass_ == "time"}
        asked = Asked(spec.targets, spec.weights)
        records: list[TrialRecord] = [
            rescored(merge(found[key], memory.get(found[key].spec.memory_id)), asked, partial(opened.trace, key))
            for key in keys.values()
        ]
        records = with_spread(records)
        records += _never_ran(spec, catalogue, {record.id for record in records})
        model = build_model(
            catalogue,
            opened,
            suite=spec,
            records=records,
            keys=keys,
            environment=run.environment,
            command=run.command,
            projections=[record for key, record in found.items() if key.pass_ == "projection"],
        )
        written = write_reports(catalogue, model, out or Path("reports") / spec.name, reporter)
    warn_broken(catalogue)
    if as_json:
        gates = [gate.to_row() for gate in model.gates]
        pairs = [row.to_row() for row in model.comparisons]
        files = [str(path) for path in written]
        print_json({"suite": spec.name, "trials": len(records), "gates": gates, "comparisons": pairs, "files": files})
    else:
        console().print(terminal_table(model))
        if model.comparisons:
            console().print(solved_table(model))
            console().print(comparison_table(model))
        if model.gates:
            console().print(gate_table(model))
        if model.scaling:
            console().print(scaling_table(model))
        for path in written:
            if path.suffix == ".html":
                console().print(f"report: {path}", soft_wrap=True)
    return 0


def _never_ran(spec: SuiteSpec, catalogue: Catalogue, stored: set[str]) -> list[TrialRecord]:
    """Return the trials of the suite that have no result: refused ones, absent devices, what an interrupt left."""
    from optbench.api import UserError
    from optbench.records import Status, TrialRecord
    from optbench.suites import SuitePlanner

    try:
        planner = SuitePlanner(spec, catalogue)
    except UserError:  # a plugin is gone since: what is stored is reported all the same
        return []
    why = "no result is stored: its device was absent, or the run was interrupted (`optbench suite` continues it)"
    missing = [*planner.refused, *((trial, why) for trial in planner.trials)]
    return [
        TrialRecord(spec=trial, status=Status.SKIPPED, reason=reason)
        for trial, reason in missing
        if trial.id not in stored
    ]
