"""`optbench report`: write reports from stored results."""

from __future__ import annotations

import contextlib
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optbench.cli._common import json_option, open_catalogue, plugin_options, print_json, warn_broken
from optbench.cli._execute import DEFAULT_STORE
from optbench.cli._model_json import model_json
from optbench.cli._progress import activity
from optbench.cli._reporting import build_model, print_model, raise_all, report_folder, write_reports
from optbench.cli._reporting import pages as shown
from optbench.cli._roles import NO_RESULT, by_role
from optbench.cli._stored import StoredRun, existing, latest
from optbench.records import ReportModel, SuiteSpec

if TYPE_CHECKING:
    from optbench.registry import Catalogue
    from optbench.store import Store


@click.command("report")
@click.argument("suite", required=False)
@click.option(
    "--store", metavar="PATH|URL", default=str(DEFAULT_STORE), show_default=True, help="Where results are kept."
)
@click.option(
    "--reporter",
    multiple=True,
    metavar="NAME",
    help='Write with this reporter only, as in html or "html(figures=false)"; repeatable; default: those that write '
    "by default (`optbench list reporters`).",
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the report; default: reports/SUITE."
)
@click.option("--watch", is_flag=True, help="Write it again while the suite runs, until all its trials have a result.")
@click.option(
    "--every",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    help="How often --watch looks.",
)
@plugin_options
@json_option
def command(
    suite: str | None,
    store: str,
    reporter: tuple[str, ...],
    out: Path | None,
    watch: bool,
    every: float,
    plugin: tuple[Path, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> int:
    """Write the report of the last stored run, of SUITE where it is named, and print its table.

    With --watch, what takes long to draw comes with the last report: once the run is complete, or at Ctrl-C.
    """
    from optbench.store import Store

    catalogue = open_catalogue(plugin, block)
    with Store.open(existing(store)) as opened:
        if watch:
            _watch(catalogue, opened, (suite, store), (out, reporter), every)
        failed: list[Exception] = []
        with activity(quiet=as_json):
            model = current_model(catalogue, opened, suite, store)
            written = write_reports(catalogue, model, out or report_folder(model.name), reporter, failed=failed)
    warn_broken(catalogue)
    if as_json:
        files = list(map(str, written))
        print_json({"suite": model.name, "trials": model.trials, **model_json(model), "files": files})
    elif model.trials:
        print_model(model, written)
    else:
        print_model(replace(model, ranking=False), written, f"Run some with `{model.command}`.")
    raise_all(failed)
    return 0


def _watch(
    catalogue: Catalogue,
    store: Store,
    run: tuple[str | None, str],
    target: tuple[Path | None, tuple[str, ...]],
    seconds: float,
) -> None:
    """Write the report again and again, until it is complete or the user has seen enough."""
    import time

    from optbench.cli._watch import watch

    (suite, location), (out, names) = run, target

    def look() -> tuple[int, int]:
        begun = store.latest_run(suite)
        return (begun.id, len(store.run_keys(begun.id))) if begun else (0, 0)

    def render() -> int:
        model = current_model(catalogue, store, suite, location)
        pages = shown(write_reports(catalogue, model, out or report_folder(model.name), names, watched=True))
        done = f"{model.trials - model.missing} of {model.trials} trials"
        click.echo(f"{done}: {', '.join(map(str, pages))}", err=True)
        return model.missing if model.trials else 1  # a run may begin

    with contextlib.suppress(KeyboardInterrupt):
        watch(look, render, lambda: time.sleep(seconds))


def current_model(catalogue: Catalogue, store: Store, suite: str | None, location: str) -> ReportModel:
    """Return the report's model of the run that began last, of one suite where `suite` names it.

    A store without any run has a report, too: it says so. Raises UserError where there are runs, but none of `suite`.
    """
    if store.latest_run() is not None:
        return stored_model(catalogue, store, latest(store, suite, location))
    from optbench.runner.environment import capture
    from optbench.suites import find_suite

    nothing = SuiteSpec(name="empty", title="No results yet", problems=(), optimizers=())
    spec = find_suite(suite, catalogue) if suite else nothing
    elsewhere = [] if location == str(DEFAULT_STORE) else ["--store", location]
    words = ["optbench", "suite", *([suite] if suite else []), *elsewhere]
    return build_model(
        catalogue, store, suite=spec, records=(), keys={}, environment=capture(), command=shlex.join(words)
    )


def stored_model(catalogue: Catalogue, store: Store, stored: StoredRun) -> ReportModel:
    """Return the report's model of a stored run."""
    results, missing = by_role(stored.spec, catalogue, stored.records)
    model = build_model(
        catalogue,
        store,
        suite=stored.spec,
        records=[*results.plain, *missing],
        arms=results.arms,
        keys=stored.keys,
        environment=stored.run.environment,
        command=stored.run.command,
        missing=sum(record.reason == NO_RESULT for record in missing),
        projections=[record for key, record in stored.found.items() if key.pass_ == "projection"],
    )
    why = "which another version of optbench wrote and this one can't read"
    lost = [f"Left out: {stored.unreadable} of the results, {why}."] if stored.unreadable else []
    lost += (
        [f"Left out: all that was tuned, for the suite can't be planned here: {results.lost}."] if results.lost else []
    )
    return replace(model, notes=(*lost, *model.notes))
