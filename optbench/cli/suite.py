"""`optbench suite`: run a suite, print its table, write its report."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optbench.cli._common import (
    check_writable,
    json_option,
    open_catalogue,
    plain,
    plugin_options,
    print_json,
    warn_broken,
)
from optbench.cli._execute import DEFAULT_STORE
from optbench.cli._model_json import model_json
from optbench.cli._plan import Plan, plain_rows, tuned_rows
from optbench.cli._reporting import (
    build_model,
    pages,
    print_model,
    raise_all,
    report_folder,
    unwritable,
    write_reports,
)

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from optbench.cli._progress import ProgressLine
    from optbench.records import Environment, ReportModel, SuiteSpec, TrialRecord
    from optbench.registry import Catalogue
    from optbench.runner.scoring import Asked
    from optbench.runner.session import Session
    from optbench.store import Store
    from optbench.suites import SuitePlanner

DEFAULT_SUITE = "quick"


@click.command("suite")
@click.argument("suite", metavar="[NAME|FILE]", default=DEFAULT_SUITE)
@click.option(
    "--only",
    multiple=True,
    metavar="KEY=PATTERN",
    help="Keep matching entries: optimizer=lbfgs, problem=quad*, meta-algorithm=polyak; repeatable.",
)
@click.option(
    "--optimizer",
    "added",
    multiple=True,
    metavar="EXPRESSION",
    help='Add an optimizer: "lbfgs(history=5)", "sgd + polyak"; repeatable.',
)
@click.option("--device", metavar="NAME[,NAME]", help="Devices instead of the suite's: cpu, cuda, cuda:N.")
@click.option("--dtype", metavar="NAME[,NAME]", help="Precisions instead of the suite's: float32, float64.")
@click.option("--seeds", metavar="K|LIST", help="Number of seeds, or a list: 5, or 0,3,7.")
@click.option("--repetitions", type=int, help="Repetitions of each trial.")
@click.option("--threads", type=int, help="Threads of each trial.")
@click.option("--budget", metavar="BUDGET", help="Budget of each trial: 500, 30s, or evaluations=500,seconds=30.")
@click.option("--tuning", metavar="KEYS", help="Keys of [tuning]: trials=6,repeats=1; off: tune nothing.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.0, min_open=True),
    metavar="SECONDS",
    help="Kill a trial after so many seconds.",
)
@click.option("--memory-limit", metavar="SIZE", help="Kill a trial that takes more memory: 4GiB, 500MB.")
@click.option("--no-memory-pass", is_flag=True, help="Leave out the memory pass.")
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Trials at once; times are then marked unreliable.",
)
@click.option(
    "--store", metavar="PATH|URL", default=str(DEFAULT_STORE), show_default=True, help="Where results are kept."
)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the report; default: reports/SUITE."
)
@click.option("--no-report", is_flag=True, help="Write no report.")
@plugin_options
@json_option
def command(suite: str, plugin: tuple[Path, ...], block: tuple[str, ...], **options: Any) -> int:
    """Run a suite (quick unless named), print its table and write its report.

    FILE is a suite file (.toml), or the suite.json that a report offers: exactly what was run.

    What is stored already is not run again; a run that was interrupted goes on where it stopped. Exits with 1 where a
    gate of the suite did not pass.
    """
    catalogue = open_catalogue(plugin, block)
    chosen = _Options(**options)
    spec = _choose(suite, catalogue, chosen)
    return _run(spec, catalogue, chosen)


@dataclass(frozen=True)
class _Options:
    only: tuple[str, ...]
    added: tuple[str, ...]
    device: str | None
    dtype: str | None
    seeds: str | None
    repetitions: int | None
    threads: int | None
    budget: str | None
    tuning: str | None
    timeout: float | None
    memory_limit: str | None
    no_memory_pass: bool
    jobs: int
    store: str
    out: Path | None
    no_report: bool
    as_json: bool


@dataclass(frozen=True)
class _Finished:
    """What a run left: to be printed as JSON or as a table."""

    spec: SuiteSpec
    rows: list[dict[str, Any]]  # of --json, one a scored trial
    session: Session
    model: ReportModel
    written: tuple[Path, ...]
    planning_seconds: float
    report_seconds: float
    total_seconds: float


def _choose(name: str, catalogue: Catalogue, options: _Options) -> SuiteSpec:
    from optbench.records import Limits
    from optbench.suites import added_entry, find_suite, override, override_tuning, select

    spec = find_suite(name, catalogue)
    spec = spec if options.tuning is None else override_tuning(spec, options.tuning)
    added = tuple(added_entry(spec, text, catalogue) for text in options.added)
    spec = replace(spec, optimizers=(*spec.optimizers, *added))
    spec = select(spec, options.only)
    spec = override(
        spec,
        devices=options.device,
        dtypes=options.dtype,
        seeds=options.seeds,
        repetitions=options.repetitions,
        threads=options.threads,
        budget=options.budget,
        memory=False if options.no_memory_pass else None,
    )
    memory = spec.limits.memory
    if options.memory_limit is not None:
        memory = _bytes(options.memory_limit)
    return replace(spec, limits=Limits(seconds=options.timeout or spec.limits.seconds, memory=memory))


def _bytes(text: str) -> int:
    from optbench.api import UserError
    from optbench.suites import spellings

    try:
        return spellings.memory(text)
    except ValueError as error:
        raise UserError(f"--memory-limit: {error}") from None


def _run(spec: SuiteSpec, catalogue: Catalogue, options: _Options) -> int:
    from optbench.api.progress import listening
    from optbench.cli._execute import command_line
    from optbench.cli._progress import ProgressLine
    from optbench.store import Store
    from optbench.suites import planned_projections

    began = time.perf_counter()
    plan = Plan.of(spec, catalogue)
    folder = options.out or report_folder(spec.name)
    if not options.no_report:
        _check_writable(folder)
    with Store.open(options.store) as store, ProgressLine() as progress:
        with _opened(catalogue, store, spec, plan, options, progress) as (session, environment):
            planned = time.perf_counter() - began
            measured = session.execute(plan.planner)
            _check_devices(options.device, spec, session)
            projections = session.project(planned_projections(spec, measured))
        results = plan.sort(measured)
        records = [*results.plain, *_refused(plan.plain, session.asked)]
        report_began = time.perf_counter()
        failed: list[Exception] = []
        with listening(progress.say):
            model = build_model(
                catalogue,
                store,
                suite=spec,
                records=records,
                keys={record.id: session.factory.key(record.spec, "time") for record in measured},
                environment=environment,
                command=command_line(),
                projections=projections,
                arms=results.arms,
            )
            written = () if options.no_report else write_reports(catalogue, model, folder, again=False, failed=failed)
    now = time.perf_counter()
    rows = [*plain_rows(records, spec), *tuned_rows(results.arms, spec)]
    finished = _Finished(spec, rows, session, model, written, planned, now - report_began, now - began)
    warn_broken(catalogue)
    _print_object(finished) if options.as_json else _print_table(finished)
    raise_all(failed)
    return 0 if all(gate.passed for gate in model.gates) else 1


def _check_devices(named: str | None, spec: SuiteSpec, session: Session) -> None:
    """Refuse a `--device` that this machine has none of; beside one that it has, the others' trials are skipped."""
    from optbench.api import UserError

    if named is not None and set(spec.devices) <= session.lacking:
        raise UserError(f"--device {named}: no such device on this machine", "", "name one that it has, such as cpu")


def _check_writable(folder: Path) -> None:
    """Refuse a folder that the report can't be written into before anything is measured."""
    try:
        check_writable(folder)
    except OSError as error:
        raise unwritable(folder, error) from None


def _opened(
    catalogue: Catalogue, store: Store, spec: SuiteSpec, plan: Plan, options: _Options, progress: ProgressLine
) -> AbstractContextManager[tuple[Session, Environment]]:
    """Return the session that runs the suite's trials, with the environment that they run in."""
    from optbench.cli._execute import open_session
    from optbench.runner.jobs import modules
    from optbench.store.engine import database_path

    return open_session(
        catalogue,
        store,
        database_path(options.store),
        spec,
        jobs=options.jobs,
        preload=modules(catalogue, plan.examples, spec.metrics),
        report=progress,
        finished=_notify(catalogue),
    )


def _refused(planner: SuitePlanner, asked: Asked) -> list[TrialRecord]:
    """Return records of the trials that can't be run, with the reason."""
    from optbench.records import Status, TrialRecord
    from optbench.runner.scoring import rescored

    skipped = (TrialRecord(spec=trial, status=Status.SKIPPED, reason=why) for trial, why in planner.refused)
    return [rescored(record, asked) for record in skipped]


def _notify(catalogue: Catalogue) -> Any:
    def finished(record: TrialRecord) -> None:
        for broken in catalogue.notify(record):
            click.echo(f"optbench: {broken.plugin}: {broken.reason}", err=True)

    return finished


def _print_object(finished: _Finished) -> None:
    timing = finished.session.timing
    rows = finished.rows
    print_json(
        {
            "suite": finished.spec.name,
            "ran": finished.session.ran,
            "reused": finished.session.reused,
            "trials": dict(Counter(row["status"] for row in rows)),
            "results": plain(rows),
            **model_json(finished.model),
            "report": list(map(str, pages(finished.written))),
            "timing": {
                "startup": finished.planning_seconds + timing.startup,
                "loops": timing.loops,
                "metrics": timing.metrics,
                "memory": timing.memory,
                "report": finished.report_seconds,
                "total": finished.total_seconds,
                "overhead_per_trial": timing.overhead_per_trial,
            },
        }
    )


def _print_table(finished: _Finished) -> None:
    from optbench.cli._progress import duration

    session = finished.session
    done = f"{session.ran} trials run, {session.reused} reused, in {duration(finished.total_seconds)}"
    print_model(finished.model, finished.written, done)
