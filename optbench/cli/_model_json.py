"""What `--json` prints of a report."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from optbench.records import ReportModel


def model_json(model: ReportModel) -> dict[str, Any]:
    """Return the gates, and what a suite that sweeps a size or names pairs adds; no trials.

    What is told against size names an optimizer by its qualified name.
    """
    data: dict[str, Any] = {"gates": [gate.to_row() for gate in model.gates]}
    if model.scaling:
        data["scaling"] = [{**asdict(fit), "optimizer": fit.name} for fit in model.scaling]
        data["scaling_points"] = [{**asdict(point), "optimizer": point.name} for point in model.scaling_points]
    if model.comparisons:
        data["comparisons"] = [row.to_row() for row in model.comparisons]
        data["solved"] = [count.to_row() for count in model.solved]
    if model.stages:
        data["stages"] = [_named(model, asdict(cell)) for cell in model.stages]
    if model.two_results:
        data["two_results"] = [_named(model, asdict(both)) for both in model.two_results]
    if model.ablations:
        data["ablations"] = _ablations_json(model)
    if model.tuned:
        data |= _tuning_json(model)
    return data


def _named(model: ReportModel, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with expressions for the report's names of optimizers and problems; null where there is none."""
    arms = {item.id: item.expression for item in model.optimizers}
    problems = {item.id: item.expression for item in model.problems}
    named: dict[str, Any] = {key: arms.get(row[key]) for key in ("optimizer", "baseline") if key in row}
    return {**row, **named, "problem": problems[row["problem"]]}


def _ablations_json(model: ReportModel) -> list[dict[str, Any]]:
    """Return the effects, with what a report's names stand for; null over several arms, or problems."""
    arms = {item.id: item.expression for item in model.optimizers}
    problems = {item.id: item.expression for item in model.problems}
    return [
        {
            **effect.to_row(),
            "present": arms.get(effect.present),
            "absent": arms.get(effect.absent),
            "problem": problems.get(effect.problem),
        }
        for effect in model.ablations
    ]


def _tuning_json(model: ReportModel) -> dict[str, Any]:
    """Return what was tuned, and whether the tunings agree, with what a report's names stand for."""
    arms = {item.id: item.expression for item in model.optimizers}
    problems = {item.id: item.expression for item in model.problems}
    tuned = [
        {
            **cell.to_row(),
            "optimizer": arms[cell.optimizer],
            "untuned": arms.get(cell.untuned or ""),
            "problem": problems[cell.problem],
        }
        for cell in model.tuned
    ]
    agreements = [
        {**asdict(item), "problem": problems[item.problem], "leaders": [[arms[arm] for arm in x] for x in item.leaders]}
        for item in model.agreements
    ]
    return {"tuning": tuned, "tuning_agreement": agreements}
