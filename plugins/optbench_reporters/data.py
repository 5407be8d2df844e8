"""The page's data: each file is `OB.put("key", JSON);`, which loads from file:// where fetch() does not."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from optbench.records import AREA_FACTOR, FAILED, SHIFTS, ReportCurve, ReportModel, SeedCurve
from optbench.records.text import commit_text
from optbench_reporters.ablation_rows import groups
from optbench_reporters.convergence import drawn_problems
from optbench_reporters.learning_curves import learning_files, learnt
from optbench_reporters.multiples import Panel, grid_of, panels
from optbench_reporters.palette import GREY, Slot
from optbench_reporters.scaling_lines import scaling_lines
from optbench_reporters.tuning_rows import tuning_charts
from optbench_reporters.view import STATUSES

VALUE = "f"  # the metric that the column "value" shows already


def data_files(model: ReportModel, target: float, looks: Sequence[Slot], *, curves: bool) -> Iterator[tuple[str, str]]:
    """Yield (file name, text): the suite and its cells; with `curves`, files that are loaded where they are seen."""
    yield "suite.js", put("suite", _suite(model, target, looks))
    yield "cells.js", put("cells", _cells(model))
    if model.ablations:
        yield "ablations.js", put("ablations", [group.to_json() for group in groups(model)])
    if model.scaling:
        yield "scaling.js", put("scaling", [line.to_json() for line in scaling_lines(model)])
    if model.tuned:
        yield "tuning.js", put("tuning", tuning_charts(model))
    for problem, metrics in learning_files(model):
        yield f"learning-{problem}.js", put(f"learning/{problem}", metrics)
    if curves:
        yield from _curve_files(model)


def _curve_files(model: ReportModel) -> Iterator[tuple[str, str]]:
    """Yield a file of curves and one of single seeds for each problem, and one of small panels for each class."""
    of_problem: dict[str, list[ReportCurve]] = {item.id: [] for item in model.problems}
    seeds: dict[str, list[SeedCurve]] = {item.id: [] for item in model.problems}
    for curve in model.curves:
        of_problem[curve.problem].append(curve)
    for single in model.seed_curves:
        seeds[single.problem].append(single)
    for index, problem in enumerate(model.problems):
        own = _curves(model, of_problem[problem.id], index, seeds=bool(seeds[problem.id]))
        yield f"curves-{problem.id}.js", put(f"curves/{problem.id}", own)
        if seeds[problem.id]:
            yield f"seeds-{problem.id}.js", put(f"seeds/{problem.id}", _seeds(model, seeds[problem.id]))
    drawn = panels(model)
    for index, kind in enumerate(kinds_of(model)):
        yield f"multi-{index}.js", put(f"multi/{index}", _multiples(model, drawn, kind))


def kinds_of(model: ReportModel) -> list[str]:
    """Return the classes of problems, in the order of the page."""
    return list(dict.fromkeys(problem.kind for problem in model.problems))


def _seeds(model: ReportModel, singles: Sequence[SeedCurve]) -> list[dict[str, Any]]:
    optimizer = {item.id: index for index, item in enumerate(model.optimizers)}
    return [{"o": optimizer[x.optimizer], "seed": x.seed, "status": x.status, "points": x.points} for x in singles]


def _multiples(model: ReportModel, drawn: Sequence[Panel], kind: str) -> dict[str, Any]:
    """Return the lines of one class: gaps are 100·log10 at the points of a common grid, from its first point on."""
    lines = [
        [
            {"p": line.problem, "y": [_centilog(None if math.isnan(gap) else float(gap)) for gap in line.gaps]}
            for line in panel.lines
            if model.problems[line.problem].kind == kind
        ]
        for panel in drawn
    ]
    return {"x": [float(f"{count:.4g}") for count in grid_of(model)], "lines": lines}


def put(key: str, value: Any) -> str:
    """Return the text of a data file."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    return f"OB.put({json.dumps(key)}, {text});\n"


def _suite(model: ReportModel, target: float, looks: Sequence[Slot]) -> dict[str, Any]:
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
        "stamp": stamp(model),
        "kinds": kinds_of(model),
        "learnt": learnt(model),
        "drawn": [problem.id for problem in drawn_problems(model)],
        "grey": [index for index, look in enumerate(looks) if look is GREY],
        "devices": list(dict.fromkeys(problem.device for problem in model.problems)),
        "optimizers": [
            {key: getattr(item, key) for key in ("id", "label", "family", "gradients", "expression", "state_memory")}
            for item in model.optimizers
        ],
        "problems": [
            {
                key: getattr(item, key)
                for key in ("id", "label", "kind", "device", "size", "reference", "deterministic", "summary", "flops")
            }
            for item in model.problems
        ],
    }


def stamp(model: ReportModel) -> str:
    """Return what a figure that is taken away says of where it came from."""
    commit, done = model.environment.commit, f"{model.trials - model.missing:,} trials"
    parts = [
        model.title,
        model.created,
        done,
        model.environment.machine,
        *([f"commit {commit_text(commit)}"] if commit else []),
    ]
    return " · ".join(parts)


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


def _curves(model: ReportModel, curves: Sequence[ReportCurve], problem: int, *, seeds: bool) -> dict[str, Any]:
    """Return the curves of one problem; gaps are 100·log10, rounded."""
    optimizer = {item.id: index for index, item in enumerate(model.optimizers)}
    return {
        "p": problem,
        "seeds": seeds,
        "curves": [
            {
                "o": optimizer[curve.optimizer],
                "x": {measure: list(curve.costs[measure]) for measure in model.measures},
                "y": [_centilog(gap) for gap in curve.median],
                "low": [_centilog(gap) for gap in curve.low],
                "high": [_centilog(gap) for gap in curve.high],
                "stages": [list(stage) for stage in curve.stages],
                "ends": [[*end[:-1], _centilog(end[-1])] for end in curve.ends],
            }
            for curve in curves
        ],
    }


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _centilog(gap: float | None) -> int | None:
    return None if gap is None or gap <= 0 else round(100 * math.log10(gap))
