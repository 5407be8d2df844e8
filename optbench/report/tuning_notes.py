"""Sentences about how far tuned results are to be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optbench.records import ReportModel, TunedCell, Tuning, TuningAgreement
from optbench.report.notes import first_of
from optbench.report.units import count_text, seconds_text


def tuning_notes(
    model: ReportModel, tuning: Tuning, cells: Sequence[TunedCell], agreements: Sequence[TuningAgreement]
) -> tuple[str, ...]:
    """Return what a reader should know of the tuning before comparing."""
    names = {item.id: item.label for item in model.optimizers} | {item.id: item.label for item in model.problems}
    return (
        *_origin(tuning, cells),
        *_edges(cells, names),
        *_failed(cells, names),
        *_agreement(tuning, agreements, names),
    )


def _origin(tuning: Tuning, cells: Sequence[TunedCell]) -> Iterator[str]:
    if tuning.stored:
        yield f"The options of tuned optimizers were not searched for here, but found before: {tuning.found_by}."
        return
    choices = [choice for cell in cells for choice in cell.choices]
    if choices:
        trials, seconds = sum(choice.trials for choice in choices), sum(choice.seconds for choice in choices)
        evaluations = sum(choice.evaluations for choice in choices)
        spent = f"{count_text(trials)} trials, {count_text(evaluations)} evaluations, {seconds_text(seconds)}"
        yield f"Tuning took {spent} beside what is shown: its trials are in no other figure."
    if tuning.repeats > 1 and cells and all(len(cell.choices) == 1 for cell in cells):
        yield "Nothing here depends on a seed: tuning a grid again would only repeat it, so there is one tuning."


def _edges(cells: Sequence[TunedCell], names: dict[str, str]) -> Iterator[str]:
    marked = [f"{names[cell.optimizer]} on {names[cell.problem]}" for cell in cells if cell.edges]
    if marked:
        yield (
            f"Best at the edge of what was tried, the budget being spent: {first_of(marked)}; "
            "more trials or another range may do better."
        )


def _failed(cells: Sequence[TunedCell], names: dict[str, str]) -> Iterator[str]:
    lost = [cell for cell in cells if any(choice.settings and choice.value is None for choice in cell.choices)]
    if lost:
        listed = first_of([f"{names[cell.optimizer]} on {names[cell.problem]}" for cell in lost])
        yield f"No setting that was tried succeeded, so that the choice means little: {listed}."


def _agreement(tuning: Tuning, agreements: Sequence[TuningAgreement], names: dict[str, str]) -> Iterator[str]:
    if not agreements:
        if not tuning.stored and tuning.repeats == 1:
            yield "Tuned once: whether another tuning would rank the optimizers alike is not known."
        return
    total, alike = len(agreements), sum(item.alike is True for item in agreements)
    problems = f"{alike} of {total} problem{'' if total == 1 else 's'}"
    yield (
        f"Independent tunings rank the leading optimizers alike on {problems}: no tuning puts two of them in the order "
        "opposite to another's, by 95 % intervals over seeds."
    )
    if differ := [f"{names[item.problem]} ({_opposed(item, names)})" for item in agreements if item.alike is False]:
        yield f"They do not rank them alike on {first_of(differ)}."
    if tied := [names[item.problem] for item in agreements if item.alike is None]:
        yield f"No tuning tells any two leaders apart on {first_of(tied)}: that wants more seeds."


def _opposed(agreement: TuningAgreement, names: dict[str, str]) -> str:
    return first_of([f"{names[one]} and {names[two]}" for one, two in agreement.opposed])
