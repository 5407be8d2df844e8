"""The page's data: each file is `OB.put("key", JSON);`, which loads from file:// where fetch() does not."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from optbench.records import AREA_FACTOR, FAILED, SHIFTS, ReportCurve, ReportModel
from optbench_reporters.scaling import scaling_lines
from optbench_reporters.view import left_out

VALUE = "f"  # the metric that the column "value" shows already
STATUSES = ("target", "ok", "budget", "timeout", "diverged", "oom", "killed", "crashed", "error", "skipped")


def data_files(model: ReportModel, target: float) -> Iterator[tuple[str, str]]:
    """Yield (file name, text): the suite, its cells, and one file of curves a problem, loaded when it is looked at."""
    yield "suite.js", _put("suite", _suite(model, target))
    yield "cells.js", _put("cells", _cells(model))
    if model.scaling:
        yield "scaling.js", _put("scaling", [line.to_json() for line in scaling_lines(model)])
    for index, problem in enumerate(() if "Convergence" in left_out(model) else model.problems):
        curves = [curve for curve in model.curves if curve.problem == problem.id]
        yield f"curves-{problem.id}.js", _put(f"curves/{problem.id}", _curves(model, curves, index))


def _put(key: str, value: Any) -> str:
    return f"OB.put({json.dumps(key)}, {json.dumps(value, separators=(',', ':'), allow_nan=False)});\n"


def _suite(model: ReportModel, target: float) -> dict[str, Any]:
    return {
        "name": model.name,
        "title": model.title,
        "seeds": model.seeds,
        "targets": list(model.targets),
        "target": model.targets.index(target) if model.targets else 0,
        "measures": list(model.measures),
        "weights": model.weights_in_words,
        "shifts": SHIFTS,
        "area": AREA_FACTOR,
        "versus": _versus(model),
        "statuses": list(STATUSES),
        "failed": list(FAILED),
        "kinds": list(dict.fromkeys(problem.kind for problem in model.problems)),
        "devices": list(dict.fromkeys(problem.device for problem in model.problems)),
        "optimizers": [
            {key: getattr(item, key) for key in ("id", "label", "family", "gradients", "expression", "state_memory")}
            for item in model.optimizers
        ],
        "problems": [
            {
                key: getattr(item, key)
                for key in ("id", "label", "kind", "device", "size", "reference", "deterministic", "summary")
            }
            for item in model.problems
        ],
    }


def _cells(model: ReportModel) -> dict[str, Any]:
    """Return columns, a row a cell; `o` and `p` are positions in the suite's lists."""
    optimizer = {item.id: index for index, item in enumerate(model.optimizers)}
    problem = {item.id: index for index, item in enumerate(model.problems)}
    plain = (
        "seeds",
        "unreliable",
        "gap",
        "value",
        "evaluations",
        "seconds",
        "state_bytes",
        "peak_live_bytes",
        "peak_process_bytes",
    )
    return {
        "o": [optimizer[cell.optimizer] for cell in model.cells],
        "p": [problem[cell.problem] for cell in model.cells],
        **{key: [getattr(cell, key) for cell in model.cells] for key in plain},
        "hits": [list(cell.hits) for cell in model.cells],
        "costs": {measure: [cell.costs[measure] for cell in model.cells] for measure in model.measures},
        "expected": {measure: [cell.expected[measure] for cell in model.cells] for measure in model.measures},
        "spent": {measure: [cell.spent[measure] for cell in model.cells] for measure in model.measures},
        "statuses": [[cell.statuses.get(status, 0) for status in STATUSES] for cell in model.cells],
        "metrics": [
            [[_short(name), cell.metrics[name]] for name in cell.metrics if name != VALUE] for cell in model.cells
        ],
        "thresholds": [
            [[item.name, item.hits, item.evaluations, item.seconds] for item in cell.thresholds] for cell in model.cells
        ],
    }


def _versus(model: ReportModel) -> dict[str, list[list[dict[str, Any]]]]:
    """Return by measure, for each target, how the others compare with the leader; empty without verdicts."""
    optimizer = {item.id: index for index, item in enumerate(model.optimizers)}
    return {
        measure: [
            [
                {
                    "o": optimizer[row.optimizer],
                    "leader": optimizer[row.leader],
                    **{key: getattr(row, key) for key in ("ratio", "low", "high", "verdict", "pairs")},
                }
                for row in model.versus
                if (row.measure, row.target) == (measure, target)
            ]
            for target in model.targets
        ]
        for measure in model.measures
    }


def _curves(model: ReportModel, curves: Sequence[ReportCurve], problem: int) -> dict[str, Any]:
    """Return the curves of one problem; gaps are 100·log10, rounded."""
    optimizer = {item.id: index for index, item in enumerate(model.optimizers)}
    return {
        "p": problem,
        "curves": [
            {
                "o": optimizer[curve.optimizer],
                "x": {measure: list(curve.costs[measure]) for measure in model.measures},
                "y": [_centilog(gap) for gap in curve.median],
                "low": [_centilog(gap) for gap in curve.low],
                "high": [_centilog(gap) for gap in curve.high],
                "ends": [[*end[:-1], _centilog(end[-1])] for end in curve.ends],
            }
            for curve in curves
        ],
    }


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _centilog(gap: float | None) -> int | None:
    return None if gap is None or gap <= 0 else round(100 * math.log10(gap))
