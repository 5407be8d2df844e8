"""The ablation section: effects by measure and problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optbench.records import AblationEffect, ReportModel

CLEAR = ("better", "worse", "succeeds more often", "succeeds less often")  # verdicts that tell a difference
EVERYWHERE = "all problems"


@dataclass(frozen=True)
class Group:
    """What factors change by one measure on one problem, or over all."""

    id: str  # unique, safe in file names
    title: str
    rows: Sequence[AblationEffect]

    def to_json(self) -> dict[str, Any]:
        """Return what the chart needs."""
        rows = [
            {
                "name": f"{row.factor}, {row.beside}",
                "ratio": row.ratio,
                "low": row.low,
                "high": row.high,
                "verdict": row.verdict,
                "clear": row.verdict in CLEAR,
                "n": row.pairs,
            }
            for row in self.rows
        ]
        return {"id": self.id, "title": self.title, "rows": rows}


def groups(model: ReportModel) -> list[Group]:
    """Return the effects by problem and measure: those over all problems first."""
    labels = {item.id: item.label for item in model.problems}
    found: dict[tuple[str, str], list[AblationEffect]] = {}
    for row in model.ablations:
        found.setdefault((row.problem, row.measure), []).append(row)
    ordered = sorted(found.items(), key=lambda item: bool(item[0][0]))
    return [
        Group(str(index), f"{measure} on {labels.get(problem, EVERYWHERE)}", rows)
        for index, ((problem, measure), rows) in enumerate(ordered)
    ]
