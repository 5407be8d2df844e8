"""What a suite's ablations came to, as a table for a terminal of 100 columns, or of fewer."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from optbench.records import ABLATION_HEADINGS, ReportModel
from optbench.report.fitting import fitted, omitted
from optbench.report.tables import NAME, NUMBER, TEXT, fill, new_table

if TYPE_CHECKING:
    from rich.table import Table

_TEXTS = ("what", "beside", "measure", "verdict")
_LEGEND = (
    "ratio: what a trial comes to with it over the same without it, seed by seed, typically: below 1 it is better with "
    "it (where higher is better, the ratio is turned round), with its 95 % interval. verdict: Holm's adjustment over "
    "all rows. time, FLOPs: of a trial with it over those without."
)


def ablation_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row an effect, those over all problems last."""
    return fitted(partial(_table, model), _spare(model), width)


def _spare(model: ReportModel) -> list[tuple[str, ...]]:
    """Return what may be left out, the first first: never what tells two rows apart."""
    effects = model.ablations
    spare: list[tuple[str, ...]] = [("FLOPs",), ("without", "with"), ("time",), ("n",)]
    if _measure(model):
        spare.append(("measure",))
    if len({(effect.problem, effect.factor, effect.measure) for effect in effects}) == len(effects):
        spare.append(("beside",))
    return spare


def _measure(model: ReportModel) -> str:
    """Return what all effects are measured by; empty where that differs."""
    measures = {effect.measure for effect in model.ablations}
    return measures.pop() if len(measures) == 1 else ""


def _table(model: ReportModel, left_out: frozenset[str]) -> Table:
    by = f", by {measure}" if (measure := _measure(model)) else ""
    table = new_table(f"{model.title}: with and without{by}", _LEGEND + omitted(left_out, ABLATION_HEADINGS))
    styles = {heading: TEXT if heading in _TEXTS else NUMBER for heading in ABLATION_HEADINGS}
    return fill(table, {"problem": NAME, **styles}, _rows(model), left_out)


def _rows(model: ReportModel) -> Iterator[tuple[str, ...]]:
    problems = {problem.id: problem.label for problem in model.problems}
    before = None
    for effect in model.ablations:
        name = problems.get(effect.problem, "all problems")
        yield "" if name == before else name, *effect.cells
        before = name
