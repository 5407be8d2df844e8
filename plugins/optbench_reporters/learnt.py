"""Where each metric ended: a matrix of problems by optimizers, the darker the better on its problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from optbench.records import LearningCurve, ReportModel

SHADES = 6  # classes h0, the best, to h5
CELL = 50  # pixels of a column
LETTER = 6.4  # pixels
LETTERS = 30  # of a column's heading
SMALL = 0.01  # smaller numbers have two digits, so that they fit


def learnt_matrices(model: ReportModel) -> list[dict[str, Any]]:
    """Return what the template shows of each metric; none where there is one optimizer."""
    metrics = dict.fromkeys(curve.metric for curve in model.learning)
    return [_matrix(model, metric) for metric in metrics] if len(model.optimizers) > 1 else []


def _matrix(model: ReportModel, metric: str) -> dict[str, Any]:
    curves = {(curve.problem, curve.optimizer): curve for curve in model.learning if curve.metric == metric}
    shown = [item for item in model.optimizers if any(optimizer == item.id for _, optimizer in curves)]
    problems = [item for item in model.problems if any(problem == item.id for problem, _ in curves)]
    rising = any(curve.rising for curve in curves.values())
    return {
        "metric": metric,
        "better": "higher" if rising else "lower",
        "optimizers": [{"label": _without_middle(item.label), "expression": item.expression} for item in shown],
        "head": 36 + 4.6 * min(LETTERS, max(len(item.label) for item in shown)),
        "name": 22 + LETTER * max(len(item.label) for item in problems),
        "cell": CELL,
        "rows": [
            {
                "id": problem.id,
                "label": problem.label,
                "cells": list(_cells([curves.get((problem.id, item.id)) for item in shown])),
            }
            for problem in problems
        ],
    }


def _without_middle(label: str) -> str:
    """Return a heading that fits: what tells long names apart stands at their ends."""
    half = LETTERS // 2
    return label if len(label) <= LETTERS else f"{label[: half - 1]}…{label[-half:]}"


def _cells(curves: list[LearningCurve | None]) -> Iterator[Mapping[str, Any]]:
    """Yield the text of each optimizer and its shade: by how many of those with a value are better."""
    signs = [0 if curve is None else -1 if curve.rising else 1 for curve in curves]
    ends = [None if curve is None else curve.median[-1] for curve in curves]
    known = sorted(sign * end for sign, end in zip(signs, ends, strict=True) if end is not None)
    for curve, sign, end in zip(curves, signs, ends, strict=True):
        if end is None:
            yield {"text": "" if curve is None else "–", "shade": None}
        else:
            better = known.index(sign * end)
            yield {
                "text": f"{end:.3g}" if abs(end) >= SMALL else f"{end:.2g}",
                "shade": min(SHADES - 1, -(-better * (SHADES - 1) // len(known))),
            }
