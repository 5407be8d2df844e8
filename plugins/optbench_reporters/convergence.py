"""Which problems have a static figure of their own."""

from __future__ import annotations

from optbench.records import ReportModel, ReportProblem

MOST_CURVES = 700  # drawn in all; a report with more has a figure for the first problem of each class only


def drawn_problems(model: ReportModel) -> list[ReportProblem]:
    """Return the problems that have a static figure: all, or one of each class where those would be too many."""
    curved = {curve.problem for curve in model.curves}
    found = [problem for problem in model.problems if problem.id in curved]
    if len(model.curves) <= MOST_CURVES:
        return found
    first = {problem.kind: problem for problem in reversed(found)}
    return [problem for problem in found if first[problem.kind] is problem]
