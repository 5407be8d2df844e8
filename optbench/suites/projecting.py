"""Which sizes a suite shows without running them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from optbench.records import Component, Rehearsals, SuiteSpec, TrialRecord, TrialSpec

# The option's values in the small runs whose courses are followed: above them code paths do not switch, and what
# follows from numbers rather than from the size differs between two of them.
REHEARSED = (128, 256)
PROJECTED_ON = "cpu"  # fake tensors stand for the host's


def planned_projections(spec: SuiteSpec, records: Iterable[TrialRecord]) -> list[tuple[TrialSpec, Rehearsals]]:
    """Return the trials to project, each with its problem's options at small sizes, in order.

    For each recipe whose memory was measured exactly, these are the suite's sizes beyond the largest that was run.
    """
    if spec.scaling is None or not spec.scaling.bytes_of:
        return []
    option = spec.scaling.option
    planned: list[tuple[TrialSpec, Rehearsals]] = []
    for trial in _largest(option, records):
        options = trial.problem.options
        for value in spec.scaling.project:
            if value > options[option]:
                problem = replace(trial.problem, options={**options, option: value})
                small = tuple({**options, option: rehearsed} for rehearsed in REHEARSED)
                planned.append((replace(trial, problem=problem), small))
    return planned


def _largest(option: str, records: Iterable[TrialRecord]) -> Iterable[TrialSpec]:
    """Return the trial of each recipe at the largest value of the option."""
    largest: dict[str, TrialSpec] = {}
    for record in records:
        trial = record.spec
        if record.peak_live_bytes is None or trial.device != PROJECTED_ON or option not in trial.problem.options:
            continue
        kept = {name: value for name, value in trial.problem.options.items() if name != option}
        rest = replace(trial, problem=Component(name=trial.problem.name, options=kept))
        key = rest.memory_id
        if key not in largest or trial.problem.options[option] > largest[key].problem.options[option]:
            largest[key] = trial
    return largest.values()
