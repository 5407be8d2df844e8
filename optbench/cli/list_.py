"""`optbench list KIND`: every record of a kind, with where it comes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optbench.cli._common import json_option, open_catalogue, plugin_options, print_json, print_table, warn_broken
from optbench.cli._describe import call_text, to_json
from optbench.cli._execute import DEFAULT_STORE
from optbench.cli._stored import existing

if TYPE_CHECKING:
    from optbench.registry import Catalogue, Registered

_KINDS = (
    "optimizers",
    "problems",
    "meta-algorithms",
    "initializers",
    "data-sets",
    "suites",
    "metrics",
    "reporters",
    "runs",
)


@click.command("list")
@click.argument("kind", metavar="KIND", type=click.Choice(_KINDS))
@click.option("--store", metavar="PATH|URL", default=str(DEFAULT_STORE), show_default=True, help="Of runs.")
@json_option
@plugin_options
def command(kind: str, *, store: str, as_json: bool, plugin: tuple[Path, ...], block: tuple[str, ...]) -> None:
    """List what can be named of a kind.

    KIND is optimizers, problems, meta-algorithms, initializers, data-sets, suites, metrics, reporters, or runs, which
    are those in the store.
    """
    if kind == "runs":
        _list_runs(store, as_json=as_json)
        return
    catalogue = open_catalogue(plugin, block)
    found = sorted(catalogue.records(kind), key=lambda item: (item.name, item.plugin))
    if as_json:
        print_json([to_json(item) for item in found])
    else:
        _print(kind, found, catalogue)
    warn_broken(catalogue)


def _list_runs(store: str, *, as_json: bool) -> None:
    """List the runs of a store, the last one first."""
    from optbench.store import Store

    with Store.open(existing(store)) as opened:
        runs = opened.runs()
        rows = [
            {
                "run": run.id,
                "suite": run.suite["name"],
                "started": run.started,
                "results": len(opened.run_keys(run.id)),
                "machine": run.environment.machine,
                "commit": run.environment.commit,
                "command": run.command,
            }
            for run in runs
        ]
    if as_json:
        print_json(rows)
    else:
        columns = ("run", "suite", "started", "results", "machine", "commit", "command")
        cells = [[str(row[name] or "–")[: 16 if name == "started" else None] for name in columns] for row in rows]
        print_table(columns, cells, spare=("commit", "machine", "results"))


def _print(kind: str, found: list[Registered], catalogue: Catalogue) -> None:
    names = set(catalogue.names(kind))
    extra = _COLUMNS.get(kind, {})
    rows = [
        (
            item.name if item.name in names else item.qualified,
            *(cell(item) for cell in extra.values()),
            item.record.summary,
            item.plugin,
        )
        for item in found
    ]
    spare = ("options", "evaluates", "plugin", "step", "state", "kind", "needs")
    columns = (kind, *extra, "summary", "plugin")
    if left_out := print_table(columns, rows, spare=[column for column in spare if column in columns]):
        click.echo(f"{', '.join(left_out)}: on a wider terminal, with --json, or `optbench show NAME`", err=True)


def _evaluations(item: Registered) -> str:
    return ", ".join(sorted(name.replace("_", "-") for name in item.record.evaluations))


_Cells = dict[str, Callable[["Registered"], str]]
_COLUMNS: dict[str, _Cells] = {
    "optimizers": {
        "evaluates": _evaluations,
        "state": lambda item: str(item.record.state_memory),
        "step": lambda item: str(item.record.step_time),
        "options": call_text,
    },
    "problems": {"kind": lambda item: str(item.record.kind), "options": call_text},
    "meta-algorithms": {"needs": lambda item: ", ".join(sorted(item.record.needs)), "options": call_text},
    "initializers": {"options": call_text},
    "data-sets": {"options": call_text},
    "metrics": {"options": call_text},
    "reporters": {"options": call_text},
}
