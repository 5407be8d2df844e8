"""The tuning section: a table a problem, and the score against the tuning's budget."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from optbench.records import ReportModel, TunedCell
from optbench_reporters.figure import Figure

MISSING = "–"
UNTUNED = 0.0  # where the untuned optimizer stands on the axis of trials


@dataclass(frozen=True)
class BudgetLine:
    """An optimizer's score after so many trials of tuning; the first point, at UNTUNED, is its untuned score."""

    optimizer: int  # position in the report's list
    label: str
    trials: tuple[float, ...]
    median: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    edges: int = 0  # tunings whose best lay at the edge of what was searched

    def to_json(self) -> dict[str, Any]:
        """Return what the chart needs."""
        numbers = {"x": self.trials, "y": self.median, "low": self.low, "high": self.high}
        return {"o": self.optimizer, "name": self.label, **numbers, "edges": self.edges}


def tuning_charts(model: ReportModel) -> list[dict[str, Any]]:
    """Return the chart of each problem that has a line."""
    return [
        {
            "id": f"tuning-{problem.id}",
            "label": problem.label,
            "measure": first.measure,
            "higher": first.higher_is_better,
            "lines": [line.to_json() for line in lines],
        }
        for problem in model.problems
        if (lines := budget_lines(model, problem.id))
        for first in [next(cell for cell in model.tuned if cell.problem == problem.id)]
    ]


def budget_lines(model: ReportModel, problem: str) -> list[BudgetLine]:
    """Return the lines of a problem; points without a median, where most draws fail, are left out."""
    places = {item.id: index for index, item in enumerate(model.optimizers)}
    lines = []
    for cell in (cell for cell in model.tuned if cell.problem == problem and cell.curve):
        points = list(zip((UNTUNED, *map(float, cell.budgets)), (cell.untuned_score, *cell.curve), strict=True))
        known = [(at, *_filled(found)) for at, found in points if found[1] is not None]
        if any(at > UNTUNED for at, *_ in known):
            trials, low, median, high = zip(*known, strict=True)
            index = places[cell.optimizer]
            lines.append(BudgetLine(index, model.optimizers[index].label, trials, median, low, high, cell.edges))
    return lines


def tuning_sections(model: ReportModel) -> list[dict[str, Any]]:
    """Return what the page's template shows of each problem on which something was tuned."""
    return [
        _section(model, index, cells)
        for index, problem in enumerate(model.problems)
        if (cells := [cell for cell in model.tuned if cell.problem == problem.id])
    ]


def _section(model: ReportModel, index: int, cells: list[TunedCell]) -> dict[str, Any]:
    problem, names = model.problems[index], {item.id: item.label for item in model.optimizers}
    places = {name: place for place, name in enumerate(names)}
    question = f"How well does each optimizer do on {problem.label} once it is tuned?"
    return {
        "index": index,
        "question": question,
        "figure": _figure(question, problem.id) if budget_lines(model, problem.id) else None,
        "measure": cells[0].measure,
        "chosen": _chosen(cells[0]),
        "better": "higher" if cells[0].higher_is_better else "lower",
        "rows": [_row(cell, names[cell.optimizer]) | {"optimizer": places[cell.optimizer]} for cell in _ordered(cells)],
        "agreement": _agreement(model, problem.id, names),
        "searched": any(cell.method != "stored" for cell in cells),  # else there are no costs
        "untuned": any(cell.untuned for cell in cells),
    }


def _figure(question: str, problem: str) -> Figure:
    return Figure(
        id=f"tuning-{problem}",
        question=question,
        caption=(
            "A curve shows the score of the best of so many settings, drawn from those that were tried, with 10–90 % "
            "of draws and tunings; hollow: the untuned optimizer; ✕: the best lay at the edge of what was searched."
        ),
        how=(
            "A curve that is flat early needs little tuning; one that still moves at its end was not done. Methods that"
            " learn from what they tried find their best late, so that small budgets look better than they would be."
        ),
        height=340,
    )


def _chosen(cell: TunedCell) -> str:
    if cell.method == "stored":
        return f"Settings were not searched for here, but found by {cell.select}."
    return f"Settings were chosen by {cell.select}, on seeds of their own."


def _filled(found: tuple[float | None, float | None, float | None]) -> tuple[float, float, float]:
    """Return a range with the median in place of an end that failed."""
    low, median, high = found
    middle = 0.0 if median is None else median
    return (middle if low is None else low), middle, (middle if high is None else high)


def _ordered(cells: list[TunedCell]) -> list[TunedCell]:
    """Put the best first, those without a score last."""

    def rank(cell: TunedCell) -> tuple[bool, float]:
        median = cell.score[1]
        return median is None, 0.0 if median is None else -median if cell.higher_is_better else median

    return sorted(cells, key=rank)


def _row(cell: TunedCell, name: str) -> dict[str, Any]:
    score, spread, untuned, chosen = cell.texts
    searched = cell.method != "stored"
    return {
        "name": name,
        "score": score,
        "spread": spread,
        "untuned": untuned or MISSING,
        "chosen": chosen,
        "edge": f"at the edge in {cell.edges} of {len(cell.choices)}" if cell.edges else "",
        "searched": "; ".join(cell.searched),
        "trials": f"{cell.trials:,}" if searched else MISSING,
        "evaluations": f"{sum(choice.evaluations for choice in cell.choices):,}" if searched else MISSING,
        "seconds": f"{cell.seconds:.3g} s" if searched else MISSING,
    }


def _agreement(model: ReportModel, problem: str, names: dict[str, str]) -> str:
    """Return in a sentence whether independent tunings rank the optimizers alike; empty where there is one only."""
    found = next((item for item in model.agreements if item.problem == problem), None)
    if found is None:
        return ""
    tau = "" if found.tau is None else f" Kendall’s τ-b between their orders: {found.tau:.2f}."
    rows = (", ".join(names[arm] for arm in row) or "none" for row in found.leaders)
    leaders = "; ".join(f"({number}) {row}" for number, row in enumerate(rows, start=1))
    count = f"The {len(found.leaders)} tunings"
    if found.alike is None:
        return f"{count} tell no two of their leaders apart, by 95 % intervals over seeds. Leaders: {leaders}."
    decided = f"{found.decided} of {found.pairs} pairs of leaders are told apart by one of them at least"
    if found.alike:
        return f"{count} rank their leaders alike: {decided}, none the other way by another.{tau}"
    pairs = ", ".join(f"{names[one]} and {names[two]}" for one, two in found.opposed)
    return f"{count} do not rank their leaders alike: opposite orders of {pairs}. Leaders: {leaders}.{tau}"
