"""`optbench export`: a stored run as tables for other programs, or as results of asv."""

from __future__ import annotations

from pathlib import Path

import click

from optbench.api import UserError
from optbench.cli._common import json_option, open_catalogue, plugin_options, print_json, warn_broken
from optbench.cli._execute import DEFAULT_STORE
from optbench.cli._reporting import write_reports
from optbench.cli._stored import existing, latest, numbered
from optbench.cli.report import stored_model
from optbench.records import Call

TABLES = ("parquet", "csv")


@click.command("export")
@click.argument("kind", metavar="FORMAT", type=click.Choice([*TABLES, "asv"]))
@click.option(
    "--store", metavar="PATH|URL", default=str(DEFAULT_STORE), show_default=True, help="Where results are kept."
)
@click.option("--suite", metavar="NAME", help="The last run of this suite; default: the last run.")
@click.option("--run", "number", type=int, metavar="N", help="This run (`optbench list runs`).")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder; default: export/SUITE.")
@plugin_options
@json_option
def command(
    kind: str,
    store: str,
    suite: str | None,
    number: int | None,
    out: Path | None,
    plugin: tuple[Path, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> int:
    """Write a run as FORMAT: parquet, csv or asv.

    parquet and csv: `trials`, a row a result; `events` and `snapshots`, a row a point of a curve; `run.json`, what was
    run and where. asv: the run's commit in a folder that `asv publish` takes as its results.
    """
    from optbench.store import Store
    from optbench.store.tables import export_run

    if suite is not None and number is not None:
        raise UserError("both --suite and --run", "allowed: one of them")
    with Store.open(existing(store)) as opened:
        found = latest(opened, suite, store) if number is None else numbered(opened, number, store)
        folder = out or Path("export") / _word(found.spec.name)
        try:
            if kind in TABLES:
                written = export_run(opened, found.run, folder, "csv" if kind == "csv" else "parquet")
            else:
                catalogue = open_catalogue(plugin, block)
                warn_broken(catalogue)
                model = stored_model(catalogue, opened, found)
                written = write_reports(catalogue, model, folder, (str(Call(kind, {"results": str(folder)})),))
        except OSError as error:
            raise UserError(
                f"can't write in {folder} ({error.strerror or error})", remedy="name one with --out"
            ) from None
    if as_json:
        print_json({"suite": found.spec.name, "run": found.run.id, "files": list(map(str, written))})
    else:
        for path in written:
            click.echo(path)
    return 0


def _word(name: str) -> str:
    """Return a suite's name as a folder: it may be anything."""
    from optbench.report import slugs

    return slugs([name])[0]
