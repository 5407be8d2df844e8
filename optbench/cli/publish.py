"""`optbench publish`: a folder with a site of many runs, each kept as a shard that never changes."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from os.path import relpath
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from optbench.api import UserError, announce
from optbench.api.progress import within
from optbench.cli._common import check_writable, json_option, open_catalogue, plugin_options, print_json, warn_broken
from optbench.cli._execute import DEFAULT_STORE
from optbench.cli._progress import activity
from optbench.cli._reporters import chosen_reporters
from optbench.cli._reporting import pages, write_reports
from optbench.cli._stored import existing, latest
from optbench.cli.report import stored_model
from optbench.records import Site, SiteRun
from optbench.records.text import amount

if TYPE_CHECKING:
    from optbench.registry import Catalogue
    from optbench.store import Store
    from optbench.store.keys import Run

_SITE, _SHARDS, _RUNS, _SUMMARY = "site.json", "shards", "runs", "summary.json"
_TITLE = "Benchmarks of optimizers"


@click.command("publish")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--store", metavar="PATH|URL", default=str(DEFAULT_STORE), show_default=True, help="Where results are kept."
)
@click.option("--suite", multiple=True, metavar="NAME", help="Publish the last run of this suite; repeatable.")
@click.option("--run", "numbers", multiple=True, type=int, metavar="N", help="Publish this run; repeatable.")
@click.option("--title", metavar="TEXT", help="Of the site; kept for the next time.")
@click.option("--history", metavar="URL", help="A site with the history by commit, such as asv's; kept, too.")
@click.option("--verify", is_flag=True, help="Only tell which shards are not as they were written; exit code 1.")
@click.option("--rebuild", is_flag=True, help="Write the pages of all runs anew, with this version.")
@plugin_options
@json_option
def command(
    folder: Path,
    store: str,
    suite: tuple[str, ...],
    numbers: tuple[int, ...],
    title: str | None,
    history: str | None,
    verify: bool,
    rebuild: bool,
    plugin: tuple[Path, ...],
    block: tuple[str, ...],
    as_json: bool,
) -> int:
    """Add runs to the site in DIR, each as a shard that never changes, and write its pages anew.

    Without --suite and --run the last run of each suite in the store is published. DIR is a plain folder: serve it, or
    commit it to a repository whose pages are published. Sites of several machines are merged by copying their shards
    into one DIR: `optbench publish DIR` then writes the pages, with no new run if the store has none.
    """
    _check_folder(folder)
    _check_link(history)
    with activity(quiet=as_json):
        faults = _faults(folder / _SHARDS)
    if verify:
        if not folder.is_dir():
            raise UserError(f"no folder {folder}", remedy="name the folder of a site")
        gone = {report.name: f"it is gone, its report is left in {_RUNS}" for report in _without_shard(folder)}
        return _verified(folder, faults | gone, as_json=as_json)
    if faults:
        raise UserError("; ".join(f"shard {name}: {fault}" for name, fault in faults.items()), remedy=_REMEDY)
    _check_writable(folder)
    catalogue = open_catalogue(plugin, block)
    with activity(quiet=as_json):
        added = _add(folder / _SHARDS, store, suite, numbers)
        runs, written = _written(catalogue, folder, _settings(folder, title, history), rebuild=rebuild)
    warn_broken(catalogue)
    if as_json:
        print_json({"added": [path.name for path in added], "runs": len(runs), "pages": list(map(str, written))})
    else:
        _tell(added, runs, written)
    return 0


def _written(
    catalogue: Catalogue, folder: Path, settings: dict[str, str], *, rebuild: bool
) -> tuple[list[SiteRun], list[Path]]:
    """Write the pages of the shards that are there; returns what the index tells of each run, and its pages."""
    for report in _without_shard(folder):
        shutil.rmtree(report)
    runs = _pages(catalogue, folder, rebuild=rebuild)
    announce("writing the site")
    return runs, _index(catalogue, folder, Site(runs=tuple(runs), **settings))


_REMEDY = "restore it as it was published, or remove it"


def _check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else: its files might be overwritten."""
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _SITE).is_file() and not (folder / _SHARDS).is_dir():
        empty = {path.name for path in folder.iterdir()} <= {".git", ".nojekyll", "README.md", "LICENSE", "CNAME"}
        if not empty:
            raise UserError(f"{folder} holds no site of optbench", "allowed: a new or empty folder, or such a site")


def _check_writable(folder: Path) -> None:
    """Refuse a folder that nothing can be written into, before anything is."""
    try:
        check_writable(folder)
    except OSError as error:
        raise UserError(f"can't write in {folder} ({error.strerror or error})", remedy="name another folder") from None


def _check_link(history: str | None) -> None:
    """Refuse a link that a browser would run or that leads into the reader's own files."""
    scheme = urlsplit(history or "").scheme
    if scheme not in {"", "http", "https"}:
        raise UserError(f"--history {history}", "allowed: an address with http(s), or a path on the same host")


def _shards(folder: Path) -> list[Path]:
    from optbench.store.shards import shards_in

    return shards_in(folder / _SHARDS)


def _faults(folder: Path) -> dict[str, str]:
    """Return what is wrong with shards, by name."""
    from optbench.store.shards import shard_fault, shards_in

    announce("looking at the shards that are there")
    return {shard.name: fault for shard in shards_in(folder) if (fault := shard_fault(shard))}


def _without_shard(folder: Path) -> list[Path]:
    """Return the reports of runs whose shard is gone."""
    known = {shard.name for shard in _shards(folder)}
    return sorted(path.parent for path in (folder / _RUNS).glob(f"*/{_SUMMARY}") if path.parent.name not in known)


def _verified(folder: Path, faults: dict[str, str], *, as_json: bool) -> int:
    count = len(_shards(folder))
    if as_json:
        print_json({"shards": count, "faults": faults})
    elif faults:
        for name, fault in faults.items():
            click.echo(f"optbench: shard {name}: {fault}", err=True)
    else:
        click.echo(f"{amount(count, 'shard')} in {folder}: all as they were written")
    return 1 if faults else 0


def _add(folder: Path, location: str, suites: Sequence[str], numbers: Sequence[int]) -> list[Path]:
    """Write the chosen runs of the store as shards; returns those that are new."""
    from optbench.store import Store
    from optbench.store.engine import database_path
    from optbench.store.shards import shards_in, write_shard

    known = set(shards_in(folder))
    if not (suites or numbers) and known and not database_path(location).exists():
        return []  # shards of other machines, whose pages are written
    with Store.open(existing(location)) as store:
        shards = []
        for run in _chosen(store, location, suites, numbers):
            announce(f"writing run {run.id} as a shard")
            shards.append(write_shard(store, run, folder))
    return [shard for shard in dict.fromkeys(shards) if shard not in known]


def _chosen(store: Store, location: str, suites: Sequence[str], numbers: Sequence[int]) -> Iterator[Run]:
    for number in numbers:
        run = store.run(number)
        if run is None:
            raise UserError(f"no run {number} in {location}", remedy="`optbench list runs` tells them")
        yield run
    every = suites or (() if numbers else dict.fromkeys(str(run.suite["name"]) for run in reversed(store.runs())))
    for suite in every:
        run = store.latest_run(suite)
        if run is None:
            raise UserError(f"no run of {suite} in {location}", remedy="`optbench list runs` tells what there is")
        yield run


def _settings(folder: Path, title: str | None, history: str | None) -> dict[str, str]:
    """Return the site's title and link, those of the last time where none are given, and keep them."""
    path = folder / _SITE
    try:
        kept = dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}
    except (ValueError, TypeError):
        raise UserError(f"{path} is damaged", remedy="remove it: --title and --history write it anew") from None
    settings = {"title": title or kept.get("title") or _TITLE, "history": history or kept.get("history") or ""}
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return settings


def _pages(catalogue: Catalogue, folder: Path, *, rebuild: bool) -> list[SiteRun]:
    """Return what the index tells of each run; reports that are not there yet are written."""
    shards, runs = _shards(folder), []
    for number, shard in enumerate(shards, 1):
        with within(f"run {number} of {len(shards)}"):
            runs.append(_page(catalogue, folder, shard, rebuild=rebuild))
    return runs


def _page(catalogue: Catalogue, folder: Path, shard: Path, *, rebuild: bool) -> SiteRun:
    """Return what the index tells of a run; its report is written where it is not there yet."""
    from optbench.report import site_run
    from optbench.store.shards import read_shard

    report = folder / _RUNS / shard.name
    summary = report / _SUMMARY
    if not rebuild and (kept := _summary(summary)) is not None:
        return kept
    with tempfile.TemporaryDirectory() as scratch, read_shard(shard, Path(scratch) / "run.sqlite") as store:
        stored = latest(store, None, shard.name)
        model = stored_model(catalogue, store, stored)
        written = write_reports(catalogue, model, report)
        found = site_run(model, shard.name, stored.run.started)
    found = replace(found, pages=tuple(relpath(path, folder) for path in pages(written)[-1:]))
    summary.parent.mkdir(parents=True, exist_ok=True)
    summary.write_text(json.dumps(found.to_json(), ensure_ascii=False, sort_keys=True), encoding="utf-8")
    return found


def _summary(path: Path) -> SiteRun | None:
    """Return what was noted of a run; None where it is not there, or damaged."""
    try:
        return SiteRun.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def _index(catalogue: Catalogue, folder: Path, site: Site) -> list[Path]:
    """Return the pages that reporters wrote for the whole folder."""
    written: list[Path] = []
    for reporter in chosen_reporters(catalogue, ()):
        index: Any = getattr(reporter.made(), "index", None)
        if index is not None:
            written += index(site, folder)
    return written


def _tell(added: Sequence[Path], runs: Sequence[SiteRun], written: Sequence[Path]) -> None:
    for shard in added:
        click.echo(f"added: {shard}")
    click.echo(f"{amount(len(runs), 'run')} of {amount(len({run.suite for run in runs}), 'suite')}")
    for page in pages(written)[-1:]:
        click.echo(f"site: {page}")
