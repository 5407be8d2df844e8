"""Sentences about what limits the trust in a report's numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from optbench.records import Cell, ReportOptimizer, ReportProblem, Status, SuiteSpec, TrialRecord
from optbench.report.runs import BEST_IN_SET

NAMED = 4  # longer lists are cut


def notes(
    suite: SuiteSpec,
    records: Sequence[TrialRecord],
    optimizers: Sequence[ReportOptimizer],
    problems: Sequence[ReportProblem],
    cells: Sequence[Cell],
    thinned: int,
) -> tuple[str, ...]:
    """Return what a reader should know before comparing."""
    if not records:
        return ("No results: no trial of this suite has been run.",)
    return (
        *_unreliable(records),
        *_references(problems, cells),
        *_coverage(suite, optimizers, problems, cells),
        *_skipped(records),
        *_devices(problems),
        *_few_seeds(problems, records),
        *(
            [f"{thinned} event logs were thinned after a million events: only improvements were kept."]
            if thinned
            else []
        ),
    )


def _unreliable(records: Sequence[TrialRecord]) -> Iterator[str]:
    reasons = Counter(reason for record in records for reason in set(record.unreliable))
    for reason, count in reasons.most_common():
        yield f"Unreliable: {reason} ({count} of {len(records)} trials)."


def _references(problems: Sequence[ReportProblem], cells: Sequence[Cell]) -> Iterator[str]:
    ran = {cell.problem for cell in cells if cell.seeds}
    unknown = [problem.label for problem in problems if problem.reference == BEST_IN_SET and problem.id in ran]
    if unknown:
        yield (
            f"The minimum is not known on {_names(unknown)}: gaps there are measured from the best value found in this "
            "set, so they depend on which optimizers are in it, and whoever found it reaches every accuracy."
        )


def _coverage(
    suite: SuiteSpec, optimizers: Sequence[ReportOptimizer], problems: Sequence[ReportProblem], cells: Sequence[Cell]
) -> Iterator[str]:
    ran = Counter(cell.optimizer for cell in cells if cell.seeds)
    none = [optimizer.label for optimizer in optimizers if not ran[optimizer.id]]
    if none:
        yield f"{_names(none)} ran on none of the problems."
    part = [optimizer.label for optimizer in optimizers if 0 < ran[optimizer.id] < len(problems)]
    if part:
        yield f"{_names(part)} ran on some of the {len(problems)} problems only; their shares are over those."
    missing = len(suite.optimizers) - len(optimizers)
    if missing > 0:
        yield f"{missing} of the suite's {len(suite.optimizers)} optimizers have no results."


def _skipped(records: Sequence[TrialRecord]) -> Iterator[str]:
    skipped = sum(record.status is Status.SKIPPED for record in records)
    if skipped:
        yield f"{skipped} of {len(records)} trials were skipped and count neither as solved nor as unsolved."


def _devices(problems: Sequence[ReportProblem]) -> Iterator[str]:
    devices = sorted({problem.device for problem in problems})
    if len(devices) > 1:
        yield f"Problems ran on {' and '.join(devices)}: times compare on one device only."


def _few_seeds(problems: Sequence[ReportProblem], records: Sequence[TrialRecord]) -> Iterator[str]:
    stochastic = [problem for problem in problems if not problem.deterministic]
    if stochastic and len({record.spec.seed for record in records}) == 1:
        yield "One seed only: differences on problems with minibatches may be chance."


def _names(names: Iterable[str]) -> str:
    listed = list(names)
    shown, rest = listed[:NAMED], len(listed) - NAMED
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
