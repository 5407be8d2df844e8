"""The trials of a suite, in the order in which they run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from optbench.records import Entry, Space, SuiteSpec, TrialRecord, TrialSpec, Tuning, TuningTask, Yardstick
from optbench.registry.requirements import meet

if TYPE_CHECKING:
    from optbench.registry import Catalogue


@dataclass(frozen=True)
class _Pair:
    """A problem and a recipe that meet, and what the catalogue says of the two."""

    trial: TrialSpec  # without seed, repetition, device and dtype
    dtype: str | None  # the problem's own
    seeded: bool  # whether other seeds give other trials
    refusal: str | None
    space: Space = ()  # what is tuned
    yardsticks: tuple[Yardstick, ...] = ()  # what its settings are chosen by, and scored by

    @property
    def tuned(self) -> bool:
        """Whether there is anything to tune."""
        return bool(self.space) and self.refusal is None


class SuitePlanner:
    """A plain suite: the product of its entries, decided once; what was measured doesn't change it.

    Of a suite that tunes, these are the trials that aren't tuned, and `tasks` what is to be tuned.

    Order: repetition, seed, device, dtype, problem, then each optimizer in turn, so that the drift of a machine
    spreads over the optimizers and a run that is cut short has compared them all.
    """

    def __init__(self, spec: SuiteSpec, catalogue: Catalogue) -> None:
        """Plan the suite; names must stand in the catalogue (UserError)."""
        self.spec = spec
        self._catalogue = catalogue
        pairs = [
            self._pair(problem, optimizer)
            for problem in spec.problems
            for optimizer in spec.optimizers
            if set(problem.groups) & set(optimizer.groups)
        ]
        planned = {trial.id: (trial, pair.refusal) for trial, pair in self._trials(pairs)}
        self.trials: tuple[TrialSpec, ...] = tuple(trial for trial, refusal in planned.values() if refusal is None)
        self.tasks: tuple[TuningTask, ...] = () if spec.tuning is None else tuple(self._tasks(pairs))
        self.refused: tuple[tuple[TrialSpec, str], ...] = tuple(
            (trial, refusal) for trial, refusal in planned.values() if refusal is not None
        )

    def next(self, records: Iterable[TrialRecord]) -> tuple[TrialSpec, ...]:
        """Return the trials without a record, in order; refused ones never."""
        done = {record.id for record in records}
        return tuple(trial for trial in self.trials if trial.id not in done)

    def _trials(self, pairs: list[_Pair]) -> Iterator[tuple[TrialSpec, _Pair]]:
        """Yield the trials in order; one whose seed doesn't matter comes once for each seed, always with seed 0."""
        spec = self.spec
        for repetition in range(spec.repetitions):
            for seed in spec.seeds:
                for device in spec.devices:
                    for dtype in self._dtypes(pairs):
                        for pair in pairs:
                            if self._meets(pair, dtype) and not (pair.tuned and self._tuned_only):
                                number = seed if pair.seeded else 0
                                yield _placed(pair, number, device, dtype, repetition), pair

    def _tasks(self, pairs: list[_Pair]) -> Iterator[TuningTask]:
        for device in self.spec.devices:
            for dtype in self._dtypes(pairs):
                for pair in pairs:
                    if pair.tuned and self._meets(pair, dtype):
                        select, score = pair.yardsticks
                        trial = _placed(pair, 0, device, dtype, 0)
                        yield TuningTask(trial=trial, space=pair.space, seeded=pair.seeded, select=select, score=score)

    @property
    def _tuned_only(self) -> bool:
        return self.spec.tuning is not None and not self.spec.tuning.untuned

    def _dtypes(self, pairs: list[_Pair]) -> tuple[str, ...]:
        own = (pair.dtype for pair in pairs if pair.dtype is not None)
        return tuple(dict.fromkeys((*self.spec.dtypes, *own)))

    def _meets(self, pair: _Pair, dtype: str) -> bool:
        return dtype == pair.dtype if pair.dtype is not None else dtype in self.spec.dtypes

    def _pair(self, problem: Entry, optimizer: Entry) -> _Pair:
        met = meet(self._catalogue, problem.use, optimizer.use, optimizer.meta_algorithms)
        trial = TrialSpec(
            problem=problem.use,
            optimizer=optimizer.use,
            meta_algorithms=optimizer.meta_algorithms,
            threads=self.spec.threads,
            budget=problem.budget or self.spec.budget,
        )
        return _Pair(
            trial=trial,
            dtype=problem.dtype,
            seeded=met.depends_on_seed,
            refusal=met.refusal,
            space=() if self.spec.tuning is None else optimizer.space,
            yardsticks=() if self.spec.tuning is None else _yardsticks(problem, self.spec.tuning),
        )


def _yardsticks(problem: Entry, tuning: Tuning) -> tuple[Yardstick, Yardstick]:
    return problem.select or tuning.select, problem.score or tuning.score


def _placed(pair: _Pair, seed: int, device: str, dtype: str, repetition: int) -> TrialSpec:
    return replace(pair.trial, seed=seed, device=device, dtype=dtype, repetition=repetition)
