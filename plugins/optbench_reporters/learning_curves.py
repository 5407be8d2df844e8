"""The learning section's data: metrics of each problem over examples and seconds, for the page's chart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from optbench.records import LearningCurve, ReportModel


def learnt(model: ReportModel) -> list[int]:
    """Return the positions of the problems that have metrics over examples."""
    with_curves = {curve.problem for curve in model.learning}
    return [index for index, problem in enumerate(model.problems) if problem.id in with_curves]


def learning_files(model: ReportModel) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (problem, its metrics with their curves), in the order of the report."""
    places = {item.id: index for index, item in enumerate(model.optimizers)}
    for index in learnt(model):
        problem = model.problems[index].id
        metrics: dict[str, list[dict[str, Any]]] = {}
        for curve in (curve for curve in model.learning if curve.problem == problem):
            metrics.setdefault(curve.metric, []).append(_numbers(curve, places[curve.optimizer]))
        yield problem, {"metrics": [{"name": name, "curves": curves} for name, curves in metrics.items()]}


def _numbers(curve: LearningCurve, optimizer: int) -> dict[str, Any]:
    across = {"examples": curve.examples, "seconds": curve.seconds}
    return {"o": optimizer, **across, "y": curve.median, "low": curve.low, "high": curve.high}
