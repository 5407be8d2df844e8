"""A suite of optbench as benchmarks of asv: it runs once, in processes of its own, and is looked up afterwards.

The variable OPTBENCH_ASV_SUITE names the suite, `quick` where it is not set. asv imports this file to find out what
there is, so it imports no torch; the suite is read at that time, and run by `setup_cache`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from statistics import median_low
from typing import Any

SUITE = os.environ.get("OPTBENCH_ASV_SUITE", "quick")
TARGET = "relative:1e-05"
_OPTBENCH = (sys.executable, "-c", "import sys; from optbench.cli import main; sys.exit(main())")
_HOURS = 3600

Results = dict[tuple[str, str], dict[str, float | None]]  # (optimizer, problem) -> figures


@cache
def _catalogue() -> Any:
    from optbench.registry import load_catalogue

    return load_catalogue()


def _name(kind: str, qualified: str, options: Mapping[str, Any]) -> str:
    """Return a plugin's name with the options that are not the default: new options don't end its history."""
    from optbench.records import Call
    from optbench.registry import telling_options

    told = telling_options(_catalogue(), _catalogue().get(kind, qualified), options)
    return str(Call(qualified.rpartition("/")[2], told))


def _recipe(optimizer: tuple[str, Mapping[str, Any]], *metas: tuple[str, Mapping[str, Any]]) -> str:
    return " + ".join([_name("optimizers", *optimizer), *(_name("meta-algorithms", *meta) for meta in metas)])


def _parameters() -> list[list[str]]:
    """Return the suite's optimizers and problems, in its order."""
    from optbench.suites import SuitePlanner, find_suite

    trials = SuitePlanner(find_suite(SUITE, _catalogue()), _catalogue()).trials
    recipes = [
        _recipe(*((part.name, part.options) for part in (trial.optimizer, *trial.meta_algorithms))) for trial in trials
    ]
    problems = [_name("problems", trial.problem.name, trial.problem.options) for trial in trials]
    return [list(dict.fromkeys(recipes)), list(dict.fromkeys(problems))]


def _key(row: Mapping[str, Any]) -> tuple[str, str]:
    metas = [(part["name"], part["options"]) for part in row["meta_algorithms"]]
    recipe = _recipe((row["optimizer"], row["options"]), *metas)
    return recipe, _name("problems", row["problem"], row["problem_options"])


def _figures(rows: list[Mapping[str, Any]]) -> dict[str, float | None]:
    """Return medians over seeds; None where half of them don't reach the target."""
    memory = {name: _median([row[name] for row in rows]) for name in ("state_bytes", "peak_live_bytes")}
    measured = {name: value for name, value in memory.items() if value is not None}
    reached = [row["evaluations_to_target"].get(TARGET) for row in rows]
    return {**measured, "evaluations": _median([float("inf") if cost is None else cost for cost in reached])}


def _median(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    middle = median_low(known) if known else None
    return None if middle == float("inf") else middle


class _Figure:
    """A figure that repeats exactly, so that a change is one of the code; times are not tracked here."""

    params = _parameters()
    param_names = ("optimizer", "problem")
    version = "1"
    timeout = _HOURS
    figure = ""

    def setup_cache(self) -> Results:
        """Run the suite once for all figures, with a store of its own."""
        with tempfile.TemporaryDirectory() as scratch:
            store = str(Path(scratch) / "results.sqlite")
            command = [*_OPTBENCH, "suite", SUITE, "--json", "--no-report", "--store", store]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode not in {0, 1}:  # 1: a gate failed, which is another matter
            message = f"optbench suite {SUITE} ended with exit code {done.returncode}"
            raise RuntimeError(message)
        rows = defaultdict(list)
        for row in json.loads(done.stdout)["results"]:
            if row["status"] != "skipped":
                rows[_key(row)].append(row)
        return {key: _figures(found) for key, found in rows.items()}

    setup_cache.timeout = _HOURS  # type: ignore[attr-defined]

    def setup(self, results: Results, optimizer: str, problem: str) -> None:
        """Leave out what does not run, and what the suite does not measure."""
        if self.figure not in results.get((optimizer, problem), {}):
            raise NotImplementedError

    def track_median(self, results: Results, optimizer: str, problem: str) -> float | None:
        """Return the figure, the median over seeds."""
        return results[optimizer, problem][self.figure]


class Evaluations(_Figure):
    """Evaluations to the target; failed where half of the seeds don't reach it."""

    figure, unit = "evaluations", "evaluations"


class StateBytes(_Figure):
    """What the optimizer keeps between steps."""

    figure, unit = "state_bytes", "bytes"


class PeakLiveBytes(_Figure):
    """What came alive after `init` began, at its peak."""

    figure, unit = "peak_live_bytes", "bytes"
