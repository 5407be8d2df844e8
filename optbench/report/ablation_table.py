"""What a suite's ablations came to, as a table for a terminal of 100 columns, or of fewer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from optbench.records import ABLATION_HEADINGS, ReportModel
from optbench.report.fitting import fitted, told
from optbench.report.tables import new_table

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
    return fitted(partial(_table, model), (("FLOPs",), ("without", "with"), ("time",), ("n",), ("beside",)), width)


def _table(model: ReportModel, left_out: frozenset[str]) -> Table:
    from rich.text import Text

    shown = [heading for heading in ABLATION_HEADINGS if heading not in left_out]
    table = new_table(f"{model.title}: with and without", _LEGEND + told(left_out, ABLATION_HEADINGS))
    table.add_column("problem", overflow="fold", min_width=10)
    for heading in shown:
        number = heading not in _TEXTS
        table.add_column(heading, justify="right" if number else "left", no_wrap=number, overflow="fold")
    problems = {problem.id: problem.label for problem in model.problems}
    before = None
    for effect in model.ablations:
        cells = dict(zip(ABLATION_HEADINGS, effect.cells, strict=True))
        name = problems.get(effect.problem, "all problems")
        table.add_row(*map(Text, ("" if name == before else name, *(cells[heading] for heading in shown))))
        before = name
    return table
