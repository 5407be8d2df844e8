"""What a suite's pairings came to, as tables for a terminal of 100 columns, or of fewer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from optbench.records import PAIRING_HEADINGS, ReportModel
from optbench.report.fitting import fitted, omitted
from optbench.report.tables import NAME, NUMBER, TEXT, fill, new_table, without_repeats

if TYPE_CHECKING:
    from rich.table import Table

NUMBERS = ("solved", "of", "ratio", "95 %")


def solved_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row an optimizer: on how many problems it reaches each target; headings take two lines."""
    spare = ("problems", *map(_heading, _tests(model)[:-1]))
    return fitted(partial(_solved, model), [(heading,) for heading in spare], width)


def _tests(model: ReportModel) -> list[str]:
    return list(dict.fromkeys(count.test for count in model.solved))


def _heading(test: str) -> str:
    return test.replace(":", ":\n")


def _solved(model: ReportModel, left_out: frozenset[str]) -> Table:
    tests = _tests(model)
    missed = "−: problems among them that only others of the suite solve; --json names them."
    more = omitted(frozenset(name.replace("\n", "") for name in left_out), ("problems", *tests))
    table = new_table(
        f"{model.title}: problems solved by each test", (model.repeats + missed * _any_missed(model) + more).strip()
    )
    styles = {"optimizer": NAME, "problems": NUMBER, **dict.fromkeys(map(_heading, tests), NUMBER)}
    return fill(table, styles, _solved_rows(model, tests), left_out)


def _solved_rows(model: ReportModel, tests: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for optimizer, group in groupby(model.solved, key=lambda count: count.optimizer):
        counts = {count.test: count for count in group}
        problems = str(max(count.problems for count in counts.values()))
        yield optimizer, problems, *(counts[test].cell for test in tests)


def _any_missed(model: ReportModel) -> bool:
    return any(count.missed for count in model.solved)


def comparison_table(model: ReportModel, width: int = 100) -> Table:
    """Return a row a pairing and test: problems that each solves, and the ratio of evaluations where both do."""
    return fitted(partial(_comparisons, model), (("of",), ("95 %",)), width)


def _comparisons(model: ReportModel, left_out: frozenset[str]) -> Table:
    caption = (
        "solved: problems that the first and the second solve, of those that both were run on. ratio: geometric mean, "
        "over the problems that both solve, of the evaluations of the first over those of the second, with the 95 % "
        "interval of Student's t. verdict: of the first, over all problems."
    )
    table = new_table(f"{model.title}: pairs", caption + omitted(left_out, PAIRING_HEADINGS))
    styles = {heading: NUMBER if heading in NUMBERS else TEXT for heading in PAIRING_HEADINGS}
    return fill(table, styles, without_repeats((row.cells for row in model.comparisons), 2), left_out)
