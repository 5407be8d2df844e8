"""`optbench plugins`: what is installed, and what is broken and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from optbench.cli._common import json_option, open_catalogue, plain, plugin_options, print_json, print_table


@click.command("plugins")
@click.option("--strict", is_flag=True, help="Exit with 1 when anything is broken.")
@json_option
@plugin_options
def command(*, strict: bool, as_json: bool, plugin: tuple[Path, ...], block: tuple[str, ...]) -> int:
    """Show the plugins with what each provides, and what is broken in them and why."""
    catalogue = open_catalogue(plugin, block)
    loaded = catalogue.plugins  # calls every hook, so that `broken` is complete
    broken = catalogue.broken
    if as_json:
        print_json({"plugins": [plain(item) for item in loaded], "broken": [plain(item) for item in broken]})
        return int(strict and bool(broken))
    rows = [
        (
            item.name,
            f"{item.distribution} {item.version}".strip() or str(item.path),
            _provided(item.counts),
        )
        for item in loaded
    ]
    print_table(("plugin", "from", "provides"), rows)
    if broken:
        print_table(
            ("broken", "where", "reason"), [(f"{x.plugin} ({x.distribution})", x.where, x.reason) for x in broken]
        )
    return int(strict and bool(broken))


def _provided(counts: Mapping[str, int]) -> str:
    from optbench.registry import KINDS

    words = (f"{number} {KINDS[kind].singular if number == 1 else kind}" for kind, number in counts.items())
    return ", ".join(words) or "nothing"
