"""`optbench report`: write reports from stored results."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optbench.api import UserError
from optbench.cli._common import json_option, open_catalogue, plugin_options, print_json, warn_broken
from optbench.cli._execute import DEFAULT_STORE
from optbench.cli._reporting import build_model, model_json, print_model, write_reports

if TYPE_CHECKING:
    from optbench.records import ReportModel, SuiteSpec, TrialRecord
    from optbench.registry import Catalogue
    from optbench.store import Run, Store


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
    from optbench.store import Store

    catalogue = open_catalogue(plugin, block)
    with Store.open(_existing(store)) as opened:
        run = opened.latest_run(suite)
        if run is None:
            raise UserError(f"no run of {suite or 'any suite'} in {store}", remedy="run `optbench suite` first")
        model = _stored_model(catalogue, opened, run)
        written = write_reports(catalogue, model, out or Path("reports") / model.name, reporter)
    warn_broken(catalogue)
    if as_json:
        files = list(map(str, written))
        print_json({"suite": model.name, "trials": model.trials, **model_json(model), "files": files})
    else:
        print_model(model, written)
    return 0


def _existing(store: str) -> str:
    from optbench.store.engine import database_path

    if not (path := database_path(store)).exists():
        raise UserError(f"no store at {path}", remedy="run `optbench suite` first, or name one with --store")
    return store


def _stored_model(catalogue: Catalogue, store: Store, run: Run) -> ReportModel:
    """Return the report of a run: what is derived from results is worked out anew."""
    from optbench.measure.reliability import with_spread
    from optbench.records import SuiteSpec
    from optbench.runner.scoring import Asked, rescored
    from optbench.runner.session import merge

    spec = SuiteSpec.from_json(run.suite)
    found = store.get(store.run_keys(run.id))
    memory = {key.id: record for key, record in found.items() if key.pass_ == "memory"}
    keys = {key.id: key for key in found if key.pass_ == "time"}
    asked = Asked(spec.targets, spec.weights)
    records = with_spread(
        [
            rescored(merge(found[key], memory.get(found[key].spec.memory_id)), asked, partial(store.trace, key))
            for key in keys.values()
        ]
    )
    return build_model(
        catalogue,
        store,
        suite=spec,
        records=[*records, *_never_ran(spec, catalogue, set(keys))],
        keys=keys,
        environment=run.environment,
        command=run.command,
        projections=[record for key, record in found.items() if key.pass_ == "projection"],
    )


def _never_ran(spec: SuiteSpec, catalogue: Catalogue, stored: set[str]) -> list[TrialRecord]:
    """Return the trials of the suite that have no result: refused ones, absent devices, what an interrupt left."""
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
