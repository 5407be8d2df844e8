"""`optbench doctor`: is this machine fit to measure on, and why not."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from optbench.api import UserError
from optbench.cli._common import console, json_option, print_json

if TYPE_CHECKING:
    from optbench.doctor import Diagnosis

_MOST_SECONDS = 3600.0
_STYLES = {"good": "green", "warning": "yellow", "bad": "bold red", "unknown": "dim"}


@click.command("doctor")
@click.option(
    "--seconds", type=float, default=10.0, show_default=True, help="How long the machine is watched, 1 to 3600."
)
@click.option("--strict", is_flag=True, help="Exit with 1 unless the machine is fit for everything.")
@json_option
def command(*, seconds: float, strict: bool, as_json: bool) -> int:
    """Tell whether this machine is fit to measure on, and what to do where it is not.

    A fixed piece of work runs all the time while load, frequency, swap and limits are watched.
    """
    if not 1 <= seconds <= _MOST_SECONDS:
        raise UserError(f"--seconds: given {seconds:g}", f"allowed: 1 to {_MOST_SECONDS:g}")
    diagnosis = examine(seconds)
    if as_json:
        print_json(diagnosis.to_json())
    else:
        show(diagnosis)
    return int(strict and not diagnosis.fit)


def examine(seconds: float) -> Diagnosis:
    """Watch this machine and judge it."""
    from optbench.api.data import VARIABLE, cache_root
    from optbench.cli._execute import DEFAULT_STORE
    from optbench.doctor import diagnose, observe, read_setting, real_instruments
    from optbench.runner.machine import Machine

    places = {cache_root(): f"set {VARIABLE} to another folder", DEFAULT_STORE.parent: "change the folder, or --store"}
    with _progress(seconds) as tell:
        setting = read_setting(places, Machine(), os.environ)
        return diagnose(observe(real_instruments(Machine()), setting, seconds, tell))


@contextmanager
def _progress(seconds: float) -> Iterator[Callable[[float], None]]:
    """Give what shows the share of the time that has passed: a bar on a terminal, else one line at the start."""
    if not sys.stderr.isatty():
        click.echo(f"watching this machine for {seconds:g} s", err=True)
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    # No refresh of its own: a thread that draws would disturb what is watched.
    bar = Progress(
        TextColumn("watching this machine"),
        BarColumn(),
        TextColumn("{task.description}"),
        console=Console(stderr=True),
        transient=True,
        auto_refresh=False,
    )
    with bar:
        task = bar.add_task("", total=1.0)

        def tell(share: float) -> None:
            left = math.ceil((1 - share) * seconds)
            bar.update(task, completed=share, description=f"{left} s left", refresh=True)

        yield tell


def show(diagnosis: Diagnosis) -> None:
    """Print the lines as a table, the verdict below."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for line in diagnosis.lines:
        text = Text(line.seen)
        if line.advice:
            text.append(f"\n→ {line.advice}", style="italic")
        table.add_row(Text(line.level, style=_STYLES[line.level]), line.name, text)
    out = console()
    with out.capture() as captured:
        out.print(table)
        out.print()
        out.print(Text(_summary(diagnosis), style="bold"), soft_wrap=True)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _summary(diagnosis: Diagnosis) -> str:
    levels = [line.level.value for line in diagnosis.lines]
    counts = [f"{levels.count(level)} {level}" for level in _STYLES if level in levels]
    return f"verdict: {diagnosis.verdict} ({', '.join(counts)})"
