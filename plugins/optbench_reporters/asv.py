"""The reporter `asv`: a run as a result of airspeed velocity, whose site shows the history by commit.

The format is that of asv's results folder (asv's documentation, "Benchmark suite layout and file formats"):
`benchmarks.json` names what is measured, `MACHINE/machine.json` the machine, and `MACHINE/COMMIT-ENVIRONMENT.json`
holds the figures of one commit. Values stand in the order of the product of the parameters; NaN is "not run", null is
"failed". `asv publish` and `asv compare` read them. Keep the folder apart from that of `asv run`, which rewrites
benchmarks.json.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from optbench.api import UserError
from optbench.records import Cell, Environment, ReportModel, ReportOptimizer, ReportPart, ReportProblem

RESULTS = "asv-results"
BYTES = ("state_bytes", "peak_live_bytes")  # of a cell, which repeat exactly
SCHEMA = 2  # of asv's results and benchmarks
_HASH = re.compile(r"[0-9a-f]{40}")
_REMEDY = "run the suite in a clean checkout"


@dataclass(frozen=True)
class Quantity:
    """A benchmark: a figure of each optimizer on each problem."""

    name: str
    type: str  # asv's: "track" or "time"
    unit: str
    of: Callable[[Cell], float | None]


class AsvReporter:
    """Adds the run's commit to a folder of results."""

    def __init__(self, *, results: str, target: float, times: bool) -> None:
        """Write into `results`, or where it is empty into a folder beside the report."""
        self.results, self.target, self.times = results, target, times

    def __call__(self, model: ReportModel, folder: Path) -> tuple[Path, ...]:
        """Write the results and return the files; raises UserError where the run is of no commit."""
        place = Path(self.results) if self.results else folder / RESULTS
        commit, date = _commit(model.environment)
        quantities = self._quantities(model)
        machine = _word(model.environment.machine)
        name = f"{commit[:8]}-{environment_name(model.environment)}.json"
        written = [
            _merge_benchmarks(place / "benchmarks.json", model, quantities),
            _write(place / machine / "machine.json", {**_machine(model.environment), "version": 1}),
            _merge_result(place / machine / name, model, commit, date, quantities),
        ]
        return tuple(written)

    def _quantities(self, model: ReportModel) -> list[Quantity]:
        found = []
        if model.targets:
            target = model.target_near(self.target)
            index = model.targets.index(target)
            found.append(Quantity(f"evaluations_to_{target:g}", "track", "evaluations", _median("evaluations", index)))
            if self.times:
                found.append(Quantity(f"seconds_to_{target:g}", "time", "seconds", _median("seconds", index)))
        measured = [name for name in BYTES if any(getattr(cell, name) is not None for cell in model.cells)]
        return found + [Quantity(name, "track", "bytes", _field(name)) for name in measured]


def environment_name(environment: Environment) -> str:
    """Return the name of asv's environment: the Python and the torch that measured."""
    return f"existing-py{environment.python.rpartition('.')[0]}-torch{environment.libraries.get('torch', '')}"


def stable_name(parts: Sequence[ReportPart], expression: str, *, qualified: bool = False) -> str:
    """Return a name that other runs give, too: names, with the options that are not the default.

    An option that plugins get later does not change it. `qualified` says which plugin each name is of.
    """
    if not parts:
        return expression
    return " + ".join(_part_name(part, qualified) for part in parts)


def _part_name(part: ReportPart, qualified: bool) -> str:
    told = [f"{option.name}={option.value}" for option in part.options if option.value != option.default]
    name = part.name if qualified else part.name.rpartition("/")[2]
    return f"{name}({', '.join(told)})" if told else name


def _stable_names(items: Sequence[ReportOptimizer | ReportProblem]) -> dict[str, str]:
    """Return names by id; those of two plugins that share a name are qualified, so that no figures are mixed."""
    names = {item.id: stable_name(item.parts, item.expression) for item in items}
    variants = {item.id: (names[item.id], getattr(item, "device", ""), getattr(item, "dtype", "")) for item in items}
    shared = {variant for variant, count in Counter(variants.values()).items() if count > 1}
    return names | {
        item.id: stable_name(item.parts, item.expression, qualified=True)
        for item in items
        if variants[item.id] in shared
    }


def _commit(environment: Environment) -> tuple[str, int]:
    """Return the commit's hash and its date in milliseconds."""
    commit, date = environment.commit or "", environment.committed
    if not commit:
        raise UserError("the run is of no commit", "asv's history goes by commit", "run the suite in a git checkout")
    if commit.endswith("+"):
        raise UserError(f"files differed from the commit {commit[:10]}", "asv's history goes by commit", _REMEDY)
    if not _HASH.fullmatch(commit) or date is None:
        raise UserError(f"the run's commit {commit!r} has no date", "asv wants one", "run the suite anew")
    return commit, int(datetime.fromisoformat(date).timestamp() * 1000)


def _median(measure: str, index: int) -> Callable[[Cell], float | None]:
    return lambda cell: cell.costs[measure][index][1]


def _field(name: str) -> Callable[[Cell], float | None]:
    return lambda cell: getattr(cell, name)


def _names(model: ReportModel) -> tuple[dict[str, str], dict[str, str]]:
    """Return the parameters of optimizers and problems by their ids, as asv spells them: `repr` of their names."""
    optimizers = {key: repr(name) for key, name in _stable_names(model.optimizers).items()}
    devices = {(item.device, item.dtype) for item in model.problems}
    names, problems = _stable_names(model.problems), {}
    for item in model.problems:
        variant = f" [{item.device}, {item.dtype}]" if len(devices) > 1 else ""
        problems[item.id] = repr(names[item.id] + variant)
    return optimizers, problems


def _merge_benchmarks(path: Path, model: ReportModel, quantities: Sequence[Quantity]) -> Path:
    """Add this suite's benchmarks to those of other suites; parameters of earlier runs stay."""
    known = _read(path)
    optimizers, problems = _names(model)
    for quantity in quantities:
        name = f"{_word(model.name)}.{quantity.name}"
        before = known.get(name, {}).get("params", [[], []])
        params = [
            list(dict.fromkeys([*old, *new.values()])) for old, new in zip(before, (optimizers, problems), strict=True)
        ]
        known[name] = {
            "name": name,
            "pretty_name": f"{model.name}: {quantity.name.replace('_', ' ')}",
            "code": f"{model.command}\n# {quantity.name.replace('_', ' ')}, the median over seeds",
            "version": "1",
            "timeout": 60.0,
            "params": params,
            "param_names": ["optimizer", "problem"],
            "type": quantity.type,
            "unit": quantity.unit,
        }
    return _write(path, {**known, "version": SCHEMA})


def _merge_result(path: Path, model: ReportModel, commit: str, date: int, quantities: Sequence[Quantity]) -> Path:
    """Add this suite's figures to those of other suites of the commit."""
    known = _read(path)
    environment = model.environment
    requirements = {"torch": environment.libraries.get("torch", "")}
    results = {**known.get("results", {})}
    for quantity in quantities:
        results[f"{_word(model.name)}.{quantity.name}"] = _row(model, quantity)
    python = environment.python.rpartition(".")[0]
    content = {
        "version": SCHEMA,
        "commit_hash": commit,
        "env_name": environment_name(environment),
        "date": date,
        "params": {**_machine(environment), "python": python, **requirements},
        "python": python,
        "requirements": requirements,
        "env_vars": {},
        "result_columns": ["result", "params", "version"],
        "results": results,
        "durations": {},
    }
    return _write(path, content)


def _row(model: ReportModel, quantity: Quantity) -> list[Any]:
    optimizers, problems = _names(model)
    cells = {(cell.optimizer, cell.problem): cell for cell in model.cells}
    values = [_value(cells.get(pair), quantity) for pair in itertools.product(optimizers, problems)]
    return [values, [list(optimizers.values()), list(problems.values())], "1"]


def _value(cell: Cell | None, quantity: Quantity) -> float | None:
    """Return the figure; NaN where nothing ran, None where nothing was reached."""
    if cell is None or not cell.seeds:
        return math.nan
    return quantity.of(cell)


def _machine(environment: Environment) -> dict[str, str]:
    return {
        "machine": _word(environment.machine),
        "arch": environment.architecture,
        "cpu": environment.cpu,
        "num_cpu": str(environment.cores),
        "os": environment.system,
        "ram": str(environment.memory),
    }


def _word(text: str) -> str:
    """Return text that is safe as the name of a file and of a benchmark."""
    return re.sub(r"[^A-Za-z0-9_-]+", "_", text).strip("_") or "unnamed"


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path} is no result of asv: {error}", remedy="remove it, or name another folder") from None
    if not isinstance(content, dict) or content.get("version") != SCHEMA:
        raise UserError(f"{path} is no result of asv in version {SCHEMA}", remedy="name another folder")
    return content


def _write(path: Path, content: Mapping[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    partial.write_text(json.dumps(content), encoding="utf-8")
    return partial.replace(path)
