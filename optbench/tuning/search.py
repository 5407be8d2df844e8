"""One tuning of one optimizer on one problem: a course that follows from its records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from optbench.records import Position, Status, TrialRecord, TrialSpec, Tuning, TuningTask, canonical_json, setting
from optbench.tuning.methods import METHODS, Point, best, edges
from optbench.tuning.quality import Quality, quality

SEEDS_FROM = 1_000_000  # of the first tuning; scoring seeds that lie here are left out

Found = Mapping[str, TrialRecord]


def tuning_seeds(repeat: int, count: int, scoring: Sequence[int]) -> tuple[int, ...]:
    """Return the seeds of a tuning: none of them scores, none belongs to another tuning."""
    first = SEEDS_FROM * (repeat + 1)
    free = (seed for seed in range(first, first + SEEDS_FROM) if seed not in scoring)
    return tuple(next(free) for _ in range(count))


@dataclass(frozen=True)
class Tried:
    """A setting with the records of its trials."""

    point: Point
    options: Mapping[str, Any]
    records: tuple[TrialRecord, ...]


@dataclass(frozen=True, kw_only=True)
class Course:
    """Where a search stands: what was tried, what is to be run next; nothing of both where it can't be run."""

    tried: tuple[Tried, ...]
    pending: tuple[TrialSpec, ...] = ()
    skipped: str = ""  # why its trials can't be run here

    @property
    def chosen(self) -> Mapping[str, Any] | None:
        """The options of the best setting; None before the search is over."""
        if self.pending or not self.tried:
            return None
        found = best([item.point for item in self.tried])
        return next(item.options for item in self.tried if item.point is found)


@dataclass
class Search:
    """Replays a search from the records that there are; keeps what it works out, since it is asked again and again."""

    task: TuningTask
    repeat: int
    tuning: Tuning
    seeds: tuple[int, ...]
    _proposed: dict[tuple[tuple[Position, Quality], ...], list[Position]] = field(default_factory=dict)
    _trials: dict[Position, tuple[TrialSpec, ...]] = field(default_factory=dict)

    def course(self, records: Found) -> Course:
        """Return where the search stands with these records, by trial id."""
        tried: list[Tried] = []
        while batch := self._batch([item.point for item in tried]):
            trials = [self._trials_at(position) for position in batch]
            pending = tuple(trial for group in trials for trial in group if trial.id not in records)
            known = [tuple(records[trial.id] for trial in group if trial.id in records) for group in trials]
            if (why := _skipped(known)) is not None:
                return Course(tried=tuple(tried), skipped=why or "its trials were skipped")
            if pending:
                return Course(tried=tuple(tried), pending=pending)
            tried += map(self._tried, batch, known)
        return Course(tried=tuple(tried))

    def edge(self, course: Course) -> tuple[str, ...]:
        """Return the options whose chosen value is the outermost that was tried, with the side: "lr above"."""
        space = self.task.space
        found = edges(space, [item.point for item in course.tried]) if course.tried else []
        return tuple(f"{space[index].option} {'above' if side > 0 else 'below'}" for index, side in found)

    def _batch(self, tried: list[Point]) -> list[Position]:
        key = tuple((point.position, point.quality) for point in tried)
        if key not in self._proposed:
            method = METHODS[self.tuning.method]
            self._proposed[key] = method(self.task.space, tried, self.tuning.settings, self._name)
        return self._proposed[key]

    @property
    def _name(self) -> str:
        """What random settings follow from: optimizers that are searched alike on a problem are tried alike."""
        return f"{self.repeat} {canonical_json([self.task.trial.problem.name, self.task.trial.problem.options])}"

    def _trials_at(self, position: Position) -> tuple[TrialSpec, ...]:
        if position not in self._trials:
            optimizer = self.task.with_options(setting(self.task.space, position))
            trial = replace(self.task.trial, optimizer=optimizer)
            self._trials[position] = tuple(replace(trial, seed=seed) for seed in self.seeds)
        return self._trials[position]

    def _tried(self, position: Position, records: tuple[TrialRecord, ...]) -> Tried:
        point = Point(position, quality(records, self.task.select))
        return Tried(point, setting(self.task.space, position), records)


def searches(task: TuningTask, tuning: Tuning, scoring: Sequence[int]) -> Iterator[Search]:
    """Yield the independent tunings of a task: one alone where the others could only repeat it."""
    repeats = tuning.repeats if task.seeded or tuning.method != "grid" else 1
    for repeat in range(repeats):
        seeds = tuning_seeds(repeat, tuning.seeds, scoring) if task.seeded else (0,)
        yield Search(task, repeat, tuning, seeds)


def _skipped(groups: Sequence[Sequence[TrialRecord]]) -> str | None:
    """Return why a trial was skipped, None where none was."""
    return next((record.reason for group in groups for record in group if record.status is Status.SKIPPED), None)
