"""The pages about one problem or one optimizer: what it is, and its results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from optbench.records import Cell, ReportModel
from optbench_reporters.tables import statuses_text
from optbench_reporters.view import MISSING, STATUS_CLASS, failure_rows, power

Best = Mapping[str, float]  # by problem: the least median cost


def pages(model: ReportModel, target: float) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (file, template, variables) of each page; `target` is the relative gap of the costs in them."""
    index = model.targets.index(target) if target in model.targets else None
    best = _best(model, index)
    shared = {"model": model, "target": power(target), "status_class": STATUS_CLASS}
    of_problem: dict[str, list[Cell]] = {item.id: [] for item in model.problems}
    of_optimizer: dict[str, list[Cell]] = {item.id: [] for item in model.optimizers}
    for cell in model.cells:
        of_problem[cell.problem].append(cell)
        of_optimizer[cell.optimizer].append(cell)
    arms = {item.id: item for item in model.optimizers}
    tasks = {item.id: item for item in model.problems}
    for item in model.problems:
        rows = [
            {**_row(cell, index, best), "id": cell.optimizer, "name": arms[cell.optimizer].label}
            for cell in sorted(of_problem[item.id], key=lambda cell: _rank(cell, index))
        ]
        failures = failure_rows(model, [failure for failure in model.failures if failure.problem == item.id])
        own = {"item": item, "siblings": model.problems, "siblings_title": "Problems"}
        yield f"problems/{item.id}.html", "problem.html.j2", {**shared, **own, "rows": rows, "failures": failures}
    for arm in model.optimizers:
        rows = [
            {
                **_row(cell, index, best),
                "id": cell.problem,
                "name": tasks[cell.problem].label,
                "kind": tasks[cell.problem].kind,
            }
            for cell in of_optimizer[arm.id]
        ]
        failures = failure_rows(model, [failure for failure in model.failures if failure.optimizer == arm.id])
        fits = [fit for fit in model.scaling if fit.optimizer == arm.id]
        own = {"item": arm, "siblings": model.optimizers, "siblings_title": "Optimizers", "fits": fits}
        yield f"optimizers/{arm.id}.html", "optimizer.html.j2", {**shared, **own, "rows": rows, "failures": failures}


def _best(model: ReportModel, index: int | None) -> Best:
    best: dict[str, float] = {}
    for cell in model.cells if index is not None else ():
        cost = _cost(cell, "evaluations", index)
        if cost is not None:
            best[cell.problem] = min(cost, best.get(cell.problem, cost))
    return best


def _cost(cell: Cell, measure: str, index: int | None) -> float | None:
    return None if index is None or not cell.seeds else cell.costs[measure][index][1]


def _rank(cell: Cell, index: int | None) -> tuple[float, float]:
    cost = _cost(cell, "evaluations", index)
    gap = cell.gap
    return float("inf") if cost is None else cost, float("inf") if gap is None else gap


def _row(cell: Cell, index: int | None, best: Best) -> dict[str, str]:
    cost, seconds = _cost(cell, "evaluations", index), _cost(cell, "seconds", index)
    return {
        "reached": MISSING if index is None or not cell.seeds else f"{cell.hits[index]} of {cell.seeds}",
        "cost": _text(cost, ",.0f"),
        "ratio": MISSING if cost is None else f"{cost / best[cell.problem]:.3g}×",
        "seconds": _text(seconds, ".3g") + (" s" if seconds is not None else ""),
        "gap": _text(cell.gap, ".3g"),
        "value": _text(cell.value, ".8g"),
        "state": _text(cell.state_bytes, ",") + (" B" if cell.state_bytes is not None else ""),
        "statuses": statuses_text(cell),
    }


def _text(value: float | None, form: str) -> str:
    return MISSING if value is None else format(value, form)
