"""From a suite file to a SuiteSpec: names qualified, options resolved, grids expanded, every mistake told."""

from __future__ import annotations

import contextlib
import itertools
import json
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from optbench.api import UserError
from optbench.records import LEAST_SIZES, Limits, Scaling, SuiteSpec, Target, canonical_json
from optbench.records.nearest import suggestion
from optbench.suites.ablating import distinct
from optbench.suites.arms import unlike_arms
from optbench.suites.entries import EntryReader, budget_of
from optbench.suites.gates import read_gates, with_names
from optbench.suites.mistakes import Mistake, SuiteError
from optbench.suites.pairings import read_pairings
from optbench.suites.schema import (
    BudgetTable,
    EntryTable,
    OptimizerTable,
    ProblemTable,
    SuiteTable,
    TuningTable,
    shape_mistakes,
)
from optbench.suites.tunings import Yardsticks, read_tuning

if TYPE_CHECKING:
    from optbench.registry import Catalogue

_ENDS = ("evaluations", "steps", "examples", "flops", "seconds")
_Entry = TypeVar("_Entry", bound=EntryTable)


def find_suite(name_or_path: str | Path, catalogue: Catalogue) -> SuiteSpec:
    """Return the suite of that name, or in that file; raises UserError."""
    path = suite_path(name_or_path, catalogue)
    return resolved_suite(path) if path.suffix == ".json" else load_suite(path, catalogue)


def resolved_suite(path: Path) -> SuiteSpec:
    """Return the suite that a report gave along, with every option written out; raises UserError."""
    try:
        return SuiteSpec.from_json(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"cannot read the suite file {path}", error.strerror or str(error)) from None
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        why = "not what a report of this version gives along as suite.json"
        raise UserError(f"the suite file {path}: {why} ({type(error).__name__}: {error})") from None


def suite_path(name_or_path: str | Path, catalogue: Catalogue) -> Path:
    """Return the file of a suite: what ends in .toml or .json is a file, anything else a suite's name."""
    path = Path(name_or_path)
    if path.suffix in {".toml", ".json"}:
        return path
    return Path(catalogue.get("suites", str(name_or_path)).record.path)


def load_suite(file: Path | str, catalogue: Catalogue) -> SuiteSpec:
    """Read and check a suite file; raises SuiteError with all mistakes, or UserError where there is no such file."""
    source, path = str(file), Path(file)
    data = _read(path)
    reader = EntryReader(catalogue)
    try:
        table = SuiteTable.model_validate(data)
    except ValidationError as error:
        _look_up(data, reader)
        raise SuiteError(source, with_names([*shape_mistakes(error), *reader.mistakes], data)) from None
    yardsticks = Yardsticks(catalogue, reader.metrics(table.metrics), tuple(dict.fromkeys(table.targets)))
    spec = _spec(table, reader, path, yardsticks)
    tuning, wrong = read_tuning(table.tuning, spec, yardsticks)
    spec = replace(spec, tuning=tuning)
    mistakes = [
        *reader.mistakes,
        *wrong,
        *_unbounded(table),
        *_unmeasured(spec),
        *_unswept(spec),
        *unlike_arms(table, spec),
        *reader.lonely_groups(table),
    ]
    if not mistakes:  # what gates and pairings select is known once all entries are
        gates, mistakes = read_gates(table.gate, spec, catalogue)
        pairings, wrong = read_pairings(table.compare, spec, catalogue)
        mistakes += wrong
        spec = replace(spec, gates=gates, pairings=pairings)
    if mistakes:
        raise SuiteError(source, with_names(mistakes, data))
    return spec


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the suite file {path}", error.strerror or str(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SuiteError(str(path), [Mistake("", f"not a TOML file: {error}")]) from None


def _spec(table: SuiteTable, reader: EntryReader, path: Path, yardsticks: Yardsticks) -> SuiteSpec:
    problems = (
        [replace(entry, **own) for entry in reader.problem(index, item, table.budget)]
        for index, item in enumerate(table.problem)
        for own in [yardsticks.of_problem(index, item, tuned=table.tuning is not None, ablated=_ablates(table))]
    )
    optimizers = [list(reader.optimizer(index, item, table.tuning)) for index, item in enumerate(table.optimizer)]
    return SuiteSpec(
        name=path.stem,
        source=str(path),
        problems=tuple(itertools.chain.from_iterable(problems)),
        optimizers=tuple(itertools.chain.from_iterable(optimizers)),
        budget=budget_of(table.budget),
        limits=Limits(**table.limits.model_dump()),
        metrics=tuple(yardsticks.metrics),
        devices=tuple(dict.fromkeys(table.devices)),
        dtypes=tuple(dict.fromkeys(table.dtypes)),
        targets=tuple(yardsticks.targets),
        ablations=distinct(reader.ablations),
        scores=yardsticks.of_ablation(table.ablation, ablated=_ablates(table)),
        weights={} if table.cost is None else table.cost.weights,
        arms=tuple(dict.fromkeys(table.arms)),
        scaling=None if table.scaling is None else Scaling.from_json(table.scaling.model_dump()),
        **table.model_dump(include={"title", "summary", "seeds", "repetitions", "threads", "memory", "ranking"}),
    )


def _ablates(table: SuiteTable) -> bool:
    return any(optimizer.ablate for optimizer in table.optimizer)


def _look_up(data: dict[str, Any], reader: EntryReader) -> None:
    """Find the mistakes in the names of a file whose shape is wrong, so that one reading of the file tells all."""
    for index, problem in _entries(data.get("problem"), ProblemTable):
        list(reader.problem(index, problem, BudgetTable()))
    tuning = _alone(data.get("tuning"))
    for index, optimizer in _entries(data.get("optimizer"), OptimizerTable):
        list(reader.optimizer(index, optimizer, tuning))
    metrics = data.get("metrics")
    if isinstance(metrics, list) and all(isinstance(name, str) for name in metrics):
        reader.metrics(metrics)


def _alone(item: Any) -> TuningTable | None:
    """Return a table that can be read, the one of defaults where it has mistakes, None where there is none."""
    with contextlib.suppress(ValidationError):
        return None if item is None else TuningTable.model_validate(item)
    return TuningTable()


def _entries(items: Any, model: type[_Entry]) -> Iterator[tuple[int, _Entry]]:
    """Yield the entries that can be read, those with mistakes in other keys by their `use` alone."""
    for index, item in enumerate(items if isinstance(items, list) else ()):
        alone = {"use": item.get("use")} if isinstance(item, dict) else {}
        for candidate in (item, alone):
            with contextlib.suppress(ValidationError):
                yield index, model.model_validate(candidate)
                break


def _unmeasured(spec: SuiteSpec) -> list[Mistake]:
    """Return the targets whose metric the suite does not evaluate, or which name two of its metrics."""
    mistakes = []
    for index, target in enumerate(map(Target.parse, spec.targets)):
        named = [metric for metric in spec.metrics if target.name in (metric, metric.rpartition("/")[2])]
        if target.is_metric and len(named) != 1:
            listed = ", ".join(named or spec.metrics) or "none"
            why = f"several of the metrics: {listed}" if named else f"not among the suite's `metrics`: {listed}"
            near = suggestion(target.name, (metric.rpartition("/")[2] for metric in spec.metrics)) if not named else ""
            parts = (f"given '{target}'; {target.name!r} is {why}", near)
            mistakes.append(Mistake(f"targets[{index}]", "; ".join(filter(None, parts))))
    return mistakes


def _unswept(spec: SuiteSpec) -> list[Mistake]:
    """Return what keeps the suite from showing how its figures grow, if it is meant to."""
    if spec.scaling is None:
        return []
    mistakes = list(_unmeasured_memory(spec.scaling, memory=spec.memory))
    option, problems = spec.scaling.option, [entry.use for entry in spec.problems]
    if problems and not any(option in problem.options for problem in problems):
        options = sorted({name for problem in problems for name in problem.options})
        why = f"given {option!r}; no problem has this option; their options: {', '.join(options) or 'none'}"
        return [*mistakes, Mistake("scaling.option", why)]
    return [*mistakes, *(Mistake("scaling", why) for why in dict.fromkeys(_too_few_sizes(spec, option)))]


def _unmeasured_memory(scaling: Scaling, *, memory: bool) -> Iterator[Mistake]:
    """Yield what needs figures of memory that the suite does not ask for."""
    if scaling.bytes_of and not memory:
        yield Mistake("memory", f"given false; [scaling] needs what is measured of memory: {scaling.bytes_of[0]}")
    if scaling.project and not scaling.bytes_of:
        yield Mistake("scaling.project", "given without a quantity of memory; nothing else can be worked out")


def _too_few_sizes(spec: SuiteSpec, option: str) -> Iterator[str]:
    """Yield what can't be fitted: an optimizer's problem with too few values of the swept option."""
    for optimizer in spec.optimizers:
        values: dict[str, set[Any]] = defaultdict(set)
        for problem in spec.problems:
            if option in problem.use.options and set(problem.groups) & set(optimizer.groups):
                kept = {name: value for name, value in problem.use.options.items() if name != option}
                values[canonical_json([problem.use.name, kept])].add(problem.use.options[option])
        for name, swept in ((json.loads(problem)[0], swept) for problem, swept in values.items()):
            if len(swept) < LEAST_SIZES:
                given = f"{optimizer.use.short} meets {name.rpartition('/')[2]} at {len(swept)} of {option!r}"
                yield f"{given}; allowed: at least {LEAST_SIZES} values, as in grid.{option} = [250, 500, 1000]"


def _unbounded(table: SuiteTable) -> list[Mistake]:
    """Return the problems whose trials would have no end: some optimizers never stop by themselves."""
    endless = [
        index
        for index, item in enumerate(table.problem)
        if not any(getattr(budget_of(item.budget, table.budget), key) for key in _ENDS)
    ]
    keys = ["budget"] if len(endless) == len(table.problem) else [f"problem[{index}].budget" for index in endless]
    return [Mistake(key, f"nothing ends a trial; give at least one of {', '.join(_ENDS)}") for key in keys]
