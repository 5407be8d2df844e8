"""A suite whose optimizers are tuned: first every search, then everything that is scored, interleaved."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from optbench.records import SuiteSpec, TrialRecord, TrialSpec, Tuning, TuningTask, canonical_json, find_stored, finite
from optbench.tuning.search import Course, Found, Search, searches


class Plain(Protocol):
    """The part of a suite that isn't tuned."""

    @property
    def trials(self) -> Sequence[TrialSpec]:
        """Its trials, in order."""

    @property
    def tasks(self) -> Sequence[TuningTask]:
        """What is to be tuned, in order."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a tuning chose; a setting that was stored earlier has no trials here."""

    repeat: int
    options: Mapping[str, Any] | None  # None: nothing could be tried
    edge: tuple[str, ...]
    course: Course | None

    @property
    def cost(self) -> dict[str, Any]:
        """What the search took: trials, evaluations, examples and seconds on the trials' clocks."""
        runs = [] if self.course is None else [record for item in self.course.tried for record in item.records]
        return {
            "trials": len(runs),
            "evaluations": sum(record.evaluations or 0 for record in runs),
            "examples": sum(record.counts.get("examples", 0) for record in runs),
            "seconds": sum(finite(record.seconds) or 0.0 for record in runs),
        }


@dataclass(frozen=True, kw_only=True)
class TunedArm:
    """An optimizer on a problem: its independent tunings, and for each the records that score its choice."""

    task: TuningTask
    choices: tuple[Choice, ...]
    scored: tuple[tuple[TrialRecord, ...], ...]


@dataclass(frozen=True, kw_only=True)
class TuningOutcome:
    """The records of a run by their roles; a record may have several, since equal trials are run once."""

    plain: tuple[TrialRecord, ...]
    arms: tuple[TunedArm, ...]


class TuningPlanner:
    """Plans searches, then scoring. It keeps nothing but caches: all follows from the suite and the records.

    Every tuning gets the same number of trials. The settings that are chosen run with the suite's seeds, each of the
    independent tunings' choices with all of them, among the trials that aren't tuned, so that times compare.
    """

    def __init__(self, plain: Plain, suite: SuiteSpec) -> None:
        """Plan for `suite`, whose `tuning` must be there."""
        if suite.tuning is None:
            raise ValueError("the suite tunes nothing")
        self._plain, self._suite, self._tuning = plain, suite, suite.tuning
        self._searches = [list(self._of(task, suite.tuning)) for task in plain.tasks]
        self._seeds = {
            seed for group in self._searches for search in group if search.task.seeded for seed in search.seeds
        }

    @property
    def expected(self) -> int:
        """How many trials there will be at most."""
        searched = sum(map(len, self._searches)) * self._tuning.trials
        each = self._suite.repetitions * len(self._suite.seeds)
        return searched + len(self._plain.trials) + sum(max(1, len(group)) * each for group in self._searches)

    def is_measured(self, trial: TrialSpec) -> bool:
        """Tell whether a trial's memory is worth a pass: what runs with tuning's own seeds is shown nowhere."""
        return trial.seed not in self._seeds

    def next(self, records: Iterable[TrialRecord]) -> tuple[TrialSpec, ...]:
        """Return the settings to try now, of each search; once all are over, what is to be scored."""
        known = {record.id: record for record in records}
        waiting = [search.course(known).pending for group in self._searches for search in group]
        trials = _alternating(waiting) if any(waiting) else self._interleaved(self._scored_trials(known))
        return tuple({trial.id: trial for trial in trials if trial.id not in known}.values())

    def outcome(self, records: Iterable[TrialRecord]) -> TuningOutcome:
        """Return the records by their roles."""
        known = {record.id: record for record in records}
        return TuningOutcome(
            plain=tuple(known[trial.id] for trial in self._plain.trials if trial.id in known),
            arms=tuple(self._arm(task, known) for task in range(len(self._searches))),
        )

    def _of(self, task: TuningTask, tuning: Tuning) -> Iterator[Search]:
        if not tuning.stored:
            yield from searches(task, tuning, self._suite.seeds)

    def _arm(self, index: int, known: Found) -> TunedArm:
        task = self._plain.tasks[index]
        choices = tuple(self._choices(index, known))
        scored = (self._scoring(task, choice) for choice in choices)
        return TunedArm(
            task=task,
            choices=choices,
            scored=tuple(tuple(known[trial.id] for trial in trials if trial.id in known) for trials in scored),
        )

    def _choices(self, index: int, known: Found) -> Iterator[Choice]:
        if self._tuning.stored:
            task = self._plain.tasks[index]
            recipe = task.trial.recipe
            found = find_stored(self._tuning.stored, task.trial.problem, recipe, task.space)
            if found is not None:
                yield Choice(repeat=0, options=found.options, edge=found.edge, course=None)
        for search in self._searches[index]:
            course = search.course(known)
            edge = search.edge(course) if course.chosen is not None else ()
            yield Choice(repeat=search.repeat, options=course.chosen, edge=edge, course=course)

    def _scored_trials(self, known: Found) -> Iterator[TrialSpec]:
        yield from self._plain.trials
        for index, task in enumerate(self._plain.tasks):
            for choice in self._choices(index, known):
                yield from self._scoring(task, choice)

    def _scoring(self, task: TuningTask, choice: Choice) -> Iterator[TrialSpec]:
        """Yield a choice with every seed and repetition."""
        if choice.options is None:
            return
        trial = replace(task.trial, optimizer=task.with_options(choice.options))
        for repetition in range(self._suite.repetitions):
            for seed in self._suite.seeds if task.seeded else (0,):
                yield replace(trial, seed=seed, repetition=repetition)

    def _interleaved(self, trials: Iterable[TrialSpec]) -> Iterator[TrialSpec]:
        """Bring together what differs in the optimizer only; otherwise keep the order."""
        groups: dict[str, list[TrialSpec]] = {}
        for trial in trials:
            place = [trial.repetition, trial.seed, trial.device, trial.dtype, trial.problem.name, trial.problem.options]
            groups.setdefault(canonical_json(place), []).append(trial)
        for group in sorted(groups.values(), key=lambda group: (group[0].repetition, self._rank(group[0].seed))):
            yield from group

    def _rank(self, seed: int) -> int:
        return self._suite.seeds.index(seed) if seed in self._suite.seeds else -1


def _alternating(waiting: Sequence[Sequence[TrialSpec]]) -> Iterator[TrialSpec]:
    """Yield the first of each, then the second of each, and so on."""
    for index in range(max(map(len, waiting), default=0)):
        yield from (trials[index] for trials in waiting if index < len(trials))
