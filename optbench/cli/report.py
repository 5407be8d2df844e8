"""`optbench report`: write reports from stored results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from optbench.cli._common import json_option, open_catalogue, plugin_options, print_json, warn_broken
from optbench.cli._execute import DEFAULT_STORE
from optbench.cli._reporting import build_model, model_json, print_model, write_reports
from optbench.cli._roles import by_role
from optbench.cli._stored import StoredRun, existing, latest
from optbench.records import ReportModel

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
    with Store.open(existing(store)) as opened:
        model = stored_model(catalogue, opened, latest(opened, suite, store))
        written = write_reports(catalogue, model, out or Path("reports") / model.name, reporter)
    warn_broken(catalogue)
    if as_json:
        files = list(map(str, written))
        print_json({"suite": model.name, "trials": model.trials, **model_json(model), "files": files})
    else:
        print_model(model, written)
    return 0


def stored_model(catalogue: Catalogue, store: Store, stored: StoredRun) -> ReportModel:
    """Return the report's model of a stored run."""
    results, missing = by_role(stored.spec, catalogue, stored.records)
    return build_model(
        catalogue,
        store,
        suite=stored.spec,
        records=[*results.plain, *missing],
        arms=results.arms,
        keys=stored.keys,
        environment=stored.run.environment,
        command=stored.run.command,
        missing=len(missing),
        projections=[record for key, record in stored.found.items() if key.pass_ == "projection"],
    )
