"""What a suite's pairings came to, as tables for a terminal of 100 columns."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from optbench.records import PAIRING_HEADINGS, ReportModel
from optbench.report.tables import new_table

if TYPE_CHECKING:
    from rich.table import Table

NUMBERS = ("solved", "of", "ratio", "95 %")


def solved_table(model: ReportModel) -> Table:
    """Return a row an optimizer: on how many problems it reaches each target."""
    from rich.text import Text

    tests = list(dict.fromkeys(count.test for count in model.solved))
    caption = (
        "−: problems among them that only others of the suite solve; --json names them." if _any_missed(model) else ""
    )
    table = new_table(f"{model.title}: problems solved by each test", caption)
    table.add_column("optimizer", overflow="fold", min_width=10)
    table.add_column("problems", justify="right")
    for test in tests:
        table.add_column(test, justify="right", no_wrap=True)
    for optimizer, group in groupby(model.solved, key=lambda count: count.optimizer):
        counts = {count.test: count for count in group}
        problems = max(count.problems for count in counts.values())
        table.add_row(*map(Text, (optimizer, str(problems), *(counts[test].cell for test in tests))))
    return table


def _any_missed(model: ReportModel) -> bool:
    return any(count.missed for count in model.solved)


def comparison_table(model: ReportModel) -> Table:
    """Return a row a pairing and test: problems that each solves, and the ratio of evaluations where both do."""
    from rich.text import Text

    caption = (
        "solved: problems that the first and the second solve, of those that both were run on. ratio: geometric mean, "
        "over the problems that both solve, of the evaluations of the first over those of the second, with the 95 % "
        "interval of Student's t. verdict: of the first, over all problems."
    )
    table = new_table(f"{model.title}: pairs", caption)
    for heading in PAIRING_HEADINGS:
        number = heading in NUMBERS
        table.add_column(heading, justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in model.comparisons:
        table.add_row(*map(Text, row.cells))
    return table
