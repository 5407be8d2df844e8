"""`optbench tuned`: write the settings that a suite's tuning found, for suites that don't tune themselves."""

from __future__ import annotations

from pathlib import Path

import click

from optbench.api import UserError
from optbench.cli._common import open_catalogue, plugin_options
from optbench.cli._execute import DEFAULT_STORE
from optbench.cli._plan import Plan
from optbench.cli._stored import existing, latest


@click.command("tuned")
@click.argument("suite")
@click.option(
    "--store", metavar="PATH|URL", default=str(DEFAULT_STORE), show_default=True, help="Where results are kept."
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.toml", help="Write there instead of printing.")
@plugin_options
def command(suite: str, store: str, out: Path | None, plugin: tuple[Path, ...], block: tuple[str, ...]) -> int:
    """Print what the last stored run of SUITE found by tuning, as `[tuning] stored = "FILE.toml"` takes it."""
    from optbench.store import Store
    from optbench.tuning import stored_settings, stored_text

    catalogue = open_catalogue(plugin, block)
    with Store.open(existing(store)) as opened:
        found = latest(opened, suite, store)
    if found.spec.tuning is None:
        raise UserError(f"the suite {suite} tunes nothing", remedy="give it a table [tuning]")
    arms = Plan.of(found.spec, catalogue).sort(found.records).arms
    settings = stored_settings(arms)
    if not settings:
        raise UserError(f"no tuning of {suite} is complete in {store}", remedy=f"run `optbench suite {suite}`")
    text = stored_text(settings, found.spec, found.run.started[:10])
    if out is None:
        click.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")
        click.echo(f"{len(settings)} settings: {out}")
    return 0
