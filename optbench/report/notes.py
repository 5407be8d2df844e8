"""Sentences about what limits the trust in a report's numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from optbench.analysis import LEAST_SEEDS
from optbench.records import COST, Cell, ReportOptimizer, ReportProblem, Status, SuiteSpec, TrialRecord
from optbench.report.naming import key_of
from optbench.report.runs import BEST_IN_SET, time_doubts

NAMED = 4  # longer lists are cut
MARK = "†"  # of a time that is not to be believed
CAUSES = {
    "load": "other work on the machine",
    "drift": "the machine was slower than usual in this run",
    "overhead": "the harness is much of a short step",
    "spread": "repetitions lie far apart",
    "jobs": "several trials at once",
}


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
        *_unmeasured_memory(records),
        *_references(problems, cells),
        *_coverage(suite, optimizers, problems, cells),
        *_skipped(records),
        *_devices(problems),
        *_few_seeds(problems, records, optimizers),
        *_weightless(suite, problems, cells),
        *(
            [f"{thinned} event logs were thinned after a million events: only improvements were kept."]
            if thinned
            else []
        ),
    )


def _unreliable(records: Sequence[TrialRecord]) -> Iterator[str]:
    """Sum up in a sentence why times are not to be believed; the reasons of each trial stand in its row of `--json`."""
    doubts = [time_doubts(record) for record in records]
    doubted = sum(map(bool, doubts))
    if doubted:
        counts = Counter(kind for found in doubts for kind in found).most_common()
        listed = ", ".join(f"{CAUSES.get(kind, kind)} ({count})" for kind, count in counts)
        yield f"Times of {doubted} of {len(records)} trials are not to be believed, marked {MARK}: {listed}."
    failed = sum(any(reason.startswith("metrics:") for reason in record.unreliable) for record in records)
    if failed:
        yield f"Metrics of {failed} of {len(records)} trials could not be evaluated: what is scored by them is missing."


def _unmeasured_memory(records: Sequence[TrialRecord]) -> Iterator[str]:
    reasons = Counter(record.memory_note for record in records if record.memory_note)
    for reason, count in reasons.most_common():
        yield f"Memory of {count} of {len(records)} trials: {reason}."


def _references(problems: Sequence[ReportProblem], cells: Sequence[Cell]) -> Iterator[str]:
    ran = {cell.problem for cell in cells if cell.seeds}
    unknown = [problem.label for problem in problems if problem.reference == BEST_IN_SET and problem.id in ran]
    if unknown:
        yield (
            f"The minimum is not known on {first_of(unknown)}: gaps there are measured from the best value found in "
            "this set, so they depend on which optimizers are in it, and whoever found it reaches every accuracy."
        )


def _coverage(
    suite: SuiteSpec, optimizers: Sequence[ReportOptimizer], problems: Sequence[ReportProblem], cells: Sequence[Cell]
) -> Iterator[str]:
    ran = Counter(cell.optimizer for cell in cells if cell.seeds)
    none = [optimizer.label for optimizer in optimizers if not ran[optimizer.id]]
    if none:
        yield f"{first_of(none)} ran on none of the problems."
    part = [optimizer.label for optimizer in optimizers if 0 < ran[optimizer.id] < len(problems)]
    if part and suite.ranking:
        yield f"{first_of(part)} ran on some of the {len(problems)} problems only; their shares are over those."
    wanted = {key_of(entry.recipe) for entry in suite.optimizers}  # one may stand in several groups
    missing = len(wanted) - len(optimizers)
    if missing > 0:
        yield f"{missing} of the suite's {len(wanted)} optimizers {'has' if missing == 1 else 'have'} no results."


def _skipped(records: Sequence[TrialRecord]) -> Iterator[str]:
    skipped = sum(record.status is Status.SKIPPED for record in records)
    if skipped:
        yield f"{skipped} of {len(records)} trials were skipped and count neither as solved nor as unsolved."


def _devices(problems: Sequence[ReportProblem]) -> Iterator[str]:
    devices = sorted({problem.device for problem in problems})
    if len(devices) > 1:
        yield f"Problems ran on {' and '.join(devices)}: times compare on one device only."


def _few_seeds(
    problems: Sequence[ReportProblem], records: Sequence[TrialRecord], optimizers: Sequence[ReportOptimizer]
) -> Iterator[str]:
    seeds, chance = len({record.spec.seed for record in records}), "too few to tell a difference from chance"
    if len(optimizers) < 2:
        return
    if 1 < seeds < LEAST_SEEDS:
        yield f"{seeds} seeds are {chance} ({LEAST_SEEDS} are needed): no verdict is given."
    elif seeds == 1 and len(problems) < LEAST_SEEDS:
        yield f"One seed and {len(problems)} of {LEAST_SEEDS} problems are {chance}: no verdict is given."
    elif seeds == 1 and any(not problem.deterministic for problem in problems):
        yield "One seed only: verdicts are over problems, and on those with minibatches another seed may change them."


def _weightless(suite: SuiteSpec, problems: Sequence[ReportProblem], cells: Sequence[Cell]) -> Iterator[str]:
    if not suite.weights:
        return
    least = min(filter(None, suite.weights.values()))
    spent = {cell.problem for cell in cells if (cell.spent[COST] or 0.0) > least}
    ran = {cell.problem for cell in cells if cell.seeds}
    free = [problem.label for problem in problems if problem.id in ran - spent]
    if free:
        yield f"Next to nothing that has a weight was counted on {first_of(free)}: costs say nothing there."


def first_of(names: Sequence[str]) -> str:
    """Return the names in a sentence, a long list cut short."""
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
