"""`optbench run OPTIMIZER PROBLEM`: one trial with a live curve."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from optbench.cli._common import console, json_option, open_catalogue, plain, plugin_options, print_json
from optbench.records.text import amount

if TYPE_CHECKING:
    from optbench.records import Trace, TrialRecord, TrialSpec
    from optbench.registry import Catalogue

_REDRAW_SECONDS = 0.5  # reading the log disturbs the trial
_TIMES = ("seconds", "cpu_seconds")
_SHOWN = (
    *("status", "reason", "message", "size", "evaluations", "f0", "f_best", "f_star", "relative_accuracy"),
    *(*_TIMES, "state_bytes", "peak_live_bytes", "memory_note"),
)
DEFAULT_BUDGET = "evaluations=2000,seconds=60"


@click.command("run")
@click.argument("optimizer")
@click.argument("problem")
@click.option(
    "--budget",
    default=DEFAULT_BUDGET,
    show_default=True,
    metavar="BUDGET",
    help="500, 30s, or evaluations=500,flops=2e9,seconds=30.",
)
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="TARGET",
    help="Stop at relative:1e-8, absolute:1e-10, gradient:1e-6; repeatable: all must be reached.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--device", default="cpu", show_default=True, metavar="NAME", help="cpu, cuda, cuda:N.")
@click.option("--dtype", default="float64", show_default=True, metavar="NAME", help="float32, float64.")
@click.option("--threads", type=click.IntRange(min=1), default=1, show_default=True)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0.0, min_open=True),
    metavar="SECONDS",
    help="Kill the trial after so many seconds.",
)
@plugin_options
@json_option
def command(optimizer: str, problem: str, plugin: tuple[Path, ...], block: tuple[str, ...], **options: Any) -> int:
    """Run one trial: OPTIMIZER is an expression such as lbfgs(history=10) or "sgd(lr=0.1) + polyak".

    Nothing is stored. With --json the trace is part of the object.
    """
    catalogue = open_catalogue(plugin, block)
    chosen = _Options(**options)
    spec = _spec(catalogue, optimizer, problem, chosen)
    record, trace = _run(catalogue, spec, chosen)
    if chosen.as_json:
        print_json({**plain(record.to_row()), "trace": trace.to_json() if trace else None})
    else:
        _print(title(catalogue, spec), record, trace)
    return 0


@dataclass(frozen=True)
class _Options:
    budget: str
    targets: tuple[str, ...]
    seed: int
    device: str
    dtype: str
    threads: int
    timeout: float | None
    as_json: bool


def _spec(catalogue: Catalogue, optimizer: str, problem: str, options: _Options) -> TrialSpec:
    """Return the trial; raises UserError, also where the combination is refused."""
    from optbench.api import UserError
    from optbench.records import Budget, TrialSpec
    from optbench.registry import meet, resolve, resolve_recipe
    from optbench.registry.resolving import parse_text
    from optbench.suites import spellings

    solver, metas = resolve_recipe(catalogue, optimizer)
    calls = parse_text(problem)
    if len(calls) != 1:
        raise UserError(f"problem {problem!r}", "allowed: one problem, such as rosenbrock(n=10)")
    try:
        budget = Budget(**spellings.budget(options.budget), targets=tuple(map(spellings.target, options.targets)))  # type: ignore[arg-type]  # checked there
        device, dtype = spellings.device(options.device), spellings.dtype(options.dtype)
    except ValueError as error:
        raise UserError(str(error)) from None
    used = resolve(catalogue, "problems", calls[0])
    met = meet(catalogue, used, solver, metas)
    if met.refusal:
        raise UserError(met.refusal)
    return TrialSpec(
        problem=used,
        optimizer=solver,
        meta_algorithms=metas,
        seed=options.seed if met.depends_on_seed else 0,
        device=device,
        dtype=dtype,
        threads=options.threads,
        budget=budget,
    )


def _run(catalogue: Catalogue, spec: TrialSpec, options: _Options) -> tuple[TrialRecord, Trace | None]:
    from optbench.api import UserError
    from optbench.cli._execute import open_session
    from optbench.records import Limits, Status, SuiteSpec
    from optbench.store import Store

    metrics = tuple(item.qualified for item in catalogue.records("metrics") if not item.record.by_part)
    alone = SuiteSpec(
        name="run",
        title="",
        problems=(),
        optimizers=(),
        threads=spec.threads,
        limits=Limits(seconds=options.timeout),
        metrics=metrics,
    )
    with tempfile.TemporaryDirectory(prefix="optbench-") as folder:
        path = Path(folder) / "run.sqlite"
        with Store.open(path) as store:
            opened = open_session(catalogue, store, path, alone, watching=_live(options))
            with opened as (session, _):
                record = session.execute(_One(spec))[0]
                if record.status is Status.SKIPPED:
                    raise UserError(record.reason)
                return record, store.trace(session.factory.key(spec, "time"), "events")


@dataclass(frozen=True)
class _One:
    """A planner of one trial."""

    spec: TrialSpec

    def next(self, records: Any) -> tuple[TrialSpec, ...]:
        """Return the trial until it has a record."""
        return () if any(record.id == self.spec.id for record in records) else (self.spec,)


def _live(options: _Options) -> Callable[[Path], None]:
    """Return what redraws the curve while the trial runs; nothing unless stderr is a terminal."""
    if options.as_json or not sys.stderr.isatty():
        return lambda _: None

    print("starting", end="", file=sys.stderr, flush=True)  # processes take seconds to start
    drawn = 0.0

    def draw(folder: Path) -> None:
        nonlocal drawn
        from optbench.cli._curve import staged_sparkline
        from optbench.measure.event_log import read_log

        if time.monotonic() - drawn < _REDRAW_SECONDS:
            return
        drawn = time.monotonic()
        trace = read_log(folder / "events")
        if len(trace):
            curve, best = staged_sparkline(trace["value"], trace["stage"]), _best_of_last_stage(trace)
            print(f"\r\033[K{curve} {best:.6g}", end="", file=sys.stderr, flush=True)

    return draw


def _best_of_last_stage(trace: Trace) -> float:
    last = trace["stage"][-1]
    return min(value for value, stage in zip(trace["value"], trace["stage"], strict=True) if stage == last)


def title(catalogue: Catalogue, spec: TrialSpec) -> str:
    """Return what runs on what, with the options that differ from their defaults, and how."""
    from optbench.registry import brief_call

    kinds = ("optimizers", *("meta-algorithms" for _ in spec.meta_algorithms), "problems")
    parts = zip(kinds, (spec.optimizer, *spec.meta_algorithms, spec.problem), strict=True)
    *recipe, problem = (str(brief_call(catalogue, kind, part.name, part.options)) for kind, part in parts)
    how = f"seed {spec.seed}, {spec.dtype}, {spec.device}, {amount(spec.threads, 'thread')}"
    return f"{' + '.join(recipe)} on {problem}: {how}; budget {spec.budget.in_words}"


def _print(heading: str, record: TrialRecord, trace: Trace | None) -> None:
    from optbench.cli._curve import BOUNDARY, staged_sparkline
    from optbench.cli._stages import stage_lines

    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print(heading)
    if trace is not None and (curve := staged_sparkline(trace["value"], trace["stage"])):
        by_stage = f", each stage on its own scale ({BOUNDARY} between)" if BOUNDARY in curve else ""
        print(f"{curve}  best value by evaluation, log scale{by_stage}")
    for line in (*facts(record), *stage_lines(record)):
        console().print(line, markup=False, soft_wrap=True)


def facts(record: TrialRecord) -> Iterator[str]:
    """Yield a line for each fact of the trial that is known, and below why not to believe some, if so."""
    from optbench.report import MARK

    row = record.to_row()
    doubts = [reason for reason in record.unreliable if not reason.startswith("metrics:")]
    values = {key: row[key] for key in _SHOWN} | row["metrics"]
    width = max(map(len, values))
    for key, value in values.items():
        if value not in (None, ""):
            text = f"{value:.6g}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
            yield f"{key:<{width}}  {text}" + (MARK if doubts and key in _TIMES else "")
    yield from (f"{MARK if reason in doubts else '•'} {reason}" for reason in record.unreliable)
